// The decoder's weights as the graph wants them: views over the checkpoint's own memory, small vectors in F32.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/aligned_buffer.h"
#include "model/graph/linear.h"

namespace gemma4::model {

using graph::Linear;
using graph::Vector;
using matmul::Matrix;

struct AttentionWeights {
  Linear q_proj, k_proj, v_proj, o_proj;  ///< k_proj, v_proj empty on KV-shared layers; v_proj empty where k = v
  Vector q_norm, k_norm;                  ///< [head_dim]
};

struct MlpWeights {
  Linear gate_proj, up_proj, down_proj;
};

/// Experts beside the dense MLP. Source: HF Gemma4TextRouter, Gemma4TextExperts.
struct MoeWeights {
  Vector router_scale;                    ///< [hidden_size]
  Linear router_proj;                     ///< [num_experts, hidden_size] F32
  Vector per_expert_scale;                ///< [num_experts]
  std::vector<Linear> gate, up, down;     ///< one per expert
  Vector post_feedforward_layernorm_1;    ///< after the dense MLP
  Vector pre_feedforward_layernorm_2;     ///< before the experts
  Vector post_feedforward_layernorm_2;    ///< after the experts
};

struct PerLayerInputWeights {
  Linear gate;        ///< [hidden_size_per_layer_input, hidden_size]
  Linear projection;  ///< [hidden_size, hidden_size_per_layer_input]
  Vector post_norm;   ///< [hidden_size]
};

struct LayerWeights {
  Vector input_layernorm, post_attention_layernorm, pre_feedforward_layernorm, post_feedforward_layernorm;
  AttentionWeights attention;
  MlpWeights mlp;
  std::unique_ptr<MoeWeights> moe;  ///< null without enable_moe_block
  PerLayerInputWeights per_layer_input;
  float layer_scalar = 1.0F;
};

struct DecoderWeights {
  Matrix embed_tokens;              ///< [vocab_size, hidden_size]
  Linear lm_head;                   ///< the same, unless the file has its own
  float embed_scale = 1.0F;         ///< sqrt(hidden_size), rounded to bf16 where embed_tokens is BF16 or F16
  Matrix embed_tokens_per_layer;    ///< [vocab_size_per_layer_input, layers * width]; empty without PLE
  float per_layer_embed_scale = 1.0F;
  Linear per_layer_model_projection;  ///< [layers * width, hidden_size]
  Vector per_layer_projection_norm;   ///< [width]
  Vector norm;                        ///< [hidden_size]
  std::vector<LayerWeights> layers;

  std::vector<base::AlignedBuffer<std::uint8_t>> owned;  ///< tensors that could not be used where they lie
  std::shared_ptr<const void> files;                     ///< keeps the mappings alive
};

}  // namespace gemma4::model
