"""What holds for every object: with, close, copies, pickles, reprs; arrays that outlive what made them."""
import copy
import gc
import json
import pickle
import re

import numpy as np
import pytest

import gemma4

IDS = [1 + i % 400 for i in range(40)]


def code_of(call):
    with pytest.raises(gemma4.Error) as error:
        call()
    return error.value.code


def test_with_a_session(tiny):
    with gemma4.Session(tiny, context_length=64) as session:
        session.prefill([1, 2])
    session.close()  # twice does no harm
    for call in (lambda: session.prefill([1]), lambda: session.decode(1), lambda: session.position, lambda: session.tokens,
                 lambda: session.context_length, lambda: session.model, lambda: session.memory_bytes, lambda: session.fork(),
                 lambda: session.truncate(0), lambda: session.checkpoint(), lambda: gemma4.generate(session, [1])):
        assert code_of(call) == "invalid_argument"
    assert "closed" in repr(session)


def test_with_a_model(write_checkpoint):
    path = write_checkpoint("bare", "f32")
    with gemma4.Model(path, threads=1) as model:
        session, tokenizer = gemma4.Session(model, context_length=64), model.tokenizer
    model.close()
    for call in (lambda: model.config, lambda: model.tokenizer, lambda: model.threads, lambda: model.compute, lambda: model.isa,
                 lambda: model.sampler(), lambda: model.sampler_defaults, lambda: model.memory_plan(),
                 lambda: gemma4.Session(model), lambda: gemma4.Chat(model)):
        assert code_of(call) == "invalid_argument"
    assert "closed" in repr(model)
    assert session.prefill([1, 2]).shape == (session.model.config.vocab_size,)  # sessions keep what they need
    assert tokenizer.decode(tokenizer.encode("a")) == "a"


def test_with_a_chat(nano):
    with gemma4.Chat(nano) as chat:
        assert "0 of 4096" in repr(chat)
        stream = chat.stream("What is 17 + 25?")
        next(stream)
    for call in (lambda: chat.send("x"), lambda: chat.messages, lambda: chat.position, lambda: chat.context_length, lambda: next(stream)):
        assert code_of(call) == "invalid_argument"
    assert "closed" in repr(chat)


def test_with_a_generation(tiny):
    session = gemma4.Session(tiny, context_length=64)
    with gemma4.generate(session, [1, 2], stop_at_eos=False) as generation:
        next(generation)
    assert list(generation) == [] and generation.result is None
    session.decode(1)


def test_cancel_of_a_generation(tiny):
    generation = gemma4.generate(gemma4.Session(tiny, context_length=64), [1, 2], stop_at_eos=False)
    next(generation)
    generation.cancel()
    assert [piece for piece in generation] == [] and generation.result.reason == "cancelled"


def test_exceptions_leave_with(tiny):
    with pytest.raises(ZeroDivisionError):
        with gemma4.Session(tiny, context_length=64) as session:
            1 / 0
    assert "closed" in repr(session)


def test_copies(tiny, session):
    for shared in (tiny, tiny.tokenizer, gemma4.regex("a")):
        assert copy.copy(shared) is shared and copy.deepcopy(shared) is shared
    for value, instead in ((session, r"fork\(\)"), (gemma4.generate(session, [1]), "generate")):
        for refused in (copy.copy, copy.deepcopy):
            with pytest.raises(TypeError, match=instead):
                refused(value)
    sampler = gemma4.Sampler(seed=4)
    assert copy.deepcopy(sampler).options == sampler.options


def test_pickles_are_refused_with_a_word(tiny, session):
    for value in (tiny, session, tiny.tokenizer, gemma4.Sampler(), gemma4.regex("a"), gemma4.generate(session, [1])):
        with pytest.raises(TypeError, match="cannot be pickled: "):
            pickle.dumps(value)


def test_what_a_generation_yields_is_a_value(session):
    generation = gemma4.generate(session, [1, 2, 3], sampler=gemma4.Sampler(top_logprobs=2, seed=1), max_tokens=6, stop_at_eos=False)
    pieces = [piece for piece in generation if piece.samples]
    values = [generation.result, *pieces, pieces[0].samples[0], pieces[0].samples[0].top[1]]
    for value in values:
        for again in (pickle.loads(pickle.dumps(value)), copy.copy(value), copy.deepcopy(value),
                      *(pickle.loads(pickle.dumps(value, protocol)) for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1))):
            assert type(again) is type(value) and repr(again) == repr(value) and again.to_dict() == value.to_dict()
        assert json.loads(json.dumps(value.to_dict(), allow_nan=False)) == json.loads(value.to_json())
    result = values[0]
    assert result.to_dict() == {"reason": "max_tokens", "text": result.text, "token_ids": result.token_ids, "stop": "",
                                "prefill_seconds": result.prefill_seconds, "decode_seconds": result.decode_seconds,
                                "time_to_first_token": result.time_to_first_token, "tokens_per_second": result.tokens_per_second}
    assert pieces[0].to_dict()["samples"][0]["top"][1] == {"token": pieces[0].samples[0].top[1].token,
                                                          "logprob": pieces[0].samples[0].top[1].logprob}


def test_errors_can_be_pickled():
    with pytest.raises(gemma4.Error) as error:
        gemma4.regex("(")
    again = pickle.loads(pickle.dumps(error.value))
    assert type(again) is gemma4.Error and str(again) == str(error.value) and again.code == error.value.code == "bad_format"
    with pytest.raises(gemma4.Error) as error:
        gemma4.json_schema({"const": object()})
    again = pickle.loads(pickle.dumps(error.value))
    assert isinstance(again, gemma4.Error) and isinstance(again, TypeError) and again.code == "invalid_argument"


def test_reprs(tiny, session):
    session.prefill([1, 2, 3])
    generation = gemma4.generate(session, [4], sampler=gemma4.Sampler(top_logprobs=1), max_tokens=1, stop_at_eos=False)
    running = repr(generation)
    (piece,) = [p for p in generation if p.token_ids]
    cancel = gemma4.CancelToken()
    for value, wanted in ((tiny, "layers"), (session, "4 of 256 tokens"), (tiny.tokenizer, "448 tokens"), (gemma4.Sampler(), "top_k=0"),
                          (gemma4.regex("a"), "Grammar"), (cancel, "CancelToken>"), (piece, "token_ids"), (piece.samples[0], "logprob"),
                          (piece.samples[0].top[0], "logprob"), (generation, "max_tokens"), (generation.result, "reason='max_tokens'"),
                          (tiny.config, "hidden_size"), (tiny.memory_plan(), "kv_cache_bytes=")):
        assert wanted in repr(value) and not re.search("0x[0-9a-f]{6}", repr(value)), repr(value)
    assert "running" in running
    cancel.cancel()
    assert "cancelled" in repr(cancel)


def test_arrays_outlive_their_session(tiny):
    session = gemma4.Session(tiny, context_length=256, prefill_chunk=16)
    every = session.prefill(IDS, all_logits=True)
    expected = every.copy()
    assert every.flags.writeable and every.flags.c_contiguous and not every.flags.owndata  # handed over, not copied
    session.truncate(0)
    again = session.prefill(IDS, all_logits=True)
    assert (again == expected).all() and again.ctypes.data != every.ctypes.data
    every[:] = 0
    assert (session.prefill([1], rows=[0]).shape, session.prefill([1], hidden_states=True).shape) == (
        (1, tiny.config.vocab_size), (1, tiny.config.hidden_size))
    view = again[3:5]
    session.close()
    del session, again
    gc.collect()
    assert (view == expected[3:5]).all() and (every == 0).all()


def test_last_logits_are_the_callers_own(session):
    first = session.prefill(IDS[:5])
    kept = first.copy()
    session.decode(7)
    assert (first == kept).all() and first.flags.owndata and first.dtype == np.float32


def test_rows_may_be_none(session):
    assert session.prefill([1, 2], rows=[]).shape == (0, 0)


def test_a_memory_plan(tiny):
    for options in ({}, {"context_length": 100, "prefill_chunk": 7}, {"kv_dtype": "bf16"}):
        plan = tiny.memory_plan(**options)
        assert plan.session_bytes == gemma4.Session(tiny, **options).memory_bytes == plan.kv_cache_bytes + plan.state_bytes
        assert plan.weight_bytes == sum(plan.weights.values()) and plan.total_bytes == plan.weight_bytes + plan.workspace_bytes + plan.session_bytes
    assert code_of(lambda: tiny.memory_plan(context_length=0)) == "invalid_argument"
    text = str(tiny.memory_plan())
    assert "KV cache" in text and "total" in text and " kB" in text
