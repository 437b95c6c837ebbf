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
    assert result.prefill_seconds < result.time_to_first_token < result.prefill_seconds + result.decode_seconds
    assert result.tokens_per_second > 0
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


def test_a_seed_that_nobody_gave_is_drawn_and_can_be_read(tiny):
    def run(sampler=None):
        generation = gemma4.generate(gemma4.Session(tiny, context_length=64), [1, 2, 3], sampler=sampler, max_tokens=20, stop_at_eos=False)
        return collect(generation).token_ids, generation.sampler

    seen = [run(sampler) for sampler in [None] * 5 + [gemma4.Sampler(seed=None) for _ in range(5)]]
    assert len({sampler.seed for _, sampler in seen}) == 10
    assert len({tuple(ids) for ids, _ in seen}) == 10
    for ids, sampler in seen:
        assert sampler.options["seed"] is None  # as given
        again = gemma4.Sampler(**{**sampler.options, "seed": sampler.seed})
        assert again.seed == again.options["seed"] == sampler.seed
        assert run(again)[0] == ids
        sampler.reset()
        assert run(sampler)[0] == ids
    assert tiny.sampler_defaults["seed"] is None and gemma4.Sampler(seed=2 ** 64 - 1).seed == 2 ** 64 - 1


@pytest.mark.parametrize("shared", [False, True])
def test_ten_new_chats_tell_ten_stories(nano, shared):
    one = gemma4.Sampler(temperature=1.0)

    def chat(seed=None):
        if seed is None and shared:
            return gemma4.Chat(nano, sampler=one)
        return gemma4.Chat(nano, sampler=gemma4.Sampler(temperature=1.0, seed=seed))
    chats = [chat() for _ in range(10)]
    stories = [c.send("Tell me a story.", max_tokens=60).text for c in chats]
    assert len(set(stories)) > 8
    assert chat(chats[3].seed).send("Tell me a story.", max_tokens=60).text == stories[3]
    assert len({gemma4.Chat(nano).send("Tell me a story.", max_tokens=60).text for _ in range(4)}) > 2  # the model's defaults


def test_logit_bias_with_the_keys_of_json():
    logits = np.zeros(300, np.float32)
    for bias in ({"217": 50}, {217: 50}, [("217", 50)], {"000217": 50.0}, {np.int64(217): 50}):
        sampler = gemma4.Sampler(temperature=0, logit_bias=bias)
        assert sampler.sample(logits).token == 217 and sampler.options["logit_bias"] == {217: 50.0}
    for key in ("", "x", "-1", "+1", " 1", "1 ", "1.0", "1_0", "0x1", "\u0661", "\ud800"):
        with pytest.raises(gemma4.Error, match="logit_bias") as error:
            gemma4.Sampler(logit_bias={key: 1})
        assert error.value.code == "invalid_argument", key
    with pytest.raises(gemma4.Error, match="logit_bias") as error:
        gemma4.Sampler(logit_bias={"9" * 5000: 1})
    assert error.value.code == "token_out_of_range"


INTRUDERS = {
    "prefill": lambda session, sampler: session.prefill([4, 5]),
    "decode": lambda session, sampler: session.decode(4),
    "truncate": lambda session, sampler: session.truncate(1),
    "truncate to nothing": lambda session, sampler: session.truncate(0),
    "a second generation": lambda session, sampler: next(gemma4.generate(session, [4, 5], max_tokens=3, stop_at_eos=False)),
    "a second generation to its end": lambda session, sampler: list(gemma4.generate(session, [4], max_tokens=3, stop_at_eos=False)),
    "observe": lambda session, sampler: sampler.observe([4]),
    "sample": lambda session, sampler: sampler.sample(np.zeros(8, np.float32)),
    "reset": lambda session, sampler: sampler.reset(),
    "the sampler for another session": lambda session, sampler: list(gemma4.generate(
        gemma4.Session(session.model, context_length=16), [4], sampler=sampler, max_tokens=3, stop_at_eos=False)),
}


@pytest.mark.parametrize("pulled", [0, 1, 3])
@pytest.mark.parametrize("intruder", sorted(INTRUDERS))
def test_who_works_under_a_live_generation_ends_it_with_an_error(session, intruder, pulled):
    session.prefill([7, 8])
    sampler = gemma4.Sampler(temperature=1.0, seed=1)
    generation = gemma4.generate(session, [1, 2, 3], sampler=sampler, max_tokens=20, stop_at_eos=False)
    for _ in range(pulled):
        next(generation)
    INTRUDERS[intruder](session, sampler)
    held = session.tokens
    with pytest.raises(gemma4.Error, match="generation") as error:
        list(generation)
    assert error.value.code == "invalid_argument"
    assert list(generation) == [] and generation.result is None
    assert session.tokens == held
    session.decode(1)


def test_what_does_not_disturb_a_generation(tiny):
    def run(disturb):
        session = gemma4.Session(tiny, context_length=64)
        sampler = gemma4.Sampler(seed=2)
        generation = gemma4.generate(session, [1, 2, 3], sampler=sampler, max_tokens=20, stop_at_eos=False)
        for _ in generation:
            if disturb:
                fork = session.fork()
                fork.decode(1)
                copy.copy(sampler).observe([1])
                session.checkpoint()
                assert session.position == len(session.tokens) and sampler.options and repr(session)
                with pytest.raises(gemma4.Error):
                    session.prefill([10 ** 6])
        return generation.result.token_ids
    assert run(True) == run(False)


def test_a_generation_that_is_over_leaves_its_session_alone(session):
    def begin(**options):
        return gemma4.generate(session, [1, 2], stop_at_eos=False, **options)
    closed = begin()
    next(closed)
    closed.close()
    session.decode(1)
    assert list(closed) == []

    finished = begin(max_tokens=2)
    list(finished)
    session.decode(1)
    assert list(finished) == [] and finished.result.reason == "max_tokens"

    cancelled = begin()
    next(cancelled)
    cancelled.cancel()
    session.truncate(0)
    assert list(cancelled) == [] and cancelled.result.reason == "cancelled"

    dropped = begin()
    next(dropped)
    del dropped
    gc.collect()
    session.prefill([1, 2, 3])


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


@pytest.mark.parametrize("stop", ["", ["a", ""], ["\ud800"], "\udfff", ("a", "b\ud83d")])
def test_stop_texts_that_are_none(session, nano, stop):
    for begin in (lambda: gemma4.generate(session, [1], stop=stop), lambda: gemma4.Chat(nano).stream("x", stop=stop),
                  lambda: gemma4.Chat(nano).send("x", stop=stop)):
        with pytest.raises(gemma4.Error, match="stop") as error:
            begin()
        assert error.value.code == "invalid_argument"
    assert session.position == 0


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
        "penalty_last_n": 64, "dry_multiplier": 0.0, "dry_base": 1.75, "dry_allowed_length": 2, "dry_penalty_last_n": -1,
        "dry_sequence_breakers": ["\n", ":", '"', "*"], "no_repeat_ngram_size": 0, "temperature": 1.0, "top_k": 0,
        "typical_p": 1.0, "top_p": 1.0, "min_p": 0.0, "xtc_probability": 0.0, "xtc_threshold": pytest.approx(0.1), "seed": None,
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


def test_repetitions_and_xtc(tiny, nano, session):
    ids = [1, 2, 3, 4]
    result = collect(gemma4.generate(session, ids, sampler=gemma4.Sampler(no_repeat_ngram_size=2, seed=1), max_tokens=100, stop_at_eos=False))
    pairs = list(zip(ids + result.token_ids, (ids + result.token_ids)[1:]))
    assert len(pairs) == len(set(pairs))

    logits = np.zeros(448, np.float32)
    logits[7] = 5
    alone = gemma4.Sampler(temperature=0, dry_multiplier=4, dry_allowed_length=1, dry_base=2)
    with pytest.raises(gemma4.Error, match="set_tokenizer") as error:
        alone.sample(logits)
    assert error.value.code == "invalid_argument"
    alone.set_tokenizer(tiny.tokenizer)
    alone.observe([7, 7])
    assert alone.sample(logits).token == 7  # 5 - 4
    assert alone.sample(logits).token != 7  # 5 - 8
    assert nano.sampler(dry_multiplier=1).sample(np.zeros(nano.config.vocab_size, np.float32)).token >= 0
    without = gemma4.Sampler(temperature=0, dry_multiplier=4, dry_sequence_breakers=[])
    assert without.sample(logits).token == 7
    assert gemma4.Sampler(dry_sequence_breakers="\n").options["dry_sequence_breakers"] == ["\n"]
    with pytest.raises(TypeError, match="tokenizer"):
        alone.set_tokenizer(tiny)

    logits[7] = logits[8] = 12
    assert {gemma4.Sampler(xtc_probability=1, xtc_threshold=0.3, seed=i).sample(logits).token == 7 for i in range(30)} == {False}
    for field, value in (("dry_multiplier", -1), ("dry_base", 0.5), ("dry_allowed_length", -1), ("dry_penalty_last_n", -2),
                         ("no_repeat_ngram_size", -1), ("xtc_probability", 1.5), ("xtc_threshold", -0.5), ("dry_sequence_breakers", [""])):
        with pytest.raises(gemma4.Error, match="SamplerOptions::" + field):
            gemma4.Sampler(**{field: value})
    with pytest.raises(TypeError, match="dry_sequence_breakers"):
        gemma4.Sampler(dry_sequence_breakers=[1])
