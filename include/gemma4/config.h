// ModelConfig: the hyper-parameters of a Gemma 4 text decoder, spelled as in config.json.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "gemma4/types.h"

namespace gemma4 {

/// The two kinds of attention layer, in config.json `layer_types`: "sliding_attention", "full_attention".
enum class AttentionType : std::uint8_t { sliding, full };

/// Rotary embedding of one attention type. Of head_dim / 2 pairs, the first
/// floor(partial_rotary_factor * head_dim / 2) turn by position * rope_theta^(-2i / head_dim); the others stay.
struct RopeParameters {
  double rope_theta = 10000.0;
  double partial_rotary_factor = 1.0;
};

/// What one decoder layer is, after every switch of the config has been resolved.
struct LayerConfig {
  AttentionType attention_type = AttentionType::sliding;
  int head_dim = 0;
  int num_key_value_heads = 0;
  int intermediate_size = 0;  ///< Width of the dense MLP; doubled on KV-shared layers with use_double_wide_mlp.
  int kv_source = 0;          ///< Layer whose keys and values this layer reads: its own index, or the donor's.
  bool has_v_proj = true;     ///< False: values are the raw key projection (attention_k_eq_v on full layers).
};

/// Hyper-parameters of the text decoder. Immutable once the model is loaded.
/// Source of the names and meanings: HF transformers, models/gemma4/configuration_gemma4.py.
struct ModelConfig {
  std::string model_type;  ///< As found: "gemma4_text", "gemma4_unified_text", or the GGUF architecture.
  int vocab_size = 0;
  int hidden_size = 0;
  int num_hidden_layers = 0;
  int intermediate_size = 0;
  int num_attention_heads = 0;
  int num_key_value_heads = 0;
  int num_global_key_value_heads = 0;  ///< Of full layers; equals num_key_value_heads unless the config says otherwise.
  int head_dim = 0;
  int global_head_dim = 0;  ///< Head size of full layers.
  int sliding_window = 0;   ///< Keys a sliding layer sees, the token itself included.
  int max_position_embeddings = 0;
  float rms_norm_eps = 1e-6F;
  std::optional<float> final_logit_softcapping;  ///< logits = cap * tanh(logits / cap); absent: none.
  RopeParameters rope_sliding;
  RopeParameters rope_full;
  int num_kv_shared_layers = 0;         ///< The last n layers read another layer's keys and values.
  bool use_double_wide_mlp = false;     ///< KV-shared layers have an MLP of 2 * intermediate_size.
  bool attention_k_eq_v = false;        ///< Full layers have no v_proj.
  int hidden_size_per_layer_input = 0;  ///< Width of the per-layer embeddings (PLE); 0: none.
  int vocab_size_per_layer_input = 0;
  bool enable_moe_block = false;
  int num_experts = 0;
  int top_k_experts = 0;
  int moe_intermediate_size = 0;
  bool tie_word_embeddings = true;

  std::vector<LayerConfig> layers;  ///< [num_hidden_layers]

  TokenId bos_token_id = -1;                ///< -1: none named.
  TokenId pad_token_id = -1;                ///< -1: none named.
  std::vector<TokenId> eos_token_ids;       ///< From generation_config.json, else config.json, else GGUF metadata.
  /// Image, audio and video tokens of a multimodal HF checkpoint. Without media in their place they are embedded as
  /// pad_token_id, as the reference does. Empty for text-only and GGUF files, which do not name them.
  std::vector<TokenId> placeholder_token_ids;
  std::vector<TokenId> suppress_token_ids;  ///< Never sampled (generation_config.json or GGUF metadata).

  /// Layers before this one own a KV cache; this one and all after it read a donor's.
  int first_kv_shared_layer() const noexcept { return num_hidden_layers - num_kv_shared_layers; }
};

}  // namespace gemma4
