"""Calls and answers that are held to a schema: whatever a model writes under them can be read and is valid."""
import json
import re

import jsonschema
import pytest

import gemma4

TOOLS = [
    {"type": "function", "function": {"name": "multiply", "description": "Multiplies.", "parameters": {
        "type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "integer", "minimum": 0, "maximum": 99}},
        "required": ["a", "b"]}}},
    {"name": "search.web", "description": "Searches.", "parameters": {
        "type": "OBJECT",  # as the template writes types
        "properties": {"query": {"type": "STRING", "maxLength": 12}, "where": {"type": "string", "enum": ["news", "a \"b\"}", "web"]},
                       "limits": {"type": "object", "properties": {"n": {"type": "number"}, "on": {"type": "boolean"}},
                                  "required": ["on"]},
                       "tags": {"type": "array", "items": {"type": "string", "maxLength": 5}, "maxItems": 2}},
        "required": ["query", "where"]}},
    {"name": "now", "description": "Tells the time."},
]
SCHEMAS = {"multiply": TOOLS[0]["function"]["parameters"],
           "search.web": {**TOOLS[1]["parameters"], "type": "object", "properties": {
               **TOOLS[1]["parameters"]["properties"], "query": {"type": "string", "maxLength": 12}}},
           "now": {"type": "object", "maxProperties": 0}}
# A hot sampler: what is right then is right by the grammar.
HOT = {"temperature": 3.0, "top_k": 0, "top_p": 1.0, "min_p": 0.0}


def check(call):
    assert call.name in SCHEMAS, call
    jsonschema.Draft202012Validator(SCHEMAS[call.name]).validate(call.arguments)
    assert set(call.arguments) <= set(SCHEMAS[call.name].get("properties", {})), call


@pytest.mark.parametrize("seed", range(12))
def test_required_calls_are_of_the_tools_and_valid(nano, seed):
    chat = gemma4.Chat(nano, TOOLS, sampler=gemma4.Sampler(seed=seed, **HOT), loop_tokens=0)
    reply = chat.send("What is 17 * 25?", tool_choice="required", max_calls=3, max_tokens=1500)
    if reply.finish_reason == "length":  # cut short: what is there is whole calls, and the rest is not lost
        for call in reply.tool_calls:
            check(call)
        return
    assert reply.finish_reason == "tool_calls" and 1 <= len(reply.tool_calls) <= 3 and reply.text == ""
    for call in reply.tool_calls:
        check(call)


@pytest.mark.parametrize("name", sorted(SCHEMAS))
def test_a_named_tool_once(nano, name):
    chat = gemma4.Chat(nano, TOOLS, sampler=gemma4.Sampler(seed=5, **HOT), loop_tokens=0)
    reply = chat.send("Go on.", tool_choice={"type": "function", "function": {"name": name}}, max_calls=1, max_tokens=1500)
    if reply.stop_reason == "end_of_turn":
        assert [call.name for call in reply.tool_calls] == [name]
        check(reply.tool_calls[0])


@pytest.mark.parametrize("seed", range(6))
def test_calls_of_the_models_own_choice(nano, seed):
    """A hot model pushed to <|tool_call>: from there on the call is held."""
    open_call = nano.tokenizer.token_to_id("<|tool_call>")
    sampler = gemma4.Sampler(seed=seed, logit_bias={open_call: 30.0}, **HOT)
    chat = gemma4.Chat(nano, TOOLS, sampler=sampler, loop_tokens=0)
    reply = chat.send("What is 17 * 25?", max_calls=2, max_tokens=1500)
    assert reply.tool_calls or reply.finish_reason == "length"
    for call in reply.tool_calls:
        check(call)


def test_calls_as_the_model_writes_them(nano):
    chat = gemma4.Chat(nano, TOOLS[:1], sampler=gemma4.Sampler(temperature=0.0), hold_calls=False)
    call = chat.send("What is 17 * 25?").tool_calls[0]
    assert (call.name, call.arguments) == ("multiply", {"a": 17, "b": 25})
    held = gemma4.Chat(nano, TOOLS[:1], sampler=gemma4.Sampler(temperature=0.0)).send("What is 17 * 25?").tool_calls[0]
    assert held.arguments == call.arguments


SCHEMA = {"type": "object", "properties": {"name": {"type": "string", "maxLength": 8}, "age": {"type": "integer", "maximum": 150},
                                           "ok": {"enum": ["yes", "no"]}},
          "required": ["name", "age", "ok"], "additionalProperties": False}


class Pydantic:
    @staticmethod
    def model_json_schema():
        return SCHEMA


@pytest.mark.parametrize("form", [SCHEMA, Pydantic, gemma4.json_schema(SCHEMA),
                                  {"type": "json_schema", "json_schema": {"name": "person", "schema": SCHEMA}}])
@pytest.mark.parametrize("thinking", [False, 20])
def test_structured_answers(nano, form, thinking):
    for seed in range(4):
        chat = gemma4.Chat(nano, thinking=thinking, sampler=gemma4.Sampler(seed=seed, **HOT), loop_tokens=0)
        reply = chat.send("Who is it?", form, max_tokens=600)
        assert reply.finish_reason == "stop", reply
        jsonschema.Draft202012Validator(SCHEMA).validate(json.loads(reply.text))


@pytest.mark.parametrize("thinking", [False, 20])
@pytest.mark.parametrize("hold_calls", [False, True])
def test_an_answer_of_a_format_or_calls(nano, thinking, hold_calls):
    open_call, kinds = nano.tokenizer.token_to_id("<|tool_call>"), set()
    for seed in range(8):
        sampler = gemma4.Sampler(seed=seed, logit_bias={open_call: (-100.0, 4.0)[seed % 2]}, **HOT)
        chat = gemma4.Chat(nano, TOOLS, thinking=thinking, sampler=sampler, loop_tokens=0, hold_calls=hold_calls)
        reply = chat.send("Who is it?", SCHEMA, max_tokens=1500, max_calls=2)
        if reply.stop_reason == "max_tokens":
            continue
        kinds.add(reply.finish_reason)
        if reply.tool_calls:
            assert reply.text == "" or not hold_calls
            for call in reply.tool_calls if hold_calls else ():
                check(call)
        elif hold_calls or seed % 2 == 0:
            jsonschema.Draft202012Validator(SCHEMA).validate(json.loads(reply.text))
    assert kinds == {"stop", "tool_calls"} if hold_calls else "stop" in kinds


def test_calls_and_then_an_answer_of_a_format(nano):
    chat = gemma4.Chat(nano, TOOLS[:1], sampler=gemma4.Sampler(temperature=0.0))
    schema = {"type": "object", "properties": {"product": {"type": "integer"}}, "required": ["product"], "additionalProperties": False}
    reply = chat.send("What is 17 * 25?", schema)
    assert reply.tool_calls[0].arguments == {"a": 17, "b": 25} and reply.text == ""
    reply = chat.send({"role": "tool", "tool_call_id": reply.tool_calls[0].id, "content": {"result": 425}}, schema)
    assert reply.tool_calls or isinstance(json.loads(reply.text)["product"], int)


def test_answers_have_the_members_that_are_listed(nano):
    schema = {"type": "object", "properties": {"name": {"type": "string", "maxLength": 8}, "of_age": {"type": "boolean"}}}
    for seed in range(30):
        chat = gemma4.Chat(nano, sampler=gemma4.Sampler(seed=seed, **HOT))
        answer = json.loads(chat.send("Who?", schema).text)
        assert set(answer) <= {"name", "of_age"}
    assert gemma4.json_schema(schema).accepts('{"other":1}')
    assert not gemma4.json_schema(schema, closed_objects=True).accepts('{"other":1}')


def test_other_forms_of_answers(nano):
    chat = gemma4.Chat(nano, TOOLS, sampler=gemma4.Sampler(seed=1, **HOT))
    assert chat.send("x", {"type": "regex", "pattern": "(yes|no), [0-9]{3}"}, "none").text[-5:-3] == ", "
    assert chat.send("x", gemma4.gbnf('root ::= "a" "b"'), "none").text == "ab"
    assert chat.send("What is the capital of France?", {"type": "text"}, max_tokens=3).finish_reason in ("length", "stop", "tool_calls")
    for wrong, message in ((3, "response_format: expected"), ({"type": "json_schema"}, "response_format.json_schema.schema"),
                           ({"type": "array", "uniqueItems": True}, "uniqueItems")):
        with pytest.raises(gemma4.Error, match=message):
            chat.send("x", wrong)
    with pytest.raises(gemma4.Error, match="tool_choice"):
        chat.send("x", SCHEMA, tool_choice="required")
    with pytest.raises(gemma4.Error, match="max_calls"):
        chat.send("x", max_calls=0)


def test_schemas_of_tools_that_cannot_be_held_to(nano):
    tool = {"name": "f", "description": "", "parameters": {"type": "object", "properties": {
        "a": {"type": "array", "uniqueItems": True}}}}
    chat = gemma4.Chat(nano, [tool], sampler=gemma4.Sampler(seed=1))
    [warning] = chat.send("x", max_tokens=1).warnings
    assert re.search(r"tools\[0\].*properties/a/uniqueItems", warning)
    gemma4.Chat(nano, [tool], hold_calls=False)
