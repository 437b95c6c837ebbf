#!/usr/bin/env python3
"""Check the generator with readers that are not ours: the safetensors, gguf and tokenizers packages (pip install gguf).

For every case and dtype: safetensors, GGUF and split GGUF hold the same values under the names that the gguf package maps, and
tokenizer.json encodes as the GGUF's tokens and merges do. Not part of the test suite; run it after changing the generator.
"""
import json
import pathlib
import tempfile

import gguf
import numpy as np
from safetensors import safe_open
from tokenizers import Tokenizer

from checkpoints import CASES, write_checkpoint
from writers import widen

TEXTS = ["Hello world, how are you?", "a  b   c    d     e", "one\n\ntwo\n\n\n\n\nthree",
         "caf\u00e9 d\u00e9j\u00e0 \U0001f60a", "\t<turn|>x"]
NUMPY_TYPE = {"F32": "<f4", "F16": "<f2", "BF16": "<u2"}


def read_hf(directory):
    """{name: (type, array)} through the safetensors package's header and our own view of its bytes."""
    out = {}
    for path in sorted(directory.glob("*.safetensors")):
        with safe_open(path, "np") as f:
            names = set(f.keys())
        data = path.read_bytes()
        start = 8 + int.from_bytes(data[:8], "little")
        for name, info in json.loads(data[8:start]).items():
            if name != "__metadata__":
                names.remove(name)
                begin, end = info["data_offsets"]
                array = np.frombuffer(data[start + begin:start + end], NUMPY_TYPE[info["dtype"]])
                out[name] = widen((info["dtype"], array.reshape(info["shape"])))[1]
        assert not names
    return out


def read_gguf(paths):
    out = {}
    for path in paths:
        for tensor in gguf.GGUFReader(path).tensors:
            array = tensor.data.view("<u2") if tensor.tensor_type.name == "BF16" else tensor.data
            assert tensor.name not in out
            out[tensor.name] = widen((tensor.tensor_type.name, array))[1]
    return out


def check_tensors(hf, found, n_layers):
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.GEMMA4, n_layers)
    special = {"router.scale": "ffn_gate_inp.scale", "router.per_expert_scale": "ffn_down_exps.scale"}
    used = {"rope_freqs.weight"}
    for name, values in hf.items():
        name = name.replace("model.language_model.", "model.")
        if any(part in name for part in ("vision", "audio")):
            continue
        target = names.get_name(name, try_suffixes=(".weight",))
        for suffix, renamed in special.items():
            if name.endswith(suffix):
                target = "blk.%s.%s" % (name.split(".")[2], renamed)
        target = target if target.endswith((".weight", ".scale")) else target + ".weight"
        if target not in found:  # experts' gate and up apart
            parts = [target.replace("gate_up", part) for part in ("gate", "up")]
            found[target] = np.concatenate([found[p] for p in parts], axis=1)
            used.update(parts)
        used.add(target)
        assert np.array_equal(values, found[target].reshape(values.shape)), name
    assert used == set(found), used ^ set(found)


def check_tokenizer(directory, reader):
    tokenizer = Tokenizer.from_file(str(directory / "tokenizer.json"))

    def strings(key):
        return reader.get_field("tokenizer.ggml." + key).contents()
    assert strings("tokens") == [tokenizer.id_to_token(i) for i in range(tokenizer.get_vocab_size())]
    model = json.loads((directory / "tokenizer.json").read_text())
    model["model"]["merges"] = [m.split(" ") for m in strings("merges")]
    again = Tokenizer.from_str(json.dumps(model))
    for text in TEXTS:
        ids = tokenizer.encode(text, add_special_tokens=False).ids
        assert ids == again.encode(text, add_special_tokens=False).ids
        assert tokenizer.decode(ids, skip_special_tokens=False) == text, text


def main():
    with tempfile.TemporaryDirectory() as scratch:
        for name, case in CASES.items():
            for dtype in case["dtypes"]:
                hf_path, whole, first = write_checkpoint(scratch, name, dtype, ("hf", "gguf", "gguf-split"))
                hf, n_layers = read_hf(pathlib.Path(hf_path)), case["config"]["num_hidden_layers"]
                check_tensors(hf, read_gguf([whole]), n_layers)
                check_tensors(hf, read_gguf([first, first.replace("-00001-", "-00002-")]), n_layers)
                check_tokenizer(pathlib.Path(hf_path), gguf.GGUFReader(whole))
                print("%s-%s: %d tensors agree" % (name, dtype, len(hf)))


if __name__ == "__main__":
    main()
