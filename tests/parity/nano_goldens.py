#!/usr/bin/env python3
"""Write goldens/nano_greedy.json: what HF transformers answers with the bundled model. Needs torch, transformers, tokenizers.

usage: nano_goldens.py [--model DIR] [--out FILE]

50 prompts, three from each held-out set of examples/nano and the rest beginnings of English stories:

    {"reference": versions, "weights_sha256": of model.safetensors,
     "prompts": [{"text", "ids", "answer_ids", "answer_text", "smallest_margin"}]}

Arithmetic is F32 over the BF16 weights, each embedding scale rounded to bf16, which is what a BF16 model multiplies by. Answers
are greedy, of 64 tokens at most, and end with the first of the model's eos ids (which is part of answer_ids). smallest_margin is
the least distance between the best and the second-best logit over an answer; a prompt is passed over where it is below
MIN_MARGIN, so that honest F32 rounding cannot change a token.
"""
import argparse
import hashlib
import json
import pathlib
import sys

sys.modules["torchvision"] = None  # not needed, and a CUDA build of it beside a CPU torch stops the import of Gemma 4
import torch
import transformers
from tokenizers import Tokenizer

HERE = pathlib.Path(__file__).resolve().parent
NANO = HERE.parent.parent / "examples" / "nano"
PROMPTS, PER_SET, MAX_TOKENS, MIN_MARGIN = 50, 3, 64, 2e-3


def load(directory):
    """The model in F32 arithmetic over its BF16 weights."""
    model = transformers.Gemma4ForCausalLM.from_pretrained(directory, dtype=torch.float32, attn_implementation="eager")
    for module in model.modules():
        if hasattr(module, "embed_scale"):
            module.embed_scale.copy_(module.embed_scale.bfloat16().float())
    return model.eval()


@torch.no_grad()
def answer(model, ids):
    """(answer ids up to and with an eos id, smallest margin)."""
    stop, cache, tokens, margins = model.generation_config.eos_token_id, transformers.DynamicCache(config=model.config), [], []
    step = torch.tensor([ids])
    while len(tokens) < MAX_TOKENS and not (tokens and tokens[-1] in stop):
        logits = model(step, past_key_values=cache, use_cache=True).logits[0, -1]
        best, second = logits.topk(2).values.tolist()
        tokens.append(int(logits.argmax()))
        margins.append(best - second)
        step = torch.tensor([tokens[-1:]])
    return tokens, min(margins)


def candidates():
    """(set name, prompt text), in the order they are tried; all prompts differ."""
    seen = set()
    for path in sorted((NANO / "heldout").glob("*.jsonl")):
        lines = path.read_text().splitlines()
        if path.stem == "tool_answer":
            lines.sort(key=len, reverse=True)  # the longest, which cross the sliding window
        for line in lines:
            text = json.loads(line)["prompt"]
            if text not in seen:
                seen.add(text)
                yield path.stem, text
    for line in (NANO / "heldout" / "english.txt").read_text().splitlines():
        text = "<bos>" + " ".join(line.split()[:9])
        if text not in seen:
            seen.add(text)
            yield "english", text


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=pathlib.Path, default=NANO / "model")
    parser.add_argument("--out", type=pathlib.Path, default=HERE / "goldens" / "nano_greedy.json")
    options = parser.parse_args()

    torch.set_num_threads(1)
    model = load(options.model)
    tokenizer = Tokenizer.from_file(str(options.model / "tokenizer.json"))
    prompts, taken = [], {}
    for name, text in candidates():
        if len(prompts) == PROMPTS or (name != "english" and taken.get(name, 0) == PER_SET):
            continue
        ids = tokenizer.encode(text, add_special_tokens=False).ids
        answer_ids, margin = answer(model, ids)
        if margin < MIN_MARGIN:
            print("passed over, margin %.1e: %r" % (margin, text[-40:]))
            continue
        taken[name] = taken.get(name, 0) + 1
        answer_text = tokenizer.decode(answer_ids, skip_special_tokens=False)
        prompts.append({"text": text, "ids": ids, "answer_ids": answer_ids, "answer_text": answer_text,
                        "smallest_margin": round(margin, 4)})
    goldens = {
        "reference": "transformers %s, torch %s" % (transformers.__version__, torch.__version__.split("+")[0]),
        "weights_sha256": hashlib.sha256((options.model / "model.safetensors").read_bytes()).hexdigest(),
        "prompts": prompts,
    }
    options.out.parent.mkdir(exist_ok=True)
    options.out.write_text(json.dumps(goldens, indent=1) + "\n")
    print("%s: %d prompts, %d answer tokens" % (options.out.name, len(prompts), sum(len(p["answer_ids"]) for p in prompts)))


if __name__ == "__main__":
    main()
