"""Models for the tests: the bundled one, and random checkpoints written by tests/parity/checkpoints.py."""
import pathlib
import signal
import sys
import threading

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
NANO = ROOT / "examples" / "nano" / "model"
sys.path.insert(0, str(ROOT / "tests" / "parity"))

import checkpoints  # noqa: E402
import gemma4  # noqa: E402


@pytest.fixture(scope="session")
def write_checkpoint(tmp_path_factory):
    """write_checkpoint("e2b", "f32", "hf") -> path to open; each is written once."""
    folder, written = tmp_path_factory.mktemp("checkpoints"), {}

    def write(case, dtype, form="hf"):
        key = (case, dtype, form)
        if key not in written:
            written[key] = checkpoints.write_checkpoint(folder, case, dtype, (form,))[0]
        return str(written[key])
    return write


@pytest.fixture(scope="session")
def tiny(write_checkpoint):
    """An E2B-like model of random F32 weights, window 24."""
    return gemma4.Model(write_checkpoint("e2b", "f32"), threads=2)


@pytest.fixture
def session(tiny):
    return gemma4.Session(tiny, context_length=256, prefill_chunk=16)


@pytest.fixture(scope="session")
def nano():
    """The bundled model."""
    if not (NANO / "model.safetensors").exists():
        pytest.skip("examples/nano/model is not there")
    return gemma4.Model(NANO, threads=2)


@pytest.fixture(scope="session")
def ask():
    """ask(model, question) -> ids of a conversation's first turn."""
    def ids(model, question):
        text = "<bos><|turn>user\n%s<turn|>\n<|turn>model\n" % question
        return model.tokenizer.encode(text, parse_special=True)
    return ids


@pytest.fixture
def ctrl_c_soon():
    """ctrl_c_soon() sends SIGINT in 50 ms; it raises KeyboardInterrupt even in a process started in the background."""
    old = signal.signal(signal.SIGINT, signal.default_int_handler)
    timer = threading.Timer(0.05, signal.raise_signal, [signal.SIGINT])
    yield timer.start
    timer.join()
    signal.signal(signal.SIGINT, old)
