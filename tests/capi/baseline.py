"""The headers of today against those of the baseline (capi/abi/include): every function is there as it was, every enumerator
has its number. What is new is listed.

usage: baseline.py BASELINE_HEADERS HEADERS
"""
import re
import sys

import prototypes


def enumerators(folder):
    found = {}
    for header in prototypes.headers(folder):
        text = re.sub(r"//[^\n]*", "", header.read_text())
        for body in re.findall(r"\benum\s*\{(.*?)\}", text, re.S):
            for name, value in re.findall(r"(\w+)\s*=\s*(-?\d+)", body):
                found[name] = int(value)
            if len(re.findall(r"(\w+)\s*=", body)) != len([e for e in body.split(",") if e.strip()]):
                raise SystemExit(f"{header}: an enumerator without a number of its own: {body}")
    return found


def typedefs(folder):
    found = {}
    for header in prototypes.headers(folder):
        text = " ".join(re.sub(r"//[^\n]*", "", header.read_text()).split())
        for callback, name in re.findall(r"typedef ([^;]*?\(\*(\w+)\)\([^;]*\));", text):
            found[name] = callback
        for kind, name in re.findall(r"typedef (?:struct )?(\w+) (\w+);", text):
            found[name] = kind
    return found


def main():
    baseline, today = sys.argv[1:3]
    wrong, new = [], []
    for what, read in (("function", prototypes.prototypes), ("enumerator", enumerators), ("type", typedefs)):
        before, now = read(baseline), read(today)
        if not before:
            raise SystemExit(f"{baseline}: no {what} found")
        for name, value in before.items():
            if name not in now:
                wrong.append(f"{what} {name} is gone")
            elif what == "function" and [k for k, _ in now[name][1]] + [now[name][0]] != [k for k, _ in value[1]] + [value[0]]:
                wrong.append(f"function {name} takes or returns something else: {now[name]}, was {value}")
            elif what != "function" and now[name] != value:
                wrong.append(f"{what} {name} is {now[name]}, was {value}")
        new += [f"{what} {name}" for name in now if name not in before]
    if wrong:
        raise SystemExit("\n".join(wrong))
    print("new since the baseline: " + (", ".join(new) if new else "nothing"))


if __name__ == "__main__":
    main()
