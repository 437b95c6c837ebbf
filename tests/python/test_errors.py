"""Bad input: each a gemma4.Error with a code and a message, or a TypeError."""
import json
import pathlib
import shutil

import numpy as np
import pytest

import gemma4


def code_of(call):
    with pytest.raises(gemma4.Error) as error:
        call()
    assert str(error.value)
    return error.value.code


def test_error_is_an_exception():
    assert issubclass(gemma4.Error, Exception)


def test_paths(tmp_path):
    assert code_of(lambda: gemma4.Model(tmp_path / "nowhere")) == "not_found"
    assert code_of(lambda: gemma4.Model(str(tmp_path))) == "not_found"  # no config.json
    (tmp_path / "model.gguf").write_bytes(b"not a model")
    assert code_of(lambda: gemma4.Model(tmp_path / "model.gguf")) == "bad_format"
    assert code_of(lambda: gemma4.Tokenizer.load(tmp_path / "nowhere.json")) == "not_found"
    (tmp_path / b"\xff\xfe.gguf".decode("utf-8", "surrogateescape")).write_bytes(b"")
    assert code_of(lambda: gemma4.Model(bytes(tmp_path) + b"/\xff\xfe.gguf")) == "bad_format"
    with pytest.raises(TypeError):
        gemma4.Model(3)


def test_options(write_checkpoint, tiny):
    path = write_checkpoint("bare", "f32")
    for options in ({"threads": 0}, {"threads": -2}, {"threads": 10 ** 30}, {"compute": "f64"}):
        assert code_of(lambda: gemma4.Model(path, **options)) == "invalid_argument"
    for options in ({"context_length": 0}, {"prefill_chunk": 0}, {"context_length": 2 ** 40}, {"kv_dtype": "int3"},
                    {"checkpoint_bytes": -1}):
        assert code_of(lambda: gemma4.Session(tiny, **options)) == "invalid_argument"
    with pytest.raises(TypeError):
        gemma4.Session(tiny, 4096)  # keyword only
    with pytest.raises(TypeError):
        gemma4.Session(None)


def copy_checkpoint(source, target, edit=None):
    shutil.copytree(source, target)
    if edit:
        config = json.loads((target / "config.json").read_text())
        edit(config)
        (target / "config.json").write_text(json.dumps(config))
    return target


def test_broken_checkpoints(write_checkpoint, tmp_path):
    source = pathlib.Path(write_checkpoint("bare", "f32"))
    folder = copy_checkpoint(source, tmp_path / "no_tokenizer")
    (folder / "tokenizer.json").unlink()
    assert code_of(lambda: gemma4.Model(folder)) == "not_found"

    folder = copy_checkpoint(source, tmp_path / "short")
    data = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(data[:len(data) // 2])
    assert code_of(lambda: gemma4.Model(folder)) == "bad_format"

    folder = copy_checkpoint(source, tmp_path / "size", lambda c: c.update(hidden_size=c["hidden_size"] + 32))
    assert code_of(lambda: gemma4.Model(folder)) == "bad_checkpoint"
    folder = copy_checkpoint(source, tmp_path / "zero", lambda c: c.update(num_attention_heads=0))
    assert code_of(lambda: gemma4.Model(folder)) == "bad_config"


@pytest.mark.parametrize("bad", [-1, 448, 2 ** 31, 2 ** 63, -2 ** 70, np.int64(2 ** 40)])
def test_token_out_of_range(tiny, session, bad):
    assert code_of(lambda: session.prefill([1, bad])) == "token_out_of_range"
    assert code_of(lambda: session.decode(bad)) == "token_out_of_range"
    assert code_of(lambda: gemma4.generate(session, [bad])) == "token_out_of_range"
    assert code_of(lambda: tiny.tokenizer.decode([bad])) == "token_out_of_range"
    assert code_of(lambda: tiny.tokenizer.id_to_token(bad)) == "token_out_of_range"
    assert session.position == 0


def test_token_arrays_out_of_range(session):
    assert code_of(lambda: session.prefill(np.array([1, 2 ** 40]))) == "token_out_of_range"
    assert code_of(lambda: session.prefill(np.array([2 ** 64 - 1], np.uint64))) == "token_out_of_range"


@pytest.mark.parametrize("bad", ["text", b"text", [1.5], np.array([1.0]), np.zeros((2, 2), int), [None], 7, None])
def test_ids_of_wrong_types(session, bad):
    with pytest.raises(TypeError):
        session.prefill(bad)


def test_session_errors(tiny):
    session = gemma4.Session(tiny, context_length=16)
    assert code_of(lambda: session.prefill([])) == "invalid_argument"
    assert code_of(lambda: session.prefill([1] * 17)) == "context_full"
    assert code_of(lambda: session.prefill([1, 2], rows=[2])) == "invalid_argument"
    assert code_of(lambda: session.prefill([1, 2], rows=[1, 0])) == "invalid_argument"
    assert code_of(lambda: session.prefill([1, 2], rows=[0], all_logits=True)) == "invalid_argument"
    assert session.position == 0
    session.prefill([1] * 16)
    assert code_of(lambda: session.decode(1)) == "context_full"
    for n in (17, -1, 2 ** 80):
        assert code_of(lambda: session.truncate(n)) == "invalid_argument"
    assert session.position == 16


def test_generate_errors(tiny):
    session = gemma4.Session(tiny, context_length=16)
    assert code_of(lambda: gemma4.generate(session, [1] * 17)) == "context_full"
    assert code_of(lambda: gemma4.generate(session, [])) == "invalid_argument"
    assert code_of(lambda: gemma4.generate(session, [1], stop=[""])) == "invalid_argument"
    assert code_of(lambda: gemma4.generate(session, [1], max_tokens=-5)) == "invalid_argument"
    with pytest.raises(TypeError):
        gemma4.generate(session, [1], stop=[3])
    with pytest.raises(TypeError):
        gemma4.generate(session, [1], sampler="greedy")


def test_sampler_errors():
    for options in ({"temperature": -1.0}, {"temperature": float("nan")}, {"top_p": -0.1}, {"top_p": 1.5}, {"top_k": -1},
                    {"seed": -1}, {"seed": 2 ** 64}, {"repetition_penalty": 0.0}, {"top_logprobs": -1}):
        assert code_of(lambda: gemma4.Sampler(**options)) == "invalid_argument", options
    assert gemma4.Sampler(top_p=0).sample(np.array([1, 3, 3, 2], np.float32)).token == 1  # the best, the first of equals
    for options in ({"temprature": 1.0}, {"temperature": "hot"}, {"logit_bias": {1: "x"}}, {"suppress": "x"}, {"top_k": 1.5}):
        with pytest.raises(TypeError):
            gemma4.Sampler(**options)
    with pytest.raises(TypeError):
        gemma4.Sampler(0.5)
    sampler = gemma4.Sampler()
    assert code_of(lambda: sampler.sample(np.full(4, np.nan, np.float32))) == "non_finite"
    for logits in (np.zeros(4), np.zeros(8, np.float32)[::2], np.zeros((2, 2), np.float32)):
        with pytest.raises(TypeError):
            sampler.sample(logits)


def test_wrong_arguments_are_told_in_a_sentence(tiny, session):
    for call, wanted in ((lambda: gemma4.Session(tiny, context=5), r"^Session\(\) got an unexpected keyword argument 'context'; it takes: "),
                         (lambda: gemma4.Session(), r"^Session\(\) is missing 'model'$"),
                         (lambda: gemma4.Session(tiny, 5), r"^Session\(\) takes 1 arguments without a name, got 2; by name: context_length="),
                         (lambda: gemma4.Session("x"), r"^Session\(\): model: expected gemma4.Model, got 'x'$"),
                         (lambda: gemma4.generate(session, [1] * 5000, max_token=3), r"'max_token'"),
                         (lambda: gemma4.generate(session, [1] * 5000, sampler=0.5), r"sampler: expected gemma4.Sampler or None, got 0.5$"),
                         (lambda: gemma4.Session.prefill([1] * 5000, 3), r"."),
                         (lambda: gemma4.Sampler(0.5), r"^Sampler\(\) takes 0 arguments"),
                         (lambda: tiny.tokenizer.encode("x", bos=True), r"^Tokenizer.encode\(\) got .* it takes: text, add_bos, parse_special$")):
        with pytest.raises(TypeError, match=wanted) as error:
            call()
        assert len(str(error.value)) < 300


def test_a_name_of_the_hub_is_no_path():
    with pytest.raises(gemma4.Error, match=r'from_pretrained\("google/gemma-4-E2B-it"\)') as error:
        gemma4.Model("google/gemma-4-E2B-it")
    assert error.value.code == "not_found"


def test_signatures_can_be_looked_at():
    import inspect
    assert str(inspect.signature(gemma4.Session)).startswith("(model, *, context_length=4096, prefill_chunk=512")
    assert "max_tokens=None" in str(inspect.signature(gemma4.generate))
    assert list(inspect.signature(gemma4.Session.prefill).parameters)[:2] == ["self", "ids"]
