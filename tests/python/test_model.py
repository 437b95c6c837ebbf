"""Model, config and tokenizer."""
import inspect
import json
import pathlib
import shutil

import numpy as np
import pytest

import gemma4
import tiny_tokenizer


def test_version_and_names():
    assert gemma4.__version__.count(".") == 2
    for name in gemma4.__all__:
        assert hasattr(gemma4, name)


def test_load(tiny, write_checkpoint):
    assert tiny.threads == 2
    assert tiny.compute == "f32"  # the weights are
    assert tiny.isa in ("avx512", "avx2", "baseline") or tiny.isa
    assert gemma4.Model(write_checkpoint("e2b", "bf16"), compute="auto").threads >= 1
    assert gemma4.Model(write_checkpoint("e2b", "bf16"), compute="f32").compute == "f32"
    assert gemma4.Model(write_checkpoint("e2b", "f32", "gguf"), use_mmap=False).config.hidden_size == tiny.config.hidden_size
    assert "e2b" not in repr(tiny) and "layers" in repr(tiny)


@pytest.fixture
def copied_nano(nano, tmp_path):
    """copied_nano(file, text) -> a copy of the bundled model's folder with this file."""
    source = pathlib.Path(__file__).resolve().parents[2] / "examples" / "nano" / "model"

    def copy(name, text):
        folder = tmp_path / "model"
        shutil.copytree(source, folder, dirs_exist_ok=True)
        (folder / name).write_text(text)
        return folder
    return copy


def test_sampling_defaults_at_the_ends_of_their_ranges(nano, copied_nano, ask):
    def answer(model, sampler):
        return "".join(p.text for p in gemma4.generate(gemma4.Session(model), ask(model, "What is 17 + 25?"), sampler=sampler))

    best = answer(nano, nano.sampler(temperature=0))
    for values in ({"top_p": 0, "top_k": 0}, {"do_sample": True, "top_p": 0.0, "top_k": -1}, {"top_k": -1, "temperature": 0}):
        model = gemma4.Model(copied_nano("generation_config.json", json.dumps(values)))
        assert model.sampler_defaults["top_k"] == 0
        assert answer(model, model.sampler()) == best
    for key, value in (("top_p", 1.5), ("top_p", -1), ("min_p", 2), ("typical_p", 0), ("repetition_penalty", 0), ("top_k", -2),
                       ("temperature", -1), ("eos_token_id", [1, 10 ** 6])):
        with pytest.raises(gemma4.Error, match=r"generation_config\.json: " + key):
            gemma4.Model(copied_nano("generation_config.json", json.dumps({key: value})))


def test_what_is_no_model_is_called_by_its_name(copied_nano, tmp_path):
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n"
    for name in ("tokenizer.json", "config.json", "model.safetensors"):
        with pytest.raises(gemma4.Error, match=name + ": .*git-lfs pointer"):
            gemma4.Model(copied_nano(name, pointer))
    (tmp_path / "other").mkdir()
    with pytest.raises(gemma4.Error, match="found neither"):
        gemma4.Model(tmp_path / "other")


def test_a_folder_of_one_gguf_stands_for_it(write_checkpoint, tmp_path):
    path = pathlib.Path(write_checkpoint("bare", "f32", "gguf"))
    shutil.copy(path, tmp_path / "model.gguf")
    assert gemma4.Model(tmp_path).config.hidden_size == gemma4.Model(path).config.hidden_size
    assert gemma4.Tokenizer.load(tmp_path).vocab_size == gemma4.Tokenizer.load(path).vocab_size
    shutil.copy(path, tmp_path / "other.gguf")
    with pytest.raises(gemma4.Error, match="model.gguf, other.gguf"):
        gemma4.Model(tmp_path)


def test_load_progress(write_checkpoint):
    calls = []
    gemma4.Model(write_checkpoint("bare", "f32"), progress=lambda done, total: calls.append((done, total)))
    assert calls and all(0 <= done <= total for done, total in calls)
    assert calls == sorted(calls)


def test_load_progress_may_raise(write_checkpoint):
    class Stop(Exception):
        pass

    def progress(done, total):
        raise Stop
    with pytest.raises(Stop):
        gemma4.Model(write_checkpoint("bare", "f32"), progress=progress)


def test_config(tiny):
    config = tiny.config
    assert config.hidden_size == config["hidden_size"] == 160
    assert config.vocab_size == 448
    assert config.layer_types[4] == "full_attention" and len(config.layer_types) == config.num_hidden_layers
    assert config.rope_parameters["full_attention"]["partial_rotary_factor"] == 0.25
    assert config.final_logit_softcapping == 30.0
    assert config.use_double_wide_mlp is True
    assert "hidden_size" in config and "no_such_key" not in config
    assert set(config) == set(config.to_dict()) and len(config) == len(config.to_dict())
    with pytest.raises(AttributeError):
        config.no_such_key
    with pytest.raises(KeyError):
        config["no_such_key"]
    config.to_dict()["hidden_size"] = 1
    config.layer_types.clear()
    assert tiny.config.hidden_size == 160 and tiny.config.layer_types


def test_ids_that_the_model_has_beyond_its_tokenizer(write_checkpoint, tmp_path):
    folder = tmp_path / "padded"
    shutil.copytree(write_checkpoint("e2b", "f32"), folder)
    (folder / "tokenizer.json").write_text(json.dumps(tiny_tokenizer.TinyTokenizer(440).to_json()))
    model = gemma4.Model(folder, threads=1)
    tokenizer = model.tokenizer
    assert (model.config.vocab_size, tokenizer.vocab_size) == (448, 440)
    a = tokenizer.encode("a")
    assert tokenizer.decode(a + list(range(440, 448)) + a) == "aa" and tokenizer.id_to_token(447) == "" and not tokenizer.is_special(447)
    decoder = gemma4.TokenDecoder(tokenizer)
    assert [decoder.push(id) for id in (440, *a, 447)] == ["", "a", ""]
    session = gemma4.Session(model, context_length=64)
    sampler = gemma4.Sampler(seed=1, logit_bias={str(id): 30.0 for id in range(440, 448)})
    generation = gemma4.generate(session, a, sampler=sampler, max_tokens=20, stop_at_eos=False)
    pieces = list(generation)
    assert sum(id >= 440 for id in generation.result.token_ids) > 10
    assert tokenizer.decode(generation.result.token_ids) == generation.result.text == "".join(piece.text for piece in pieces)
    for wrong in (448, -1):
        for refused in (lambda: tokenizer.decode([wrong]), lambda: tokenizer.id_to_token(wrong), lambda: decoder.push(wrong)):
            with pytest.raises(gemma4.Error, match="447") as error:
                refused()
            assert error.value.code == "token_out_of_range"
    alone = gemma4.Tokenizer.load(folder)  # knows no model
    with pytest.raises(gemma4.Error, match="439"):
        alone.decode([440])


def test_tokenizer(tiny):
    tokenizer = tiny.tokenizer
    text = "Hello, w\u00f6rld! \U0001f600"
    ids = tokenizer.encode(text)
    assert isinstance(ids, list) and all(isinstance(i, int) for i in ids)
    assert tokenizer.decode(ids) == tokenizer.decode(np.array(ids)) == tokenizer.decode(tuple(ids)) == text
    assert tokenizer.encode(text.encode()) == ids
    assert tokenizer.encode(text, add_bos=True) == [tokenizer.bos_token] + ids
    assert tokenizer.vocab_size == len(tokenizer) == 448
    assert tokenizer.id_to_token(tokenizer.token_to_id("<|turn>")) == "<|turn>"
    assert tokenizer.token_to_id("no such token") is None
    turn = tokenizer.token_to_id("<|turn>")
    assert tokenizer.is_special(turn) and not tokenizer.is_special(ids[0])
    assert turn not in tokenizer.encode("<|turn>")  # user text is text
    assert tokenizer.encode("<|turn>", parse_special=True) == [turn]
    assert tokenizer.decode([turn] + ids, skip_special=True) == text
    assert tokenizer.encode("") == [] and tokenizer.decode([]) == ""


def test_token_decoder_holds_back_half_characters(tiny):
    ids = tiny.tokenizer.encode("a\U0001f600b")
    decoder = gemma4.TokenDecoder(tiny.tokenizer)
    pieces = [decoder.push(i) for i in ids]
    assert "".join(pieces) + decoder.finish() == "a\U0001f600b"
    assert all("\ufffd" not in piece for piece in pieces)


def test_tokenizer_outlives_model(write_checkpoint):
    tokenizer = gemma4.Model(write_checkpoint("bare", "f32")).tokenizer
    assert tokenizer.decode(tokenizer.encode("still here")) == "still here"


def test_tokenizer_load(write_checkpoint, tiny):
    loaded = gemma4.Tokenizer.load(write_checkpoint("e2b", "f32"))
    assert loaded.encode("Hello there") == tiny.tokenizer.encode("Hello there")


def test_docs():
    for name in ("Model", "Session", "Sampler", "generate", "Error"):
        assert inspect.getdoc(getattr(gemma4, name))


def test_what_progress_raises_ends_loading(write_checkpoint):
    calls = []

    def progress(done, total):
        calls.append((done, total))
        raise KeyboardInterrupt
    for use_mmap in (True, False):
        calls.clear()
        with pytest.raises(KeyboardInterrupt):
            gemma4.Model(write_checkpoint("e2b", "f32"), progress=progress, use_mmap=use_mmap)
        assert len(calls) == 1
