#!/usr/bin/env python3
"""Run HF transformers over the checkpoints of checkpoints.py and write goldens. Needs torch and transformers (regenerate.sh).

usage: reference.py OUTDIR [--case NAME ...] [--noise]

Each case and dtype becomes OUTDIR/CASE-DTYPE.safetensors, F32 and I32 tensors, W = sliding_window:

    prompt.N.ids      [N]           for N in 1, 2, 17, W-1, W, W+1, 3W
    prompt.N.logits   [vocab_size]  last row, after soft-capping (all logits here are)
    all.ids           [W+9]         all.logits [W+9, vocab_size]: every row of one prompt that crosses the window
    greedy.K.prompt   [n]           K = 0: 5 tokens, K = 1: W+3 tokens
    greedy.K.tokens   [64]          the argmax of each step; end-of-sequence tokens do not stop it
    greedy.K.margins  [64]          largest minus second largest logit at each step
    tap.ids           [W+1]         tap.rows [3]: the positions of the rows below; all taps [3, hidden_size]
    tap.embedding                   scaled token embeddings, the input of layer 0
    tap.layer.I                     residual stream after decoder layer I (after layer_scalar)
    tap.norm                        after the final norm
    block.ids         [4W]          where use_bidirectional_attention is "vision": a prompt with rows of two pictures, whose
    block.ranges      [2, 2]        first and end positions these are; one is longer than the window
    block.embeddings  [rows, hidden_size]   what stands there instead of tokens, as layer 0 takes it
    block.rows        [n]           positions;  block.logits [n, vocab_size]

Arithmetic is F32 throughout, in one chunk, one thread, eager attention; greedy steps use the cache. Weights stored as BF16 or
F16 are widened, and each embedding scale is rounded to bf16, which is what a BF16 model multiplies by. Metadata: weights_sha256
(see checkpoints.py), versions, seed, and the smallest greedy margin and router gap (log-probability between the last expert
chosen and the first one not chosen) over everything recorded. Prompts are random, redrawn until those two are large enough
(MIN_MARGIN, MIN_ROUTER_GAP) that honest F32 rounding cannot change a token or an expert, and until greedy text is not a short loop
(MIN_DISTINCT).
"""
import argparse
import pathlib
import sys
import tempfile

sys.modules["torchvision"] = None  # not needed, and a CUDA build of it beside a CPU torch stops the import of Gemma 4
import torch
import transformers
from safetensors.torch import save_file
from transformers import AutoConfig, DynamicCache

from checkpoints import CASES, DEFAULT_SEED, bell, random_bits, write_checkpoint

MIN_MARGIN, MIN_ROUTER_GAP, MIN_DISTINCT = 2e-3, 2e-4, 16
GREEDY_STEPS = 64


class Reference:
    """One checkpoint in HF transformers, widened to F32."""

    def __init__(self, directory, stored_as):
        config = AutoConfig.from_pretrained(directory)
        self.wrapped = hasattr(config, "text_config")
        if self.wrapped:
            config.vision_config = config.audio_config = None
        model_class = getattr(transformers, config.architectures[0])
        self.model, info = model_class.from_pretrained(
            directory, config=config, dtype=torch.float32, attn_implementation="eager", experts_implementation="eager",
            output_loading_info=True)
        strange = [k for k in info["unexpected_keys"] if "language_model" in k and ".self_attn." not in k]
        if info["missing_keys"] or info["mismatched_keys"] or strange:
            raise ValueError("%s: %s" % (directory, info))
        self.model.eval()
        self.text = self.model.model.language_model if self.wrapped else self.model.model
        if stored_as != "f32":
            for module in self.model.modules():
                if hasattr(module, "embed_scale"):
                    module.embed_scale = module.embed_scale.bfloat16().float()
        self.router_gap = float("inf")
        for layer in self.text.layers:
            if hasattr(layer, "router"):
                layer.router.register_forward_hook(self._watch_router)

    def _watch_router(self, module, _, output):
        k = module.config.top_k_experts
        best = output[0].log().topk(k + 1, dim=-1).values
        self.router_gap = min(self.router_gap, (best[:, k - 1] - best[:, k]).min().item())

    @torch.no_grad()
    def logits(self, ids, cache=None):
        """[n, vocab_size] for n ids that follow what `cache` holds."""
        ids = torch.tensor([ids])
        extra = {"mm_token_type_ids": torch.zeros_like(ids)} if self.wrapped else {}
        return self.model(input_ids=ids, past_key_values=cache, use_cache=cache is not None, **extra).logits[0]

    @torch.no_grad()
    def block_logits(self, ids, ranges, embeddings):
        """[n, vocab_size] for n ids, of which those in ranges give way to embeddings that see one another.

        The masks are those the model makes for generate(): blocks on sliding layers alone, within the window. Left to
        itself, forward() of Gemma4Unified 5.23 lays the blocks over full layers too, as Gemma4's did before
        huggingface/transformers issue 46711.
        """
        ids = torch.tensor([ids])
        inputs, kinds, taken = self.text.embed_tokens(ids), torch.zeros_like(ids), 0
        for begin, end in ranges:
            inputs[0, begin:end] = embeddings[taken:taken + end - begin]
            kinds[0, begin:end] = 1
            taken += end - begin
        masks = self.model.create_masks_for_generate(
            self.model.config, inputs, None, None, torch.arange(ids.shape[1])[None], mm_token_type_ids=kinds)
        return self.model(inputs_embeds=inputs, attention_mask=masks, mm_token_type_ids=kinds, use_cache=False).logits[0]

    def new_cache(self):
        return DynamicCache(config=self.text.config)

    def greedy(self, prompt):
        """(tokens, margins) of GREEDY_STEPS steps."""
        cache, tokens, margins = self.new_cache(), [], []
        row = self.logits(prompt, cache)[-1]
        while True:
            best = row.topk(2)
            tokens.append(best.indices[0].item())
            margins.append((best.values[0] - best.values[1]).item())
            if len(tokens) == GREEDY_STEPS:
                return tokens, margins
            row = self.logits(tokens[-1:], cache)[-1]

    def taps(self, ids, rows):
        """{"tap.*": [len(rows), hidden_size]}"""
        seen = {}

        def keep(name):
            return lambda module, args, output: seen.__setitem__(name, output[0][rows].clone())
        modules = [("tap.embedding", self.text.embed_tokens), ("tap.norm", self.text.norm)]
        modules += [("tap.layer.%d" % i, layer) for i, layer in enumerate(self.text.layers)]
        hooks = [module.register_forward_hook(keep(name)) for name, module in modules]
        self.logits(ids)
        for hook in hooks:
            hook.remove()
        return seen


def draw(reference, case, label, n, record):
    """Random ids for which record(ids) succeeds with enough router gap; returns (ids, what record returned)."""
    vocab_size = case["config"]["vocab_size"]
    before = reference.router_gap
    for attempt in range(500):
        ids = (random_bits(DEFAULT_SEED, "%s %d" % (label, attempt), n) % vocab_size).astype(int).tolist()
        reference.router_gap = before
        result = record(ids)
        if result is not None and reference.router_gap >= MIN_ROUTER_GAP:
            return ids, result
    raise ValueError("%s: no prompt with margins of %g" % (label, MIN_MARGIN))


def goldens(reference, name, case):
    window = case["config"]["sliding_window"]
    out = {}
    for n in sorted({1, 2, 17, window - 1, window, window + 1, 3 * window}):
        ids, row = draw(reference, case, "%s prompt.%d" % (name, n), n, lambda ids: reference.logits(ids)[-1])
        out["prompt.%d.ids" % n], out["prompt.%d.logits" % n] = ids, row
    out["all.ids"], out["all.logits"] = draw(reference, case, name + " all", window + 9, reference.logits)

    def clear_greedy(prompt):
        tokens, margins = reference.greedy(prompt)
        return (tokens, margins) if min(margins) >= MIN_MARGIN and len(set(tokens)) >= MIN_DISTINCT else None
    for k, n in enumerate((5, window + 3)):
        key = "greedy.%d." % k
        out[key + "prompt"], (out[key + "tokens"], out[key + "margins"]) = draw(
            reference, case, "%s greedy.%d" % (name, k), n, clear_greedy)

    rows = [0, window // 2, window]
    out["tap.rows"] = rows
    out["tap.ids"], taps = draw(reference, case, name + " tap", window + 1, lambda ids: reference.taps(ids, rows))
    out.update(taps)
    if case["config"]["use_bidirectional_attention"] == "vision":
        out.update(blocks(reference, name, case))
    return out


def blocks(reference, name, case):
    """{"block.*"}: two pictures in a prompt, the second longer than the window."""
    window, width = case["config"]["sliding_window"], case["config"]["hidden_size"]
    ranges = [(5, 5 + window // 2), (window, 2 * window + window // 2)]
    count = sum(end - begin for begin, end in ranges)
    embeddings = bell(random_bits(DEFAULT_SEED, name + " block embeddings", count * width), case["residual"])
    embeddings = torch.from_numpy(embeddings.reshape(count, width).copy())
    rows = [4, 5, 6, ranges[0][1] - 1, ranges[0][1], ranges[1][0], ranges[1][0] + 1, ranges[1][0] + window, ranges[1][1] - 1,
            ranges[1][1], 3 * window, 4 * window - 1]
    ids, logits = draw(reference, case, name + " block", 4 * window,
                       lambda ids: reference.block_logits(ids, ranges, embeddings)[rows])
    return {"block.ids": ids, "block.ranges": ranges, "block.embeddings": embeddings, "block.rows": rows,
            "block.logits": logits}


def noise(reference, out):
    """The reference against itself over the longest prompt's rows: {what changes: max |dlogit|}."""
    ids = out[max((k for k in out if k.startswith("prompt.") and k.endswith(".ids")), key=lambda k: len(out[k]))]
    expected = reference.logits(ids)

    def off(logits):
        return (logits - expected).abs().max().item()
    cache = reference.new_cache()
    seen = {"token by token": off(torch.stack([reference.logits([i], cache)[0] for i in ids]))}
    torch.set_num_threads(2)
    seen["2 threads"] = off(reference.logits(ids))
    torch.set_num_threads(1)

    def nudge(module, args, output):
        signs = (torch.arange(output.numel()).reshape(output.shape) * 2654435761 // 65536) % 2 * 2 - 1
        return output * (1 + 1e-6 * signs)
    hook = reference.text.embed_tokens.register_forward_hook(nudge)
    seen["embeddings off by 1e-6"] = off(reference.logits(ids))
    hook.remove()

    def round_inputs(module, args):
        return (args[0].bfloat16().float(), *args[1:])
    linear = [m for m in reference.text.modules() if isinstance(m, torch.nn.Linear)]
    hooks = [m.register_forward_pre_hook(round_inputs) for m in linear]
    size = expected.abs().amax(-1)
    seen["inputs of products in bf16, of the largest logit"] = ((reference.logits(ids) - expected).abs().amax(-1) / size).max().item()
    for hook in hooks:
        hook.remove()
    return seen


def as_tensor(value):
    if not isinstance(value, torch.Tensor):
        value = torch.tensor(value)
    return value.contiguous().to(torch.float32 if value.is_floating_point() else torch.int32)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("outdir", type=pathlib.Path)
    parser.add_argument("--case", nargs="+", choices=list(CASES), default=list(CASES))
    parser.add_argument("--noise", action="store_true", help="also compare the reference with itself")
    options = parser.parse_args()
    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    options.outdir.mkdir(parents=True, exist_ok=True)
    for name in options.case:
        for dtype in CASES[name]["dtypes"]:
            with tempfile.TemporaryDirectory() as scratch:
                directory = pathlib.Path(write_checkpoint(scratch, name, dtype)[0])
                reference = Reference(directory, dtype)
                digest = (directory / "weights.sha256").read_text().strip()
                out = goldens(reference, name, CASES[name])
            margin = min(min(out["greedy.%d.margins" % k]) for k in (0, 1))
            metadata = {"weights_sha256": digest, "seed": str(DEFAULT_SEED), "torch": torch.__version__,
                        "transformers": transformers.__version__, "min_greedy_margin": "%.2e" % margin,
                        "min_router_gap": "%.2e" % reference.router_gap}
            path = options.outdir / ("%s-%s.safetensors" % (name, dtype))
            save_file({k: as_tensor(v) for k, v in out.items()}, path, metadata)
            path.chmod(0o644)
            line = "%s-%s: margin %.1e, router gap %.1e, logits std %.2f max %.1f" % (
                name, dtype, margin, reference.router_gap, out["all.logits"].std(), out["all.logits"].abs().max())
            if options.noise:
                line += "".join(", %s %.1e" % seen for seen in noise(reference, out).items())
            print(line, flush=True)


if __name__ == "__main__":
    main()
