#!/usr/bin/env bash
# Installs what is missing (apt), builds the library and the gemma4 program, and lets the bundled model answer a question.
#
# usage: examples/quickstart.sh [QUESTION]
set -euo pipefail
cd "$(dirname "$0")/.."
. cmake/debian.sh

question=${1:-"What is 17 + 25?"}
mkdir -p build
log=$PWD/build/quickstart.log
: > "$log"

need_packages "$log" g++ cmake ninja-build libdnnl-dev libxsimd-dev libsimdjson-dev libcli11-dev

say "building into build/"
configure=(cmake -S . -B build -DCMAKE_BUILD_TYPE=Release -DGEMMA4_BUILD_CLI=ON -DGEMMA4_BUILD_EXAMPLES=OFF -DGEMMA4_BUILD_C=OFF)
if [ ! -e build/CMakeCache.txt ]; then configure+=(-G Ninja); fi
quietly "$log" "${configure[@]}"
quietly "$log" cmake --build build --parallel "$(nproc)"

say "asking examples/nano/model: $question"
build/examples/cli/gemma4 generate examples/nano/model --temperature 0 -p "$question"
