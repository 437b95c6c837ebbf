"""What libgemma4_c.so exports and needs: exactly the declared functions, in one version; no C++, no oneDNN.

usage: symbols.py LIBRARY HEADER_FOLDER [sanitized]
"""
import re
import subprocess
import sys

import prototypes

NEEDED = re.compile(r"lib(c|m|gcc_s|simdjson|dl|pthread)\.so\.\d+|ld-linux.*")


def output(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def main():
    library, folder = sys.argv[1:3]
    wrong = []
    exported = set()
    for line in output("nm", "-D", "--defined-only", library).splitlines():
        kind, name = line.split()[-2:]
        if kind == "A":  # the name of the version itself
            continue
        exported.add(name)
    declared = {name + "@@GEMMA4_1" for name in prototypes.prototypes(folder)}
    wrong += [f"declared, but not exported: {name}" for name in sorted(declared - exported)]
    wrong += [f"exported, but not declared: {name}" for name in sorted(exported - declared)]
    dynamic = output("readelf", "-dW", library)
    if "[libgemma4_c.so.1]" not in dynamic:
        wrong.append("SONAME is not libgemma4_c.so.1")
    if "NODELETE" not in dynamic:
        wrong.append("the library can be unloaded")
    if "TEXTREL" in dynamic:
        wrong.append("there are text relocations")
    if len(sys.argv) < 4:  # a sanitizer brings libraries of its own
        for needed in re.findall(r"\(NEEDED\).*\[(.*)\]", dynamic):
            if not NEEDED.fullmatch(needed):
                wrong.append(f"needs {needed}")
    if wrong:
        raise SystemExit("\n".join(wrong))
    print(f"{len(declared)} functions")


if __name__ == "__main__":
    main()
