"""score(): log-probabilities of a continuation."""
import threading

import numpy as np
import pytest

import gemma4


def log_softmax(logits):
    logits = logits.astype(np.float64)
    return logits - np.log(np.exp(logits - logits.max(-1, keepdims=True)).sum(-1, keepdims=True)) - logits.max(-1, keepdims=True)


def test_the_values_of_all_logits(tiny, session):
    rng = np.random.default_rng(3)
    prompt, rest = rng.integers(0, 448, 40), rng.integers(0, 448, 25)
    every = gemma4.Session(tiny, context_length=128).prefill(np.concatenate([prompt, rest]), all_logits=True)
    expected = [log_softmax(every[39 + i])[token] for i, token in enumerate(rest)]
    session.prefill(prompt)
    before = session.tokens
    scores = gemma4.score(session, rest)
    assert isinstance(scores, list) and all(type(x) is float and x <= 0 for x in scores)
    assert scores == pytest.approx(expected, abs=2e-4)
    assert session.tokens == before
    silent = gemma4.Session(tiny, context_length=128, prefill_chunk=16)
    silent.prefill(prompt, logits=False)
    assert gemma4.score(silent, list(rest)) == pytest.approx(expected, abs=2e-4)
    assert gemma4.score(silent, []) == [] and silent.position == 40


def test_a_likely_answer(nano, ask):
    session = gemma4.Session(nano)
    session.prefill(ask(nano, "What is 17 + 25?"))
    right, wrong = (sum(gemma4.score(session, nano.tokenizer.encode(text))) for text in ("42", "57"))
    assert right > -1 > wrong


def test_errors(tiny, session):
    with pytest.raises(gemma4.Error, match="expected a session that holds tokens") as error:
        gemma4.score(session, [1])
    assert error.value.code == "invalid_argument"
    session.prefill([1, 2])
    for ids, code in (([448], "token_out_of_range"), ([1] * 256, "context_full")):
        with pytest.raises(gemma4.Error) as error:
            gemma4.score(session, ids)
        assert error.value.code == code
    with pytest.raises(TypeError, match=r"score\(\): session"):
        gemma4.score(tiny, [1])
    cancel = gemma4.CancelToken()
    cancel.cancel()
    with pytest.raises(gemma4.Error) as error:
        gemma4.score(session, [1, 2], cancel=cancel)
    assert error.value.code == "cancelled" and session.position == 2


def test_ctrl_c(tiny, ctrl_c_soon):
    session = gemma4.Session(tiny, context_length=20000)
    session.prefill([1])
    with pytest.raises(KeyboardInterrupt):
        ctrl_c_soon()
        for _ in range(1000):
            gemma4.score(session, [i % 448 for i in range(19000)])
    assert session.position == 1


def test_other_threads_go_on(tiny):
    session = gemma4.Session(tiny, context_length=4096)
    session.prefill([1])
    done = threading.Event()
    thread = threading.Thread(target=lambda: (gemma4.score(session, [i % 448 for i in range(3000)]), done.set()))
    thread.start()
    turns = 0
    while not done.is_set() and turns < 10 ** 6:
        turns += 1
    thread.join()
    assert done.is_set()
