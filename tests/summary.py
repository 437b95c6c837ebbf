#!/usr/bin/env python3
"""Sum the results in a folder: names of what failed and what was skipped, then "N passed, N failed, N skipped".

usage: summary.py FOLDER

FOLDER/NAME.xml are JUnit files of ctest or pytest; FOLDER/*.tsv hold lines "passed|failed|skipped TAB name TAB why". A test that
says "partly skipped: WHAT" in its output counts as passed; WHAT is listed. The status is 0 when something passed and none failed.
"""
import pathlib
import re
import sys
import xml.etree.ElementTree as ElementTree

REASON = re.compile(r"MESSAGE: skipped: (?:.*\()?([^()\n]*)")
PARTLY = re.compile(r"\bpartly skipped: (.*)")


def junit_cases(path):
    """(outcome, name, why) of every test in a JUnit file, and the set of partly skipped things."""
    cases, partly = [], set()
    for case in ElementTree.parse(path).getroot().iter("testcase"):
        name = "%s: %s" % (path.stem, "::".join(filter(None, (case.get("classname"), case.get("name")))))
        if case.get("classname") == case.get("name"):  # ctest repeats it
            name = "%s: %s" % (path.stem, case.get("name"))
        output = "".join(node.text or "" for node in case.iter("system-out"))
        partly.update("%s: %s" % (path.stem, what) for what in PARTLY.findall(output))
        skipped = case.find("skipped")
        if skipped is not None or case.get("status") in ("notrun", "disabled"):
            reason = REASON.search(output)
            why = reason.group(1) if reason else (skipped.get("message") or "" if skipped is not None else "")
            not_skipped = case.get("status") == "notrun" and not reason and "SKIP" not in why.upper()
            cases.append(("failed" if not_skipped else "skipped", name, why))
        elif case.find("failure") is not None or case.find("error") is not None or case.get("status") == "fail":
            cases.append(("failed", name, ""))
        else:
            cases.append(("passed", name, ""))
    return cases, partly


def main():
    cases, partly = [], set()
    folder = pathlib.Path(sys.argv[1])
    for path in sorted(folder.glob("*.xml")):
        found, parts = junit_cases(path)
        cases += found
        partly |= parts
    for path in sorted(folder.glob("*.tsv")):
        cases += [tuple(line.split("\t", 2)) for line in path.read_text().splitlines()]

    for outcome in ("skipped", "failed"):
        for kind, name, why in cases:
            if kind == outcome:
                print("%s: %s%s" % (outcome, name, " (%s)" % why if why else ""))
        if outcome == "skipped":
            for what in sorted(partly):
                print("partly skipped: " + what)
    count = {outcome: sum(kind == outcome for kind, _, _ in cases) for outcome in ("passed", "failed", "skipped")}
    print("%(passed)d passed, %(failed)d failed, %(skipped)d skipped" % count)
    sys.exit(0 if count["passed"] and not count["failed"] else 1)


if __name__ == "__main__":
    main()
