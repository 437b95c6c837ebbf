# Sourced by tests/run.sh: what --all adds. Uses its functions and variables.
. tests/consumers/run.sh

# The same parity tests on the kernels of lesser CPUs.
test_other_isas() {
  local isa
  for isa in baseline avx2; do
    if [ $isa = avx2 ] && ! grep -qw avx2 /proc/cpuinfo; then
      record skipped "parity on $isa" "this CPU lacks it"
      continue
    fi
    say "parity on the $isa kernels"
    GEMMA4_FORCE_ISA=$isa run_ctest "isa-$isa" "$build" -L parity
  done
}

# The library without oneDNN.
test_without_onednn() {
  say "building without oneDNN into build-plain/"
  build_tests build-plain -DCMAKE_BUILD_TYPE=Release -DGEMMA4_ONEDNN=OFF -DGEMMA4_BUILD_EXAMPLES=OFF -DGEMMA4_BUILD_CLI=OFF || return 0
  say "running the tests without oneDNN"
  run_ctest plain build-plain -L "unit|property|parity"
}

test_under_asan() {
  say "building for AddressSanitizer and UndefinedBehaviorSanitizer into build-asan-ubsan/"
  build_tests build-asan-ubsan --preset asan-ubsan -DGEMMA4_BUILD_EXAMPLES=OFF || return 0
  say "running the tests under AddressSanitizer and UndefinedBehaviorSanitizer"
  ASAN_OPTIONS=detect_leaks=1:strict_string_checks=1 UBSAN_OPTIONS=print_stacktrace=1 \
    run_ctest asan-ubsan build-asan-ubsan -L "unit|property"
}

test_fuzz() {
  say "fuzzing the parsers under both"
  run_ctest fuzz build-asan-ubsan -L fuzz
}

test_under_tsan() {
  say "building for ThreadSanitizer into build-tsan/"
  GEMMA4_TARGETS="gemma4_unit_tests gemma4_property_tests gemma4_parity_checkpoints" \
    build_tests build-tsan --preset tsan -DGEMMA4_BUILD_EXAMPLES=OFF -DGEMMA4_BUILD_CLI=OFF || return 0
  say "running the threaded tests under ThreadSanitizer"
  # oneDNN and libgomp are not instrumented.
  TSAN_OPTIONS="ignore_noninstrumented_modules=1 second_deadlock_stack=1" \
    run_ctest tsan build-tsan -L "unit|property" -R "thread|cancel|pool|turn|moved"
}

# src/matmul/onednn.cpp against the headers of oneDNN 3.
test_onednn_3() {
  say "compiling against oneDNN 3"
  local include
  if ! quietly "$log" "$venv/bin/pip" install --disable-pip-version-check --no-deps --target "$build/onednn-3" onednn-devel; then
    record failed "compile against oneDNN 3: onednn-devel did not install"
    return 0
  fi
  include=$(find "$build/onednn-3" -name dnnl.hpp -path '*oneapi/dnnl*' | head -n 1)
  include=${include%/oneapi/dnnl/dnnl.hpp}
  check "compile against oneDNN 3" g++ -std=c++20 -fsyntax-only -Wall -Wextra -fopenmp -DGEMMA4_WITH_ONEDNN -DGEMMA4_ONEDNN_OPENMP \
    -Isrc -Iinclude "-I$include" src/matmul/onednn.cpp
}

# `pip install .` as a user has it: its own environment, nothing reused.
test_pip_install() {
  say "pip install . into a fresh environment"
  rm -rf "$build/venv-fresh"
  check "pip install ." bash -c 'python3 -m venv "$0" && "$0/bin/pip" install --disable-pip-version-check . &&
    "$0/bin/python" examples/hello.py examples/nano/model' "$build/venv-fresh"
}

test_all() {
  test_consumers
  test_other_isas
  test_onednn_3
  test_pip_install
  test_without_onednn
  test_under_asan
  test_fuzz
  test_under_tsan
}
