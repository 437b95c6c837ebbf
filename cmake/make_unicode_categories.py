"""Writes src/grammar/unicode_categories.inc: the general categories by runs of code points.

From unicodedata2 where it is installed (a newer Unicode), else Python's unicodedata.

usage: python3 cmake/make_unicode_categories.py > src/grammar/unicode_categories.inc
"""
import sys

try:
    import unicodedata2 as unicodedata
except ImportError:
    import unicodedata

NAMES = ["Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Me", "Nd", "Nl", "No", "Pc", "Pd", "Ps", "Pe", "Pi", "Pf", "Po",
         "Sm", "Sc", "Sk", "So", "Zs", "Zl", "Zp", "Cc", "Cf", "Cs", "Co", "Cn"]

runs, last = [], None
for code in range(sys.maxunicode + 1):
    category = unicodedata.category(chr(code))
    if category != last:
        runs.append("0x%X" % (code << 5 | NAMES.index(category)))
    last = category

print("// Written by cmake/make_unicode_categories.py from Unicode %s: first code point << 5 | index of the category, of" %
      unicodedata.unidata_version)
print("// every run of code points of one category.")
line = ""
for run in runs:
    if len(line) + len(run) + 2 > 118:
        print(line.rstrip())
        line = ""
    line += run + ", "
print(line.rstrip())
