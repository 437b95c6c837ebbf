"""Models from memory and from open files."""
import gc
import mmap
import weakref

import numpy as np
import pytest

import gemma4


@pytest.fixture(scope="module")
def path(write_checkpoint):
    return write_checkpoint("bare", "f32", "gguf")


def logits(model):
    return gemma4.Session(model, context_length=64).prefill([5, 6, 7, 8], all_logits=True)


def test_the_same_model(path):
    expected = logits(gemma4.Model(path, threads=1))
    data = open(path, "rb").read()
    calls = []
    models = [gemma4.Model.from_bytes(data, threads=1, progress=lambda done, total: calls.append((done, total))),
              gemma4.Model.from_bytes(bytearray(data), threads=1), gemma4.Model.from_bytes(memoryview(b"x" + data)[1:], threads=1),
              gemma4.Model.from_bytes(np.frombuffer(data, np.uint8), threads=1, use_mmap=False)]
    with open(path, "rb") as file:
        file.read(10)
        models += [gemma4.Model.from_bytes(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ), threads=1),
                   gemma4.Model.from_fd(file, threads=1), gemma4.Model.from_fd(file.fileno(), threads=1, use_mmap=False)]
        assert file.tell() == 10
    for model in models:
        assert np.array_equal(logits(model), expected)
    assert calls and calls[-1][0] == calls[-1][1]


def test_the_buffer_lives_as_long_as_what_is_made_of_it(path):
    class Data(bytearray):
        pass

    data = Data(open(path, "rb").read())
    alive = weakref.ref(data)
    model = gemma4.Model.from_bytes(data, threads=1)
    with pytest.raises(BufferError):
        data.append(0)
    session = gemma4.Session(model)
    del data, model
    gc.collect()
    assert alive() is not None
    session.prefill([1, 2])
    session.close()
    del session
    gc.collect()
    assert alive() is None


def test_errors(path, tmp_path):
    data = open(path, "rb").read()
    for bad in (b"", b"GGUF", data[:1000], data[:-1000], b"x" + data):
        with pytest.raises(gemma4.Error, match="GGUF in memory: ") as error:
            gemma4.Model.from_bytes(bad)
        assert error.value.code in ("bad_format", "bad_checkpoint")
    for wrong in (5, "text", None, [1, 2]):
        with pytest.raises(TypeError, match="bytes-like"):
            gemma4.Model.from_bytes(wrong)
    with pytest.raises((BufferError, ValueError), match="contiguous"):
        gemma4.Model.from_bytes(np.zeros((4, 4), np.uint8).T)
    with pytest.raises(gemma4.Error, match="file descriptor 9999: ") as error:
        gemma4.Model.from_fd(9999)
    assert error.value.code == "io"
    for wrong in ("x", None, -1):
        with pytest.raises((TypeError, ValueError)):
            gemma4.Model.from_fd(wrong)
    with open(tmp_path / "x", "wb+") as file:
        with pytest.raises(gemma4.Error, match="expected a GGUF file"):
            gemma4.Model.from_fd(file)
