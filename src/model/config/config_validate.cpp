// The bounds of every hyper-parameter. They keep sizes within 32 bits and tables within reason; every released model is
// far inside them.
#include <cmath>
#include <initializer_list>

#include "base/check.h"
#include "model/config/config.h"

namespace gemma4::model {
namespace {

constexpr int kMaxVocabSize = 1 << 24;
constexpr int kMaxIntermediate = 1 << 24;  // twice that on KV-shared layers of use_double_wide_mlp

struct Bound {
  const char* name;
  int value;
  int min;
  int max;
};

void check(const std::string& source, std::initializer_list<Bound> bounds) {
  for (const Bound& bound : bounds) {
    GEMMA4_CHECK(bound.value >= bound.min && bound.value <= bound.max, ErrorCode::bad_config, source, ": ", bound.name,
                 ": expected ", bound.min, " to ", bound.max, ", got ", bound.value);
  }
}

void check_rope(const std::string& source, const char* name, const RopeParameters& rope) {
  GEMMA4_CHECK(std::isfinite(rope.rope_theta) && rope.rope_theta > 0, ErrorCode::bad_config, source, ": rope_theta of ",
               name, ": expected a finite number above 0, got ", rope.rope_theta);
  GEMMA4_CHECK(rope.partial_rotary_factor >= 0 && rope.partial_rotary_factor <= 1, ErrorCode::bad_config, source,
               ": partial_rotary_factor of ", name, ": expected 0 to 1, got ", rope.partial_rotary_factor);
}

void check_layer(const std::string& source, const ModelConfig& config, std::size_t index) {
  const LayerConfig& layer = config.layers[index];
  const std::string where = base::concat(source, ": layer ", index);
  check(where, {{"head_dim", layer.head_dim, 2, 1024},
                {"num_key_value_heads", layer.num_key_value_heads, 1, config.num_attention_heads},
                {"intermediate_size", layer.intermediate_size, 1, 2 * kMaxIntermediate}});
  GEMMA4_CHECK(layer.head_dim % 2 == 0, ErrorCode::bad_config, where, ": head_dim: expected an even number, got ",
               layer.head_dim);
  GEMMA4_CHECK(config.num_attention_heads % layer.num_key_value_heads == 0, ErrorCode::bad_config, where,
               ": num_key_value_heads: expected a divisor of num_attention_heads (", config.num_attention_heads,
               "), got ", layer.num_key_value_heads);
  // One rotary table per attention type.
  const int of_type = layer.attention_type == AttentionType::full ? config.global_head_dim : config.head_dim;
  GEMMA4_CHECK(layer.head_dim == of_type, ErrorCode::unsupported, where, ": head_dim ", layer.head_dim,
               " differs from that of other layers of its attention type (", of_type, ")");
}

/// The last layer before the shared ones that attends like `layer`: HF Gemma4TextConfig.kv_sharing_modes.
int donor(const std::string& source, const ModelConfig& config, int layer) {
  const LayerConfig& shared = config.layers[static_cast<std::size_t>(layer)];
  for (int i = config.first_kv_shared_layer() - 1; i >= 0; --i) {
    const LayerConfig& owner = config.layers[static_cast<std::size_t>(i)];
    if (owner.attention_type != shared.attention_type) continue;
    GEMMA4_CHECK(owner.num_key_value_heads == shared.num_key_value_heads, ErrorCode::bad_config, source, ": layer ",
                 layer, " has ", shared.num_key_value_heads, " key-value heads and shares those of layer ", i,
                 ", which has ", owner.num_key_value_heads);
    return i;
  }
  base::fail(ErrorCode::bad_config, source, ": num_kv_shared_layers ", config.num_kv_shared_layers, ": layer ", layer,
             " shares keys and values, but no layer of its attention type before layer ",
             config.first_kv_shared_layer(), " has any");
}

}  // namespace

TokenId checked_token(const std::string& where, std::int64_t id, const ModelConfig& config) {
  GEMMA4_CHECK(id >= 0 && id < config.vocab_size, ErrorCode::bad_config, where, ": expected a token id from 0 to ",
               config.vocab_size - 1, ", got ", id);
  return static_cast<TokenId>(id);
}

void check_layer_counts(const ModelConfig& config, const std::string& source) {
  check(source, {{"num_hidden_layers", config.num_hidden_layers, 1, 1024}});  // before it becomes a bound itself
  check(source, {{"num_kv_shared_layers", config.num_kv_shared_layers, 0, config.num_hidden_layers - 1},
                 {"intermediate_size", config.intermediate_size, 1, kMaxIntermediate}});
}

void complete_config(ModelConfig& config, const std::string& source) {
  check_layer_counts(config, source);
  check(source, {{"vocab_size", config.vocab_size, 1, kMaxVocabSize},
                 {"hidden_size", config.hidden_size, 1, 1 << 17},
                 {"num_attention_heads", config.num_attention_heads, 1, 1024},
                 {"num_key_value_heads", config.num_key_value_heads, 1, config.num_attention_heads},
                 {"head_dim", config.head_dim, 2, 1024},
                 {"global_head_dim", config.global_head_dim, 2, 1024},
                 {"sliding_window", config.sliding_window, 1, 1 << 30},
                 {"max_position_embeddings", config.max_position_embeddings, 1, 1 << 30},
                 {"hidden_size_per_layer_input", config.hidden_size_per_layer_input, 0, 1 << 14}});
  if (config.hidden_size_per_layer_input > 0) {
    check(source, {{"vocab_size_per_layer_input", config.vocab_size_per_layer_input, 1, 1 << 24}});
  }
  if (config.enable_moe_block) {
    check(source, {{"num_experts", config.num_experts, 1, 4096},
                   {"top_k_experts", config.top_k_experts, 1, config.num_experts},
                   {"moe_intermediate_size", config.moe_intermediate_size, 1, 1 << 22}});
  }
  GEMMA4_CHECK(std::isfinite(config.rms_norm_eps) && config.rms_norm_eps > 0, ErrorCode::bad_config, source,
               ": rms_norm_eps: expected a finite number above 0, got ", config.rms_norm_eps);
  if (config.final_logit_softcapping) {
    GEMMA4_CHECK(std::isfinite(*config.final_logit_softcapping) && *config.final_logit_softcapping > 0,
                 ErrorCode::bad_config, source, ": final_logit_softcapping: expected a finite number above 0, got ",
                 *config.final_logit_softcapping);
  }
  check_rope(source, "sliding_attention", config.rope_sliding);
  check_rope(source, "full_attention", config.rope_full);

  GEMMA4_CHECK(config.layers.size() == static_cast<std::size_t>(config.num_hidden_layers), ErrorCode::bad_config,
               source, ": expected ", config.num_hidden_layers, " layers, got ", config.layers.size());
  for (std::size_t i = 0; i < config.layers.size(); ++i) check_layer(source, config, i);
  for (int i = 0; i < config.num_hidden_layers; ++i) {
    LayerConfig& layer = config.layers[static_cast<std::size_t>(i)];
    layer.kv_source = i < config.first_kv_shared_layer() ? i : donor(source, config, i);
    layer.has_v_proj = config.layers[static_cast<std::size_t>(layer.kv_source)].has_v_proj;
  }
}

}  // namespace gemma4::model
