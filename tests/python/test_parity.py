"""The goldens of tests/parity/goldens through the Python module (tests/parity/README.md has the tolerances)."""
import hashlib
import json
import pathlib
import struct

import numpy as np
import pytest

import gemma4
from conftest import NANO, ROOT

GOLDENS = ROOT / "tests" / "parity" / "goldens"
NAMES = sorted(p.stem for p in GOLDENS.glob("*.safetensors"))
NANO_GREEDY = GOLDENS / "nano_greedy.json"
LOGITS, TAPS, AUTO = 5e-5, 5e-6, 1.5e-3


def read_safetensors(path):
    """({name: array}, metadata) of F32 and I32 tensors."""
    data = pathlib.Path(path).read_bytes()
    (length,) = struct.unpack_from("<Q", data)
    header = json.loads(data[8:8 + length])
    metadata = header.pop("__metadata__", {})
    types = {"F32": "<f4", "I32": "<i4"}
    out = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        array = np.frombuffer(data[8 + length + begin:8 + length + end], types[entry["dtype"]])
        out[name] = array.reshape(entry["shape"])
    return out, metadata


@pytest.fixture(params=NAMES)
def golden(request):
    return request.param, read_safetensors(GOLDENS / (request.param + ".safetensors"))[0]


@pytest.fixture
def load(golden, write_checkpoint):
    case, dtype = golden[0].rsplit("-", 1)
    return lambda compute, form="hf": gemma4.Model(write_checkpoint(case, dtype, form), threads=2, compute=compute)


def prompts(tensors):
    return sorted((key for key in tensors if key.startswith("prompt.") and key.endswith(".ids")), key=lambda k: len(tensors[k]))


def test_goldens_are_there():
    assert len(NAMES) >= 13


def test_f32_last_logits(golden, load):
    model, tensors = load("f32"), golden[1]
    for key in prompts(tensors):
        got = gemma4.Session(model, context_length=256).prefill(tensors[key])
        assert np.abs(got - tensors[key.replace("ids", "logits")]).max() <= LOGITS, key


def test_f32_all_logits_and_chunks(golden, load):
    model, tensors = load("f32"), golden[1]
    ids, expected = tensors["all.ids"], tensors["all.logits"]
    for chunk in (512, 7, 1):
        got = gemma4.Session(model, context_length=256, prefill_chunk=chunk).prefill(ids, all_logits=True)
        assert got.shape == expected.shape
        assert np.abs(got - expected).max() <= LOGITS, chunk


def test_f32_hidden_states(golden, load):
    model, tensors = load("f32"), golden[1]
    got = gemma4.Session(model, context_length=256).prefill(tensors["tap.ids"], hidden_states=True)
    expected = tensors["tap.norm"]
    allowed = TAPS * np.abs(expected).max(axis=-1, keepdims=True)
    assert (np.abs(got[tensors["tap.rows"]] - expected) <= allowed).all()


@pytest.mark.parametrize("form", ["hf", "gguf"])
def test_f32_greedy(golden, load, form):
    model, tensors = load("f32", form), golden[1]
    # A multimodal HF checkpoint embeds placeholders of media as padding; a GGUF does not name them.
    media = {model.tokenizer.token_to_id(t) for t in ("<|image|>", "<|audio|>", "<|video|>")} if form == "gguf" else set()
    for k in (0, 1):
        expected = tensors["greedy.%d.tokens" % k].tolist()
        session = gemma4.Session(model, context_length=256)
        logits, tokens = session.prefill(tensors["greedy.%d.prompt" % k]), []
        for _ in expected:
            tokens.append(int(logits.argmax()))
            if tokens[-1] in media:
                break
            logits = session.decode(tokens[-1])
        assert tokens == expected[:len(tokens)]


def test_auto(golden, load):
    """As loaded without options: with 16-bit weights the cache is F16. (A router's tie may fall otherwise then: F32 with experts.)"""
    model, tensors = load("auto"), golden[1]
    exact = golden[0].endswith("f32") or model.config.enable_moe_block
    for key in prompts(tensors):
        expected = tensors[key.replace("ids", "logits")]
        got = gemma4.Session(model, context_length=256, kv_dtype="f32" if exact else None).prefill(tensors[key])
        allowed = LOGITS if exact else AUTO * np.abs(expected).max()
        assert np.abs(got - expected).max() <= allowed, key
        second, first = np.sort(expected)[-2:]
        assert got.argmax() == expected.argmax() or first - second <= allowed, key


def test_nano_greedy():
    if not NANO_GREEDY.exists() or not (NANO / "model.safetensors").exists():
        pytest.skip("the bundled model or its goldens are not there")
    goldens = json.loads(NANO_GREEDY.read_text())
    digest = hashlib.sha256((NANO / "model.safetensors").read_bytes()).hexdigest()
    assert digest == goldens["weights_sha256"], "the model has changed: run tests/parity/nano_goldens.py"
    model = gemma4.Model(NANO, threads=2, compute="f32")
    for prompt in goldens["prompts"]:
        assert model.tokenizer.encode(prompt["text"], parse_special=True) == prompt["ids"]
        generation = gemma4.generate(gemma4.Session(model), prompt["ids"], sampler=gemma4.Sampler(temperature=0), max_tokens=64)
        for _ in generation:
            pass
        expected = prompt["answer_ids"]
        if expected[-1] in model.config.eos_token_id:
            expected = expected[:-1]
            assert generation.result.reason == "end_of_turn"
        assert generation.result.token_ids == expected, prompt["text"]
