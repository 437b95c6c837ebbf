"""A tiny tokenizer in Gemma 4's structure: BPE over code points with byte fallback, spaces written as U+2581.

It exists so that random checkpoints are complete. The special tokens are Gemma 4's own, at ids of this file's choosing: a
reader that knows ids by heart instead of by text fails here.
"""

SPECIAL = [
    "<pad>", "<eos>", "<bos>", "<unk>", "<mask>", "<|tool>", "<tool|>", "<|tool_call>", "<tool_call|>", "<|tool_response>",
    "<tool_response|>", '<|"|>', "<|think|>", "<|channel>", "<channel|>", "<|turn>", "<turn|>", "<|image>", "<|audio>",
    "<|image|>", "<|audio|>", "<image|>", "<audio|>", "<|video|>",
]
# Typed "user defined" in public GGUF files, so that they stay visible in decoded text.
USER_DEFINED = {"<|channel>", "<channel|>", "<|tool_call>", "<tool_call|>", "<|tool_response>", "<tool_response|>", '<|"|>'}

SPACE = "\u2581"
CHARACTERS = [SPACE, "\n", "\t", "\u00e9"] + [chr(c) for c in range(33, 127)]

# In order of merge priority; a piece is used when the vocabulary has room for it. Every piece splits into earlier ones.
PIECES = ["\n" * n for n in (2, 3, 4)] + [SPACE * n for n in (2, 3, 4)] + """
_t he in er an _a re on at _the nd or is ou _s en es ing _w ll _and us user mo del model lo ello Hello _i _is it al ld
wor world _world ha at hat _that _o _of ed _b _be _m _y you _you th the ar st se ve ic ro _c _p _f _d ay say ow how
_how are _are am _am \u00e9j d\u00e9j caf caf\u00e9""".replace("_", SPACE).split()


class TinyTokenizer:
    """Tokens, merges and ids for a vocabulary of exactly `vocab_size`; `special_last` puts the special tokens at its end."""

    def __init__(self, vocab_size, special_last=False):
        plain = ["<0x%02X>" % b for b in range(256)] + CHARACTERS
        n_pieces = vocab_size - len(plain) - len(SPECIAL)
        pieces, known = [], set(CHARACTERS)
        self.merges = []
        for piece in PIECES:
            splits = [(piece[:i], piece[i:]) for i in range(1, len(piece)) if piece[:i] in known and piece[i:] in known]
            if len(pieces) == n_pieces or piece in known or not splits:
                continue
            pieces.append(piece)
            known.add(piece)
            self.merges += splits
        if len(pieces) != n_pieces:
            least = vocab_size - n_pieces
            raise ValueError("vocab_size %d: expected %d to %d" % (vocab_size, least, least + len(pieces)))
        plain += pieces
        self.tokens = plain + SPECIAL if special_last else SPECIAL + plain
        self.ids = {token: i for i, token in enumerate(self.tokens)}

    def to_json(self):
        """tokenizer.json as a dict, stages as in the released file."""
        added = [{"id": self.ids[t], "content": t, "single_word": False, "lstrip": False, "rstrip": False,
                  "normalized": False, "special": True} for t in sorted(SPECIAL, key=self.ids.get)]
        return {
            "version": "1.0", "truncation": None, "padding": None, "added_tokens": added,
            "normalizer": {"type": "Replace", "pattern": {"String": " "}, "content": SPACE},
            "pre_tokenizer": {"type": "Split", "pattern": {"String": " "}, "behavior": "MergedWithPrevious", "invert": False},
            "post_processor": None,
            "decoder": {"type": "Sequence", "decoders": [
                {"type": "Replace", "pattern": {"String": SPACE}, "content": " "}, {"type": "ByteFallback"}, {"type": "Fuse"}]},
            "model": {
                "type": "BPE", "dropout": None, "unk_token": "<unk>", "continuing_subword_prefix": None,
                "end_of_word_suffix": None, "fuse_unk": True, "byte_fallback": True, "ignore_merges": False,
                "vocab": self.ids, "merges": [list(m) for m in self.merges]},
        }

    def gguf_token_types(self):
        """1 normal, 2 unknown, 3 control, 4 user defined, 6 byte."""
        def kind(token):
            if token == "<unk>":
                return 2
            if token in SPECIAL:
                return 4 if token in USER_DEFINED else 3
            return 6 if len(token) == 6 and token.startswith("<0x") else 1
        return [kind(t) for t in self.tokens]
