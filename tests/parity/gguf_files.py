#!/usr/bin/env python3
"""Files that `gemma4 quantize` writes, as the gguf package (PyPI) reads them.

usage: gguf_files.py GEMMA4 NANO CHECKPOINTS     status 77 when the gguf package is missing

Names, shapes, types and values: what the package dequantises equals, bit for bit, what the program makes of the same file
with type F32. Metadata: what the program writes for a folder of CHECKPOINTS (checkpoints.py) equals that script's own GGUF.
"""
import pathlib
import subprocess
import sys
import tempfile

try:
    import numpy as np
    from gguf import GGMLQuantizationType, GGUFReader
    from gguf.quants import dequantize
except ImportError as error:
    print("MESSAGE: skipped: no gguf package (%s)" % error)
    sys.exit(77)

RECIPES = ["f32", "f16", "bf16", "q8_0", "q6_k", "q5_k_m", "q5_k_s", "q4_k_m", "q4_k_s", "q4_0", "q4_1", "q5_0", "q5_1", "iq4_nl",
           "iq4_xs", "q3_k_m", "q3_k_s", "q2_k"]
# Root mean square of the errors over that of the weights, at most; random weights of a row length that falls back too.
ERROR = {"F32": 0, "F16": 1e-3, "BF16": 4e-3, "Q8_0": 6e-3, "Q6_K": 0.02, "Q5_K": 0.04, "Q5_1": 0.04, "Q5_0": 0.05,
         "Q4_K": 0.08, "Q4_1": 0.08, "Q4_0": 0.095, "IQ4_NL": 0.085, "IQ4_XS": 0.085, "Q3_K": 0.17, "Q2_K": 0.29}
OWN_KEYS = {"general.name", "general.file_type", "general.quantization_version", "tokenizer.ggml.eom_token_id"}

failures = 0


def expect(condition, what):
    global failures
    if not condition:
        failures += 1
        print("FAIL:", what)


def run(gemma4, *arguments):
    subprocess.run([gemma4, "quantize", *map(str, arguments)], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def values(tensor):
    result = dequantize(tensor.data, tensor.tensor_type)
    return np.ascontiguousarray(result, np.float32).reshape([int(n) for n in tensor.shape[::-1]])


def metadata(reader):
    return {name: field.contents() for name, field in reader.fields.items() if not name.startswith("GGUF.")}


def check_values(gemma4, source, folder):
    plain = folder / "source.gguf"
    run(gemma4, source, plain, "f32")
    expected = {t.name: values(t) for t in GGUFReader(plain).tensors}
    for recipe in RECIPES:
        file, back = folder / "file.gguf", folder / "back.gguf"
        run(gemma4, source, file, recipe)
        run(gemma4, file, back, "f32")
        ours = {t.name: t for t in GGUFReader(back).tensors}
        tensors = GGUFReader(file).tensors
        expect([t.name for t in tensors] == list(ours), "%s %s: other tensors" % (source, recipe))
        expect({t.name for t in tensors} == set(expected), "%s %s: other names" % (source, recipe))
        types = set()
        for t in tensors:
            what, got = "%s %s %s" % (source, recipe, t.name), values(t)
            types.add(t.tensor_type.name)
            expect(t.data_offset % 32 == 0, what + ": not aligned")
            expect(got.shape == expected[t.name].shape, what + ": shape")
            own = ours[t.name]
            expect(own.tensor_type == GGMLQuantizationType.F32, what + ": not F32")
            expect(got.tobytes() == np.ascontiguousarray(own.data, np.float32).tobytes(), what + ": other values")
            want = expected[t.name]
            size = float(np.sqrt(np.mean(np.square(want, dtype=np.float64))))
            error = float(np.sqrt(np.mean(np.square(got - want, dtype=np.float64))))
            if t.name != "rope_freqs.weight":
                expect(error <= ERROR[t.tensor_type.name] * size, what + ": error %.4f" % (error / size))
        print("%-20s %-7s %s" % (source.name, recipe, " ".join(sorted(types))))


def check_metadata(gemma4, checkpoints, folder):
    for case in ("e2b", "e4b", "dense", "moe", "bare"):
        file = folder / "metadata.gguf"
        run(gemma4, checkpoints / (case + "-bf16"), file, "bf16")
        ours, theirs = metadata(GGUFReader(file)), metadata(GGUFReader(checkpoints / (case + "-bf16.gguf")))
        for key in sorted((ours.keys() | theirs.keys()) - OWN_KEYS):
            expect(ours.get(key) == theirs.get(key), "%s: %s: %.200r is not %.200r" % (case, key, ours.get(key), theirs.get(key)))


def main():
    gemma4, nano, checkpoints = sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        for source in (nano, checkpoints / "moe-bf16", checkpoints / "dense-f32"):
            check_values(gemma4, source, folder)
        check_metadata(gemma4, checkpoints, folder)
    print("%d failed" % failures if failures else "all passed")
    return 1 if failures else 0


sys.exit(main())
