"""What a docstring says of a function and its parameters: Google's, NumPy's and Sphinx's conventions."""
import inspect
import re
from typing import Dict, List, NamedTuple, Optional

_GOOGLE_PARAMETERS = ("Args", "Arguments", "Parameters", "Params", "Keyword Args", "Keyword Arguments", "Other Parameters")
_GOOGLE_END = re.compile(r"(?:Returns|Return|Yields|Raises):[ \t]*")
_GOOGLE_SECTION = re.compile(r"(%s):[ \t]*" % "|".join(_GOOGLE_PARAMETERS))
_GOOGLE_ITEM = re.compile(r"\*{0,2}(\w+)[ \t]*(?:\([^()]*(?:\([^()]*\)[^()]*)*\))?[ \t]*:(?:[ \t]+|$)(.*)")
_NUMPY_PARAMETERS = ("Parameters", "Other Parameters")
_SPHINX_FIELD = re.compile(r":(\w+)[ \t]*([^:]*):[ \t]*(.*)")


class Docs(NamedTuple):
    description: str
    parameters: Dict[str, str]
    returns: Optional[str]


def parse(docstring: Optional[str]) -> Docs:
    """All of it in the order of lines: text before the first section is the description."""
    lines = inspect.cleandoc(docstring or "").splitlines()
    for read in (_numpy, _sphinx, _google):
        docs = read(lines)
        if docs is not None:
            return docs
    return Docs("\n".join(lines).strip(), {}, None)


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _one_line(lines: List[str]) -> str:
    return " ".join(line.strip() for line in lines if line.strip())


def _block(lines: List[str]) -> List[str]:
    """Up to what stands at the margin behind an empty line: another section, or prose."""
    for i in range(1, len(lines)):
        if lines[i] and _indent(lines[i]) == 0 and not lines[i - 1].strip():
            return lines[:i]
    return lines


def _google(lines: List[str]) -> Optional[Docs]:
    starts = [i for i, line in enumerate(lines) if _GOOGLE_SECTION.fullmatch(line) or _GOOGLE_END.match(line)]
    if not starts:
        return None
    parameters: Dict[str, str] = {}
    returns = None
    for start, end in zip(starts, starts[1:] + [len(lines)]):
        body = _block(lines[start + 1 : end])
        if _GOOGLE_SECTION.fullmatch(lines[start]):
            parameters.update(_google_items(body))
        elif lines[start].startswith("Return") and returns is None:
            first = _GOOGLE_END.sub("", lines[start], count=1)
            returns = "\n".join(([first] if first else []) + body).strip() or None
    return Docs("\n".join(lines[: starts[0]]).strip(), parameters, returns)


def _google_items(body: List[str]) -> Dict[str, str]:
    items: Dict[str, List[str]] = {}
    depth, current = None, None
    for line in body:
        if not line.strip():
            continue
        found = _GOOGLE_ITEM.fullmatch(line.strip()) if depth is None or _indent(line) <= depth else None
        if found:
            depth = _indent(line)
            current = items.setdefault(found.group(1), [])
            current.append(found.group(2))
        elif current is not None:
            current.append(line)
    return {name: _one_line(text) for name, text in items.items()}


def _numpy(lines: List[str]) -> Optional[Docs]:
    starts = [i for i in range(len(lines) - 1) if lines[i].strip() and re.fullmatch(r"\s*-{3,}\s*", lines[i + 1])]
    if not starts:
        return None
    parameters: Dict[str, str] = {}
    returns = None
    for start, end in zip(starts, starts[1:] + [len(lines)]):
        title, body = lines[start].strip(), lines[start + 2 : end]
        if title in _NUMPY_PARAMETERS:
            parameters.update(_numpy_items(body))
        elif title == "Returns":
            about = [line for line in body if _indent(line) > 0]
            returns = _one_line(about or body) or None
    return Docs("\n".join(lines[: starts[0]]).strip(), parameters, returns)


def _numpy_items(body: List[str]) -> Dict[str, str]:
    items: Dict[str, List[str]] = {}
    names: List[str] = []
    for line in body:
        if line.strip() and _indent(line) == 0:  # "a, b : int, optional"
            names = [name.strip().lstrip("*") for name in line.split(":", 1)[0].split(",")]
            items.update((name, []) for name in names)
        else:
            for name in names:
                items[name].append(line)
    return {name: _one_line(text) for name, text in items.items()}


def _sphinx(lines: List[str]) -> Optional[Docs]:
    starts = [i for i, line in enumerate(lines) if _indent(line) == 0 and _SPHINX_FIELD.fullmatch(line)]
    if not any(re.match(r":(param|parameter|arg|argument|key|keyword|returns?|type)\b", lines[i]) for i in starts):
        return None
    parameters: Dict[str, str] = {}
    returns = None
    for start, end in zip(starts, starts[1:] + [len(lines)]):
        kind, subject, first = _SPHINX_FIELD.fullmatch(lines[start]).groups()
        text = _one_line([first] + _block(lines[start + 1 : end]))
        if kind in ("param", "parameter", "arg", "argument", "key", "keyword") and subject:
            parameters[subject.split()[-1].lstrip("*\\")] = text  # ":param int count:" too
        elif kind in ("return", "returns"):
            returns = text or None
    return Docs("\n".join(lines[: starts[0]]).strip(), parameters, returns)
