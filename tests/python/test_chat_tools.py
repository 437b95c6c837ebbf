"""Tools of a Chat: how they may be spelled, what cannot be held to, calls that nobody declared or answered."""
import copy
import json
import re

import jsonschema
import pytest

import gemma4

SCHEMA = {"type": "object", "properties": {"a": {"type": "integer", "description": "First number"},
                                           "b": {"type": "integer", "description": "Second number"}}, "required": ["a", "b"]}
MULTIPLY = {"name": "multiply", "description": "Multiplies two numbers.", "parameters": SCHEMA}
GREEDY = {"temperature": 0.0}


def spelled(key, **more):
    tool = {"name": "multiply", "description": "Multiplies two numbers.", key: copy.deepcopy(SCHEMA)}
    return dict(tool, **more)


SPELLINGS = {
    "OpenAI": {"type": "function", "function": dict(MULTIPLY, strict=True)},
    "bare": MULTIPLY,
    "Responses": dict(MULTIPLY, type="function", strict=False),
    "MCP": spelled("inputSchema", title="Multiply", annotations={"readOnlyHint": True, "title": "x"}, _meta={"a": {"type": "object"}},
                   outputSchema={"type": "object", "properties": {"result": {"type": "integer"}}}, icons=[]),
    "Anthropic": spelled("input_schema", cache_control={"type": "ephemeral"}, type="custom"),
    "wrapped MCP": {"type": "function", "function": spelled("inputSchema")},
    "wrapped Anthropic": {"type": "function", "function": spelled("input_schema")},
    "twice the same": dict(MULTIPLY, inputSchema=copy.deepcopy(SCHEMA)),
    "one null": dict(spelled("input_schema"), parameters=None),
    "the other null": dict(MULTIPLY, inputSchema=None),
    "unknown keys": dict(MULTIPLY, examples=["x"], defer_loading=True, vendor={"type": "fast"}, tags={"a": 1}),
}


@pytest.mark.parametrize("name", SPELLINGS)
def test_three_spellings_of_one_thing(nano, name):
    tool, user = SPELLINGS[name], [{"role": "user", "content": "What is 12 times 34?"}]
    for form in ("large", "small"):
        assert gemma4.render_chat(user, [tool], form=form) == gemma4.render_chat(user, [MULTIPLY], form=form)
    for hold_calls in (True, False):
        reply = gemma4.Chat(nano, [tool], hold_calls=hold_calls, sampler=gemma4.Sampler(**GREEDY)).send(user)
        assert [(c.name, c.arguments) for c in reply.tool_calls] == [("multiply", {"a": 12, "b": 34})] and reply.warnings == []
    hot = gemma4.Chat(nano, [tool], sampler=gemma4.Sampler(temperature=3.0, seed=1), loop_tokens=0)
    for call in hot.send("x", tool_choice="required", max_calls=2).tool_calls:
        jsonschema.Draft202012Validator(SCHEMA).validate(call.arguments)
    parser = gemma4.ReplyParser(nano.tokenizer, tools=[tool])
    events = parser.push(nano.tokenizer.encode('<|tool_call>call:multiply{a:<|"|>12<|"|>,b:34.0}<tool_call|>', parse_special=True))
    assert events[-1].call.arguments == {"a": 12, "b": 34}  # coerced by the schema


@pytest.mark.parametrize("tool, place", [
    (spelled("schema"), r"tools\[0\]\.schema: .*\"parameters\".*\"inputSchema\".*\"input_schema\".*under \"schema\""),
    (spelled("json_schema"), r"tools\[0\]\.json_schema"),
    (spelled("args_schema"), r"tools\[0\]\.args_schema"),
    (spelled("input-schema"), r"tools\[0\]\.input-schema"),
    (spelled("InputSchema"), r"tools\[0\]\.InputSchema"),
    (spelled("parametersJsonSchema"), r"tools\[0\]\.parametersJsonSchema"),
    ({"name": "f", "args": SCHEMA["properties"]}, r"tools\[0\]\.args"),
    ({"name": "f", "arguments": {"type": "OBJECT"}}, r"tools\[0\]\.arguments"),
    ({"name": "f", "input": {"properties": {}}}, r"tools\[0\]\.input"),
    ({"name": "f", "params": {"$ref": "#/x"}}, r"tools\[0\]\.params"),
    (dict(MULTIPLY, schema=SCHEMA), r"tools\[0\]\.schema"),
    ({"type": "function", "function": spelled("schema")}, r"tools\[0\]\.function\.schema"),
    ({"type": "function", "function": {"name": "f"}, "parameters": SCHEMA}, r"tools\[0\]\.parameters: .*inside"),
    ({"type": "function", "function": {"name": "f"}, "inputSchema": SCHEMA}, r"tools\[0\]\.inputSchema: .*inside"),
    ({"type": "function", "function": {"name": "f"}, "schema": SCHEMA}, r"tools\[0\]\.schema"),
    (dict(MULTIPLY, inputSchema={"type": "object"}), r"tools\[0\]\.inputSchema: .*another than under \"parameters\""),
    (dict(spelled("input_schema"), inputSchema={"type": "object"}), r"tools\[0\]\.inputSchema: .*another than under \"input_schema\""),
    ({"name": "f", "inputSchema": []}, r"tools\[0\]\.inputSchema: .*an object"),
    ({"inputSchema": SCHEMA}, r"tools\[0\]\.name"),
])
def test_schemas_under_no_known_key(nano, tool, place):
    for taken in (lambda: gemma4.Chat(nano, [tool]), lambda: gemma4.ReplyParser(nano.tokenizer, tools=[tool]),
                  lambda: gemma4.render_chat([{"role": "user", "content": "x"}], [tool]),
                  lambda: gemma4.encode_chat(nano, [{"role": "user", "content": "x"}], [tool])):
        with pytest.raises(gemma4.Error, match=place) as caught:
            taken()
        assert caught.value.code == "invalid_argument"


NOT_HELD = {
    "required": dict(SCHEMA, required=None),
    "uniqueItems": {"type": "object", "properties": {"a": {"type": "array", "uniqueItems": True}}},
    r"\b": {"type": "object", "properties": {"a": {"type": "string", "pattern": r"\bx"}}},
    "bare": {"type": "object", "properties": {"a:b": {"type": "string"}}},
    "$dynamicRef": {"type": "object", "properties": {"a": {"$dynamicRef": "#x"}}},
    "not a string": {"type": "object", "properties": {"a": {"type": 5}}},
    "ref": {"type": "object", "properties": {"a": {"$ref": "http://example.com/x"}}},
}


@pytest.mark.parametrize("reason", NOT_HELD)
def test_one_tool_that_cannot_be_held_to_costs_a_warning(nano, reason):
    tool = {"name": "odd.tool", "description": "", "inputSchema": NOT_HELD[reason]}
    for tools in ([MULTIPLY, tool], [tool, MULTIPLY]):
        chat = gemma4.Chat(nano, tools, sampler=gemma4.Sampler(**GREEDY))
        reply = chat.send("What is 12 times 34?")
        [warning] = reply.warnings
        assert '"odd.tool"' in warning and "tools[%d]" % tools.index(tool) in warning
        if reason not in ("bare", "not a string"):
            assert reason.strip("\\") in warning
        assert "declaration:odd.tool{" in nano.tokenizer.decode(chat.tokens)
        if tools[0] is MULTIPLY:
            assert reply.tool_calls[0].arguments == {"a": 12, "b": 34}
        # its own calls are held to its name, the others to their schemas still
        for seed in range(4):
            hot = gemma4.Chat(nano, tools, sampler=gemma4.Sampler(temperature=3.0, seed=seed), loop_tokens=0)
            reply = hot.send("x", tool_choice=("odd.tool", "multiply")[seed % 2], max_calls=1, max_tokens=200)
            assert len(reply.warnings) == 1
            for call in reply.tool_calls:
                assert call.name == ("odd.tool", "multiply")[seed % 2] and isinstance(call.arguments, dict)
                if call.name == "multiply":
                    jsonschema.Draft202012Validator(SCHEMA).validate(call.arguments)
    assert gemma4.Chat(nano, [tool], hold_calls=False).send("Hi", max_tokens=1).warnings == []
    assert gemma4.Chat(nano, [tool]).send("Hi", max_tokens=1, tool_choice="none").warnings == []


@pytest.mark.parametrize("tools", [None, [], [{"name": "other", "description": "Does something else."}]])
def test_a_call_of_a_tool_that_was_not_declared_is_text(nano, tools):
    talked = 0
    for question in ("What is the time?", "What time is it?", "Look up the phone number of Marco."):
        chat = gemma4.Chat(nano, tools, hold_calls=False, sampler=gemma4.Sampler(**GREEDY))
        stream = chat.stream(question, max_tokens=60)
        events = list(stream)
        called = chat.tokens.count(nano.tokenizer.token_to_id("<|tool_call>"))
        assert all(e.type == "content" for e in events) or tools
        if not any(e.type == "tool_call" for e in events):
            assert stream.reply.finish_reason != "tool_calls" and "tool_calls" not in chat.messages[-1]
            text = chat.messages[-1]["content"]
            talked += bool(called)
            assert not called or re.match(r"call:\w+\{", text), text
            for markup in ("<|tool_call>", "<tool_call|>", '<|"|>', "<|tool_response>"):
                assert markup not in text
        for again in ("Hi", "What is 12 - 57?"):  # the conversation goes on
            chat.send(again, max_tokens=30)
        assert [m["role"] for m in chat.messages] == ["user", "assistant"] * 3
    assert talked


def test_a_parser_without_tools_reads_any_call(nano):
    ids = nano.tokenizer.encode("A<|tool_call>call:time_time{}<tool_call|><|tool_response>", parse_special=True)
    for tools in (None, []):
        parser = gemma4.ReplyParser(nano.tokenizer, tools=tools)
        assert [(e.type, e.call and e.call.name) for e in parser.push(ids)] == [("content", None), ("tool_call_started", "time_time"), ("tool_call", "time_time")]
    parser = gemma4.ReplyParser(nano.tokenizer, tools=[MULTIPLY])
    events = parser.push(ids)
    assert {e.type for e in events} == {"content"} and "".join(e.text for e in events) == "Acall:time_time{}" and parser.ended


def test_a_call_left_unanswered_never_blocks_a_user(nano):
    chat = gemma4.Chat(nano, [MULTIPLY], sampler=gemma4.Sampler(**GREEDY))
    call = chat.send("What is 12 times 34?").tool_calls[0]
    reply = chat.send("What is the capital of France?")
    assert reply.text == "The capital of France is Paris."
    [warning] = reply.warnings
    assert call.id in warning and '"multiply"' in warning
    assert [m["role"] for m in chat.messages] == ["user", "assistant", "user", "assistant"]
    assert "tool_calls" not in chat.messages[1]
    markup = nano.tokenizer.decode(chat.tokens)
    assert "<|tool_call>" not in markup and "<|tool_response>" not in markup and "<|turn>model\n<turn|>" not in markup
    reply = chat.send("What is 12 - 57?")
    assert (reply.text, reply.warnings) == ("-45", [])  # said once
    with pytest.raises(gemma4.Error, match="without a call"):
        chat.send({"role": "tool", "tool_call_id": call.id, "content": 408})
    copied = gemma4.Chat(nano, [MULTIPLY], sampler=gemma4.Sampler(**GREEDY))
    assert copied.send(json.loads(json.dumps(chat.messages)) + [{"role": "user", "content": "Hi"}], max_tokens=1).warnings == []


def calls(*ids, **more):
    return dict({"role": "assistant", "tool_calls": [
        {"id": i, "type": "function", "function": {"name": "multiply", "arguments": {"a": 1, "b": k}}} for k, i in enumerate(ids)]}, **more)


def result(i):
    return {"role": "tool", "tool_call_id": i, "content": "r" + i}


USER = {"role": "user", "content": "Hi"}


@pytest.mark.parametrize("history, warned, shown", [
    ([USER, calls("a"), USER], ["a"], 0),
    ([USER, calls("a", "b"), result("b"), USER], ["a"], 1),
    ([USER, calls("a", "b", "c"), result("c"), result("a"), USER], ["b"], 2),
    ([USER, calls("a", content="I look."), USER], ["a"], 0),
    ([USER, calls("a", content=""), USER], ["a"], 0),
    ([USER, calls("a"), calls("b"), result("b"), USER], ["a"], 1),
    ([USER, calls("a"), {"role": "assistant", "content": "Well."}, USER], ["a"], 0),
    ([USER, calls("a"), USER, calls("b"), USER], ["a", "b"], 0),
    ([USER, calls("a"), {"role": "system", "content": "Be brief."}, USER], ["a"], 0),
    ([USER, calls("a", "b"), result("a"), result("b"), USER], [], 2),
])
def test_histories_with_calls_that_nobody_answered(nano, history, warned, shown):
    chat = gemma4.Chat(nano, [MULTIPLY], sampler=gemma4.Sampler(**GREEDY))
    reply = chat.send(history, max_tokens=2)
    assert [re.search(r"call (\w+) of", warning).group(1) for warning in reply.warnings] == warned
    text = nano.tokenizer.decode(chat.tokens[:reply.usage.prompt_tokens])
    assert text.count("<|tool_call>") == text.count("<|tool_response>") == text.count("<tool_response|>") == shown
    for message in history:
        if message.get("content") and message["role"] != "tool":
            assert message["content"] in text
    assert len(chat.messages) == len(history) + 1
    for form in ("large", "small"):  # the template's text is the template's
        assert gemma4.render_chat(history, form=form).count("<|tool_call>") == sum(len(m.get("tool_calls", [])) for m in history)


@pytest.mark.parametrize("history, place", [
    ([USER, calls("a")], "messages: .*result of the call a"),
    ([USER, calls("a", "b"), result("a")], "messages: .*result of the call b"),
    ([USER, calls("a"), USER, result("a")], r"messages\[3\]: .*without a call"),
    ([USER, result("a"), USER], r"messages\[1\]: .*without a call"),
    ([USER, calls("a"), result("b"), USER], r"messages\[2\]\.tool_call_id: .*without a call"),
])
def test_results_without_calls_stay_errors(nano, history, place):
    with pytest.raises(gemma4.Error, match=place):
        gemma4.Chat(nano, [MULTIPLY]).send(history)
