"""Writers for safetensors and GGUF v3, and the three element types both hold. NumPy and the standard library alone.

A tensor here is a pair (type, array): type "F32", "F16" or "BF16", array little-endian float32, float16 or uint16 (the upper
half of a float32), shape in row-major order [..., out, in].
"""
import json
import struct

import numpy as np

GGUF_TYPE = {"F32": 0, "F16": 1, "BF16": 30}
ALIGNMENT = 32


def encode(values, dtype):
    """float32 array -> tensor of `dtype`, rounded to nearest even."""
    if dtype == "BF16":
        bits = np.ascontiguousarray(values, "<f4").view("<u4")
        lowest_kept = (bits >> np.uint32(16)) & np.uint32(1)
        return dtype, ((bits + np.uint32(0x7FFF) + lowest_kept) >> np.uint32(16)).astype("<u2")
    return dtype, np.ascontiguousarray(values, {"F32": "<f4", "F16": "<f2"}[dtype])


def widen(tensor):
    """Any tensor -> the same values as an F32 tensor (exact)."""
    dtype, array = tensor
    if dtype == "BF16":
        return "F32", (array.astype("<u4") << np.uint32(16)).view("<f4")
    return "F32", array.astype("<f4")


def write_safetensors(path, tensors, metadata=None):
    header = {"__metadata__": metadata} if metadata else {}
    offset = 0
    for name, (dtype, array) in tensors.items():
        header[name] = {"dtype": dtype, "shape": list(array.shape), "data_offsets": [offset, offset + array.nbytes]}
        offset += array.nbytes
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text)
        for _, array in tensors.values():
            f.write(array.tobytes())


def write_sharded_safetensors(directory, tensors, n_shards):
    """model.safetensors, or model-0000i-of-0000n.safetensors with an index when n_shards > 1. Neighbours stay together."""
    if n_shards == 1:
        return write_safetensors(directory / "model.safetensors", tensors, {"format": "pt"})
    names = list(tensors)
    weight_map = {}
    for i in range(n_shards):
        file = "model-%05d-of-%05d.safetensors" % (i + 1, n_shards)
        part = names[i * len(names) // n_shards:(i + 1) * len(names) // n_shards]
        write_safetensors(directory / file, {n: tensors[n] for n in part}, {"format": "pt"})
        weight_map.update({n: file for n in part})
    index = {"metadata": {"total_size": sum(a.nbytes for _, a in tensors.values())}, "weight_map": weight_map}
    (directory / "model.safetensors.index.json").write_text(json.dumps(index, indent=1))


def _string(text):
    data = text.encode()
    return struct.pack("<Q", len(data)) + data


_SCALAR = {"u16": (2, "<H"), "u32": (4, "<I"), "i32": (5, "<i"), "f32": (6, "<f"), "bool": (7, "<?")}


def _key_value(key, kind, value):
    if kind == "str":
        return _string(key) + struct.pack("<I", 8) + _string(value)
    if not kind.endswith("[]"):
        number, fmt = _SCALAR[kind]
        return _string(key) + struct.pack("<I", number) + struct.pack(fmt, value)
    element = kind[:-2]
    if element == "str":
        return _string(key) + struct.pack("<IIQ", 9, 8, len(value)) + b"".join(map(_string, value))
    number, fmt = _SCALAR[element]
    return _string(key) + struct.pack("<IIQ", 9, number, len(value)) + b"".join(struct.pack(fmt, v) for v in value)


def write_gguf(path, tensors, metadata):
    """metadata: list of (key, kind, value), kind one of u16 u32 i32 f32 bool str, or such with [] for an array."""
    infos, offset = b"", 0
    for name, (dtype, array) in tensors.items():
        dims = array.shape[::-1]  # GGUF counts the contiguous dimension first
        infos += _string(name) + struct.pack("<I%dQ" % len(dims), len(dims), *dims)
        infos += struct.pack("<IQ", GGUF_TYPE[dtype], offset)
        offset += -(-array.nbytes // ALIGNMENT) * ALIGNMENT
    head = struct.pack("<4sIQQ", b"GGUF", 3, len(tensors), len(metadata)) + b"".join(_key_value(*m) for m in metadata) + infos
    with open(path, "wb") as f:
        f.write(head + b"\0" * (-len(head) % ALIGNMENT))
        for _, array in tensors.values():
            f.write(array.tobytes() + b"\0" * (-array.nbytes % ALIGNMENT))


def write_split_gguf(prefix, tensors, metadata, n_files):
    """PREFIX-0000i-of-0000n.gguf; all metadata is in the first file. Returns the paths."""
    names, paths = list(tensors), []
    for i in range(n_files):
        part = names[i * len(names) // n_files:(i + 1) * len(names) // n_files]
        split = [("split.no", "u16", i), ("split.count", "u16", n_files), ("split.tensors.count", "i32", len(names))]
        paths.append("%s-%05d-of-%05d.gguf" % (prefix, i + 1, n_files))
        write_gguf(paths[-1], {n: tensors[n] for n in part}, metadata + split if i == 0 else split)
    return paths
