#!/usr/bin/env bash
# Makes the baseline that the tests hold libgemma4_c.so to: gemma4_c.abi (by abidw, of Debian's abigail-tools) and a copy of
# the headers. To be run when a release has added functions; never to get a test through that says something has changed.
#
# usage: capi/abi/update.sh BUILD_FOLDER      (configured with GEMMA4_BUILD_C)
set -euo pipefail
cd "$(dirname "$0")/../.."
build=$1
cmake --build "$build" --target gemma4_c_described
capi/abi/describe.sh "$build/capi/described/libgemma4_c.so" > capi/abi/gemma4_c.abi
rm -rf capi/abi/include
mkdir -p capi/abi/include/gemma4_c
cp capi/gemma4_c.h capi/abi/include/
cp capi/gemma4_c/*.h capi/abi/include/gemma4_c/
