"""Chat configured per reply, whole histories, forks, rewinding, drawing again; an agent that swaps tools, an editor."""
import numpy as np
import pytest

import gemma4

from test_chat import LOOKUP, MULTIPLY, fresh_logits

STORY = "Tell me a story."
QUESTION = {"role": "user", "content": "What is 17 + 25?"}


def greedy(**options):
    return gemma4.Sampler(temperature=0.0, **options)


@pytest.fixture
def chat(nano):
    def make(**options):
        options.setdefault("sampler", greedy())
        return gemma4.Chat(nano, **options)
    return make


def said(reply):
    return reply.text, reply.reasoning, [(c.name, c.arguments) for c in reply.tool_calls], reply.finish_reason


ASK = {"tools": "What is 6 times 7? Use multiply.", "thinking": "What is 17 + 25?", "sampler": STORY, "loop_tokens": STORY,
       "hold_calls": "What is 6 times 7?"}


@pytest.mark.parametrize("name, value, others", [
    ("tools", [MULTIPLY], {}), ("tools", [MULTIPLY, LOOKUP], {}), ("thinking", True, {}), ("thinking", 4, {}),
    ("sampler", gemma4.Sampler(temperature=1.5, seed=3), {}), ("loop_tokens", 6, {}),
    ("hold_calls", False, {"tools": [MULTIPLY]}),
])
def test_an_option_of_a_reply_is_that_of_a_chat_made_with_it(chat, name, value, others):
    own = chat(**others, **{name: value})
    wanted = own.send(ASK[name], max_tokens=60)
    given = chat(**others)
    before = said(given.send("What is the capital of France?"))
    given.reset()
    assert said(given.send(ASK[name], max_tokens=60, **{name: value})) == said(wanted)
    assert given.tokens == own.tokens
    given.reset()
    assert said(given.reply([{"role": "user", "content": ASK[name]}], max_tokens=60, **{name: value})) == said(wanted)
    # For that reply alone.
    given.reset()
    assert said(given.send("What is the capital of France?")) == before


def test_tools_none_are_the_chats_and_an_empty_list_is_none(chat):
    c = chat(tools=[MULTIPLY])
    assert c.send("What is 6 times 7?", tool_choice="required", max_tokens=60).tool_calls
    c.reset()
    with pytest.raises(gemma4.Error, match="tool_choice"):
        c.send("What is 6 times 7?", tool_choice="required", tools=[])
    assert c.messages == []


def test_hold_calls_is_true_or_false(chat):
    c = chat()
    with pytest.raises(TypeError, match="hold_calls: expected True, False or None, got 'maybe'"):
        c.send("What is 17 + 25?", hold_calls="maybe")
    assert c.messages == []


def test_a_sampler_of_a_replys_own_leaves_the_chats_alone(chat):
    def replies(interrupted):
        c = chat(sampler=gemma4.Sampler(temperature=1.2, seed=8))
        first = said(c.send(STORY, max_tokens=20))
        if interrupted:
            other = c.fork()
            other_text = c.send(STORY, max_tokens=20, sampler=gemma4.Sampler(temperature=2.0, seed=1)).text
            assert other.send(STORY, max_tokens=20, sampler=gemma4.Sampler(temperature=2.0, seed=1)).text == other_text
            c.rewind(2)
        return first, said(c.send(STORY, max_tokens=20))
    assert replies(True) == replies(False)


def test_penalties_count_what_the_prompt_holds(chat):
    """A reply's sampler, the chat's or its own, has seen the prompt that the reply answers and nothing else."""
    penalising = dict(temperature=0.0, repetition_penalty=1.8)
    c = chat(sampler=gemma4.Sampler(**penalising))
    c.send(STORY, max_tokens=30)
    c.rewind(0)
    again = c.send("What is the capital of France?", max_tokens=30)
    assert said(again) == said(chat(sampler=gemma4.Sampler(**penalising)).send("What is the capital of France?", max_tokens=30))
    own = chat().send("What is the capital of France?", max_tokens=30, sampler=gemma4.Sampler(**penalising))
    assert said(own) == said(again)


@pytest.mark.parametrize("stream", [False, True])
def test_a_whole_history_takes_the_place_of_the_conversation(chat, nano, stream):
    def reply(c, messages, **options):
        if not stream:
            return c.reply(messages, **options)
        events = c.stream_reply(messages, **options)
        text = "".join(e.text for e in events if e.type == "content")
        assert text == events.reply.text
        return events.reply
    told = chat()
    told.send("What is the capital of France?")
    told.send("What is 17 + 25?")
    server = chat()
    history = [{"role": "user", "content": "What is the capital of France?"}]
    first = reply(server, history)
    history += [first.to_message(), QUESTION]
    second = reply(server, history)
    assert server.messages == told.messages and server.tokens == told.tokens
    assert second.usage.reused_tokens >= first.usage.prompt_tokens  # all that was known
    # Another conversation, then the first one again.
    assert reply(server, [QUESTION]).text == "42"
    assert [m["role"] for m in server.messages] == ["user", "assistant"]
    assert reply(server, history).text == "42"
    np.testing.assert_allclose(server.logits, fresh_logits(nano, server.tokens), atol=2e-2)
    # What is refused changes nothing.
    before = server.messages
    for bad in ([], [{"role": "user"}], [{"role": "tool", "tool_call_id": "x", "content": "1"}],
                [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]):
        with pytest.raises(gemma4.Error):
            reply(server, bad)
        assert server.messages == before


def test_a_chat_begins_with_a_given_history(chat):
    history = [{"role": "user", "content": "What is the capital of France?"},
               {"role": "assistant", "content": "The capital of France is Paris."}]
    begun = chat(messages=history)
    assert begun.messages == history
    assert begun.send("What is 17 + 25?").text == "42"
    told = chat()
    told.send("What is the capital of France?")
    told.send("What is 17 + 25?")
    assert begun.tokens == told.tokens
    with pytest.raises(gemma4.Error, match=r"messages\[1\]"):
        chat(messages=[history[0], {"role": "nobody", "content": ""}])
    assert chat(messages=history, system="Be brief.").messages[0] == {"role": "system", "content": "Be brief."}


def test_a_fork_goes_on_as_its_chat_would_and_neither_sees_the_other(chat):
    c = chat(sampler=gemma4.Sampler(temperature=1.0, seed=21))
    c.send(STORY, max_tokens=30)
    fork = c.fork()
    assert fork.messages == c.messages and fork.tokens == c.tokens
    ours = c.send("Go on.", max_tokens=30)
    theirs = fork.send("Go on.", max_tokens=30)
    assert said(ours) == said(theirs) and c.tokens == fork.tokens
    assert theirs.usage.reused_tokens == ours.usage.reused_tokens > 0
    fork.send("What is 17 + 25?", max_tokens=10)
    assert len(fork.messages) == len(c.messages) + 2
    c.close()
    assert len(fork.fork().messages) == 6


def test_an_editor_rewinds_edits_and_draws_again(chat, nano):
    c = chat(sampler=gemma4.Sampler(temperature=1.0, seed=4), system="You are helpful.")
    c.send("What is the capital of France?", max_tokens=20)
    c.send(STORY, max_tokens=40)
    first = c.messages[-1]["content"]
    drawn = {first}
    for _ in range(4):
        reply = c.regenerate(max_tokens=40)
        assert c.messages[-1]["content"] == reply.text and len(c.messages) == 5
        assert reply.usage.reused_tokens >= reply.usage.prompt_tokens - 1
        drawn.add(reply.text)
    assert len(drawn) > 2
    events = c.stream_regenerate(max_tokens=5)
    assert "".join(e.text for e in events) == c.messages[-1]["content"] == events.reply.text
    # The second question is asked otherwise.
    c.rewind(3)
    assert [m["role"] for m in c.messages] == ["system", "user", "assistant"]
    edited = c.send("What is 17 + 25?", max_tokens=10, sampler=greedy())
    assert edited.usage.reused_tokens > 10
    wanted = c.messages
    tokens = gemma4.encode_chat(nano, wanted[:-1])
    assert c.tokens[:len(tokens)] == tokens
    with pytest.raises(gemma4.Error, match="rewind"):
        c.rewind(6)
    with pytest.raises(gemma4.Error, match="rewind"):
        c.rewind(-1)
    c.rewind(0)
    with pytest.raises(gemma4.Error, match="regenerate"):
        c.regenerate()
    assert c.messages == []


def test_drawing_again_that_fails_or_is_cancelled_keeps_what_there_was(chat):
    c = chat()
    c.send("What is 17 + 25?")
    before = c.messages
    with pytest.raises(gemma4.Error, match="max_calls"):
        c.regenerate(max_calls=0)
    cancel = gemma4.CancelToken()
    cancel.cancel()
    assert c.regenerate(cancel=cancel).finish_reason == "cancelled"
    assert c.messages == before


def test_several_replies_to_one_history(chat):
    c = chat(sampler=gemma4.Sampler(temperature=1.0, seed=2))
    replies = c.reply([{"role": "user", "content": STORY}], n=5, max_tokens=40)
    assert len(replies) == 5 and len({r.text for r in replies}) > 2
    assert c.messages[-1]["content"] == replies[0].text
    assert all(r.usage.reused_tokens >= r.usage.prompt_tokens - 1 for r in replies[1:])
    again = chat(sampler=gemma4.Sampler(temperature=1.0, seed=2)).reply([{"role": "user", "content": STORY}], n=5, max_tokens=40)
    assert [r.text for r in again] == [r.text for r in replies]
    own = c.reply([{"role": "user", "content": STORY}], n=3, max_tokens=40, sampler=gemma4.Sampler(temperature=1.0, seed=2))
    assert own[0].text == replies[0].text and len({r.text for r in own}) > 1
    with pytest.raises(gemma4.Error, match="alternatives"):
        c.reply([QUESTION], n=0)


def test_an_agent_that_swaps_tools_between_replies(chat):
    c = chat()
    first = c.send("What is 6 times 7?", tools=[MULTIPLY], tool_choice="required", max_tokens=80)
    (call,) = first.tool_calls
    assert call.name == "multiply" and set(call.arguments) == {"a", "b"}
    c.send([{"role": "tool", "tool_call_id": call.id, "content": "42"}], tools=[MULTIPLY], max_tokens=40)
    second = c.send("What is the phone number of Anna?", tools=[LOOKUP], tool_choice="required", max_tokens=80)
    assert [t.name for t in second.tool_calls] == ["lookup"]
    assert second.tool_calls[0].id != call.id
    c.send([{"role": "tool", "tool_call_id": second.tool_calls[0].id, "content": "555"}], tools=[LOOKUP], max_tokens=40)
    last = c.send("What is 17 + 25?", max_tokens=40)  # no tools at all
    assert last.tool_calls == [] and len(c.messages) == 10
    for round in range(6):  # more sets of tools than are kept
        name = "tool_%d" % round
        reply = c.send("Call it.", tools=[{"name": name}], tool_choice="required", max_tokens=40)
        assert [t.name for t in reply.tool_calls] == [name]
        c.rewind(10)


@pytest.mark.parametrize("preserve", ["none", "calls", "all", False, True])
def test_which_thoughts_stay(chat, nano, preserve):
    history = [{"role": "user", "content": "a"},
               {"role": "assistant", "reasoning": "plain thought", "content": "b"},
               {"role": "user", "content": "c"},
               {"role": "assistant", "reasoning": "calling thought", "content": "",
                "tool_calls": [{"id": "1", "function": {"name": "multiply", "arguments": {"a": 1, "b": 2}}}]},
               {"role": "tool", "tool_call_id": "1", "content": "2"},
               {"role": "assistant", "content": "d"},
               {"role": "user", "content": "e"}]
    text = gemma4.render_chat(history, preserve_thinking=preserve)
    assert ("plain thought" in text) == (preserve == "all")
    assert ("calling thought" in text) == (preserve in ("calls", "all", True))
    given = chat()
    given.reply(history, preserve_thinking=preserve, max_tokens=1)
    own = chat(preserve_thinking=preserve)
    own.reply(history, max_tokens=1)
    wanted = gemma4.encode_chat(nano, history, preserve_thinking=preserve)
    assert given.tokens == own.tokens == wanted


def test_with_all_thoughts_kept_nothing_is_computed_twice(chat):
    def reused(preserve):
        c = chat(thinking=True, preserve_thinking=preserve)
        first = c.send("What is 17 + 25?", max_tokens=120)
        assert first.reasoning
        held = c.position
        return held - c.send("What is 12 - 57?", max_tokens=120).usage.reused_tokens
    assert reused("all") <= 1
    assert reused("none") > 5


def test_preserve_thinking_is_one_of_three(chat):
    for bad in ("some", 2, None, ""):
        with pytest.raises(gemma4.Error, match="preserve_thinking: expected"):
            gemma4.render_chat([QUESTION], preserve_thinking=bad)


def test_a_system_message_in_the_middle_stays_there():
    text = gemma4.render_chat([{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"},
                               {"role": "system", "content": "now in verse"}, {"role": "user", "content": "c"}])
    assert text.index("<|turn>user\na") < text.index("<|turn>system\nnow in verse<turn|>") < text.index("<|turn>user\nc")


def multiply(a: int, b: int) -> int:
    """Multiplies two numbers.

    Args:
        a: First number
        b: Second number
    """
    return a * b


def test_tools_are_called_to_the_end(chat):
    told = []
    c = chat(tools=[multiply])
    reply = c.run("What is 12 times 34?", on_call=lambda call, result: told.append((call.name, result)))
    assert told == [("multiply", 408)] and "408" in reply.text and reply.tool_calls == []
    assert [m["role"] for m in c.messages] == ["user", "assistant", "tool", "assistant"]
    assert "408" in chat(tools=[multiply]).fork().run("What is 12 times 34?").text  # a fork knows the functions
    # The tools of one run; a function that raises; one that is asked for again and again.
    other = chat()
    def fails(a: int, b: int) -> int:
        raise ValueError("no")
    fails.__name__ = "multiply"
    fails.__doc__ = multiply.__doc__
    other.run("What is 12 times 34?", tools=[fails], rounds=2)
    assert other.messages[2]["content"] == {"error": "ValueError: no"}
    assert len([m for m in other.messages if m["role"] == "tool"]) <= 2
    # What is no function here is the caller's business.
    reply = chat(tools=[MULTIPLY]).run("What is 12 times 34?")
    assert [call.name for call in reply.tool_calls] == ["multiply"]


def test_answers_as_values(chat):
    import dataclasses

    @dataclasses.dataclass
    class Answer:
        number: int
        sure: bool
    c = chat()
    reply = c.send("What is 17 + 25?", Answer)
    assert isinstance(reply.parsed, Answer) and isinstance(reply.parsed.number, int)
    schema = {"type": "object", "properties": {"number": {"type": "integer"}}, "required": ["number"]}
    assert set(c.send("What is 17 + 25?", schema).parsed) == {"number"}
    stream = c.stream("What is 17 + 25?", schema)
    list(stream)
    assert set(stream.reply.parsed) == {"number"}
    assert [set(r.parsed) for r in c.reply("What is 17 + 25?", n=2, response_format=schema)] == [{"number"}] * 2
    assert c.send("What is 17 + 25?", gemma4.regex(r"\d+")).parsed is None
    assert c.send("What is 17 + 25?").parsed is None
    assert c.send("What is 17 + 25?", schema, max_tokens=2).parsed is None
    pydantic = pytest.importorskip("pydantic")
    Model = pydantic.create_model("Model", number=(int, ...))
    assert isinstance(c.send("What is 17 + 25?", Model).parsed, Model)


def test_replies_to_await(chat):
    import asyncio

    async def both():
        a, b = chat(), chat()
        return await asyncio.gather(a.asend("What is 17 + 25?"), b.areply([QUESTION], max_tokens=8))
    assert [reply.text for reply in asyncio.run(both())] == ["42", "42"]
