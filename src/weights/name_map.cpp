#include "weights/name_map.h"

#include <charconv>
#include <system_error>

namespace gemma4::weights {
namespace {

struct Rename {
  std::string_view from;
  std::string_view to;
};

// Whole names. Source: ggml-org/llama.cpp gguf-py/gguf/tensor_mapping.py.
constexpr Rename kGgufGlobal[] = {
    {"token_embd.weight", "embed_tokens.weight"},
    {"output.weight", "lm_head.weight"},
    {"output_norm.weight", "norm.weight"},
    {"per_layer_token_embd.weight", "embed_tokens_per_layer.weight"},
    {"per_layer_model_proj.weight", "per_layer_model_projection.weight"},
    {"per_layer_proj_norm.weight", "per_layer_projection_norm.weight"},
};

// After "blk.N." and after "layers.N.". Mind the near twins: post_norm is of the per-layer input, post_attention_norm
// and post_ffw_norm are the layer's, post_ffw_norm_1 and _2 those of the MLP beside the experts and of the experts.
constexpr Rename kGgufLayer[] = {
    {"attn_norm.weight", "input_layernorm.weight"},
    {"attn_q.weight", "self_attn.q_proj.weight"},
    {"attn_k.weight", "self_attn.k_proj.weight"},
    {"attn_v.weight", "self_attn.v_proj.weight"},
    {"attn_output.weight", "self_attn.o_proj.weight"},
    {"attn_q_norm.weight", "self_attn.q_norm.weight"},
    {"attn_k_norm.weight", "self_attn.k_norm.weight"},
    {"post_attention_norm.weight", "post_attention_layernorm.weight"},
    {"ffn_norm.weight", "pre_feedforward_layernorm.weight"},
    {"ffn_gate.weight", "mlp.gate_proj.weight"},
    {"ffn_up.weight", "mlp.up_proj.weight"},
    {"ffn_down.weight", "mlp.down_proj.weight"},
    {"post_ffw_norm.weight", "post_feedforward_layernorm.weight"},
    {"layer_output_scale.weight", "layer_scalar"},
    {"ffn_gate_inp.weight", "router.proj.weight"},
    {"ffn_gate_inp.scale", "router.scale"},
    {"ffn_down_exps.scale", "router.per_expert_scale"},
    {"ffn_gate_inp.per_expert_scale", "router.per_expert_scale"},  // Ollama
    {"ffn_gate_up_exps.weight", "experts.gate_up_proj"},
    {"ffn_gate_exps.weight", "experts.gate_proj"},
    {"ffn_up_exps.weight", "experts.up_proj"},
    {"ffn_down_exps.weight", "experts.down_proj"},
    {"post_ffw_norm_1.weight", "post_feedforward_layernorm_1.weight"},
    {"pre_ffw_norm_2.weight", "pre_feedforward_layernorm_2.weight"},
    {"post_ffw_norm_2.weight", "post_feedforward_layernorm_2.weight"},
    {"inp_gate.weight", "per_layer_input_gate.weight"},
    {"proj.weight", "per_layer_projection.weight"},
    {"post_norm.weight", "post_per_layer_input_norm.weight"},
};

// Third-party spellings in HF checkpoints, after "layers.N.".
constexpr Rename kHfLayer[] = {
    {"mlp.experts.gate_up_proj", "experts.gate_up_proj"},
    {"mlp.experts.gate_up_proj.weight", "experts.gate_up_proj"},
    {"mlp.experts.down_proj", "experts.down_proj"},
    {"mlp.experts.down_proj.weight", "experts.down_proj"},
    {"experts.gate_up_proj.weight", "experts.gate_up_proj"},
    {"experts.down_proj.weight", "experts.down_proj"},
    {"layer_scalar.weight", "layer_scalar"},
};

// Longest first.
constexpr std::string_view kHfPrefixes[] = {"model.language_model.", "language_model.model.", "language_model.",
                                            "model."};

/// Parts of a multimodal checkpoint that plain text does not pass through.
struct Unused {
  std::string_view prefix;
  std::string_view reason;
};
constexpr Unused kUnused[] = {
    {"vision_tower.", "vision tower"},
    {"vision_embedder.", "vision embedder"},
    {"embed_vision.", "vision embedder"},
    {"audio_tower.", "audio tower"},
    {"embed_audio.", "audio embedder"},
    {"v.", "vision tower"},
    {"a.", "audio tower"},
    {"mm.", "multimodal projector"},  // GGUF
    {"rope_freqs.weight", "its contents are part of the config"},
};

// The factors beside the weights of NVFP4 files.
constexpr std::string_view kWeight = ".weight", kScale = ".scale", kInputScale = ".input_scale";

// What a KV-shared layer has no use for; released E2B and E4B checkpoints carry it all the same.
constexpr std::string_view kDeadInSharedLayers[] = {"self_attn.k_proj.weight", "self_attn.v_proj.weight",
                                                    "self_attn.k_norm.weight", "self_attn.k_proj.scale",
                                                    "self_attn.v_proj.scale"};

template <std::size_t n>
std::optional<std::string_view> renamed(const Rename (&table)[n], std::string_view name) {
  for (const Rename& entry : table) {
    if (entry.from == name) return entry.to;
  }
  return std::nullopt;
}

/// The same, and the tensors beside a weight: "attn_q.scale" follows "attn_q.weight", unless it is in the table itself.
template <std::size_t n>
std::optional<std::string> renamed_with_side(const Rename (&table)[n], std::string_view name) {
  if (const auto whole = renamed(table, name)) return std::string(*whole);
  for (const std::string_view side : {kScale, kInputScale}) {
    if (!name.ends_with(side)) continue;
    name.remove_suffix(side.size());
    auto weight = renamed(table, std::string(name) + std::string(kWeight));
    if (!weight) return std::nullopt;
    if (weight->ends_with(kWeight)) weight->remove_suffix(kWeight.size());
    return std::string(*weight) + std::string(side);
  }
  return std::nullopt;
}

/// The other way round; of several spellings the first.
template <std::size_t n>
std::optional<std::string_view> renamed_back(const Rename (&table)[n], std::string_view name) {
  for (const Rename& entry : table) {
    if (entry.to == name) return entry.from;
  }
  return std::nullopt;
}

std::optional<LayerName> split(std::string_view prefix, std::string_view name) {
  if (!name.starts_with(prefix)) return std::nullopt;
  name.remove_prefix(prefix.size());
  LayerName result;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), result.layer);
  const auto digits = static_cast<std::size_t>(end - name.data());
  if (error != std::errc() || result.layer < 0 || digits >= name.size() || name[digits] != '.') return std::nullopt;
  if (digits > 1 && name[0] == '0') return std::nullopt;  // "layers.03." is no spelling of layer 3
  result.rest = name.substr(digits + 1);
  return result;
}

std::string layer_name(int layer, std::string_view rest) {
  return "layers." + std::to_string(layer) + "." + std::string(rest);
}

}  // namespace

std::optional<LayerName> split_layer_name(std::string_view canonical_name) { return split("layers.", canonical_name); }

std::string canonical_from_hf(std::string_view name) {
  for (const std::string_view prefix : kHfPrefixes) {
    if (!name.starts_with(prefix)) continue;
    name.remove_prefix(prefix.size());
    break;
  }
  if (const auto layer = split_layer_name(name)) {
    if (const auto rest = renamed(kHfLayer, layer->rest)) return layer_name(layer->layer, *rest);
  }
  return std::string(name);
}

std::string canonical_from_gguf(std::string_view name) {
  if (const auto whole = renamed_with_side(kGgufGlobal, name)) return *whole;
  if (const auto layer = split("blk.", name)) {
    if (const auto rest = renamed_with_side(kGgufLayer, layer->rest)) return layer_name(layer->layer, *rest);
  }
  return std::string(name);
}

std::optional<std::string> gguf_from_canonical(std::string_view name) {
  if (name == "rope_freqs.weight") return std::string(name);
  if (const auto whole = renamed_back(kGgufGlobal, name)) return std::string(*whole);
  const auto layer = split_layer_name(name);
  if (!layer) return std::nullopt;
  const auto rest = renamed_back(kGgufLayer, layer->rest);
  if (!rest) return std::nullopt;
  return "blk." + std::to_string(layer->layer) + "." + std::string(*rest);
}

std::optional<std::string_view> ignore_reason(std::string_view canonical_name, const ModelConfig& config) {
  for (const Unused& unused : kUnused) {
    if (canonical_name.starts_with(unused.prefix)) return unused.reason;
  }
  if (canonical_name.ends_with(kInputScale)) return "for 4-bit activations";
  if (canonical_name == "lm_head.weight" && config.tie_word_embeddings) return "tied to embed_tokens";
  if (const auto layer = split_layer_name(canonical_name)) {
    if (layer->layer < config.first_kv_shared_layer() || layer->layer >= config.num_hidden_layers) return std::nullopt;
    for (const std::string_view dead : kDeadInSharedLayers) {
      if (layer->rest == dead) return "keys and values of a KV-shared layer";
    }
  }
  return std::nullopt;
}

}  // namespace gemma4::weights
