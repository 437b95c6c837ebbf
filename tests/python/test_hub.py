"""from_pretrained with a hub that is not there."""
import sys
import types

import pytest

import gemma4
from conftest import NANO


class RepositoryNotFoundError(Exception):
    pass


@pytest.fixture
def hub(monkeypatch, tmp_path, nano):
    """A huggingface_hub whose repository "org/nano" is the bundled model; .calls are what was asked of it."""
    module = types.ModuleType("huggingface_hub")
    module.calls = []

    def snapshot_download(name, **options):
        module.calls.append((name, options))
        if name == "org/nano":
            return str(NANO)
        if name == "org/ggufs":
            return str(tmp_path)
        if name == "org/away":
            raise ConnectionError("no route")
        if name == 7:
            raise TypeError("a name is a str")
        raise RepositoryNotFoundError("404")
    module.snapshot_download = snapshot_download
    monkeypatch.setitem(sys.modules, "huggingface_hub", module)
    return module


def test_a_repository(hub):
    model = gemma4.from_pretrained("org/nano", threads=1, revision="main", token="secret")
    assert model.threads == 1 and model.config.num_hidden_layers > 0
    (name, options), = hub.calls
    assert name == "org/nano" and options["revision"] == "main" and options["token"] == "secret"
    assert "config.json" in options["allow_patterns"] and "model*.safetensors" in options["allow_patterns"]
    assert gemma4.Model.from_pretrained("org/nano").config.to_dict() == model.config.to_dict()


def test_a_file_of_a_repository(hub, tmp_path, write_checkpoint):
    source = write_checkpoint("bare", "f32", "gguf")
    (tmp_path / "it.gguf").write_bytes(open(source, "rb").read())
    assert gemma4.from_pretrained("org/ggufs", filename="it.gguf").config.num_hidden_layers > 0
    with pytest.raises(gemma4.Error) as error:
        gemma4.from_pretrained("org/ggufs", filename="big-00001-of-00003.gguf")
    assert error.value.code == "not_found"
    assert hub.calls[1][1]["allow_patterns"] == ["big-?????-of-00003.gguf"]
    with pytest.raises(gemma4.Error, match="filename") as error:
        gemma4.from_pretrained("org/ggufs")
    assert error.value.code == "not_found"


def test_a_folder_needs_no_hub(monkeypatch, nano):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    assert gemma4.from_pretrained(NANO).config.to_dict() == nano.config.to_dict()
    with pytest.raises(ImportError, match=r"gemma4\[hub\]"):
        gemma4.from_pretrained("org/nano")


def test_trouble_with_the_hub(hub):
    for name, code in (("org/nowhere", "not_found"), ("org/away", "io")):
        with pytest.raises(gemma4.Error, match=name) as error:
            gemma4.from_pretrained(name)
        assert error.value.code == code and error.value.__cause__ is not None
