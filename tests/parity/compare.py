#!/usr/bin/env python3
"""Compare two folders of goldens: fails where a value differs by more than half of its tolerance.

usage: compare.py NEW COMMITTED
"""
import pathlib
import sys

import numpy as np
from safetensors import safe_open

LOGIT_TOLERANCE = 5e-5  # absolute
TAP_TOLERANCE = 5e-6    # relative to the largest magnitude in the tap's row
SHARE = 0.5


def load(path):
    with safe_open(path, "np") as f:
        return {key: f.get_tensor(key) for key in f.keys()}, f.metadata()


def tolerance(key, values):
    """What a test allows around `values`, broadcastable to them; None where they must be equal."""
    if key.startswith("tap.") and values.dtype == np.float32:
        return TAP_TOLERANCE * np.abs(values).max(axis=-1, keepdims=True)
    return LOGIT_TOLERANCE if values.dtype == np.float32 else None


def check_greedy(key, new, old, margins):
    """Tokens may part only at a step whose margin is within the allowance; what follows is then another text."""
    differ = np.flatnonzero(new != old)
    if differ.size and margins[differ[0]] > SHARE * LOGIT_TOLERANCE:
        step = differ[0]
        return ["%s: step %d: %d, committed %d, margin %.1e" % (key, step, new[step], old[step], margins[step])]
    return []


def compare(new_path, old_path):
    """(complaints, largest deviation as a share of the tolerance)"""
    (new, new_info), (old, old_info) = load(new_path), load(old_path)
    if new_info["weights_sha256"] != old_info["weights_sha256"]:
        return ["weights_sha256 differs: the generator has changed"], 0
    if new.keys() != old.keys():
        return ["other tensors: %s" % sorted(new.keys() ^ old.keys())], 0
    complaints, worst = [], 0.0
    for key, values in old.items():
        if new[key].shape != values.shape:
            complaints.append("%s: shape %s, committed %s" % (key, new[key].shape, values.shape))
            continue
        allowed = tolerance(key, values)
        if key.endswith(".tokens"):
            complaints += check_greedy(key, new[key], values, old[key.replace("tokens", "margins")])
        elif allowed is None:
            if not np.array_equal(new[key], values):
                complaints.append("%s: differs" % key)
        elif not key.endswith(".margins"):
            share = float(np.max(np.abs(new[key] - values) / allowed))
            worst = max(worst, share)
            if not share <= SHARE:
                complaints.append("%s: off by %.2f of the tolerance" % (key, share))
    return complaints, worst


def main():
    new_dir, old_dir = map(pathlib.Path, sys.argv[1:3])
    names = sorted({p.name for d in (new_dir, old_dir) for p in d.glob("*.safetensors")})
    failed = not names
    for name in names:
        if not (new_dir / name).exists() or not (old_dir / name).exists():
            complaints, worst = ["only in %s" % (new_dir if (new_dir / name).exists() else old_dir)], 0
        else:
            complaints, worst = compare(new_dir / name, old_dir / name)
        failed = failed or bool(complaints)
        print("%s: %s" % (name, "; ".join(complaints) or "agrees, largest deviation %.3f of the tolerance" % worst))
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
