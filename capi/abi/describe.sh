#!/usr/bin/env bash
# Writes the ABI of a libgemma4_c with debug information: its functions and the types they use.
# usage: describe.sh LIBRARY
set -euo pipefail
cd "$(dirname "$0")/.."
abidw --no-show-locs --no-corpus-path --no-comp-dir-path --type-id-style hash --drop-undefined-syms \
  --exported-interfaces-only --headers-dir . --drop-private-types "$1" |
  sed -E "s,path='[^']*/capi/src/,path='capi/src/,"
