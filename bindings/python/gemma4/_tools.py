"""tool_schema: a Python function as a tool that the model may call, by its signature and docstring."""
import collections.abc
import dataclasses
import datetime
import enum
import functools
import inspect
import json
import os
import re
import types
import typing
import uuid
from typing import Any, Callable, Dict, List, Tuple, Union

from ._docstrings import parse

Schema = Dict[str, Any]

_SCALARS = {int: "integer", float: "number", str: "string", bool: "boolean", type(None): "null"}
_TEXTS = {datetime.datetime: "date-time", datetime.date: "date", datetime.time: "time", uuid.UUID: "uuid"}
_LISTS = (list, set, frozenset, collections.abc.Sequence, collections.abc.Iterable, collections.abc.Collection,
          collections.abc.MutableSequence, collections.abc.Set)
_MAPPINGS = (dict, collections.abc.Mapping, collections.abc.MutableMapping)
_UNIONS = (Union, getattr(types, "UnionType", Union))
_CHOICES = re.compile(r"\(choices:\s*(.*?)\)\s*$", re.IGNORECASE)


def tool_schema(function: Callable[..., Any]) -> Schema:
    """The tool {"type": "function", "function": {"name", "description", "parameters"}} of a function.

    Type hints become the parameters' schemas: the scalars, Literal and Enum, Optional and Union, lists, tuples and dicts,
    Annotated with a text, dataclasses, TypedDicts and Pydantic models; a parameter without a hint may be anything. What
    has no default is required. The docstring gives the descriptions, in Google's, NumPy's or Sphinx's form. A class that
    is a dataclass or a Pydantic model is the tool of its fields. Raises TypeError, with the parameter, for a hint that
    no JSON can be told from.
    """
    name = _name_of(function)
    docs = parse(_docstring_of(function))
    types_ = _Types(name)
    if inspect.isclass(function):
        parameters = types_.of_class(function)
        if parameters is None:
            raise TypeError("%s: expected a function, a dataclass or a Pydantic model, got another class" % name)
        description = docs.description or parameters.pop("description", "")
        parameters.pop("description", None)
        returns = None
    else:
        parameters, returns = _of_signature(function, name, types_)
        description = docs.description
        if returns is not None and docs.returns:
            returns["description"] = docs.returns
    for key, schema in parameters["properties"].items():
        if key in docs.parameters:
            _describe(schema, docs.parameters[key], "%s: parameter %s" % (name, key))
    if types_.definitions:
        parameters["$defs"] = types_.definitions
    result = {"name": name, "description": description, "parameters": parameters}
    if returns is not None:
        result["return"] = returns
    return {"type": "function", "function": result}


def tool_list(tools: Any) -> Any:
    """`tools` with a schema for every function among them."""
    if not isinstance(tools, (list, tuple)):
        return tools
    made = []
    for i, tool in enumerate(tools):
        try:
            made.append(tool_schema(tool) if callable(tool) else tool)
        except TypeError as error:
            raise TypeError("tools[%d]: %s" % (i, error)) from None
    return made


def class_schema(kind: Any) -> Any:
    """The JSON schema of a Pydantic model, a dataclass or a TypedDict; of anything else None."""
    if hasattr(kind, "model_json_schema"):
        return kind.model_json_schema()
    if not inspect.isclass(kind):
        return None
    types_ = _Types(kind.__name__)
    schema = types_.of_class(kind)
    if schema is not None and types_.definitions:
        schema["$defs"] = types_.definitions
    return _with_nulls(schema)


def _unwrapped(function: Any) -> Any:
    while isinstance(function, functools.partial):
        function = function.func
    return function


def _name_of(function: Any) -> str:
    inner = _unwrapped(function)
    name = getattr(inner, "__name__", None) or type(inner).__name__
    return str(name)


def _docstring_of(function: Any) -> Any:
    inner = _unwrapped(function)
    if inspect.isclass(inner):
        own = inner.__dict__.get("__doc__") or ""
        return "" if own.startswith(inner.__name__ + "(") else own  # what dataclass writes by itself
    if inspect.isroutine(inner):
        return inspect.getdoc(inner)
    return inspect.getdoc(type(inner).__call__) or inspect.getdoc(inner)


def _of_signature(function: Any, name: str, types_: "_Types") -> Tuple[Schema, Any]:
    try:
        signature = inspect.signature(function)
    except ValueError as error:
        raise TypeError("%s: its signature is not known: %s" % (name, error)) from None
    hints = _hints_of(function, name)
    properties: Dict[str, Schema] = {}
    required: List[str] = []
    for i, (key, parameter) in enumerate(signature.parameters.items()):
        if i == 0 and key in ("self", "cls") and key not in hints:
            continue
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            continue  # the model can name nothing of these
        where = "%s: parameter %s" % (name, key)
        if parameter.kind is parameter.POSITIONAL_ONLY:
            raise TypeError(where + ": positional only, but calls name their arguments")
        properties[key] = types_.schema(hints[key], where) if key in hints else {}
        if parameter.default is parameter.empty:
            required.append(key)
    parameters: Schema = {"type": "object", "properties": properties}
    if required:
        parameters["required"] = required
    returns = None
    if "return" in hints:
        try:
            returns = types_.schema(hints["return"], name)
        except TypeError:  # the model never writes it
            pass
    return parameters, returns


def _hints_of(function: Any, name: str) -> Dict[str, Any]:
    inner = _unwrapped(function)
    if not inspect.isroutine(inner) and not inspect.isclass(inner):
        inner = type(inner).__call__
    try:
        return typing.get_type_hints(inner, include_extras=True)
    except NameError as error:
        raise TypeError("%s: a type hint cannot be looked up: %s" % (name, error)) from None


def _describe(schema: Schema, text: str, where: str) -> None:
    choices = _CHOICES.search(text)  # '(choices: ["tea", "coffee"])'
    if choices:
        try:
            listed = json.loads(choices.group(1))
        except ValueError:
            listed = None
        if isinstance(listed, list):
            schema["enum"] = [c.strip() if isinstance(c, str) else c for c in listed]
            text = text[: choices.start()].strip()
    if text:
        schema["description"] = text


class _Types:
    """Schemas of type hints. Classes that contain themselves become definitions."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.definitions: Dict[str, Schema] = {}
        self._open: List[type] = []

    def schema(self, hint: Any, where: str) -> Schema:
        origin, arguments = typing.get_origin(hint), typing.get_args(hint)
        if hint is Any or hint is object or isinstance(hint, typing.TypeVar):
            return {}
        if hint is None:
            hint = type(None)
        if hasattr(hint, "__metadata__"):  # Annotated
            return self._annotated(hint, where)
        if hint in _SCALARS:
            return {"type": _SCALARS[hint]}
        if origin in _UNIONS:
            return self._union(arguments, where)
        if origin is typing.Literal:
            return _values(list(arguments), where)
        if hasattr(hint, "__supertype__"):  # NewType
            return self.schema(hint.__supertype__, where)
        if origin in (typing.ClassVar, getattr(typing, "Final", None), getattr(typing, "Required", 0), getattr(typing, "NotRequired", 0)):
            return self.schema(arguments[0], where)
        plain = origin or hint
        if plain is tuple:
            return self._tuple(arguments, where)
        if plain in _LISTS:
            schema: Schema = {"type": "array"}
            if arguments:
                schema["items"] = self.schema(arguments[0], where)
            return schema
        if plain in _MAPPINGS:
            schema = {"type": "object"}
            if len(arguments) == 2:
                schema["additionalProperties"] = self.schema(arguments[1], where)
            return schema
        if plain in _TEXTS:
            return {"type": "string", "format": _TEXTS[plain]}
        if inspect.isclass(plain):
            if issubclass(plain, enum.Enum):
                return _values([member.value for member in plain], where)
            if issubclass(plain, os.PathLike):
                return {"type": "string"}
            found = self.of_class(plain, where)
            if found is not None:
                return found
        raise TypeError("%s: expected a type that JSON can hold, got %r" % (where, hint))

    def of_class(self, kind: Any, where: str = "") -> Any:
        """Of a dataclass, a TypedDict or a Pydantic model; else None."""
        where = where or self.name
        if hasattr(kind, "model_json_schema"):
            return self._pydantic(kind)
        if dataclasses.is_dataclass(kind):
            hints = _hints_of(kind, where)
            fields = [f for f in dataclasses.fields(kind) if f.init]
            required = [f.name for f in fields if f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING]
            members = {f.name: hints[f.name] for f in fields}
        elif isinstance(kind, type) and issubclass(kind, dict) and hasattr(kind, "__required_keys__"):
            members = _hints_of(kind, where)
            required = [key for key in members if key in kind.__required_keys__]
        else:
            return None
        if kind in self._open:
            self.definitions.setdefault(kind.__name__, {})
            return {"$ref": "#/$defs/" + kind.__name__}
        self._open.append(kind)
        properties = {key: self.schema(hint, "%s.%s" % (where, key)) for key, hint in members.items()}
        self._open.pop()
        docs = parse(_docstring_of(kind))
        for key, text in docs.parameters.items():
            if key in properties:
                _describe(properties[key], text, where)
        schema: Schema = {"type": "object", "properties": properties}
        if required:
            schema["required"] = required
        if docs.description:
            schema["description"] = docs.description
        if kind.__name__ in self.definitions:
            self.definitions[kind.__name__] = schema
            return {"$ref": "#/$defs/" + kind.__name__} if self._open else dict(schema)
        return schema

    def _annotated(self, hint: Any, where: str) -> Schema:
        schema = self.schema(hint.__origin__, where)
        for extra in hint.__metadata__:
            text = extra if isinstance(extra, str) else getattr(extra, "description", None) or getattr(extra, "documentation", None)
            if isinstance(text, str):
                _describe(schema, text, where)
        return schema

    def _union(self, arguments: Tuple[Any, ...], where: str) -> Schema:
        kinds = [self.schema(each, where) for each in arguments if each is not type(None)]
        if len(kinds) == 1:
            schema = kinds[0]
        elif all(set(kind) == {"type"} and isinstance(kind["type"], str) for kind in kinds):
            names = sorted({kind["type"] for kind in kinds})
            schema = {"type": names[0] if len(names) == 1 else names}
        else:
            schema = {"anyOf": kinds}
        if type(None) in arguments:
            schema["nullable"] = True
        return schema

    def _tuple(self, arguments: Tuple[Any, ...], where: str) -> Schema:
        if not arguments:
            return {"type": "array"}
        if len(arguments) == 2 and arguments[1] is Ellipsis:
            return {"type": "array", "items": self.schema(arguments[0], where)}
        kinds = [self.schema(each, where) for each in arguments if each != ()]
        return {"type": "array", "prefixItems": kinds}

    def _pydantic(self, kind: Any) -> Schema:
        whole = kind.model_json_schema()
        definitions = whole.pop("$defs", {})
        schema = _inlined(whole, definitions, ())
        for name in _references(schema):
            self._define(name, definitions)
        schema.setdefault("properties", {})
        return schema

    def _define(self, name: str, definitions: Schema) -> None:
        if name in self.definitions or name not in definitions:
            return
        self.definitions[name] = {}
        self.definitions[name] = _inlined(definitions[name], definitions, (name,))
        for other in _references(self.definitions[name]):
            self._define(other, definitions)


def _values(values: List[Any], where: str) -> Schema:
    flat: List[Any] = []
    for value in values:
        flat.append(value.value if isinstance(value, enum.Enum) else value)
    if not flat or any(type(value) not in _SCALARS for value in flat):
        raise TypeError("%s: expected values that are int, float, str, bool or None, got %r" % (where, flat))
    kinds = list(dict.fromkeys(_SCALARS[type(value)] for value in flat))
    return {"type": kinds[0] if len(kinds) == 1 else kinds, "enum": flat}


def _references(schema: Any) -> List[str]:
    if isinstance(schema, dict):
        own = [schema["$ref"].rsplit("/", 1)[-1]] if isinstance(schema.get("$ref"), str) else []
        return own + [name for value in schema.values() for name in _references(value)]
    return [name for value in schema for name in _references(value)] if isinstance(schema, list) else []


def _inlined(schema: Any, definitions: Schema, inside: Tuple[str, ...]) -> Any:
    """Pydantic's schema as the chat template can show it: references written out where that ends, X-or-null as X that is
    nullable, no titles."""
    if isinstance(schema, list):
        return [_inlined(each, definitions, inside) for each in schema]
    if not isinstance(schema, dict):
        return schema
    reference = schema.get("$ref")
    if isinstance(reference, str):
        name = reference.rsplit("/", 1)[-1]
        if name in inside or name not in definitions or _recursive(name, definitions):
            return {"$ref": "#/$defs/" + name}
        target = _inlined(definitions[name], definitions, inside + (name,))
        return {**target, **{k: v for k, v in schema.items() if k not in ("$ref", "title")}}
    result = {}
    for key, value in schema.items():
        if key == "title" and isinstance(value, str):
            continue
        if key == "properties" and isinstance(value, dict):
            result[key] = {name: _inlined(each, definitions, inside) for name, each in value.items()}
        elif key in ("default", "const", "enum", "examples"):
            result[key] = value
        else:
            result[key] = _inlined(value, definitions, inside)
    kinds = result.get("anyOf")
    if isinstance(kinds, list) and len(kinds) == 2 and {"type": "null"} in kinds:
        other = next((kind for kind in kinds if kind != {"type": "null"}), None)
        if isinstance(other, dict):
            del result["anyOf"]
            result = {**other, **result, "nullable": True}
    return result


def _with_nulls(schema: Any) -> Any:
    """A schema for tools as JSON Schema has it, which knows no "nullable"."""
    if isinstance(schema, list):
        return [_with_nulls(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    result = {}
    for key, value in schema.items():
        if key in ("properties", "$defs"):
            result[key] = {name: _with_nulls(each) for name, each in value.items()}
        elif key in ("default", "const", "enum", "examples"):
            result[key] = value
        else:
            result[key] = _with_nulls(value)
    if result.pop("nullable", False) is not True:
        return result
    return {"anyOf": [result, {"type": "null"}]}


def _recursive(name: str, definitions: Schema) -> bool:
    seen, todo = set(), _references(definitions[name])
    while todo:
        other = todo.pop()
        if other == name:
            return True
        if other not in seen and other in definitions:
            seen.add(other)
            todo += _references(definitions[other])
    return False
