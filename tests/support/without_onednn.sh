#!/usr/bin/env bash
# usage: without_onednn.sh PYTHON MODEL: the gemma4 that PYTHON has answers in a process that can open no libdnnl but its own,
# and takes nothing from the system that a bare one lacks.
set -euo pipefail
python=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")  # not through links: a virtual environment's python is one
model=$(realpath "$2")
folder=$(mktemp -d)
trap 'rm -r "$folder"' EXIT

# Opening a system's libdnnl fails as where there is none.
cat > "$folder/refuse.c" <<'END'
#define _GNU_SOURCE
#include <dlfcn.h>
#include <string.h>
void* dlopen(const char* name, int flags) {
  static void* (*real)(const char*, int);
  if (real == 0) *(void**)&real = dlsym(RTLD_NEXT, "dlopen");
  return real(name != 0 && strstr(name, "dnnl") != 0 ? "/nowhere/libdnnl.so" : name, flags);
}
END
cc -shared -fPIC -o "$folder/refuse.so" "$folder/refuse.c" -ldl

cd "$folder"
LD_PRELOAD=$folder/refuse.so "$python" - "$model" <<'END'
import re
import sys

import gemma4

for compute in ("auto", "f32"):
    with gemma4.Model(sys.argv[1], compute=compute) as model:
        assert gemma4.Chat(model, sampler=gemma4.Sampler(temperature=0.0)).send("What is 17 + 25?").text == "42"
mapped = {line.split()[-1] for line in open("/proc/self/maps") if ".so" in line}
foreign = sorted(path for path in mapped if re.search("dnnl|simdjson|gomp", path) and "/gemma4" not in path)
assert not foreign, foreign
print("42, with", sorted(path.rsplit("/", 1)[-1] for path in mapped if "/gemma4" in path))
END
