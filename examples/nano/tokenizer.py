"""Makes gemma4-nano's tokenizer.json: Gemma's kind of BPE, learned on the training text.

    python tokenizer.py model/tokenizer.json

As in Gemma 4's own file a space becomes U+2581, a segment between special tokens is merged as
a whole, unknown characters fall back to bytes, digits stand alone, and runs of newlines or
spaces are tokens of their own. Words are learned without their space; the frequent ones then
get a merge with it. So a rare name has the same pieces after a space, a quote or a string
token, which makes copying one easy to learn.
"""

import argparse
import collections
import json
import random as random_module
import re
from pathlib import Path

from tokenizers import Regex, Tokenizer, models, pre_tokenizers, trainers

import mixture

SPACE = "\u2581"
SPECIAL_TOKENS = (
    "<pad> <eos> <bos> <unk> <mask> <|tool> <tool|> <|tool_call> <tool_call|> <|tool_response> "
    '<tool_response|> <|"|> <|think|> <|channel> <channel|> <|turn> <turn|> <|image> <image|> '
    "<|audio> <audio|> <|image|> <|audio|> <|video|>"
).split()
STOP_TOKENS = ("<eos>", "<turn|>", "<|tool_response>")
LONGEST_RUN = 8
VOCAB_SIZE = 2048
WORDS_WITH_SPACE = 480  # how many words also get a token with their space in front
PIECE = r"[A-Za-z]+|[^A-Za-z0-9\s]+"  # what merges may span: letters, or punctuation


def training_text(examples=30000, seed=1):
    """Text of the training mixture, cut at the special tokens."""
    random = random_module.Random(seed)
    specials = re.compile("|".join(map(re.escape, SPECIAL_TOKENS)))
    for _ in range(examples):
        made = mixture.draw(random)
        yield from filter(None, specials.split(made.prompt + made.answer))


def run_merges(char):
    """Runs of two to LONGEST_RUN `char`: (tokens, merges), every split of every run."""
    runs = [char * n for n in range(2, LONGEST_RUN + 1)]
    merges = [[char * k, char * (n - k)] for n in range(LONGEST_RUN, 1, -1) for k in range(n - 1, 0, -1)]
    return runs, merges


def learn(texts, vocab_size):
    """(characters and pieces in order of id, merges) of a plain BPE over letters and punctuation."""
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.Split(Regex(PIECE), "removed", invert=True)
    alphabet = [chr(code) for code in range(33, 127)]
    bpe.train_from_iterator(
        texts,
        trainers.BpeTrainer(vocab_size=vocab_size, initial_alphabet=alphabet, show_progress=False),
    )
    model = json.loads(bpe.to_str())["model"]
    pieces = sorted(model["vocab"], key=model["vocab"].get)
    return pieces, [list(merge) for merge in model["merges"]]


def frequent_after_space(texts, pieces, count):
    """The `count` pieces that most often are a whole word, or punctuation, after a space."""
    known = set(pieces)
    counter = collections.Counter()
    for text in texts:
        counter.update(re.findall(r"(?<= )(?:[A-Za-z]+|[^A-Za-z0-9\s]+)", text))
    return [piece for piece, _ in counter.most_common() if piece in known][:count]


def build():
    """The content of tokenizer.json."""
    texts = list(training_text())
    newlines, newline_merges = run_merges("\n")
    spaces, space_merges = run_merges(SPACE)
    fixed = [*SPECIAL_TOKENS, "\n", *newlines, SPACE, *spaces]
    fixed += [f"<0x{byte:02X}>" for byte in range(256)]
    pieces, merges = learn(texts, VOCAB_SIZE - len(fixed) - WORDS_WITH_SPACE)
    spaced = frequent_after_space(texts, pieces, VOCAB_SIZE - len(fixed) - len(pieces))
    tokens = fixed + pieces + [SPACE + piece for piece in spaced]
    merges = newline_merges + space_merges + merges + [[SPACE, piece] for piece in spaced]
    replace = {"type": "Replace", "pattern": {"String": " "}, "content": SPACE}
    back = {"type": "Replace", "pattern": {"String": SPACE}, "content": " "}
    flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False}
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [
            {"id": tokens.index(token), "content": token, **flags, "special": True}
            for token in SPECIAL_TOKENS
        ],
        "normalizer": replace,
        "pre_tokenizer": {
            "type": "Split",
            "pattern": {"String": " "},
            "behavior": "MergedWithPrevious",
            "invert": False,
        },
        "post_processor": None,
        "decoder": {
            "type": "Sequence",
            "decoders": [back, {"type": "ByteFallback"}, {"type": "Fuse"}],
        },
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": "<unk>",
            "continuing_subword_prefix": None,
            "end_of_word_suffix": None,
            "fuse_unk": True,
            "byte_fallback": True,
            "ignore_merges": False,
            "vocab": {token: id for id, token in enumerate(tokens)},
            "merges": merges,
        },
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("path", type=Path)
    path = parser.parse_args().path
    content = build()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n")
    config = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "add_bos_token": False,
        "clean_up_tokenization_spaces": False,
        "pad_token": "<pad>",
        "eos_token": "<eos>",
        "bos_token": "<bos>",
        "unk_token": "<unk>",
        "mask_token": "<mask>",
    }
    (path.parent / "tokenizer_config.json").write_text(json.dumps(config, indent=2) + "\n")
    print(f"{len(content['model']['vocab'])} tokens, {len(content['model']['merges'])} merges")


if __name__ == "__main__":
    main()
