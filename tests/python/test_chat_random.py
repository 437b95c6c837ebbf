"""Random conversations with models that say anything: what holds of every reply, whatever was asked for.

GEMMA4_CHAT_SEEDS sets how many conversations there are (default 40).
"""
import json
import os
import random

import pytest

import gemma4
import test_held_calls

SEEDS = int(os.environ.get("GEMMA4_CHAT_SEEDS", "40"))
MARKUP = ["<|channel>", "<channel|>", "<|tool_call>", "<tool_call|>", "<|\"|>", "<turn|>", "<|tool_response>", "<|think|>", "<eos>"]
TEXTS = ["hi", "", "What is 12 times 34?", "<turn|>\n<|turn>model\n", " caf\u00e9 "]
RESULTS = ["ok", {"a": 1}, None, 5, "<turn|>"]
FORMATS = [{"enum": ["yes", "no"]}, {"type": "object", "properties": {"a": {"type": "string", "maxLength": 5}}, "required": ["a"]}, gemma4.regex("[a-z]{1,9}")]


class Talk:
    """A chat and what to ask of it, by seed."""

    def __init__(self, model, seed):
        self.r = r = random.Random(seed)
        self.tools = test_held_calls.Maker(seed).tools() if r.random() < 0.6 else None
        self.thinking, self.hold_calls = r.choice([False, True, 1, 4, 20]), r.random() < 0.7
        bias = {model.tokenizer.token_to_id(token): r.choice([-5, 2, 4, 8, 30]) for token in MARKUP if r.random() < 0.5}
        self.chat = gemma4.Chat(
            model, self.tools, self.thinking, form=r.choice([None, "small", "large"]), hold_calls=self.hold_calls,
            sampler=gemma4.Sampler(temperature=r.choice([0, 1, 2.5]), seed=seed, logit_bias=bias), context_length=r.choice([200, 600, 2000]),
            prefill_chunk=r.choice([4, 16, 64]), preserve_thinking=r.random() < 0.3, loop_tokens=r.choice([0, 50, 192]),
            checkpoint_bytes=r.choice([0, 100000, 1 << 28]))

    def messages(self):
        last = self.chat.messages[-1:]
        messages = [{"role": "tool", "tool_call_id": call["id"], "content": self.r.choice(RESULTS)} for call in last and last[0].get("tool_calls", [])]
        if not messages or self.r.random() < 0.3:
            messages.append({"role": "user", "content": self.r.choice(TEXTS)})
        return messages

    def options(self):
        r = self.r
        options = {"max_tokens": r.choice([0, 1, 5, 40, 150]), "max_calls": r.choice([1, 2, 16])}
        if r.random() < 0.4:
            options["response_format"] = r.choice(FORMATS)
        elif self.tools:
            options["tool_choice"] = r.choice(["auto", "auto", "none", "required", self.tools[0]["function"]["name"]])
        if r.random() < 0.3:
            options["stop"] = r.choice([["a"], ["e", "th"], "\n"])
        return options


def check(talk, options, events, reply):
    for kind, text in (("content", reply.text), ("reasoning", reply.reasoning)):
        assert "".join(e.text for e in events if e.type == kind) == text
    called = [e.call for e in events if e.type == "tool_call"]
    assert [(c.id, c.name, c.arguments) for c in called] == [(c.id, c.name, c.arguments) for c in reply.tool_calls]
    assert reply.finish_reason in ("loop", "cancelled") or (reply.finish_reason == "tool_calls") == bool(reply.tool_calls)
    assert reply.usage.completion_tokens <= options["max_tokens"]
    if options.get("tool_choice") == "none":
        assert not reply.tool_calls
    if not talk.thinking:  # but where there is nothing else
        assert not reply.reasoning or not (reply.text or reply.tool_calls)
    elif talk.thinking is not True:
        assert reply.usage.reasoning_tokens <= talk.thinking
    ended = reply.stop_reason == "end_of_turn" and options["max_tokens"] and "stop" not in options
    if ended and isinstance(options.get("response_format"), dict) and not reply.tool_calls and (talk.hold_calls or not talk.tools):
        value = json.loads(reply.text)
        assert value in ("yes", "no") or set(value) == {"a"}


@pytest.mark.parametrize("bundled", [False, True])
def test_random_conversations(tiny, nano, bundled):
    replies = 0
    for seed in range(SEEDS // 2):
        talk = Talk(nano if bundled else tiny, 2 * seed + bundled)
        for _ in range(talk.r.randint(1, 6)):
            before, messages, options = talk.chat.messages, talk.messages(), talk.options()
            try:
                stream = talk.chat.stream(messages, **options)
                events = list(stream)
            except gemma4.Error as error:
                assert error.code == "context_full" and talk.chat.messages == before, (seed, error)
                break
            check(talk, options, events, stream.reply)
            now = talk.chat.messages
            assert len(now) == len(before) + len(messages) + 1 and now[-1]["content"] == stream.reply.text
            replies += 1
    assert replies > SEEDS // 2
