"""The program that capi/README.md shows is the one that opens gemma4_c.h, compiles without a warning and answers.

usage: readme.py C_COMPILER LIBRARY SOURCE_FOLDER WORK_FOLDER
"""
import os
import pathlib
import re
import subprocess
import sys


def main():
    compiler, library, source, work = sys.argv[1:5]
    source = pathlib.Path(source)
    shown = re.search(r"```c\n(.*?)```", (source / "capi/README.md").read_text(), re.S).group(1)
    header = (source / "capi/gemma4_c.h").read_text()
    opening = re.search(r"(//   #include <gemma4_c.h>\n.*?//   }\n)//\n// Conventions", header, re.S).group(1)
    if re.sub(r"(?m)^//(   )?", "", opening) != shown:
        raise SystemExit("the program in capi/README.md is not the one in gemma4_c.h")
    program = pathlib.Path(work) / "readme.c"
    program.write_text(shown)
    folder = os.path.dirname(os.path.abspath(library))
    binary = str(program.with_suffix(""))
    subprocess.run([compiler, "-std=c99", "-pedantic", "-Wall", "-Wextra", "-Wshadow", "-Werror", str(program), f"-I{source}/capi",
                    library, f"-Wl,-rpath,{folder}", "-o", binary], check=True)
    printed = subprocess.run([binary], cwd=source, check=True, capture_output=True, text=True).stdout
    if printed != "42":
        raise SystemExit(f"expected 42, got {printed!r}")


if __name__ == "__main__":
    main()
