"""Scores gemma4-nano on the held-out sets: greedy exact match, and perplexity on English.

    python evaluate.py --engine hf --scores scores.json      # Hugging Face transformers
    python evaluate.py --engine gemma4                       # this library's Python module
    python evaluate.py --engine gemma4 --model nano.gguf     # the same, a file of gemma4 quantize

An answer is right when its text equals the expected one, it stops with the expected token, and a
thought came before it exactly when thinking is on. Both engines compute in F32 from the BF16
weights by default.
"""

import argparse
import json
import math
import time
from pathlib import Path

HERE = Path(__file__).parent
MAX_TOKENS = 120


class HuggingFace:
    """transformers; prompts of similar length share a batch, padded on the left."""

    def __init__(self, path, options):
        import torch
        import transformers
        from tokenizers import Tokenizer

        import checkpoint

        torch.set_num_threads(options.threads)
        self.torch = torch
        self.tokenizer = Tokenizer.from_file(str(path / "tokenizer.json"))
        self.model = transformers.Gemma4ForCausalLM.from_pretrained(path, dtype=torch.float32).eval()
        checkpoint.round_embed_scales(self.model)
        self.stop = self.model.generation_config.eos_token_id
        self.name = f"transformers {transformers.__version__}, torch {torch.__version__}"

    def encode(self, text):
        return self.tokenizer.encode(text, add_special_tokens=False).ids

    def decode(self, ids):
        return self.tokenizer.decode(ids, skip_special_tokens=False)

    def answer_all(self, prompts, batch_size=50):
        """The greedy continuation of every prompt (lists of ids), up to and with the stop token."""
        torch = self.torch
        answers = [None] * len(prompts)
        order = sorted(range(len(prompts)), key=lambda i: len(prompts[i]))
        for first in range(0, len(order), batch_size):
            batch = order[first : first + batch_size]
            t = max(len(prompts[i]) for i in batch)
            ids = torch.tensor([[0] * (t - len(prompts[i])) + prompts[i] for i in batch])
            mask = torch.tensor([[0] * (t - len(prompts[i])) + [1] * len(prompts[i]) for i in batch])
            with torch.no_grad():
                out = self.model.generate(
                    ids, attention_mask=mask, do_sample=False, max_new_tokens=MAX_TOKENS
                )
            for i, row in zip(batch, out[:, t:].tolist()):
                answers[i] = cut_after_stop(row, self.stop)
        return answers

    def negative_log_likelihood(self, ids):
        """Of ids[1:], each given what stands before it, summed."""
        torch = self.torch
        with torch.no_grad():
            logits = self.model(torch.tensor([ids[:-1]])).logits[0]
        return torch.nn.functional.cross_entropy(logits, torch.tensor(ids[1:]), reduction="sum").item()


class Gemma4:
    """The library of this repository, through its Python module."""

    def __init__(self, path, options):
        import gemma4
        import numpy

        self.gemma4, self.numpy = gemma4, numpy
        self.model = gemma4.Model(str(path), threads=options.threads, compute=options.compute)
        folder = path if path.is_dir() else HERE / "model"  # a GGUF was made from it
        self.stop = json.loads((folder / "generation_config.json").read_text())["eos_token_id"]
        self.name = f"gemma4, compute={options.compute}"

    def encode(self, text):
        return self.model.tokenizer.encode(text, add_bos=False, parse_special=True)

    def decode(self, ids):
        return self.model.tokenizer.decode(ids)

    def session(self):
        return self.gemma4.Session(self.model, context_length=1024)

    def answer_all(self, prompts):
        answers = []
        for prompt in prompts:
            session, answer = self.session(), []
            sampler = self.gemma4.Sampler(temperature=0.0)
            for piece in self.gemma4.generate(session, prompt, sampler=sampler, max_tokens=MAX_TOKENS):
                answer += piece.token_ids
            answers.append(cut_after_stop(answer, self.stop))
        return answers

    def negative_log_likelihood(self, ids):
        logits = self.session().prefill(ids[:-1], all_logits=True).astype(self.numpy.float64)
        top = logits.max(axis=1, keepdims=True)
        normaliser = top[:, 0] + self.numpy.log(self.numpy.exp(logits - top).sum(axis=1))
        chosen = logits[self.numpy.arange(len(ids) - 1), ids[1:]]
        return float((normaliser - chosen).sum())


ENGINES = {"hf": HuggingFace, "gemma4": Gemma4}


def cut_after_stop(ids, stop):
    for index, token in enumerate(ids):
        if token in stop:
            return ids[: index + 1]
    return ids


def is_right(text, item):
    """Whether the text of an answer, special tokens shown, is what the line of the set wants."""
    thought, mark, answer = text.rpartition("<channel|>")
    if bool(mark) != item["thinking"] or "<|channel>" in answer:
        return False
    # A loop that hides the stop token from its caller has ended the same answer.
    return answer in (item["expected"] + item["end"], item["expected"])


def evaluate_task(engine, path, limit, show):
    """{"right", "of", "share"} of one held-out set."""
    items = [json.loads(line) for line in path.read_text().splitlines()][:limit]
    answers = engine.answer_all([engine.encode(item["prompt"]) for item in items])
    right = 0
    for item, answer in zip(items, answers):
        text = engine.decode(answer)
        good = is_right(text, item)
        right += good
        if show and not good:
            asked = item["prompt"].rpartition("<|turn>user\n")[2]
            print(f"  {asked!r}\n    expected {item['expected']!r}\n    answered {text!r}")
    return {"right": right, "of": len(items), "share": round(right / len(items), 4)}


def evaluate_english(engine, path, limit):
    """Perplexity per token of the held-out stories, each from <bos> to <eos>."""
    total, tokens, characters = 0.0, 0, 0
    for line in path.read_text().splitlines()[:limit]:
        ids = engine.encode(f"<bos>{line}<eos>")
        total += engine.negative_log_likelihood(ids)
        tokens += len(ids) - 1
        characters += len(line)
    return {
        "tokens": tokens,
        "perplexity": round(math.exp(total / tokens), 3),
        "bits_per_character": round(total / math.log(2) / characters, 3),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--engine", choices=ENGINES, default="hf")
    parser.add_argument("--model", type=Path, default=HERE / "model")
    parser.add_argument("--heldout", type=Path, default=HERE / "heldout")
    parser.add_argument("--compute", default="f32", help="of engine gemma4: f32 or auto")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--limit", type=int, help="only the first lines of every set")
    parser.add_argument("--scores", type=Path, help="also write the table to this JSON file")
    parser.add_argument("--show", action="store_true", help="print the wrong answers")
    options = parser.parse_args()

    start = time.monotonic()
    engine = ENGINES[options.engine](options.model, options)
    tasks = {}
    for path in sorted(options.heldout.glob("*.jsonl")):
        score = tasks[path.stem] = evaluate_task(engine, path, options.limit, options.show)
        print(f"{path.stem:18} {score['right']:4} of {score['of']:4}  {score['share']:7.1%}", flush=True)
    english = evaluate_english(engine, options.heldout / "english.txt", options.limit)
    print(f"english perplexity {english['perplexity']} per token ({english['tokens']} tokens), "
          f"{english['bits_per_character']} bits per character")
    print(f"{engine.name}: {time.monotonic() - start:.0f} s")
    if options.scores:
        scores = {"engine": engine.name, "tasks": tasks, "english": english}
        options.scores.write_text(json.dumps(scores, indent=2) + "\n")


if __name__ == "__main__":
    main()
