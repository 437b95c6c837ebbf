#!/usr/bin/env bash
# Runs the example of one language against an installed libgemma4_c and prints what the program prints.
# Status 77: the language's tools are not here.
#
# usage: foreign.sh c|ctypes|luajit|ruby|java|go|rust PREFIX MODEL_FOLDER WORK_FOLDER
set -euo pipefail
language=$1 prefix=$(cd "$2" && pwd) model=$(cd "$3" && pwd)
mkdir -p "$4"
work=$(cd "$4" && pwd)
cd "$(dirname "$0")/../../examples"
libraries=$(dirname "$(find "$prefix" -name 'libgemma4_c.so.1' | head -n 1)")
export LD_LIBRARY_PATH=$libraries PKG_CONFIG_PATH=$libraries/pkgconfig

need() {
  for tool in "$@"; do
    command -v "$tool" > /dev/null || { echo "skipped: no $tool"; exit 77; }
  done
}

case $language in
  c)
    need cc pkg-config
    # shellcheck disable=SC2046
    cc -std=c99 -pedantic -Wall -Wextra -Werror c/embed.c $(pkg-config --cflags --libs gemma4_c) -o "$work/embed_c"
    "$work/embed_c" "$model"
    ;;
  ctypes)
    need python3
    python3 ctypes/embed.py "$model"
    ;;
  luajit)
    need luajit
    luajit luajit/embed.lua "$model"
    ;;
  ruby)
    need ruby
    ruby -rfiddle -e '' 2> /dev/null || { echo "skipped: no fiddle"; exit 77; }
    ruby ruby/embed.rb "$model"
    ;;
  java)
    need javac java
    jna=/usr/share/java/jna.jar
    [ -e $jna ] || { echo "skipped: no $jna (Debian: libjna-java)"; exit 77; }
    javac -cp $jna -d "$work/java" java/Embed.java
    java -cp "$jna:$work/java" "-Djna.library.path=$libraries" Embed "$model"
    ;;
  go)
    need go pkg-config
    GO111MODULE=off GOCACHE=$work/go-cache GOFLAGS= go build -o "$work/embed_go" go/embed.go
    "$work/embed_go" "$model"
    ;;
  rust)
    need rustc
    rustc --edition 2021 -L "native=$libraries" -o "$work/embed_rust" rust/embed.rs
    "$work/embed_rust" "$model"
    ;;
  *)
    echo "usage: foreign.sh c|ctypes|luajit|ruby|java|go|rust PREFIX MODEL_FOLDER WORK_FOLDER" >&2
    exit 2
    ;;
esac
