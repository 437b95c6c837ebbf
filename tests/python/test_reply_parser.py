"""ReplyParser: what the chat template writes of a call, it reads back."""
import gemma4
import random_chats

KEYS = ["a", "A", "city", "x_y", "caf\u00e9", "key with space", "0"]


def plain_keys(value):
    """The value with keys that the call syntax, which escapes nothing, can hold."""
    if isinstance(value, dict):
        return {KEYS[i % len(KEYS)]: plain_keys(v) for i, v in enumerate(value.values())}
    return [plain_keys(v) for v in value] if isinstance(value, list) else value


def test_calls_read_back_as_they_were(nano):
    tokenizer = nano.tokenizer
    for seed in range(500):
        maker = random_chats.Maker(seed)
        calls = [{"id": "c", "function": {"name": maker.r.choice(["f", "a-b.c", "ns:tool"]), "arguments": {k: plain_keys(maker.value()) for k in KEYS[:maker.r.randrange(5)]}}}
                 for _ in range(maker.r.randint(1, 3))]
        ids = gemma4.encode_chat(tokenizer, [{"role": "assistant", "tool_calls": calls}], add_generation_prompt=False)
        begin = ids.index(tokenizer.token_to_id("<|tool_call>"))
        parser = gemma4.ReplyParser(tokenizer)
        events = parser.push(ids[begin:])
        assert parser.ended  # by <|tool_response>
        read = [(e.call.name, e.call.arguments) for e in events if e.type == "tool_call"]
        assert read == [(c["function"]["name"], c["function"]["arguments"]) for c in calls], seed
        assert [e.type for e in events] == ["tool_call_started", "tool_call"] * len(calls)


def test_events_show_what_they_are(nano):
    parser = gemma4.ReplyParser(nano.tokenizer, tools=[{"name": "f"}])
    events = parser.push(nano.tokenizer.encode("Hi<|tool_call>call:f{a:1}<tool_call|>", parse_special=True))
    assert [e.type for e in events] == ["content", "tool_call_started", "tool_call"]
    assert events[0].call is None and events[0].text == "Hi"
    assert events[2].call.name == "f" and events[2].call.arguments == {"a": 1} and events[2].index == 0
    assert "ToolCall('f', {'a': 1})" in repr(events[2])
    assert parser.push(nano.tokenizer.token_to_id("<turn|>")) == [] and parser.ended
