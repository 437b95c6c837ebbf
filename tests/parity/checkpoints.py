#!/usr/bin/env python3
"""Write small random Gemma 4 checkpoints, the same bits on every machine, for the parity tests.

usage: checkpoints.py OUTDIR [--case NAME ...] [--dtype f32 bf16 f16] [--format hf gguf gguf-split] [--seed N]

Each CASE and dtype becomes OUTDIR/CASE-DTYPE/ (an HF checkpoint directory), OUTDIR/CASE-DTYPE.gguf, or
OUTDIR/CASE-DTYPE-0000i-of-00002.gguf, as --format says. CASE-DTYPE/weights.sha256 (CASE-DTYPE.sha256 beside a GGUF) is the
fingerprint that the goldens carry in their metadata as weights_sha256: another value means another generator.

A weight depends on the seed, its tensor's name and its index, through integer arithmetic and one float32 multiplication; no
libm function and no NumPy generator takes part. Weights are chosen so that every term of the decoder counts (norms are off 1
and some are negative, every scalar is off 1, attention scores and logits spread over a few units, what enters a norm is small
enough for rms_norm_eps to show) and yet rounding errors do not grow from layer to layer: branches are a third of the residual,
which stays as large as it is: the scalars of layers 2i and 2i + 1 are reciprocals.
"""
import argparse
import hashlib
import json
import math
import pathlib

import numpy as np

from tiny_tokenizer import TinyTokenizer
from writers import encode, widen, write_gguf, write_sharded_safetensors, write_split_gguf


def pattern(period, n_periods):
    return (["sliding_attention"] * (period - 1) + ["full_attention"]) * n_periods


def rope(full_theta, full_factor, sliding_theta):
    return {"sliding_attention": {"rope_type": "default", "rope_theta": sliding_theta},
            "full_attention": {"rope_type": "proportional", "partial_rotary_factor": full_factor, "rope_theta": full_theta}}


# What every case has unless it says otherwise. Keys as in config.json's text_config.
COMMON = dict(
    num_attention_heads=4, num_key_value_heads=2, num_global_key_value_heads=None, head_dim=256, global_head_dim=512,
    hidden_activation="gelu_pytorch_tanh", max_position_embeddings=4096, rms_norm_eps=1e-6, attention_bias=False,
    attention_dropout=0.0, attention_k_eq_v=False, final_logit_softcapping=30.0, tie_word_embeddings=True,
    num_kv_shared_layers=0, use_double_wide_mlp=False, hidden_size_per_layer_input=0, enable_moe_block=False,
    num_experts=None, top_k_experts=None, moe_intermediate_size=None, use_bidirectional_attention=None, use_cache=True,
    rope_parameters=rope(1e6, 0.25, 1e4), initializer_range=0.02)

# config: what differs from COMMON. The rest says how it is written:
#   wrapper      None: a text-only Gemma4ForCausalLM; else the model_type of a multimodal checkpoint around text_config
#   per_layer    True: sizes of full layers as per_layer_config (what save_pretrained writes), else as global_* keys (Google)
#   dead_kv      k_proj, v_proj, k_norm of KV-shared layers are present (and must be ignored)
#   residual     size of the residual stream; small ones let rms_norm_eps show in the norms that read it
#   fused_experts  GGUF has ffn_gate_up_exps, else ffn_gate_exps and ffn_up_exps
# Hidden sizes are such that sqrt(hidden_size) changes by more than 0.05 % when rounded to bf16.
CASES = {
    "e2b": dict(
        config=dict(vocab_size=448, hidden_size=160, intermediate_size=192, num_hidden_layers=10, layer_types=pattern(5, 2),
                    num_key_value_heads=1, num_kv_shared_layers=5, use_double_wide_mlp=True, sliding_window=24,
                    hidden_size_per_layer_input=256),
        wrapper="gemma4", dead_kv=True),
    "e4b": dict(
        config=dict(vocab_size=416, hidden_size=96, intermediate_size=256, num_hidden_layers=12, layer_types=pattern(6, 2),
                    num_kv_shared_layers=5, sliding_window=32, hidden_size_per_layer_input=256),
        per_layer=True),
    "dense": dict(
        config=dict(vocab_size=432, hidden_size=160, intermediate_size=320, num_hidden_layers=12, layer_types=pattern(6, 2),
                    num_global_key_value_heads=1, attention_k_eq_v=True, sliding_window=32,
                    use_bidirectional_attention="vision"),
        wrapper="gemma4_unified", shards=3),
    "moe": dict(
        config=dict(vocab_size=400, hidden_size=96, intermediate_size=128, num_hidden_layers=8, layer_types=pattern(4, 2),
                    num_global_key_value_heads=1, attention_k_eq_v=True, sliding_window=24, enable_moe_block=True,
                    num_experts=16, top_k_experts=4, moe_intermediate_size=44),
        residual=0.005),
    # No released model has this mix: sharing with k_eq_v, PLE with experts, period 3, odd sizes, special tokens last.
    "odd": dict(
        config=dict(vocab_size=421, hidden_size=80, intermediate_size=72, num_hidden_layers=9, layer_types=pattern(3, 3),
                    num_attention_heads=6, num_key_value_heads=3, num_global_key_value_heads=2, head_dim=32,
                    global_head_dim=96, attention_k_eq_v=True, num_kv_shared_layers=4, use_double_wide_mlp=True,
                    sliding_window=12, hidden_size_per_layer_input=24, enable_moe_block=True, num_experts=6,
                    top_k_experts=2, moe_intermediate_size=20, final_logit_softcapping=7.5,
                    rope_parameters=rope(5e4, 0.3, 2e3)),
        per_layer=True, special_last=True, fused_experts=False, dtypes=("f32", "bf16", "f16")),
    # Everything optional is off; layer types follow no period; num_global_key_value_heads must be ignored without k_eq_v.
    "bare": dict(
        config=dict(vocab_size=390, hidden_size=96, intermediate_size=136, num_hidden_layers=6,
                    layer_types=[t + "_attention" for t in ("full", "sliding", "sliding", "full", "sliding", "full")],
                    num_attention_heads=5, num_key_value_heads=5, num_global_key_value_heads=1, head_dim=64,
                    global_head_dim=40, sliding_window=18, final_logit_softcapping=None, rms_norm_eps=1e-5,
                    rope_parameters=rope(1e4, 1.0, 3e4)),
        residual=0.005),
}
for _case in CASES.values():
    _case["config"] = {**COMMON, **_case["config"]}
    for _key, _default in (("wrapper", None), ("per_layer", False), ("dead_kv", False), ("fused_experts", True),
                           ("special_last", False), ("shards", 1), ("residual", 1.0), ("dtypes", ("f32", "bf16"))):
        _case.setdefault(_key, _default)

DEFAULT_SEED = 1

BRANCH = 0.3  # size (times the case's residual) of the norms that end a branch; larger makes a random network chaotic
SMALL = 0.03  # gain of projections whose output is normed: mean squares near 1e-3, where an eps of 1e-6 is visible


def layer_facts(config, i):
    """(is_full, head_dim, num_key_value_heads, owns_kv, intermediate_size) of layer i."""
    full = config["layer_types"][i] == "full_attention"
    head_dim = config["global_head_dim"] if full else config["head_dim"]
    kv_heads = config["num_key_value_heads"]
    if full and config["attention_k_eq_v"] and config["num_global_key_value_heads"]:
        kv_heads = config["num_global_key_value_heads"]
    owns_kv = i < config["num_hidden_layers"] - config["num_kv_shared_layers"]
    wide = config["use_double_wide_mlp"] and not owns_kv
    return full, head_dim, kv_heads, owns_kv, config["intermediate_size"] * (2 if wide else 1)


# ---- values ----

def random_bits(seed, name, n):
    """n uint64: splitmix64 at counters that start from a hash of seed and name."""
    start = int.from_bytes(hashlib.sha256(("%d %s" % (seed, name)).encode()).digest()[:8], "little")
    z = np.arange(1, n + 1, dtype=np.uint64)
    z *= np.uint64(0x9E3779B97F4A7C15)
    z += np.uint64(start)
    z ^= z >> np.uint64(30)
    z *= np.uint64(0xBF58476D1CE4E5B9)
    z ^= z >> np.uint64(27)
    z *= np.uint64(0x94D049BB133111EB)
    z ^= z >> np.uint64(31)
    return z


def bell(bits, std):
    """Sum of the four 16-bit quarters, centred: nearly normal, at most 3.46 std."""
    total = bits.view("<u2").reshape(-1, 4).sum(axis=1, dtype=np.int32) - np.int32(2 * 65535)
    return total.astype("<f4") * np.float32(std / (65536 * math.sqrt(4 / 12)))


def around(bits, centre, negative_eighths):
    """centre * [0.5, 1.5); so many in eight are negative."""
    magnitude = np.float32(0.5) + (bits & np.uint64(0xFFFF)).astype("<f4") * np.float32(1 / 65536)
    magnitude[((bits >> np.uint64(32)) & np.uint64(7)) < np.uint64(negative_eighths)] *= np.float32(-1)
    return magnitude * np.float32(centre)


def score_norm(head_dim):
    """Size of q_norm and k_norm that gives scores a deviation near 2. They are not divided by sqrt(head_dim): with norms near 1
    attention would be one-hot, and the net so chaotic that rounding alone changes its logits."""
    return math.sqrt(2 / math.sqrt(head_dim))


def text_tensors(case):
    """[(name after the prefix, shape, rule, size)]: a "matrix" has standard deviation `size`; a "norm" is around `size`, one
    in eight negative ("mixed": half of them); a "scalar" is around `size`."""
    config, residual = case["config"], case["residual"]
    hidden, vocab, layers = config["hidden_size"], config["vocab_size"], config["num_hidden_layers"]
    heads, ple = config["num_attention_heads"], config["hidden_size_per_layer_input"]
    out = [("embed_tokens.weight", (vocab, hidden), "matrix", 2.5 * residual / math.sqrt(hidden)),
           # half the signs differ, else the tied head would answer every token with itself
           ("norm.weight", (hidden,), "mixed", 1 / residual)]

    def linear(name, n_out, n_in, gain=1.0):
        out.append((name + ".weight", (n_out, n_in), "matrix", gain / math.sqrt(n_in)))

    def norm(name, size=1.0, n=hidden):
        out.append((name + ".weight", (n,), "norm", size))

    if ple:
        out.append(("embed_tokens_per_layer.weight", (vocab, layers * ple), "matrix", 1 / math.sqrt(ple)))
        linear("per_layer_model_projection", layers * ple, hidden, SMALL)
        norm("per_layer_projection_norm", n=ple)
    for i in range(layers):
        full, head_dim, kv_heads, owns_kv, ff = layer_facts(config, i)
        p = "layers.%d." % i
        norm(p + "input_layernorm")
        linear(p + "self_attn.q_proj", heads * head_dim, hidden, SMALL)
        norm(p + "self_attn.q_norm", score_norm(head_dim), head_dim)
        if owns_kv or case["dead_kv"]:
            linear(p + "self_attn.k_proj", kv_heads * head_dim, hidden, SMALL)
            norm(p + "self_attn.k_norm", score_norm(head_dim), head_dim)
            if not (full and config["attention_k_eq_v"]):
                linear(p + "self_attn.v_proj", kv_heads * head_dim, hidden, SMALL)
        linear(p + "self_attn.o_proj", hidden, heads * head_dim, SMALL)
        norm(p + "post_attention_layernorm", BRANCH * residual)
        norm(p + "pre_feedforward_layernorm")
        linear(p + "mlp.gate_proj", ff, hidden)
        linear(p + "mlp.up_proj", ff, hidden)
        linear(p + "mlp.down_proj", hidden, ff, SMALL)
        norm(p + "post_feedforward_layernorm", BRANCH * residual)
        if config["enable_moe_block"]:
            experts, expert_ff = config["num_experts"], config["moe_intermediate_size"]
            out.append((p + "router.proj.weight", (experts, hidden), "matrix", 2.5))
            out.append((p + "router.scale", (hidden,), "norm", 1.0))
            out.append((p + "router.per_expert_scale", (experts,), "scalar", 1.0))
            out.append((p + "experts.gate_up_proj", (experts, 2 * expert_ff, hidden), "matrix", 1 / math.sqrt(hidden)))
            out.append((p + "experts.down_proj", (experts, hidden, expert_ff), "matrix", SMALL / math.sqrt(expert_ff)))
            norm(p + "post_feedforward_layernorm_1")
            norm(p + "pre_feedforward_layernorm_2")
            norm(p + "post_feedforward_layernorm_2")
        if ple:
            linear(p + "per_layer_input_gate", ple, hidden)
            linear(p + "per_layer_projection", hidden, ple, SMALL)
            norm(p + "post_per_layer_input_norm", BRANCH * residual)
        out.append((p + "layer_scalar", (1,), "scalar", 0.95))  # of odd layers: make_weights
    return out


def make_weights(case, dtype, seed):
    """{name after the prefix: tensor}, in file order."""
    weights = {}
    for name, shape, rule, size in text_tensors(case):
        bits = random_bits(seed, name, math.prod(shape))
        values = bell(bits, size) if rule == "matrix" else around(bits, size, {"norm": 1, "mixed": 4, "scalar": 0}[rule])
        if name.endswith("layer_scalar"):
            odd_layer = int(name.split(".")[1]) % 2
            values = scalar = np.float32(1) / scalar if odd_layer else values
        weights[name] = encode(values.reshape(shape), dtype)
    return weights


def other_tensors(case, dtype, seed):
    """What a text-only reader finds in a multimodal checkpoint and must pass over. Shapes mean nothing."""
    names = {
        None: [],
        "gemma4": ["vision_tower.patch_embedder.input_proj.weight", "embed_vision.embedding_projection.weight",
                   "vision_tower.encoder.layers.0.self_attn.q_proj.linear.weight", "audio_tower.layers.0.norm_out.weight",
                   "embed_audio.embedding_projection.weight"],
        "gemma4_unified": ["vision_embedder.patch_dense.weight", "vision_embedder.pos_embedding",
                           "embed_vision.embedding_projection.weight", "embed_audio.embedding_projection.weight"],
    }[case["wrapper"]]
    return {"model." + n: encode(bell(random_bits(seed, n, 96), 1.0).reshape(8, 12), dtype) for n in names}


# ---- HF checkpoint directory ----

def config_json(case, tokenizer, dtype):
    config = dict(case["config"])
    ids = tokenizer.ids
    config["vocab_size_per_layer_input"] = config["vocab_size"]
    config.update(pad_token_id=ids["<pad>"], bos_token_id=ids["<bos>"], eos_token_id=ids["<eos>"])
    head_dim, kv_heads = config["global_head_dim"], config["num_global_key_value_heads"]
    if case["per_layer"]:
        del config["global_head_dim"], config["num_global_key_value_heads"]
        sizes = {"head_dim": head_dim}
        if config["attention_k_eq_v"] and kv_heads:
            sizes["num_key_value_heads"] = kv_heads
        full = [i for i, t in enumerate(config["layer_types"]) if t == "full_attention"]
        config["per_layer_config"] = {str(i).zfill(len(str(max(full)))): sizes for i in full}
    if case["wrapper"] == "gemma4_unified":  # its text_config has no such keys
        for key in ("vocab_size_per_layer_input", "hidden_size_per_layer_input", "enable_moe_block", "num_experts",
                    "top_k_experts", "moe_intermediate_size"):
            del config[key]
    torch_dtype = {"F32": "float32", "BF16": "bfloat16", "F16": "float16"}[dtype]
    config.update(model_type=(case["wrapper"] or "gemma4") + "_text", dtype=torch_dtype)
    if not case["wrapper"]:
        return {"architectures": ["Gemma4ForCausalLM"], **config}
    head = "Gemma4Unified" if case["wrapper"] == "gemma4_unified" else "Gemma4"
    return {
        "architectures": [head + "ForConditionalGeneration"], "model_type": case["wrapper"], "dtype": torch_dtype,
        "tie_word_embeddings": True, "eos_token_id": [ids["<eos>"], ids["<turn|>"]],
        "image_token_id": ids["<|image|>"], "audio_token_id": ids["<|audio|>"], "video_token_id": ids["<|video|>"],
        "boi_token_id": ids["<|image>"], "eoi_token_id": ids["<image|>"], "boa_token_id": ids["<|audio>"],
        "eoa_token_index": ids["<audio|>"], "text_config": config,
        "vision_config": {"model_type": case["wrapper"] + "_vision", "num_hidden_layers": 1},
        "audio_config": {"model_type": case["wrapper"] + "_audio"},
    }


def sampling_defaults(tokenizer):
    ids = tokenizer.ids
    return {"bos_token_id": ids["<bos>"], "pad_token_id": ids["<pad>"], "do_sample": True, "temperature": 1.0, "top_k": 64,
            "top_p": 0.95, "eos_token_id": [ids["<eos>"], ids["<turn|>"], ids["<|tool_response>"]]}


def write_hf(directory, case, tokenizer, dtype, weights, seed):
    directory.mkdir(parents=True, exist_ok=True)
    for old in directory.glob("model*"):
        old.unlink()
    prefix = "model.language_model." if case["wrapper"] else "model."
    tensors = {prefix + n: t for n, t in weights.items()}
    tensors.update(other_tensors(case, dtype, seed))
    write_sharded_safetensors(directory, tensors, case["shards"])
    for file, content in (("config.json", config_json(case, tokenizer, dtype)), ("tokenizer.json", tokenizer.to_json()),
                          ("generation_config.json", sampling_defaults(tokenizer))):
        (directory / file).write_text(json.dumps(content, indent=2, ensure_ascii=False), encoding="utf-8")


# ---- GGUF ----

GGUF_GLOBAL = {
    "embed_tokens.weight": "token_embd.weight", "norm.weight": "output_norm.weight",
    "embed_tokens_per_layer.weight": "per_layer_token_embd.weight",
    "per_layer_model_projection.weight": "per_layer_model_proj.weight",
    "per_layer_projection_norm.weight": "per_layer_proj_norm.weight",
}
GGUF_LAYER = {
    "input_layernorm.weight": "attn_norm.weight", "self_attn.q_proj.weight": "attn_q.weight",
    "self_attn.k_proj.weight": "attn_k.weight", "self_attn.v_proj.weight": "attn_v.weight",
    "self_attn.o_proj.weight": "attn_output.weight", "self_attn.q_norm.weight": "attn_q_norm.weight",
    "self_attn.k_norm.weight": "attn_k_norm.weight", "post_attention_layernorm.weight": "post_attention_norm.weight",
    "pre_feedforward_layernorm.weight": "ffn_norm.weight", "post_feedforward_layernorm.weight": "post_ffw_norm.weight",
    "mlp.gate_proj.weight": "ffn_gate.weight", "mlp.up_proj.weight": "ffn_up.weight", "mlp.down_proj.weight": "ffn_down.weight",
    "layer_scalar": "layer_output_scale.weight", "router.proj.weight": "ffn_gate_inp.weight",
    "router.scale": "ffn_gate_inp.scale", "router.per_expert_scale": "ffn_down_exps.scale",
    "experts.gate_up_proj": "ffn_gate_up_exps.weight", "experts.down_proj": "ffn_down_exps.weight",
    "post_feedforward_layernorm_1.weight": "post_ffw_norm_1.weight",
    "pre_feedforward_layernorm_2.weight": "pre_ffw_norm_2.weight",
    "post_feedforward_layernorm_2.weight": "post_ffw_norm_2.weight",
    "per_layer_input_gate.weight": "inp_gate.weight", "per_layer_projection.weight": "proj.weight",
    "post_per_layer_input_norm.weight": "post_norm.weight",
}


def gguf_name(name):
    if name in GGUF_GLOBAL:
        return GGUF_GLOBAL[name]
    _, layer, rest = name.split(".", 2)
    return "blk.%s.%s" % (layer, GGUF_LAYER[rest])


def rotated_pairs(config):
    factor = config["rope_parameters"]["full_attention"]["partial_rotary_factor"]
    return int(factor * config["global_head_dim"] // 2)


def gguf_tensors(case, weights):
    """Vectors and routers as F32, matrices in their own type; rope_freqs holds divisors of the full layers' angles."""
    config, tensors = case["config"], {}
    for name, tensor in weights.items():
        small = tensor[1].ndim == 1 or name.endswith("router.proj.weight")
        target = gguf_name(name)
        if name.endswith("experts.gate_up_proj") and not case["fused_experts"]:
            half = config["moe_intermediate_size"]
            for part, rows in (("gate", slice(0, half)), ("up", slice(half, None))):
                tensors[target.replace("gate_up", part)] = tensor[0], np.ascontiguousarray(tensor[1][:, rows])
        else:
            tensors[target] = widen(tensor) if small else tensor
    divisors = np.full(config["global_head_dim"] // 2, 1e30, "<f4")
    divisors[:rotated_pairs(config)] = 1
    tensors["rope_freqs.weight"] = "F32", divisors
    return tensors


def gguf_metadata(case, tokenizer, name, dtype):
    c, ids = case["config"], tokenizer.ids
    facts = [layer_facts(c, i) for i in range(c["num_hidden_layers"])]
    kv_heads, widths = [f[2] for f in facts], [f[4] for f in facts]

    def per_layer(values):  # one number where all layers agree, as converters write it
        return ("u32", values[0]) if len(set(values)) == 1 else ("i32[]", values)

    rope_parameters = c["rope_parameters"]
    keys = [
        ("block_count", "u32", c["num_hidden_layers"]), ("context_length", "u32", c["max_position_embeddings"]),
        ("embedding_length", "u32", c["hidden_size"]), ("feed_forward_length", *per_layer(widths)),
        ("vocab_size", "u32", c["vocab_size"]),
        ("attention.head_count", "u32", c["num_attention_heads"]), ("attention.head_count_kv", *per_layer(kv_heads)),
        ("attention.key_length", "u32", c["global_head_dim"]), ("attention.value_length", "u32", c["global_head_dim"]),
        ("attention.key_length_swa", "u32", c["head_dim"]), ("attention.value_length_swa", "u32", c["head_dim"]),
        ("attention.layer_norm_rms_epsilon", "f32", c["rms_norm_eps"]),
        ("attention.sliding_window", "u32", c["sliding_window"]),
        ("attention.sliding_window_pattern", "bool[]", [not f[0] for f in facts]),
        ("attention.shared_kv_layers", "u32", c["num_kv_shared_layers"]),
        ("embedding_length_per_layer_input", "u32", c["hidden_size_per_layer_input"]),
        ("rope.freq_base", "f32", rope_parameters["full_attention"]["rope_theta"]),
        ("rope.freq_base_swa", "f32", rope_parameters["sliding_attention"]["rope_theta"]),
        ("rope.dimension_count", "u32", c["global_head_dim"]), ("rope.dimension_count_swa", "u32", c["head_dim"]),
        # Readers take a missing key for 30, so 0 is how a file says "none".
        ("final_logit_softcapping", "f32", c["final_logit_softcapping"] or 0.0),
    ]
    if c["enable_moe_block"]:
        keys += [("expert_count", "u32", c["num_experts"]), ("expert_used_count", "u32", c["top_k_experts"]),
                 ("expert_feed_forward_length", "u32", c["moe_intermediate_size"])]
    types = tokenizer.gguf_token_types()
    scores = [-1000.0 if t in (2, 3, 4) else -float(i) for i, t in enumerate(types)]
    return [
        ("general.architecture", "str", "gemma4"), ("general.type", "str", "model"), ("general.name", "str", name),
        ("general.alignment", "u32", 32), ("general.file_type", "u32", {"F32": 0, "F16": 1, "BF16": 32}[dtype]),
        ("general.sampling.top_k", "i32", 64), ("general.sampling.top_p", "f32", 0.95), ("general.sampling.temp", "f32", 1.0),
        *[("gemma4." + key, kind, value) for key, kind, value in keys],
        ("tokenizer.ggml.model", "str", "gemma4"), ("tokenizer.ggml.tokens", "str[]", tokenizer.tokens),
        ("tokenizer.ggml.scores", "f32[]", scores), ("tokenizer.ggml.token_type", "i32[]", types),
        ("tokenizer.ggml.merges", "str[]", ["%s %s" % m for m in tokenizer.merges]),
        ("tokenizer.ggml.bos_token_id", "u32", ids["<bos>"]), ("tokenizer.ggml.eos_token_id", "u32", ids["<eos>"]),
        ("tokenizer.ggml.eot_token_id", "u32", ids["<turn|>"]), ("tokenizer.ggml.unknown_token_id", "u32", ids["<unk>"]),
        ("tokenizer.ggml.padding_token_id", "u32", ids["<pad>"]), ("tokenizer.ggml.mask_token_id", "u32", ids["<mask>"]),
        ("tokenizer.ggml.add_bos_token", "bool", True), ("tokenizer.ggml.add_space_prefix", "bool", False),
    ]


# ---- together ----

def fingerprint(case, weights):
    """SHA-256 over the settings and every text weight, whatever file they are written to."""
    sha = hashlib.sha256(json.dumps(case["config"], sort_keys=True).encode())
    for name in sorted(weights):
        dtype, array = weights[name]
        sha.update(("%s %s %s" % (name, dtype, list(array.shape))).encode() + array.tobytes())
    return sha.hexdigest()


def write_checkpoint(outdir, name, dtype, formats=("hf",), seed=DEFAULT_SEED):
    """Write case `name` in every format asked for. dtype: "f32", "bf16" or "f16". Returns the first path to open of each."""
    case, dtype_name = CASES[name], dtype.upper()
    tokenizer = TinyTokenizer(case["config"]["vocab_size"], case["special_last"])
    weights = make_weights(case, dtype_name, seed)
    stem, paths = pathlib.Path(outdir) / ("%s-%s" % (name, dtype)), []
    stem.parent.mkdir(parents=True, exist_ok=True)
    digest = fingerprint(case, weights)
    if "hf" in formats:
        write_hf(stem, case, tokenizer, dtype_name, weights, seed)
        (stem / "weights.sha256").write_text(digest + "\n")
        paths.append(str(stem))
    if "gguf" in formats or "gguf-split" in formats:
        tensors, metadata = gguf_tensors(case, weights), gguf_metadata(case, tokenizer, stem.name, dtype_name)
        stem.with_name(stem.name + ".sha256").write_text(digest + "\n")
        if "gguf" in formats:
            paths.append(str(stem) + ".gguf")
            write_gguf(paths[-1], tensors, metadata)
        if "gguf-split" in formats:
            paths.append(write_split_gguf(stem, tensors, metadata, 2)[0])
    return paths


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("outdir")
    parser.add_argument("--case", nargs="+", choices=list(CASES), default=list(CASES))
    parser.add_argument("--dtype", nargs="+", choices=["f32", "bf16", "f16"], help="default: those of the case's goldens")
    parser.add_argument("--format", nargs="+", choices=["hf", "gguf", "gguf-split"], default=["hf"])
    parser.add_argument("--seed", type=int, default=DEFAULT_SEED)
    options = parser.parse_args()
    for name in options.case:
        for dtype in options.dtype or CASES[name]["dtypes"]:
            for path in write_checkpoint(options.outdir, name, dtype, options.format, options.seed):
                print(path)


if __name__ == "__main__":
    main()
