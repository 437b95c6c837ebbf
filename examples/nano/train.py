"""Trains gemma4-nano from random weights with Hugging Face transformers, on the CPU.

    python tokenizer.py model/tokenizer.json
    python train.py --minutes 89 --bf16 --state nano_state.pt

The state (weights, optimiser, time spent, random number generators) is saved every three minutes;
the same command goes on from it. The learning rate follows the clock: it warms up, stays, and
falls to zero over the last 40 % of `--minutes`, so a run always ends in time. Every
`--export-minutes`, and at the end, the model is written to `--out` in BF16.

Loss is taken on answers alone. Batches are padded on the left, so that all answers of a batch end
in its last columns and `logits_to_keep` lets the KV-shared layers run on those columns alone.
"""

import argparse
import json
import math
import os
import random as random_module
import time
from pathlib import Path

import torch
from tokenizers import Tokenizer
from torch.nn import functional
from transformers import Gemma4ForCausalLM, Gemma4TextConfig

import checkpoint
import fast
import mixture

HERE = Path(__file__).parent


def initialise(model, seed):
    """Random weights that suit attention without a 1/sqrt(head_dim).

    Queries and keys of unit norm give logits of standard deviation sqrt(head_dim); q_norm and
    k_norm start at head_dim^(-1/4), so that it is 1. Post-norms start small, so that the residual
    stream keeps its size over the layers.
    """
    torch.manual_seed(seed)
    layers = model.config.num_hidden_layers
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "embed_tokens" in name:
                weight.normal_(std=weight.shape[1] ** -0.5 if "per_layer" not in name else
                               model.config.hidden_size_per_layer_input**-0.5)
            elif weight.dim() == 2:
                weight.normal_(std=weight.shape[1] ** -0.5)
            elif "q_norm" in name or "k_norm" in name:
                weight.fill_(weight.shape[0] ** -0.25)
            elif "post_" in name:
                weight.fill_((3 * layers) ** -0.5)


def learn_layer_scalars(model):
    """`layer_scalar` is a buffer in transformers; as a parameter it is learned and saved alike."""
    for layer in model.model.layers:
        scalar = layer._buffers.pop("layer_scalar")
        layer.register_parameter("layer_scalar", torch.nn.Parameter(scalar))


class Batches:
    """Endless training batches of one group, as tensors."""

    def __init__(self, tokenizer, window, seed):
        self.tokenizer = tokenizer
        self.window = window
        self.random = random_module.Random(seed)

    def draw(self, maker, count, chunks):
        """`count` examples as `chunks` batches of similar length, each (rows, answer tokens)."""
        examples = [maker(self.random) for _ in range(count)]
        prompts = self.tokenizer.encode_batch([e.prompt for e in examples], add_special_tokens=False)
        answers = self.tokenizer.encode_batch([e.answer for e in examples], add_special_tokens=False)
        rows = [(p.ids, a.ids) for p, a in zip(prompts, answers)]
        rows.sort(key=lambda row: len(row[0]) + len(row[1]))
        size = -(-count // chunks)
        return [self.pad(rows[first : first + size]) for first in range(0, count, size)]

    def pad(self, rows):
        """(ids [b, t], mask dict, positions [b, t], labels [b, k]): labels are -100 off the answers.

        The logits for the k labels are those of the last k + 1 columns but the last one.
        """
        b = len(rows)
        t = round_up(max(len(prompt) + len(answer) for prompt, answer in rows))
        k = round_up(max(len(answer) for _, answer in rows) + 1) - 1
        ids = torch.zeros(b, t, dtype=torch.long)
        labels = torch.full((b, k), -100, dtype=torch.long)
        start = torch.zeros(b, dtype=torch.long)
        for row, (prompt, answer) in enumerate(rows):
            start[row] = t - len(prompt) - len(answer)
            ids[row, start[row] :] = torch.tensor(prompt + answer)
            labels[row, k - len(answer) :] = torch.tensor(answer)
        column = torch.arange(t)
        positions = (column[None] - start[:, None]).clamp(min=0)
        causal = column[None, :] <= column[:, None]  # [query, key]
        real = column[None, :] >= start[:, None]
        full = causal[None] & real[:, None, :] | torch.eye(t, dtype=torch.bool)  # no row is empty
        near = column[None, :] > column[:, None] - self.window
        masks = {"full_attention": full[:, None], "sliding_attention": (full & near)[:, None]}
        return ids, masks, positions, labels


def round_up(length):
    """The next multiple of 8: fewer shapes, so fewer kernels that oneDNN must generate."""
    return -(-length // 8) * 8


def answer_loss(model, batch):
    """(summed loss over the answers' tokens, examples whose every token is the likeliest)."""
    ids, masks, positions, labels = batch
    out = model(
        input_ids=ids,
        attention_mask=masks,
        position_ids=positions,
        logits_to_keep=labels.shape[1] + 1,
        use_cache=False,
    )
    kept = labels >= 0
    logits = out.logits[:, :-1][kept]  # [answer tokens, vocab_size]
    loss = functional.cross_entropy(logits, labels[kept], reduction="sum")
    right = torch.ones_like(kept)
    right[kept] = logits.argmax(-1) == labels[kept]
    return loss, right.all(1).sum().item()


def learn_from(model, batches, maker, count, chunks, weight):
    """Adds a group's gradient; returns (mean loss, share of right answers)."""
    drawn = batches.draw(maker, count, chunks)
    tokens = sum((labels >= 0).sum().item() for *_, labels in drawn)
    total = right = 0.0
    for batch in drawn:
        loss, correct = answer_loss(model, batch)
        (loss * (weight / tokens)).backward()
        total += loss.item()
        right += correct
    return total / tokens, right / count


def learning_rate(peak, spent, total, step):
    """Linear warm-up over 100 steps, linear decay over the last 40 % of the time."""
    return peak * min(1.0, (step + 1) / 100, max(0.0, (total - spent) / (0.4 * total)))


def optimiser_for(model, peak):
    matrices = [w for w in model.parameters() if w.dim() == 2]
    vectors = [w for w in model.parameters() if w.dim() != 2]
    groups = [{"params": matrices, "weight_decay": 0.05}, {"params": vectors, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=peak, betas=(0.9, 0.98), eps=1e-9, fused=True)


def save_state(path, model, optimiser, batches, progress):
    """Writes the state beside `path` and renames it, so that a cut leaves the old one whole."""
    state = {
        "model": model.state_dict(),
        "optimiser": optimiser.state_dict(),
        "random": batches.random.getstate(),
        "progress": progress,
    }
    beside = path.with_suffix(".part")
    torch.save(state, beside)
    os.replace(beside, path)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=HERE / "model")
    parser.add_argument("--state", type=Path, default=Path("nano_state.pt"))
    parser.add_argument("--minutes", type=float, default=89, help="training time in all")
    parser.add_argument("--export-minutes", type=float, default=10)
    parser.add_argument("--lr", type=float, default=2e-3, help="peak learning rate")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--bf16", action="store_true", help="matrix products in BF16 (AVX512-BF16)")
    options = parser.parse_args()

    torch.set_num_threads(options.threads)
    tokenizer = Tokenizer.from_file(str(options.out / "tokenizer.json"))
    config = Gemma4TextConfig(**checkpoint.CONFIG)
    config._attn_implementation = "sdpa"
    model = Gemma4ForCausalLM(config)
    checkpoint.round_embed_scales(model)
    learn_layer_scalars(model)
    initialise(model, options.seed)
    fast.install(model, options.bf16)
    model.train()
    optimiser = optimiser_for(model, options.lr)
    batches = Batches(tokenizer, config.sliding_window, options.seed)
    progress = {"step": 0, "seconds": 0.0, "examples": 0}
    if options.state.exists():
        state = torch.load(options.state, weights_only=False)
        model.load_state_dict(state["model"])
        optimiser.load_state_dict(state["optimiser"])
        batches.random.setstate(state["random"])
        progress = state["progress"]
    print(f"{sum(w.numel() for w in model.parameters())} parameters, from step {progress['step']}")

    total = options.minutes * 60
    clock = saved = exported = time.monotonic()
    seen = {name: [] for name in mixture.GROUPS}  # (loss, share right) since the last report
    while progress["seconds"] < total:
        lr = learning_rate(options.lr, progress["seconds"], total, progress["step"])
        for group in optimiser.param_groups:
            group["lr"] = lr
        for name, (maker, count, chunks, weight) in mixture.GROUPS.items():
            seen[name].append(learn_from(model, batches, maker, count, chunks, weight))
            progress["examples"] += count
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
        progress["step"] += 1
        now = time.monotonic()
        progress["seconds"] += now - clock
        clock = now
        if progress["step"] % 50 == 0:
            report(progress, lr, seen)
        if now - saved > 180:
            save_state(options.state, model, optimiser, batches, progress)
            saved = now
        if now - exported > options.export_minutes * 60:
            checkpoint.save(model, tokenizer, options.out)
            exported = now
    save_state(options.state, model, optimiser, batches, progress)
    checkpoint.save(model, tokenizer, options.out)
    print(json.dumps(progress))


def report(progress, lr, seen):
    """One line: the mean loss and the share of right answers of every group since the last one."""
    parts = []
    for name, values in seen.items():
        loss, right = (math.fsum(column) / len(values) for column in zip(*values))
        parts.append(f"{name} {loss:.3f} {right:.2f}")
        values.clear()
    minutes = progress["seconds"] / 60
    print(f"{progress['step']:6} {minutes:5.1f} min lr {lr:.1e}  " + "  ".join(parts), flush=True)


if __name__ == "__main__":
    main()
