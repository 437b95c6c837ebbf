"""include/gemma4/README.md lists every public name of the headers, and no other."""
import re

from conftest import ROOT

FOLDER = ROOT / "include" / "gemma4"
NAME = re.compile(r"(?:(?:class|struct|enum class) (\w+)\b(?=.*\{)|using (\w+) =|inline constexpr \S+ (\w+)|#define (\w+)"
                  r"|(?!template|return|namespace)\w[\w:<>,& *]*?[ &*](\w+)\()")


def names_of(header):
    """In the order in which they stand, each once."""
    names = {}
    for line in header.read_text().splitlines():
        found = NAME.match(line)
        if found:
            names[next(filter(None, found.groups()))] = None
    return list(names)


def test_the_list_of_names():
    listed = dict(re.findall(r"^\| `([\w.]+)` \| (.*) \|$", (FOLDER / "README.md").read_text(), re.M))
    headers = {path.name.replace(".in", ""): names_of(path) for path in FOLDER.glob("*.h*")}
    expected = {name: ", ".join("`%s`" % n for n in names) for name, names in headers.items() if names}
    for name in sorted(expected | listed):
        assert listed.get(name) == expected.get(name), "include/gemma4/README.md, %s: | `%s` | %s |" % (name, name, expected.get(name))


def test_public_types_have_comments():
    for path in FOLDER.glob("*.h"):
        lines = path.read_text().splitlines()
        for i, line in enumerate(lines):
            if re.match(r"(class|struct|enum class) \w+.*\{", line):
                above = lines[i - 2 if lines[i - 1].startswith("template") else i - 1]
                assert above.startswith("///"), "%s:%d: a type without a comment" % (path.name, i + 1)
