"""tool_schema: functions to tools, as Hugging Face's get_json_schema makes them and beyond; and Chat with functions."""
import dataclasses
import datetime
import functools
import json
import pathlib
import typing
from typing import Annotated, Any, List, Literal, Optional, Union

import pytest

import gemma4
import tool_functions

ROOT = pathlib.Path(__file__).resolve().parents[2]


def parameters(function):
    return gemma4.tool_schema(function)["function"]["parameters"]


def test_as_transformers_makes_them():
    recorded = json.loads((ROOT / "tests/support/tool_schemas.json").read_text())
    assert len(recorded) == len(tool_functions.FUNCTIONS)
    for function, expected in zip(tool_functions.FUNCTIONS, recorded):
        assert gemma4.tool_schema(function) == expected, function.__name__


def numpy_style(count: int, label: str = "x", *others: int, **more: Any) -> str:
    """Counts
    things.

    Parameters
    ----------
    count : int
        How many:
        at least one.
    label, unused : str, optional
        What they are called.

    Returns
    -------
    str
        The count in words.
    """


def sphinx_style(count, label="x"):
    """Counts things.

    :param int count: How many,
        at least one.
    :type count: int
    :param label: What they are called.
    :returns: The count.
    :raises ValueError: never
    """


def google_with_types(count: int, label: str = "x"):
    """Counts things.

    Args:
        count (int): How many
        label (Optional[str], optional): What they are called: a word.

    Example:
        count(1)
    """


@pytest.mark.parametrize("function, description, count, label", [
    (numpy_style, "Counts\nthings.", "How many: at least one.", "What they are called."),
    (sphinx_style, "Counts things.", "How many, at least one.", "What they are called."),
    (google_with_types, "Counts things.", "How many", "What they are called: a word."),
])
def test_docstrings(function, description, count, label):
    tool = gemma4.tool_schema(function)["function"]
    assert tool["description"] == description
    properties = tool["parameters"]["properties"]
    assert set(properties) == {"count", "label"}
    assert properties["count"]["description"] == count and properties["label"]["description"] == label
    assert tool["parameters"]["required"] == ["count"]
    if function is numpy_style:
        assert tool["return"] == {"type": "string", "description": "The count in words."}


def test_without_docstring_or_hints():
    tool = gemma4.tool_schema(lambda a, b=2: a)["function"]
    assert tool["description"] == "" and tool["parameters"] == {"type": "object", "properties": {"a": {}, "b": {}}, "required": ["a"]}
    assert parameters(lambda: 0) == {"type": "object", "properties": {}}


@dataclasses.dataclass
class Address:
    """Where someone lives.

    Args:
        street: With the number
    """
    street: str
    city: str = "Bern"
    tags: List[str] = dataclasses.field(default_factory=list)


@dataclasses.dataclass
class Node:
    value: int
    children: List["Node"]


class Options(typing.TypedDict):
    verbose: bool
    level: Literal[1, 2]


def test_composed_types():
    def f(to: Address, when: datetime.date, options: Options, note: Annotated[Optional[str], "A note"] = None,
          places: typing.Sequence[Address] = (), sizes: "tuple[int, ...]" = ()):
        pass
    p = parameters(f)
    address = {"type": "object", "description": "Where someone lives.", "required": ["street"], "properties": {
        "street": {"type": "string", "description": "With the number"}, "city": {"type": "string"},
        "tags": {"type": "array", "items": {"type": "string"}}}}
    assert p["properties"] == {
        "to": address, "when": {"type": "string", "format": "date"},
        "options": {"type": "object", "properties": {"verbose": {"type": "boolean"}, "level": {"type": "integer", "enum": [1, 2]}},
                    "required": ["verbose", "level"]},
        "note": {"type": "string", "nullable": True, "description": "A note"},
        "places": {"type": "array", "items": address}, "sizes": {"type": "array", "items": {"type": "integer"}}}
    assert p["required"] == ["to", "when", "options"]


def test_types_that_contain_themselves(nano):
    def f(tree: Node):
        pass
    p = parameters(f)
    node = {"type": "object", "properties": {"value": {"type": "integer"}, "children": {"type": "array", "items": {"$ref": "#/$defs/Node"}}},
            "required": ["value", "children"]}
    assert p["$defs"] == {"Node": node} and p["properties"]["tree"] == node
    assert gemma4.json_schema(p).accepts('{"tree":{"value":1,"children":[{"value":2,"children":[]}]}}')
    gemma4.Chat(nano, [f])


def test_classes_as_tools():
    tool = gemma4.tool_schema(Address)["function"]
    assert (tool["name"], tool["description"]) == ("Address", "Where someone lives.")
    assert tool["parameters"]["required"] == ["street"] and "description" not in tool["parameters"]
    assert gemma4.tool_schema(Node)["function"]["description"] == ""


def test_pydantic():
    pydantic = pytest.importorskip("pydantic")

    class Item(pydantic.BaseModel):
        name: str = pydantic.Field(description="Its name", max_length=8)
        color: Optional[tool_functions.Color] = None

    class Order(pydantic.BaseModel):
        """An order."""
        items: List[Item]
        parent: Optional["Order"] = None

    def send(order: Order, urgent: Annotated[bool, pydantic.Field(description="At once")] = False, item: Optional[Item] = None):
        """Sends."""
    p = parameters(send)
    item = {"type": "object", "required": ["name"], "properties": {
        "name": {"type": "string", "maxLength": 8, "description": "Its name"},
        "color": {"type": "string", "enum": ["red", "blue"], "nullable": True, "default": None}}}
    assert p["properties"]["item"] == {**item, "nullable": True}
    assert p["properties"]["urgent"] == {"type": "boolean", "description": "At once"}
    assert p["$defs"]["Order"]["properties"]["items"] == {"type": "array", "items": item}
    assert gemma4.tool_schema(Item)["function"]["parameters"] == item
    schema = gemma4.tool_schema(Order)["function"]
    assert schema["name"] == "Order" and schema["description"] == "An order."


def test_other_callables():
    class Adder:
        """An adder."""

        def __call__(self, a: int, b: int) -> int:
            """Adds."""
            return a + b

    async def later(a: int):
        """Later."""
    tool = gemma4.tool_schema(Adder())["function"]
    assert tool["name"] == "Adder" and tool["description"] == "Adds." and tool["parameters"]["required"] == ["a", "b"]
    tool = gemma4.tool_schema(functools.partial(tool_functions.multiply, b=2))["function"]
    assert tool["name"] == "multiply" and tool["parameters"]["required"] == ["a"]
    assert gemma4.tool_schema(later)["function"]["description"] == "Later."

    @functools.wraps(tool_functions.multiply)
    def wrapped(*args, **kwargs):
        return tool_functions.multiply(*args, **kwargs)
    assert gemma4.tool_schema(wrapped) == gemma4.tool_schema(tool_functions.multiply)


def unknown(a: "NoSuchType"):  # noqa: F821
    pass


def positional(a: int, /):
    pass


def of_bytes(data: bytes):
    pass


def of_callback(data: typing.Callable[[], None]):
    pass


@pytest.mark.parametrize("function, place", [
    (unknown, r"tools\[1\]: unknown: .*NoSuchType"), (positional, r"tools\[1\]: positional: parameter a: positional only"),
    (of_bytes, r"tools\[1\]: of_bytes: parameter data: .*bytes"), (of_callback, r"tools\[1\]: of_callback: parameter data"),
    (str, r"tools\[1\]: str: expected a function"),
])
def test_functions_that_are_no_tools(nano, function, place):
    with pytest.raises(TypeError, match=place):
        gemma4.Chat(nano, [tool_functions.multiply, function])


def test_functions_wherever_tools_may_be(nano):
    functions = [tool_functions.multiply, {"name": "ping"}]
    schemas = [gemma4.tool_schema(tool_functions.multiply), {"name": "ping"}]
    messages = [{"role": "user", "content": "What is 12 times 34?"}]
    assert gemma4.render_chat(messages, functions) == gemma4.render_chat(messages, schemas)
    assert gemma4.encode_chat(nano, messages, functions) == gemma4.encode_chat(nano, messages, schemas)
    gemma4.ReplyParser(nano.tokenizer, tools=functions)
    chat = gemma4.Chat(nano, functions[:1], sampler=gemma4.Sampler(temperature=0.0))
    reply = chat.send("What is 12 times 34?")
    call = reply.tool_calls[0]
    assert tool_functions.multiply(**call.arguments) == 408
    reply = chat.send({"role": "tool", "tool_call_id": call.id, "content": {"result": 408}})
    assert reply.text == "12 times 34 is 408."
    with pytest.raises(gemma4.Error, match=r"tools\[0\].*name"):
        gemma4.Chat(nano, [lambda a: a])


def test_unions_of_types():
    def f(a: Union[int, str], b: "Union[None, List[int], str]"):
        pass
    assert parameters(f)["properties"] == {"a": {"type": ["integer", "string"]},
                                           "b": {"anyOf": [{"type": "array", "items": {"type": "integer"}}, {"type": "string"}], "nullable": True}}
