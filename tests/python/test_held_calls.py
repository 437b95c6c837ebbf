"""Random tools under random and trained models: every call that is held can be read and is valid.

GEMMA4_HELD_CALLS sets how many replies each model makes (default 40).
"""
import os
import random
import re

import jsonschema
import pytest

import gemma4

COUNT = int(os.environ.get("GEMMA4_HELD_CALLS", "40"))
KEYS = ["a", "b", "city", "x_y", "x-y", "Z", "caf\u00e9", "a b", "k\"q", "it's", "type", "properties", "\U0001f600", "a{b", "c,d", "1", "'q", "$x"]
TEXTS = ["yes", "no", "a b", "\"quoted\"", "it's", "{x}", "a,b", "caf\u00e9", "<|\"|>", "<turn|>", "", "null", "5"]
NAMES = ["f", "search.web", "ns:tool", "write-file_v2", "a/b"]


class Maker:
    def __init__(self, seed):
        self.r = random.Random(seed)

    def schema(self, depth=0):
        r, kind = self.r, self.r.randrange(8 if depth < 2 else 5)
        schema = [self.text, self.choice, self.number, lambda: {"type": "boolean"}, lambda: {"type": r.choice(["null", "NULL"])},
                  lambda: self.array(depth), lambda: self.object(depth + 1), lambda: {"anyOf": [self.schema(depth + 1), self.schema(depth + 1)]}][kind]()
        if r.random() < 0.15:
            schema["nullable"] = True
        if r.random() < 0.3:
            schema["description"] = r.choice(TEXTS)
        return schema

    def text(self):
        r = self.r
        if r.random() < 0.2:
            return {"type": "string", "pattern": r.choice(["^[a-f]{1,4}$", "^\\d{2}-\\d{2}$", "^(x|yy)?$"])}
        if r.random() < 0.1:
            return {"type": "string", "format": r.choice(["date", "uuid", "ipv4"])}
        return {"type": r.choice(["string", "STRING"]), "maxLength": r.randint(0, 6)}

    def choice(self):
        if self.r.random() < 0.2:
            return {"const": self.r.choice(TEXTS + [5, True, None])}
        schema = {"enum": self.r.sample(TEXTS, self.r.randint(1, 4))}
        if self.r.random() < 0.7:
            schema["type"] = "string"
        return schema

    def number(self):
        r = self.r
        if r.random() < 0.5:
            low = r.randint(-20, 20)
            return {"type": "integer", "minimum": low, "maximum": low + r.randint(0, 50)}
        return {"type": r.choice(["number", "NUMBER"]), "minimum": 0, "exclusiveMaximum": r.choice([1, 2.5, 100])}

    def array(self, depth):
        r = self.r
        if r.random() < 0.2:
            return {"type": "array", "prefixItems": [self.schema(depth + 1)], "items": False}
        return {"type": "array", "items": self.schema(depth + 1), "minItems": r.randint(0, 1), "maxItems": r.randint(1, 3)}

    def object(self, depth=0):
        r = self.r
        keys = r.sample(KEYS, r.randint(0, 4))
        schema = {"type": r.choice(["object", "OBJECT"]) if depth else "object", "properties": {key: self.schema(depth) for key in keys}}
        required = [key for key in keys if r.random() < 0.5]
        if required:
            schema["required"] = required
        if r.random() < 0.2:
            schema["additionalProperties"] = False
        return schema

    def tools(self):
        return [{"type": "function", "function": {"name": name, "description": "d", "parameters": self.object()}}
                for name in self.r.sample(NAMES, self.r.randint(1, 3))]


def strict(schema):
    """As a validator wants it: nullable spelled out, types in lower case, objects without other members."""
    if isinstance(schema, list):
        return [strict(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    result = {key: {k: strict(v) for k, v in value.items()} if key == "properties" else value if key in ("enum", "const") else strict(value)
              for key, value in schema.items() if key not in ("nullable", "description")}
    if isinstance(result.get("type"), str):
        result["type"] = result["type"].lower()
    if "properties" in result:
        result["additionalProperties"] = False
    return {"anyOf": [result, {"type": "null"}]} if schema.get("nullable") else result


def replies(model, count, offset=0):
    open_call = model.tokenizer.token_to_id("<|tool_call>")
    for seed in range(offset, offset + count):
        maker = Maker(seed)
        tools, mode = maker.tools(), seed % 3
        sampler = gemma4.Sampler(temperature=maker.r.choice([1.0, 3.0]), seed=seed, logit_bias={open_call: 100.0} if mode == 0 else {})
        chat = gemma4.Chat(model, tools, thinking=(False, 10)[seed % 2], sampler=sampler, loop_tokens=0, context_length=4096)
        name = maker.r.choice(tools)["function"]["name"]
        most = maker.r.randint(1, 3)
        reply = chat.send("Go on.", tool_choice=("auto", "required", name)[mode], max_calls=most, max_tokens=1500)
        yield seed, tools, (mode, name, most), reply


def check(model, count, offset=0):
    ended = 0
    for seed, tools, (mode, name, most), reply in replies(model, count, offset):
        schemas = {tool["function"]["name"]: strict(tool["function"]["parameters"]) for tool in tools}
        not_held = {name for name in schemas if any('"%s"' % name in warning for warning in reply.warnings)}
        assert len(not_held) == len(reply.warnings), (seed, reply.warnings)
        for call in reply.tool_calls:
            assert call.name in schemas and (mode != 2 or call.name == name), (seed, call)
            if call.name in not_held:
                continue
            jsonschema.Draft202012Validator(schemas[call.name]).validate(call.arguments)
        assert len(reply.tool_calls) <= most, seed
        if reply.stop_reason != "end_of_turn":
            assert reply.stop_reason == "max_tokens", (seed, reply)
            continue
        assert reply.tool_calls and reply.finish_reason == "tool_calls" and reply.text == "", (seed, reply)
        ended += 1
    return ended


@pytest.mark.parametrize("key", ["a:b", "a}b", " lead", "trail\n", "", "\"q"])
def test_keys_that_no_call_can_hold(nano, key):
    inner = {"type": "object", "properties": {key: {"type": "string"}}}
    for parameters, place in ((inner, r"parameters\.properties"),
                              ({"type": "object", "properties": {"o": {"type": "array", "items": inner}}}, r"parameters\.properties\.o\.items\.properties"),
                              ({"type": "object", "properties": {"o": {"enum": [{key: 1}]}}}, r"parameters\.properties\.o\.enum")):
        chat = gemma4.Chat(nano, [{"name": "f", "parameters": parameters}], context_length=512, sampler=gemma4.Sampler(seed=1))
        [warning] = chat.send("x", max_tokens=1).warnings
        assert re.search(r'"f".*tools\[0\]\.function\.' + place + ": expected keys that can stand bare", warning), warning
        free = gemma4.Chat(nano, [{"name": "f", "parameters": parameters}], hold_calls=False, context_length=512)
        assert free.send("x", max_tokens=1).warnings == []


def test_keys_that_nobody_declared(nano):
    """Where any key may come, those come that are read back as they were written."""
    parameters = {"type": "object", "additionalProperties": {"type": "integer", "minimum": 0, "maximum": 9}, "minProperties": 1, "maxProperties": 3}
    anything = {"type": "object", "properties": {"any": {}}, "required": ["any"]}
    for seed in range(12):
        chat = gemma4.Chat(nano, [{"name": "f", "parameters": (parameters, anything)[seed % 2]}], loop_tokens=0,
                           sampler=gemma4.Sampler(temperature=3.0, seed=seed))
        reply = chat.send("x", tool_choice="required", max_calls=1, max_tokens=400)
        if reply.stop_reason == "end_of_turn":
            jsonschema.Draft202012Validator((parameters, anything)[seed % 2]).validate(reply.tool_calls[0].arguments)


@pytest.mark.parametrize("kind", ["string", "array", ["string", "null"]])
def test_arguments_are_an_object(nano, kind):
    chat = gemma4.Chat(nano, [{"name": "f", "parameters": {"type": kind}}])
    [warning] = chat.send("x", tool_choice="required", max_calls=1, max_tokens=50).warnings
    assert re.search(r"tools\[0\]\.function\.parameters\.type: expected \"object\"", warning), warning
    for root in ({"type": ["object", "null"], "nullable": True}, {"nullable": True, "properties": {}}, {}, {"type": "OBJECT"}):
        chat = gemma4.Chat(nano, [{"name": "f", "parameters": root}], sampler=gemma4.Sampler(temperature=3.0))
        assert chat.send("x", tool_choice="required", max_calls=1).tool_calls[0].arguments == {}


def test_a_random_model(tiny):
    assert check(tiny, COUNT) > 0.5 * COUNT


def test_the_bundled_model(nano):
    assert check(nano, COUNT, offset=10000) > 0.5 * COUNT
