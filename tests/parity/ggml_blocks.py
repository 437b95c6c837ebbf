#!/usr/bin/env python3
"""Blocks of ggml's quantised types and what the gguf package (PyPI) makes of them.

usage: ggml_blocks.py write FILE             the golden file, tests/parity/goldens/ggml_blocks.txt
       ggml_blocks.py check PROGRAM [SEED]   sizes of the types, edge blocks and fresh random blocks through PROGRAM
                                             (gemma4_dequantize); status 77 when the gguf package is missing

A line "type NAME ID ELEMENTS BYTES" tells a type's facts; "block NAME HEX SHA256" one block and the hash of its values:
little-endian F32, -0 as it is, every NaN as 7FC00000.
"""
import hashlib
import subprocess
import sys

try:
    import numpy as np
    from gguf.constants import GGML_QUANT_SIZES, GGMLQuantizationType
    from gguf.quants import _type_traits, dequantize
except ImportError as error:
    print("MESSAGE: skipped: no gguf package (%s)" % error)
    sys.exit(77)

# Where a block has f16 numbers. IQ1_M, MXFP4 and NVFP4 have scales of other kinds.
F16 = {"Q4_0": [0], "Q4_1": [0, 2], "Q5_0": [0], "Q5_1": [0, 2], "Q8_0": [0], "Q2_K": [80, 82], "Q3_K": [108],
       "Q4_K": [0, 2], "Q5_K": [0, 2], "Q6_K": [208], "TQ1_0": [52], "TQ2_0": [64], "IQ2_XXS": [0], "IQ2_XS": [0],
       "IQ2_S": [0], "IQ3_XXS": [0], "IQ3_S": [0], "IQ1_S": [0], "IQ4_NL": [0], "IQ4_XS": [0]}
# One, zero, minus zero, the smallest and largest subnormal, the largest, minus a tenth, infinity, NaN.
HALVES = [0x3C00, 0x0000, 0x8000, 0x0001, 0x83FF, 0x7BFF, 0xAE66, 0x7C00, 0x7E00]
E8M0 = [127, 0, 1, 2, 3, 128, 100, 254, 255]
UE4M3 = [0x38, 0x00, 0x01, 0x07, 0x08, 0x7E, 0x7F, 0x80, 0xFF]


# The package gives Q8_1, which no file holds, 40 bytes; in ggml it has 36 since its sum became f16.
TYPES = [t for t in GGMLQuantizationType if t.name != "Q8_1"]


def block_types():
    """The types that the package dequantises in blocks."""
    return [t for t in sorted(_type_traits) if GGML_QUANT_SIZES[t][0] > 1]


def set_scale(name, block, case):
    """Gives a block the scale number `case` of the lists above; a second f16 gets another."""
    for i, at in enumerate(F16.get(name, [])):
        block[at:at + 2] = np.frombuffer(np.uint16(HALVES[(case + 4 * i) % len(HALVES)]).tobytes(), np.uint8)
    if name == "IQ1_M":  # in the upper nibbles of four 16-bit words
        for w in range(4):
            block[49 + 2 * w] = (block[49 + 2 * w] & 15) | (HALVES[case] >> 4 * w & 15) << 4
    if name == "MXFP4":
        block[0] = E8M0[case]
    if name == "NVFP4":
        block[0:4] = [UE4M3[(case + 2 * i) % len(UE4M3)] for i in range(4)]


def edge_blocks(t, rng):
    """Every scale over random codes; the lowest and the highest codes with scale one; all bytes 0x80; all zero."""
    size = GGML_QUANT_SIZES[t][1]
    blocks = []
    for case in range(len(HALVES)):
        blocks.append(rng.integers(0, 256, size, dtype=np.uint8))
        set_scale(t.name, blocks[-1], case)
    for byte in (0x00, 0xFF, 0x80):
        blocks.append(np.full(size, byte, np.uint8))
        set_scale(t.name, blocks[-1], 0)
    blocks.append(np.zeros(size, np.uint8))
    return np.stack(blocks)


def values(t, blocks):
    with np.errstate(all="ignore"):
        result = dequantize(blocks, t)
    return canonical(result)


def canonical(result):
    return np.where(np.isnan(result), np.float32(np.nan), result).astype("<f4")


def write(path):
    rng = np.random.default_rng(4)
    with open(path, "w") as file:
        for t in TYPES:
            print("type", t.name, int(t), *GGML_QUANT_SIZES[t], file=file)
        for t in block_types():
            for block in edge_blocks(t, rng):
                digest = hashlib.sha256(values(t, block[None]).tobytes()).hexdigest()
                print("block", t.name, block.tobytes().hex(), digest, file=file)


def check(program, seed):
    rng = np.random.default_rng(seed)
    ours = {}
    for line in subprocess.run([program], check=True, capture_output=True, text=True).stdout.splitlines():
        number, name, *rest = line.split()
        ours[name] = [int(number)] + [int(field) for field in rest]
    wrong = []
    for t in TYPES:
        facts = [int(t), *GGML_QUANT_SIZES[t]]
        if ours.get(t.name, [])[:3] != facts:
            wrong.append("%s: id, elements, bytes %s, expected %s" % (t.name, ours.get(t.name), facts))
    for t in block_types():
        random = rng.integers(0, 256, (256, GGML_QUANT_SIZES[t][1]), dtype=np.uint8)
        blocks = np.concatenate([edge_blocks(t, rng), random])
        run = subprocess.run([program, t.name], check=True, input=blocks.tobytes(), capture_output=True)
        got = canonical(np.frombuffer(run.stdout, "<f4").reshape(len(blocks), -1))
        expected = values(t, blocks)
        if not ours[t.name][3] or got.shape != expected.shape:
            wrong.append("%s: not dequantised" % t.name)
            continue
        differ = np.flatnonzero((got.view(np.uint32) != expected.view(np.uint32)).any(axis=1))
        if len(differ):
            b = differ[0]
            i = np.flatnonzero(got[b].view(np.uint32) != expected[b].view(np.uint32))[0]
            wrong.append("%s: %d of %d blocks differ; %s, element %d: %r, expected %r" % (
                t.name, len(differ), len(blocks), blocks[b].tobytes().hex(), i, got[b, i], expected[b, i]))
    print("\n".join(wrong) if wrong else "%d types as the gguf package has them" % len(block_types()))
    return 1 if wrong else 0


def main():
    if len(sys.argv) == 3 and sys.argv[1] == "write":
        write(sys.argv[2])
        return 0
    if len(sys.argv) in (3, 4) and sys.argv[1] == "check":
        seed = int(sys.argv[3]) if len(sys.argv) == 4 else np.random.SeedSequence().entropy % 2**32
        print("seed", seed)
        return check(sys.argv[2], seed)
    sys.exit(__doc__)


if __name__ == "__main__":
    sys.exit(main())
