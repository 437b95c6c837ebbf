"""Session: prefill, decode, truncate, fork, and threads."""
import signal
import threading
import time

import numpy as np
import pytest

import gemma4
from conftest import NANO

IDS = [(7 * i + 3) % 448 for i in range(40)]


def same(a, b):
    return np.abs(a - b).max() <= 5e-5


def test_prefill_shapes(tiny, session):
    n, vocab = len(IDS), tiny.config.vocab_size
    last = session.prefill(IDS)
    assert last.dtype == np.float32 and last.shape == (vocab,)
    session.truncate(0)
    every = session.prefill(IDS, all_logits=True)
    assert every.dtype == np.float32 and every.shape == (n, vocab) and same(every[-1], last)
    session.truncate(0)
    some = session.prefill(IDS, rows=[0, 5, n - 1])
    assert some.shape == (3, vocab) and same(some, every[[0, 5, n - 1]])
    session.truncate(0)
    assert session.prefill(IDS, hidden_states=True).shape == (n, tiny.config.hidden_size)
    session.truncate(0)
    assert session.prefill(IDS, logits=False) is None
    assert session.position == n and session.tokens == IDS


def test_results_are_copies(session):
    first = session.prefill(IDS[:3])
    kept = first.copy()
    first_again = session.decode(9)
    assert (first == kept).all() and not (first == first_again).all()
    first[:] = 0  # writable, and nobody else's


@pytest.mark.parametrize("make", [list, tuple, iter, np.array, lambda i: np.array(i, np.int32), lambda i: np.array(i, np.uint16),
                                  lambda i: np.array(i)[::1].astype(">i8"), lambda i: [np.int64(t) for t in i]])
def test_ids_of_any_kind(tiny, make):
    def logits(ids):
        return gemma4.Session(tiny, context_length=64).prefill(ids)
    assert (logits(make(IDS)) == logits(IDS)).all()


def test_strided_ids(tiny):
    ids = np.array([i for pair in zip(IDS, reversed(IDS)) for i in pair])[::2]
    session = gemma4.Session(tiny, context_length=64)
    session.prefill(ids)
    assert session.tokens == IDS


def test_decode_agrees_with_prefill(tiny):
    session, other = (gemma4.Session(tiny, context_length=64) for _ in range(2))
    rows = session.prefill(IDS, all_logits=True)
    other.prefill(IDS[:1])
    for i in range(1, len(IDS)):
        assert same(other.decode(IDS[i]), rows[i])


def test_truncate_and_replay(session):
    expected = session.prefill(IDS)
    session.truncate(30)
    assert session.position == 30
    assert same(session.prefill(IDS[30:]), expected)
    assert session.checkpoint() is True


def test_forks_are_independent(session):
    session.prefill(IDS[:20])
    fork = session.fork()
    a, b = session.decode(1), fork.decode(2)
    assert fork.position == session.position == 21
    assert fork.tokens[-1] == 2 and session.tokens[-1] == 1
    assert not same(a, b)
    session.truncate(20)
    assert (session.decode(2) == b).all() or same(session.decode(2), b)


def test_session_keeps_its_model(write_checkpoint):
    session = gemma4.Session(gemma4.Model(write_checkpoint("bare", "f32")), context_length=32)
    assert session.prefill([1, 2, 3]).shape == (session.model.config.vocab_size,)
    assert session.memory_bytes > 0 and session.context_length == 32
    assert "3 of 32" in repr(session)


def test_kv_dtype(tiny):
    small = gemma4.Session(tiny, context_length=2048, kv_dtype="f16")
    large = gemma4.Session(tiny, context_length=2048, kv_dtype="f32")
    assert small.memory_bytes < large.memory_bytes


def test_progress_and_cancel(tiny):
    session = gemma4.Session(tiny, context_length=256, prefill_chunk=8)
    seen = []
    session.prefill(IDS, progress=lambda done, total: seen.append((done, total)))
    assert {(8, 40), (16, 40), (24, 40), (32, 40)} < set(seen) and seen[-1] == (40, 40)
    assert seen == sorted(set(seen)) and seen[0][0] < 8  # within the first chunk

    cancel = gemma4.CancelToken()
    with pytest.raises(gemma4.Error) as error:
        session.prefill(IDS, cancel=cancel, progress=lambda done, total: cancel.cancel())
    assert error.value.code == "cancelled" and cancel.cancelled
    assert session.position == 40  # within the first chunk, too
    session.decode(5)


def test_progress_may_raise(tiny):
    session = gemma4.Session(tiny, context_length=256, prefill_chunk=8)
    with pytest.raises(ZeroDivisionError):
        session.prefill(IDS, progress=lambda done, total: 1 / 0)
    assert session.position == 0
    with pytest.raises(ZeroDivisionError):
        session.prefill(IDS, progress=lambda done, total: 1 / (17 - done if done > 15 else 1))
    assert session.position == 16


def test_progress_within_one_chunk(tiny):
    session = gemma4.Session(tiny, context_length=256, prefill_chunk=256)
    seen = []
    logits = session.prefill(IDS * 5, progress=lambda done, total: seen.append((done, total, session_is_busy(session))))
    assert len(seen) >= 4 and seen[-1][:2] == (200, 200) and all(busy for _, _, busy in seen)
    assert len(seen) <= 200 and [s[0] for s in seen] == sorted({s[0] for s in seen})
    assert (logits == gemma4.Session(tiny, context_length=256, prefill_chunk=256).prefill(IDS * 5)).all()


def session_is_busy(session):
    try:
        session.decode(1)
    except gemma4.Error as error:
        return error.code == "invalid_argument"
    return False


def test_ctrl_c_ends_a_prefill(tiny, ctrl_c_soon):
    session = gemma4.Session(tiny, context_length=4096, prefill_chunk=4)
    with pytest.raises(KeyboardInterrupt):
        ctrl_c_soon()
        session.prefill((IDS * 100)[:4000], logits=False)
    assert 0 < session.position < 4000
    session.decode(5)


@pytest.fixture
def slow(nano):
    """A session whose one chunk takes seconds, on one thread; and how many tokens it is."""
    with gemma4.Model(NANO, threads=1) as model:
        n = 12000
        yield gemma4.Session(model, context_length=n, prefill_chunk=n), [1 + i % 300 for i in range(n)]


def test_ctrl_c_within_a_chunk(slow, ctrl_c_soon):
    session, ids = slow
    cancel = gemma4.CancelToken()
    begin = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        ctrl_c_soon()
        session.prefill(ids, logits=False, cancel=cancel)
    interrupted = time.monotonic() - begin
    assert session.position == 0 and not cancel.cancelled  # the caller's token is not touched
    begin = time.monotonic()
    session.prefill(ids, logits=False, cancel=cancel)
    assert interrupted < (time.monotonic() - begin) / 2


@pytest.mark.parametrize("how", ["generate", "chat"])
def test_ctrl_c_within_the_chunk_of_an_answer(slow, ctrl_c_soon, how):
    session, ids = slow
    seen = []
    chat = gemma4.Chat(session.model, context_length=len(ids), prefill_chunk=len(ids))
    with pytest.raises(KeyboardInterrupt):
        ctrl_c_soon()
        if how == "generate":
            list(gemma4.generate(session, ids[:-10], progress=lambda done, total: seen.append(done / total)))
        else:
            chat.send("a " * (len(ids) // 3), progress=lambda done, total: seen.append(done / total))
    assert seen == sorted(seen) and all(0 < s < 1 for s in seen)
    if how == "generate":
        assert session.position == 0
        session.decode(1)
    else:
        assert chat.messages == [] and chat.send("What is 17 + 25?").text


def test_a_signal_handler_may_cancel(slow):
    session, ids = slow
    cancel = gemma4.CancelToken()
    old = signal.signal(signal.SIGALRM, lambda *_: cancel.cancel())
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.1)
        with pytest.raises(gemma4.Error) as error:
            session.prefill(ids, logits=False, cancel=cancel)
    finally:
        signal.signal(signal.SIGALRM, old)
    assert error.value.code == "cancelled" and cancel.cancelled and session.position == 0


def test_other_threads_run_during_a_prefill(tiny):
    session = gemma4.Session(tiny, context_length=4096, prefill_chunk=4096)
    ticks, done = [], threading.Event()

    def tick():
        while not done.is_set():
            ticks.append(time.monotonic())
            time.sleep(0.001)
    thread = threading.Thread(target=tick)
    thread.start()
    begin = time.monotonic()
    session.prefill((IDS * 50)[:2000], logits=False)
    end = time.monotonic()
    done.set()
    thread.join()
    assert sum(begin < t < end for t in ticks) >= 3


def test_sessions_in_parallel(tiny):
    expected = [gemma4.Session(tiny, context_length=64).prefill(IDS[i:]) for i in range(4)]
    got = [None] * 4

    def work(i):
        got[i] = gemma4.Session(tiny, context_length=64).prefill(IDS[i:])
    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all((a == b).all() for a, b in zip(got, expected))


def test_one_session_in_two_threads_is_an_error(tiny):
    session = gemma4.Session(tiny, context_length=4096, prefill_chunk=64)
    entered, errors = threading.Event(), []

    def second():
        entered.wait()
        try:
            session.decode(1)
        except gemma4.Error as error:
            errors.append(error.code)
    thread = threading.Thread(target=second)
    thread.start()

    def progress(done, total):
        entered.set()
        thread.join()
    session.prefill(IDS, progress=progress)
    assert errors == ["invalid_argument"]


def test_score(nano):
    ids = nano.tokenizer.encode("<bos><|turn>user\nWhat is 17 + 25?<turn|>\n<|turn>model\n42<turn|>", parse_special=True)
    session = gemma4.Session(nano, context_length=128)
    with pytest.raises(gemma4.Error, match="at least one token"):
        gemma4.score(session, ids)
    session.prefill(ids[:-3])
    scores = gemma4.score(session, ids[-3:])
    other = gemma4.Session(nano, context_length=128)
    rows = other.prefill(ids, all_logits=True).astype(np.float64)[len(ids) - 4:-1]
    logs = rows - np.log(np.exp(rows - rows.max(1, keepdims=True)).sum(1, keepdims=True)) - rows.max(1, keepdims=True)
    np.testing.assert_allclose(scores, logs[range(3), ids[-3:]], atol=1e-3)
    assert session.position == len(ids) - 3 and gemma4.score(session, []) == []
    wrong = gemma4.score(session, nano.tokenizer.encode("57"))
    assert sum(scores[:2]) > sum(wrong)
    cancel = gemma4.CancelToken()
    cancel.cancel()
    with pytest.raises(gemma4.Error, match="cancelled"):
        gemma4.score(session, ids[-3:], cancel=cancel)
