"""gemma4-nano's shape, and its files: config.json, generation_config.json, model.safetensors."""

import json
import os

import torch
from safetensors.torch import save_file

from tokenizer import STOP_TOKENS

# Spelled as in Google's config.json. An E-series model: per-layer embeddings, KV-shared layers
# with a double-wide MLP, one full-attention layer in four, tied head. Layers 0 to 3 own their
# keys and values; 4 to 6 read those of layer 2 (sliding), 7 those of layer 3 (full).
CONFIG = {
    "architectures": ["Gemma4ForCausalLM"],
    "model_type": "gemma4_text",
    "dtype": "bfloat16",
    "vocab_size": 2048,
    "vocab_size_per_layer_input": 2048,
    "hidden_size": 256,
    "hidden_size_per_layer_input": 32,
    "intermediate_size": 256,
    "use_double_wide_mlp": True,
    "num_hidden_layers": 8,
    "num_kv_shared_layers": 4,
    "layer_types": (["sliding_attention"] * 3 + ["full_attention"]) * 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 1,
    "num_global_key_value_heads": None,
    "head_dim": 64,
    "global_head_dim": 128,
    "sliding_window": 128,
    "max_position_embeddings": 2048,
    "rope_parameters": {
        "sliding_attention": {"rope_type": "default", "rope_theta": 10000.0},
        "full_attention": {
            "rope_type": "proportional",
            "rope_theta": 1000000.0,
            "partial_rotary_factor": 0.25,
        },
    },
    "hidden_activation": "gelu_pytorch_tanh",
    "rms_norm_eps": 1e-06,
    "final_logit_softcapping": 30.0,
    "attention_bias": False,
    "attention_dropout": 0.0,
    "attention_k_eq_v": False,
    "enable_moe_block": False,
    "use_bidirectional_attention": None,
    "initializer_range": 0.02,
    "tie_word_embeddings": True,
    "use_cache": True,
    "pad_token_id": 0,
    "eos_token_id": 1,
    "bos_token_id": 2,
}


def round_embed_scales(model):
    """Rounds the embeddings' scales to bf16, which is what a BF16 model computes with."""
    for module in model.modules():
        if hasattr(module, "embed_scale"):
            module.embed_scale.copy_(module.embed_scale.bfloat16().float())


def save(model, tokenizer, folder):
    """Writes the model in BF16 with Google's spelling of the config; no half-written file is seen."""
    tensors = {
        name: weight.detach().to(torch.bfloat16).contiguous()
        for name, weight in model.state_dict().items()
        if name != "lm_head.weight"  # tied: the embedding is the head
    }
    folder.mkdir(parents=True, exist_ok=True)
    beside = folder / "model.safetensors.part"
    save_file(tensors, beside, metadata={"format": "pt"})
    beside.chmod(0o644)
    os.replace(beside, folder / "model.safetensors")
    generation = {
        "bos_token_id": tokenizer.token_to_id("<bos>"),
        "eos_token_id": [tokenizer.token_to_id(token) for token in STOP_TOKENS],
        "pad_token_id": tokenizer.token_to_id("<pad>"),
        "do_sample": True,
        "temperature": 1.0,
        "top_k": 64,
        "top_p": 0.95,
    }
    (folder / "config.json").write_text(json.dumps(CONFIG, indent=2) + "\n")
    (folder / "generation_config.json").write_text(json.dumps(generation, indent=2) + "\n")
