#!/usr/bin/env bash
# Installs what the tests need (apt, and PyPI into build-tests/venv), builds, and runs the tests.
#
# usage: tests/run.sh [--all]      --all adds what takes longer: sanitizers, fuzzing, other builds (tests/all.sh)
#
# Ends with what was skipped, by name, and a line "N passed, N failed, N skipped"; the status is 0 when none failed.
# GEMMA4_TEST_DATA may name a folder of test vectors; tests that need it are skipped without.
set -euo pipefail
cd "$(dirname "$0")/.."
. cmake/debian.sh

build=build-tests
results=$PWD/$build/results
log=$PWD/$build/run.log
venv=$PWD/$build/venv
. tests/all.sh

# record passed|failed|skipped NAME [WHY]: a result that no test runner writes down.
record() { printf '%s\t%s\t%s\n' "$1" "$2" "${3:-}" >> "$results/recorded.tsv"; }

# check NAME COMMAND...: a test of one command.
check() {
  local name=$1
  shift
  if quietly "$log" "$@"; then record passed "$name"; else record failed "$name"; fi
}

install_packages() {
  local python=()
  # Any python3 with venv and headers will do; else Debian's.
  python3 -c 'import ensurepip, os, sysconfig; os.stat(sysconfig.get_path("include") + "/Python.h")' 2> /dev/null ||
    python=(python3 python3-venv python3-dev)
  need_packages "$log" g++ cmake ninja-build ccache libdnnl-dev libxsimd-dev libsimdjson-dev libcli11-dev \
    doctest-dev libeigen3-dev xz-utils ca-certificates ${python[@]+"${python[@]}"}
}

make_venv() {
  local packages=(numpy pytest pybind11 scikit-build-core gguf jinja2 jsonschema mypy pydantic)
  if [ "$(cat "$venv/complete" 2> /dev/null)" = "${packages[*]}" ]; then return 0; fi
  say "installing from PyPI into $build/venv: ${packages[*]}"
  rm -rf "$venv"
  quietly "$log" python3 -m venv "$venv"
  quietly "$log" "$venv/bin/pip" install --disable-pip-version-check "${packages[@]}"
  echo "${packages[*]}" > "$venv/complete"
}

# build_tests DIR CMAKE_ARGUMENT...: configures and builds DIR; GEMMA4_TARGETS names targets other than all.
build_tests() {
  local dir=$1 configure generator=()
  shift
  if [ ! -e "$dir/CMakeCache.txt" ]; then generator=(-G Ninja); fi
  configure=(cmake -S . -B "$dir" ${generator[@]+"${generator[@]}"} -DGEMMA4_BUILD_TESTS=ON "-DPython3_EXECUTABLE=$venv/bin/python")
  if command -v ccache > /dev/null; then configure+=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache); fi
  # shellcheck disable=SC2086
  if quietly "$log" "${configure[@]}" "$@" &&
     quietly "$log" cmake --build "$dir" --parallel "$(nproc)" --target ${GEMMA4_TARGETS:-all}; then
    return 0
  fi
  record failed "build of $dir"
  return 1
}

# run_ctest NAME DIR CTEST_ARGUMENT...
run_ctest() {
  local name=$1 dir=$2
  shift 2
  ctest --test-dir "$dir" --parallel "$(nproc)" --output-on-failure --progress --output-junit "$results/$name.xml" "$@" \
    > "$dir/ctest-$name.log" 2>&1 || { tail -n 100 "$dir/ctest-$name.log"; true; }
  if [ ! -s "$results/$name.xml" ]; then record failed "$name: ctest wrote no results"; fi
}

test_cpp() {
  say "building into $build/"
  build_tests "$build" -DCMAKE_BUILD_TYPE=Release || return 0
  say "running the tests of the library and the program"
  run_ctest cpp "$build"
}

test_python() {
  say "building and installing the Python module into $build/venv"
  local pip=("$venv/bin/pip" install --disable-pip-version-check --no-build-isolation --no-deps --force-reinstall)
  local environment=(env)
  # The compiler by the name that CMake found it under, so that ccache knows the library's objects again.
  if command -v ccache > /dev/null; then environment+=(CMAKE_CXX_COMPILER_LAUNCHER=ccache "CXX=$(command -v c++)"); fi
  if ! quietly "$log" "${environment[@]}" "${pip[@]}" "--config-settings=build-dir=$PWD/$build/wheel" .; then
    record failed "pip install ."
    return 0
  fi
  say "running the Python tests"
  "$venv/bin/python" -m pytest tests/python -q --junitxml "$results/python.xml" > "$build/pytest.log" 2>&1 ||
    { tail -n 100 "$build/pytest.log"; true; }
  if [ ! -s "$results/python.xml" ]; then record failed "python: pytest wrote no results"; fi
}

main() {
  local all=no
  case "${1:-}" in
    "") ;;
    --all) all=yes ;;
    *) echo "usage: tests/run.sh [--all]" >&2; exit 2 ;;
  esac
  mkdir -p "$build"
  rm -rf "$results"
  mkdir "$results"
  : > "$log"
  install_packages
  make_venv
  test_cpp
  test_python
  if [ $all = yes ]; then test_all; fi
  "$venv/bin/python" tests/summary.py "$results"
}

main "$@"
