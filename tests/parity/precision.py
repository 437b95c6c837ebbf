#!/usr/bin/env python3
"""Print how far 16-bit and integer arithmetic is from F32 on random nets of all five shapes: the table of README.md's Precision.

usage: precision.py GEMMA4 [--seeds N] [--shape NAME ...] [--weights TYPE ...]     (GEMMA4: the program; it quantises)

Needs the Python module and the program. The nets are those of checkpoints.py, with rows of 256 and more so that every block type
fits. Each is read with compute="f32", which parity_test.cpp proves against HF transformers, and again as the table's line says. A
row is off by the largest difference of its logits, in units of its largest logit. Lines: weights, compute, cache; what was read:
"short" every row of prompts of up to 64 tokens, "long" of 160 and more, "decode" steps after a short one; nets without and with
experts. "blocks" has the rows of all types in blocks. Figures: the median row, 99 % of rows, the worst row, and how many rows have another best token though its lead is larger
than what README.md allows (LEAD).

With experts, a router's tie falls either way once anything is rounded, and from there on the token is another one: the median row
is what tells. An F32 cache tells how much of an error is the F16 cache's.
"""
import argparse
import pathlib
import subprocess
import tempfile

import numpy as np

import checkpoints
import gemma4

HEADS = dict(head_dim=256, global_head_dim=512, hidden_size=256, intermediate_size=512, sliding_window=96)
SHAPES = {
    "E2B": ("e2b", dict(num_hidden_layers=15, layer_types=checkpoints.pattern(5, 3), num_kv_shared_layers=8, num_attention_heads=8)),
    "E4B": ("e4b", dict(num_hidden_layers=18, layer_types=checkpoints.pattern(6, 3), num_kv_shared_layers=8, num_attention_heads=8)),
    "12B": ("dense", dict(num_hidden_layers=18, layer_types=checkpoints.pattern(6, 3))),
    "31B": ("dense", dict(num_hidden_layers=24, layer_types=checkpoints.pattern(6, 4), num_attention_heads=8,
                          num_key_value_heads=4, num_global_key_value_heads=2)),
    "26B-A4B": ("moe", dict(num_hidden_layers=12, layer_types=checkpoints.pattern(6, 2), moe_intermediate_size=256,
                            num_experts=32, top_k_experts=4)),
}
TYPES = ("bf16", "Q8_0", "Q6_K", "Q5_K_M", "Q4_K_M", "Q4_0", "IQ4_XS", "Q2_K")
BLOCKS = "blocks"
SHORT, LONG, STEPS = (16, 40, 64), (160, 320), 16
LEAD = {"auto": 3e-3, "bf16": 2e-2, "blocks in 8 bits": 3e-2}


def checkpoint(folder, shape, seed):
    """A checkpoint of BF16 weights."""
    base, changes = SHAPES[shape]
    case = {**checkpoints.CASES[base], "config": {**checkpoints.CASES[base]["config"], **HEADS, **changes}}
    checkpoints.CASES[shape] = case
    return checkpoints.write_checkpoint(folder, shape, "bf16", ("hf",), seed)[0]


def logits(model, cache, prompts):
    """{"short" | "long" | "decode": [rows, vocab_size]}"""
    def session():
        return gemma4.Session(model, context_length=max(LONG) + STEPS, kv_dtype=cache)
    rows = {"short": [], "long": [], "decode": []}
    for ids in prompts:
        rows["short" if len(ids) <= max(SHORT) else "long"].append(session().prefill(ids, all_logits=True).copy())
    ids, steps = prompts[0], session()
    steps.prefill(ids, logits=False)
    rows["decode"] = [steps.decode(token).copy()[None] for token in prompts[-1][:STEPS]]
    return {name: np.concatenate(parts) for name, parts in rows.items()}


class Line:
    """Rows of one line of the table."""

    def __init__(self):
        self.off, self.changed = [], 0

    def add(self, got, expected, lead):
        size = np.abs(expected).max(axis=1)
        self.off.append(np.abs(got - expected).max(axis=1) / size)
        best = np.sort(expected, axis=1)
        clear = best[:, -1] - best[:, -2] > lead * size
        self.changed += int((clear & (got.argmax(axis=1) != expected.argmax(axis=1))).sum())

    def __str__(self):
        off = np.concatenate(self.off)
        return "%8d  %.1e  %.1e  %.1e  %5d" % (off.size, np.median(off), np.quantile(off, 0.99), off.max(), self.changed)


def measure(path, weights, prompts, table, kind):
    exact = logits(gemma4.Model(path, compute="f32"), "f32", prompts)
    for compute in ("auto", "bf16") if weights == "bf16" else ("auto",):
        model = gemma4.Model(path, compute=compute)
        for cache in ("f16", "f32"):
            for what, got in logits(model, cache, prompts).items():
                lead = LEAD["blocks in 8 bits" if weights != "bf16" and what == "long" else compute]
                for group in (weights,) if weights == "bf16" else (weights, BLOCKS):
                    table.setdefault((group, compute, cache, what, kind), Line()).add(got, exact[what], lead)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("program", type=pathlib.Path)
    parser.add_argument("--seeds", type=int, default=8)
    parser.add_argument("--shape", nargs="+", choices=list(SHAPES), default=list(SHAPES))
    parser.add_argument("--weights", nargs="+", choices=TYPES, default=TYPES)
    options = parser.parse_args()
    table = {}
    for shape in options.shape:
        for seed in range(1, options.seeds + 1):
            with tempfile.TemporaryDirectory() as folder:
                path = checkpoint(folder, shape, seed)
                vocab_size = checkpoints.CASES[shape]["config"]["vocab_size"]
                prompts = [(checkpoints.random_bits(seed, "prompt %d" % n, n) % vocab_size).astype(int).tolist() for n in SHORT + LONG]
                kind = "experts" if shape == "26B-A4B" else "plain"
                for weights in options.weights:
                    file = path
                    if weights != "bf16":
                        file = "%s/%s.gguf" % (folder, weights)
                        subprocess.run([options.program, "quantize", path, file, weights], check=True, capture_output=True)
                    measure(file, weights, prompts, table, kind)
    print("weights compute cache what    nets         rows   median      99%    worst  other best token")
    for key in sorted(table, key=lambda k: (k[4], (*TYPES, BLOCKS).index(k[0]), k[1:4])):
        print("%-7s %-7s %-5s %-7s %-7s %s" % (*key, table[key]))


if __name__ == "__main__":
    main()
