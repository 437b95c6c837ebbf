#!/usr/bin/env bash
# Compares a libgemma4_c with debug information with the baseline. Functions may have been added; everything else is an
# error. Status 77: abidiff is not here.
# usage: check.sh LIBRARY
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
command -v abidiff > /dev/null || { echo "skipped: abidiff (Debian: abigail-tools)"; exit 77; }
status=0
abidiff --headers-dir2 "$here/.." --drop-private-types "$here/gemma4_c.abi" "$1" || status=$?
# Bits: 1 error, 2 usage, 4 change, 8 incompatible change. An addition is a change that is compatible.
if [ $((status & 11)) != 0 ]; then exit 1; fi
if [ $((status & 4)) != 0 ]; then
  changed=$(abidiff --headers-dir2 "$here/.." --drop-private-types --no-added-syms "$here/gemma4_c.abi" "$1" || true)
  if [ -n "$(grep -E '^Functions changes summary' <<< "$changed" | grep -v ' 0 Removed, 0 Changed')" ]; then exit 1; fi
fi
