// Tensor names: every spelling met in files to the one the model asks for, and the list of tensors a text decoder may
// leave unused.
//
// Canonical names are those of HF checkpoints without the prefix: "embed_tokens.weight", "norm.weight",
// "layers.3.self_attn.q_proj.weight", "layers.3.layer_scalar", "layers.3.experts.gate_up_proj" or, where a file has
// them apart, "layers.3.experts.gate_proj" and "layers.3.experts.up_proj"; "lm_head.weight"; "rope_freqs.weight".
// A factor that belongs to a weight (NVFP4 files) is "layers.3.self_attn.q_proj.scale" or, one per expert,
// "layers.3.experts.gate_up_proj.scale".
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "gemma4/config.h"

namespace gemma4::weights {

/// Strips "model.language_model." or "model." and settles spellings of the experts. Unknown names come back as they
/// are.
std::string canonical_from_hf(std::string_view name);

/// "blk.3.attn_q.weight" -> "layers.3.self_attn.q_proj.weight". Unknown names come back as they are.
std::string canonical_from_gguf(std::string_view name);

/// "layers.3.self_attn.q_proj.weight" -> "blk.3.attn_q.weight"; nullopt for names that GGUF has no spelling of.
std::optional<std::string> gguf_from_canonical(std::string_view name);

/// Why a text decoder of this config may leave the tensor unused ("vision tower"), or nullopt when it may not.
std::optional<std::string_view> ignore_reason(std::string_view canonical_name, const ModelConfig& config);

/// The layer of "layers.12.mlp.up_proj.weight" and what follows it ("mlp.up_proj.weight").
struct LayerName {
  int layer = 0;
  std::string_view rest;
};
std::optional<LayerName> split_layer_name(std::string_view canonical_name);

}  // namespace gemma4::weights
