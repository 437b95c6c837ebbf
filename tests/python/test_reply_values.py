"""Replies as values: log-probabilities, pickles, copies, JSON, messages."""
import copy
import json
import math
import pickle

import numpy as np
import pytest

import gemma4

MULTIPLY = {"name": "multiply", "description": "Multiplies two numbers.",
            "parameters": {"type": "object", "properties": {"a": {"type": "integer", "description": "First number"},
                                                            "b": {"type": "integer", "description": "Second number"}}, "required": ["a", "b"]}}
COLOUR = {"type": "object", "properties": {"colour": {"enum": ["red", "green"]}, "n": {"type": "integer", "minimum": 0, "maximum": 99}},
          "required": ["colour", "n"]}


def logprobs(logits):
    logits = logits.astype(np.float64)
    return logits - logits.max() - math.log(np.exp(logits - logits.max()).sum())


def check(model, prompt, tokens, samples, where, top):
    """The samples are `tokens`, which stand at `where` in what was held, with what a fresh session gives them."""
    session = gemma4.Session(model, context_length=len(prompt) + len(tokens))
    rows = session.prefill(prompt + tokens, all_logits=True)
    for sample, place in zip(samples, where):
        given = logprobs(rows[place - 1])
        assert abs(given[sample.token] - sample.logprob) < 0.05 * max(1, abs(sample.logprob)), place
        assert len(sample.top) == top
        assert [one.logprob for one in sample.top] == sorted((one.logprob for one in sample.top), reverse=True)


@pytest.mark.parametrize("thinking", [False, True])
@pytest.mark.parametrize("question", ["What is 17 + 25?", "What is the capital of France?", "Reverse planet"])
def test_logprobs_of_a_reply(nano, thinking, question):
    plain = gemma4.Chat(nano, thinking=thinking, sampler=gemma4.Sampler(temperature=0.0))
    chat = gemma4.Chat(nano, thinking=thinking, sampler=gemma4.Sampler(temperature=0.0, logprobs=True, top_logprobs=3))
    stream = chat.stream(question)
    events = list(stream)
    reply, expected = stream.reply, plain.send(question)
    assert (reply.text, reply.reasoning) == (expected.text, expected.reasoning)
    assert expected.samples == [] and reply.samples
    decode = nano.tokenizer.decode
    for kind, text in (("content", reply.text), ("reasoning", reply.reasoning)):
        assert all(e.samples for e in events if e.type == kind)
        assert "".join(decode([s.token for s in e.samples]) for e in events if e.type == kind) == text
    assert [s.token for e in events if e.type == "content" for s in e.samples] == [s.token for s in reply.samples]
    held, n = chat.tokens, reply.usage.prompt_tokens
    ids = [s.token for s in reply.samples]
    begin = len(held) - len(ids)  # the answer is the last of it
    assert held[begin:] == ids
    check(nano, held[:n], held[n:], reply.samples, range(begin, len(held)), 3)
    assert all(s.top[0].token == s.token and s.top[0].logprob == s.logprob for s in reply.samples)  # greedy


def test_logprobs_without_alternatives(nano):
    chat = gemma4.Chat(nano, sampler=gemma4.Sampler(temperature=0.0, logprobs=True))
    samples = chat.send("What is 17 + 25?").samples
    assert nano.tokenizer.decode([s.token for s in samples]) == "42"
    assert all(s.logprob < 0 and s.top == [] for s in samples)


def test_logprobs_of_forced_tokens(nano):
    """Where a format leaves no choice tokens are not taken in one go, and each has its own."""
    chat = gemma4.Chat(nano, sampler=gemma4.Sampler(temperature=0.0, top_logprobs=2))
    reply = chat.send("x", COLOUR)
    assert set(json.loads(reply.text)) == {"colour", "n"}
    assert nano.tokenizer.decode([s.token for s in reply.samples]) == reply.text
    assert all(s.logprob < 0 and len(s.top) == 2 for s in reply.samples)
    assert min(s.logprob for s in reply.samples) < -0.5  # forced, not chosen


@pytest.mark.parametrize("stop, text", [(" is", "The capital of France"), ("France is Paris", "The capital of "), ("Paris.x", "The capital of France is Paris.")])
def test_logprobs_and_stop_strings(nano, stop, text):
    chat = gemma4.Chat(nano, sampler=gemma4.Sampler(temperature=0.0, logprobs=True))
    stream = chat.stream("What is the capital of France?", stop=stop)
    events = list(stream)
    assert stream.reply.text == text
    written = nano.tokenizer.decode([s.token for s in stream.reply.samples])
    assert written.startswith(text) and (stream.reply.stop == "" or written.endswith(stop))
    assert "".join(e.text for e in events) == text


def test_calls_have_no_samples(nano):
    chat = gemma4.Chat(nano, [MULTIPLY], True, sampler=gemma4.Sampler(temperature=0.0, logprobs=True))
    stream = chat.stream("What is 12 times 34?")
    events = list(stream)
    assert stream.reply.tool_calls and stream.reply.samples == []
    reasoning = "".join(nano.tokenizer.decode([s.token for s in e.samples]) for e in events if e.type == "reasoning")
    assert reasoning == stream.reply.reasoning
    assert all(e.samples == [] for e in events if e.type.startswith("tool_call"))
    reply = chat.send({"role": "tool", "tool_call_id": stream.reply.tool_calls[0].id, "content": {"result": 408}})
    assert nano.tokenizer.decode([s.token for s in reply.samples]) == reply.text == "12 times 34 is 408."


def test_text_that_looked_like_a_call_has_its_samples(nano):
    chat = gemma4.Chat(nano, sampler=gemma4.Sampler(temperature=0.0, logprobs=True))
    reply = chat.send("What is the time?")
    assert reply.text.startswith("call:time_time{")
    assert nano.tokenizer.decode([s.token for s in reply.samples]).replace('<|"|>', '"') == reply.text


def values(nano):
    chat = gemma4.Chat(nano, [MULTIPLY], True, sampler=gemma4.Sampler(temperature=0.0, top_logprobs=2))
    stream = chat.stream("What is 12 times 34?")
    events = list(stream)
    yield from events
    yield stream.reply
    yield stream.reply.usage
    yield from stream.reply.tool_calls
    yield chat.send("What is the capital of France?")  # with a warning


def test_pickles_and_copies(nano):
    kinds = set()
    for value in values(nano):
        kinds.add(type(value))
        for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
            again = pickle.loads(pickle.dumps(value, protocol))
            assert type(again) is type(value) and again.to_dict() == value.to_dict() and repr(again) == repr(value)
        for copied in (copy.copy(value), copy.deepcopy(value)):
            assert copied is not value and copied.to_dict() == value.to_dict()
    assert kinds == {gemma4.ChatEvent, gemma4.Reply, gemma4.Usage, gemma4.ToolCall}


def test_json(nano):
    for value in values(nano):
        for name, member in value.to_dict().items():
            own = getattr(value, name)
            assert member == own or isinstance(own, (list, gemma4.Usage, gemma4.ToolCall)), name
        assert json.loads(json.dumps(value.to_dict())) == json.loads(value.to_json()) == value.to_dict()
    *_, reply = values(nano)
    made = reply.to_dict()
    assert list(made) == ["text", "reasoning", "tool_calls", "finish_reason", "stop_reason", "stop", "usage", "samples", "warnings"]
    assert made["usage"] == reply.usage.to_dict() and made["warnings"] == reply.warnings != []
    assert made["samples"][0]["token"] == reply.samples[0].token and len(made["samples"][0]["top"]) == 2


def test_large_numbers_survive(nano):
    parser = gemma4.ReplyParser(nano.tokenizer)
    arguments = {"n": 10 ** 30, "x": 1e300, "s": "\u00e9\0", "l": [None, True, {}]}
    ids = gemma4.encode_chat(nano, [{"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": arguments}}]}], add_generation_prompt=False)
    event = parser.push(ids[ids.index(nano.tokenizer.token_to_id("<|tool_call>")):])[-1]
    assert event.call.arguments == arguments
    assert pickle.loads(pickle.dumps(event)).call.arguments == json.loads(event.to_json())["call"]["arguments"] == arguments


def test_a_reply_goes_back_into_a_history(nano):
    chat = gemma4.Chat(nano, [MULTIPLY], True, sampler=gemma4.Sampler(temperature=0.0))
    history = [{"role": "user", "content": "What is 12 times 34?"}]
    reply = chat.send(history[0])
    assert reply.to_message() == chat.messages[-1]
    history += [reply.to_message(), {"role": "tool", "tool_call_id": reply.tool_calls[0].id, "content": {"result": 408}}]
    again = gemma4.Chat(nano, [MULTIPLY], True, sampler=gemma4.Sampler(temperature=0.0)).send(json.loads(json.dumps(history)))
    assert again.text == "12 times 34 is 408."
