"""Short sentences for calls with wrong arguments: pybind11's own quote every argument, however long."""
import ast
import functools
import inspect
import re
from typing import Any, Callable, Dict, List, Tuple


def clear(function: Any, name: str) -> Callable[..., Any]:
    """`function`, a pybind11 function or method, with a TypeError that says which argument is wrong."""

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except TypeError as error:
            if "incompatible" not in str(error):
                raise
            message = _explained(name, function.__doc__, args, kwargs)
        raise TypeError(message)

    setattr(call, "__signature__", _inspectable(function.__doc__))
    return call


def _explained(name: str, doc: str, args: Tuple[Any, ...], kwargs: Dict[str, Any]) -> str:
    positional, keyword, types, defaults = _signature(doc)
    given = args[1:] if positional[:1] == ["self"] else args
    takes = [key for key in positional if key != "self"]
    if len(given) > len(takes):
        named = ", ".join(key + "=" for key in keyword)
        return "%s() takes %d arguments without a name, got %d%s" % (name, len(takes), len(given), "; by name: " + named if named else "")
    for key in kwargs:
        if key not in takes + keyword:
            return "%s() got an unexpected keyword argument '%s'; it takes: %s" % (name, key, ", ".join(takes + keyword))
        if key in takes[: len(given)]:
            return "%s() got two values for '%s'" % (name, key)
    missing = [key for key in takes + keyword if key not in defaults and key not in kwargs and key not in takes[: len(given)]]
    if missing:
        return "%s() is missing '%s'" % (name, missing[0])
    for key, value in [*zip(takes, given), *kwargs.items()]:
        if not _fits(types[key], value):
            return "%s(): %s: expected %s, got %s" % (name, key, types[key], _shown(value))
    return "%s(): expected %s" % (name, ", ".join("%s: %s" % (key, types[key]) for key in takes + keyword))


def _inspectable(doc: str) -> inspect.Signature:
    """For help() and for editors."""
    positional, keyword, types, defaults = _signature(doc)
    parameters = []
    for names, kind in ((positional, inspect.Parameter.POSITIONAL_OR_KEYWORD), (keyword, inspect.Parameter.KEYWORD_ONLY)):
        for key in names:
            default = ast.literal_eval(defaults[key]) if key in defaults else inspect.Parameter.empty
            parameters.append(inspect.Parameter(key, kind, default=default))
    if "**kwargs" in doc.splitlines()[0]:
        parameters.append(inspect.Parameter("options", inspect.Parameter.VAR_KEYWORD))
    return inspect.Signature(parameters)


def _signature(doc: str) -> Tuple[List[str], List[str], Dict[str, str], Dict[str, str]]:
    """Of the first line: names that may go without theirs, names that may not; types and defaults as text."""
    line = doc.splitlines()[0]
    inside = line[line.index("(") + 1 : line.rindex(")")]
    positional: List[str] = []
    keyword: List[str] = []
    types: Dict[str, str] = {}
    defaults: Dict[str, str] = {}
    names = positional
    for part in re.split(r", (?![^\[(]*[\])])", inside):
        if part.startswith("*"):
            names = keyword
            continue
        key, _, rest = part.partition(": ")
        kind, _, default = rest.partition(" = ")
        names.append(key)
        types[key] = re.sub(r"\b(?:gemma4\.)?_gemma4\.", "gemma4.", kind)
        if default == "None" and "None" not in types[key]:
            types[key] += " or None"
        if default:
            defaults[key] = default
    return positional, keyword, types, defaults


def _fits(kind: str, value: Any) -> bool:
    """As far as the names of types tell."""
    names = [name.strip() for name in re.split(r"\||\bor\b|Optional\[|Union\[|,|\]", kind) if name.strip()]
    of_value = {cls.__name__ for cls in type(value).__mro__} | {"None" if value is None else "object"}
    if isinstance(value, int):
        of_value.add("float")
    return any(name.rsplit(".", 1)[-1] in of_value or name == "object" for name in names)


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else "%s (%s)" % (text[:57] + "...", type(value).__name__)
