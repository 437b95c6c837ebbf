"""Writes added_tokens.json beside this file: random added tokens, and the ids that HF tokenizers gives for random texts.

    python tests/support/make_added_tokens.py [--tokenizers N] [--texts N] [--seed N]      (needs the PyPI package tokenizers)

"tokenizer" is a tokenizer.json without its added tokens; each case has "added", the text of its "added_tokens", and
"texts": [text, ids with special tokens, ids without (encode_special_tokens)]. No merge makes a special token here:
the library never lets one do so.
"""
import argparse
import json
import pathlib
import random

import tokenizers

SPACE = "\u2581"
CHARACTERS = [SPACE, "\n", "\t", "\u00e9", "\u0301", "_"] + list("<|>turnYokabc1.")
WORDS = [SPACE + "York", "York", "Yo", "rk", "turn", SPACE + "turn", "ab", "abc", SPACE + "a", SPACE * 2, SPACE * 3, "\n\n"]
# What random contents and texts are put together of; U+00A0 and U+3000 are white space, U+203F joins words.
PARTS = [" ", " ", " ", "  ", SPACE, "\n", "\t", "\u00a0", "\u3000", "\u203f", "\u0301", "\u00e9", "York", "Yo", "rk", "turn",
         "<|turn>", "<turn|>", "a", "b", "abc", "1", "_", ".", "\u4e2d", "\U0001f600"]


def base_tokenizer():
    tokens = ["<pad>", "<bos>", "<unk>"] + ["<0x%02X>" % b for b in range(256)] + CHARACTERS
    merges, known = [], set(CHARACTERS)
    for word in WORDS:
        for end in range(2, len(word) + 1):
            piece = word[:end]
            if piece not in known:
                known.add(piece)
                tokens.append(piece)
                merges.append([piece[:-1], piece[-1]])
    return {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": [],
        "normalizer": {"type": "Replace", "pattern": {"String": " "}, "content": SPACE},
        "pre_tokenizer": {"type": "Split", "pattern": {"String": " "}, "behavior": "MergedWithPrevious", "invert": False},
        "post_processor": None,
        "decoder": {"type": "Sequence", "decoders": [
            {"type": "Replace", "pattern": {"String": SPACE}, "content": " "}, {"type": "ByteFallback"}, {"type": "Fuse"}]},
        "model": {"type": "BPE", "dropout": None, "unk_token": "<unk>", "continuing_subword_prefix": None,
                  "end_of_word_suffix": None, "fuse_unk": True, "byte_fallback": True, "ignore_merges": False,
                  "vocab": {t: i for i, t in enumerate(tokens)}, "merges": merges},
    }


def random_added(rng, vocabulary):
    merged = {t for t in vocabulary if t not in CHARACTERS}
    added, seen, normalized, extra = [], set(), set(), len(vocabulary)
    for content in ["<pad>", "<bos>", "<unk>"] + ["".join(rng.choices(PARTS, k=rng.choice((1, 1, 2, 2, 3))))
                                                   for _ in range(rng.randrange(1, 9))]:
        if content in seen:
            continue
        seen.add(content)
        id = vocabulary.get(content)
        if id is None:
            id, extra = extra, extra + 1
        special = content in ("<pad>", "<bos>", "<unk>") or (content not in merged and len(content) > 1 and rng.random() < 0.4)
        flags = {f: id > 2 and rng.random() < p for f, p in (("single_word", 0.2), ("lstrip", 0.2), ("rstrip", 0.2), ("normalized", 0.5))}
        if flags["normalized"]:
            # Of two that are one after the normalizer, tokenizers takes either, from run to run.
            flags["normalized"] = content.replace(" ", SPACE) not in normalized
            normalized.add(content.replace(" ", SPACE))
        added.append({"id": id, "content": content, **flags, "special": special})
    return sorted(added, key=lambda t: t["id"])


def random_text(rng, added):
    parts = PARTS + [t["content"] for t in added] * 2 + [t["content"].replace(SPACE, " ") for t in added]
    return "".join(rng.choices(parts, k=rng.randrange(1, 9)))


def encode(tokenizer, text, special):
    tokenizer.encode_special_tokens = not special
    return tokenizer.encode(text, add_special_tokens=False).ids


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--tokenizers", type=int, default=40)
    parser.add_argument("--texts", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    rng = random.Random(options.seed)
    base = base_tokenizer()
    cases = []
    for _ in range(options.tokenizers):
        added = random_added(rng, base["model"]["vocab"])
        tokenizer = tokenizers.Tokenizer.from_str(json.dumps(dict(base, added_tokens=added)))
        texts = []
        while len(texts) < options.texts:
            text = random_text(rng, added)
            try:
                texts.append([text, encode(tokenizer, text, True), encode(tokenizer, text, False)])
            except BaseException as error:  # tokenizers panics where white space is taken twice
                if "PanicException" not in type(error).__name__:
                    raise
        cases.append({"added": json.dumps(added), "texts": texts})
    path = pathlib.Path(__file__).with_name("added_tokens.json")
    head = {"tokenizers": tokenizers.__version__, "tokenizer": json.dumps(base)}
    with open(path, "w") as file:
        file.write(json.dumps(head)[:-1] + ',\n"cases": [\n' + ",\n".join(json.dumps(c) for c in cases) + "\n]}\n")


main()
