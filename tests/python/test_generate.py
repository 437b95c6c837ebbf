"""generate() and Sampler."""
import copy
import gc

import numpy as np
import pytest

import gemma4

GREEDY = dict(temperature=0.0)


def collect(generation):
    pieces = list(generation)
    result = generation.result
    assert "".join(piece.text for piece in pieces) == result.text
    assert [i for piece in pieces for i in piece.token_ids] == result.token_ids
    return result


def test_streams(tiny, session):
    ids = tiny.tokenizer.encode("Hello", add_bos=True)
    generation = gemma4.generate(session, ids, sampler=gemma4.Sampler(**GREEDY), max_tokens=12, stop_at_eos=False)
    assert generation.result is None
    result = collect(generation)
    assert result.reason == "max_tokens" and len(result.token_ids) == 12
    assert result.prefill_seconds > 0 and result.decode_seconds > 0
    assert session.position == len(ids) + 11
    assert next(generation, None) is None

    replay = gemma4.Session(tiny, context_length=256)
    logits, expected = replay.prefill(ids), []
    for _ in range(12):
        expected.append(int(logits.argmax()))
        logits = replay.decode(expected[-1])
    assert result.token_ids == expected


def test_keeps_session_and_sampler_alive(tiny):
    generation = gemma4.generate(gemma4.Session(tiny, context_length=64), [1, 2, 3], max_tokens=4, stop_at_eos=False)
    gc.collect()
    assert len(collect(generation).token_ids) == 4


def test_goes_on_from_the_session(session):
    session.prefill([1, 2, 3])
    assert len(collect(gemma4.generate(session, [], max_tokens=3, stop_at_eos=False)).token_ids) == 3


def test_stop_strings(tiny):
    def run(**options):
        session = gemma4.Session(tiny, context_length=128)
        sampler = gemma4.Sampler(temperature=1.0, seed=5)
        return collect(gemma4.generate(session, [1, 2, 3], sampler=sampler, max_tokens=40, stop_at_eos=False, **options))
    text = run().text
    stop = text[len(text) // 2:][:3]
    for given in (stop, [stop], ("\x00 nowhere", stop)):
        result = run(stop=given)
        assert result.reason == "stop_sequence" and result.stop == stop
        assert result.text == text[:text.index(stop)]


def test_context_full(tiny):
    session = gemma4.Session(tiny, context_length=10)
    result = collect(gemma4.generate(session, [1, 2, 3], stop_at_eos=False))
    assert result.reason == "context_full" and session.position == 10


def test_cancel(session):
    cancel = gemma4.CancelToken()
    generation = gemma4.generate(session, [1, 2, 3], cancel=cancel, stop_at_eos=False)
    next(generation)
    cancel.cancel()
    for _ in generation:
        pass
    assert generation.result.reason == "cancelled"
    session.decode(4)


def test_seeds(tiny):
    def run(seed):
        sampler = gemma4.Sampler(temperature=1.0, seed=seed)
        session = gemma4.Session(tiny, context_length=64)
        return collect(gemma4.generate(session, [1, 2, 3], sampler=sampler, max_tokens=20, stop_at_eos=False)).token_ids
    assert run(1) == run(1) != run(2)


def test_logprobs(session):
    sampler = gemma4.Sampler(temperature=0, top_logprobs=3)
    for piece in gemma4.generate(session, [1, 2, 3], sampler=sampler, max_tokens=5, stop_at_eos=False):
        assert len(piece.samples) == len(piece.token_ids)
        for sample in piece.samples:
            assert len(sample.top) == 3 and sample.top[0].token == sample.token
            assert sample.logprob == pytest.approx(sample.top[0].logprob) and sample.logprob < 0


def test_ctrl_c_between_steps(tiny, ctrl_c_soon):
    session = gemma4.Session(tiny, context_length=4096)
    with pytest.raises(KeyboardInterrupt):
        ctrl_c_soon()
        for _ in gemma4.generate(session, [1, 2, 3], stop_at_eos=False):
            pass
    assert 3 <= session.position < 4096
    session.decode(1)


def test_sampler_picks():
    logits = np.array([0.0, 3.0, 1.0, 2.0], np.float32)
    assert gemma4.Sampler(temperature=0).sample(logits).token == 1
    assert gemma4.Sampler(temperature=0, suppress=[1]).sample(logits).token == 3
    assert gemma4.Sampler(temperature=0, logit_bias={2: 5.0}).sample(logits).token == 2
    assert gemma4.Sampler(top_k=1).sample(logits).token == 1
    penalised = gemma4.Sampler(temperature=0, presence_penalty=2.0)
    penalised.observe([1])
    assert penalised.sample(logits).token == 3
    penalised.reset()
    assert penalised.sample(logits).token == 1


def test_sampler_copies_draw_alike():
    logits = np.linspace(0, 1, 50, dtype=np.float32)
    sampler = gemma4.Sampler(seed=3)
    sampler.sample(logits)
    twin = copy.copy(sampler)
    assert [sampler.sample(logits).token for _ in range(20)] == [twin.sample(logits).token for _ in range(20)]


def test_sampler_options(tiny):
    assert gemma4.Sampler().options == {
        "suppress": [], "logit_bias": {}, "repetition_penalty": 1.0, "presence_penalty": 0.0, "frequency_penalty": 0.0,
        "penalty_last_n": 64, "temperature": 1.0, "top_k": 0, "typical_p": 1.0, "top_p": 1.0, "min_p": 0.0, "seed": 0,
        "logprobs": False, "top_logprobs": 0}
    assert tiny.sampler_defaults["top_k"] == 64
    assert tiny.sampler_defaults["top_p"] == pytest.approx(0.95)
    changed = tiny.sampler(temperature=0.5, seed=7).options
    assert changed["temperature"] == 0.5 and changed["seed"] == 7 and changed["top_k"] == 64


def test_nano_answers(nano, ask):
    session = gemma4.Session(nano)
    result = collect(gemma4.generate(session, ask(nano, "What is 17 + 25?"), sampler=gemma4.Sampler(**GREEDY), max_tokens=32))
    assert result.reason == "end_of_turn" and "42" in result.text


def test_nano_with_its_own_defaults(nano, ask):
    result = collect(gemma4.generate(gemma4.Session(nano), ask(nano, "What is 2 + 3?"), max_tokens=64))
    assert result.text
