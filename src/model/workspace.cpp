#include "model/workspace.h"

#include <algorithm>

#include "model/rope.h"

namespace gemma4::model {
namespace {

/// Largest value over the layers.
template <class Fn>
std::size_t widest(const ModelConfig& config, Fn&& fn) {
  std::size_t best = 0;
  for (const LayerConfig& layer : config.layers) best = std::max(best, static_cast<std::size_t>(fn(layer)));
  return best;
}

base::AlignedBuffer<float> floats(std::size_t n) { return {n, "activations"}; }

RotaryRows rotary_rows(std::size_t rows, std::size_t pairs) {
  return {pairs, floats(rows * pairs), floats(rows * pairs)};
}

}  // namespace

Workspace::Workspace(const ModelConfig& c, std::size_t max_rows, int workers) : rows(max_rows) {
  const auto d = static_cast<std::size_t>(c.hidden_size);
  const std::size_t head_dim = widest(c, [](const LayerConfig& l) { return l.head_dim; });
  const std::size_t q_width = head_dim * static_cast<std::size_t>(c.num_attention_heads);
  const std::size_t kv_width = widest(c, [](const LayerConfig& l) { return l.num_key_value_heads * l.head_dim; });
  const std::size_t ff = widest(c, [](const LayerConfig& l) { return l.intermediate_size; });
  const auto width = static_cast<std::size_t>(c.hidden_size_per_layer_input);

  x = floats(rows * d);
  normed = floats(rows * d);
  branch = floats(rows * d);
  q = floats(rows * q_width);
  attended = floats(rows * q_width);
  k = floats(rows * kv_width);
  v = floats(rows * kv_width);
  gate = floats(rows * ff);
  up = floats(rows * ff);
  per_layer_inputs = floats(rows * width * static_cast<std::size_t>(c.num_hidden_layers));
  per_layer_gate = floats(rows * width);
  rope_sliding = rotary_rows(rows, rotary_pairs(c.rope_sliding, c.head_dim));
  rope_full = rotary_rows(rows, rotary_pairs(c.rope_full, c.global_head_dim));
  positions.resize(rows);
  ids.resize(rows);
  kept_ids.resize(rows);

  if (c.enable_moe_block) {
    const auto experts = static_cast<std::size_t>(c.num_experts);
    const std::size_t choices = rows * static_cast<std::size_t>(c.top_k_experts);
    const auto expert_width = static_cast<std::size_t>(c.moe_intermediate_size);
    router_logits = floats(rows * experts);
    expert_in = floats(choices * d);
    expert_out = floats(choices * d);
    expert_gate = floats(choices * expert_width);
    expert_up = floats(choices * expert_width);
    expert_sum = floats(rows * d);
    expert_weight.resize(choices);
    expert_index.resize(choices);
    expert_place.resize(choices);
    expert_begin.resize(experts + 1);
    expert_products.reserve(2 * experts);
  }

  for (int worker = 0; worker < workers; ++worker) {
    AttentionScratch scratch;
    scratch.queries = floats(kAttentionRows * head_dim);
    scratch.begun.sums = floats(kAttentionRows * head_dim);
    scratch.continued.sums = floats(kAttentionRows * head_dim);
    attention.push_back(std::move(scratch));
  }
}

std::uint64_t Workspace::bytes() const noexcept {
  std::uint64_t total = 0;
  for (const base::AlignedBuffer<float>* buffer :
       {&x, &normed, &branch, &q, &attended, &k, &v, &gate, &up, &per_layer_inputs, &per_layer_gate, &rope_sliding.cos,
        &rope_sliding.sin, &rope_full.cos, &rope_full.sin, &router_logits, &expert_in, &expert_out, &expert_gate,
        &expert_up, &expert_sum}) {
    total += buffer->bytes();
  }
  for (const AttentionScratch& s : attention) {
    total += s.queries.bytes() + s.begun.sums.bytes() + s.continued.sums.bytes();
  }
  return total;
}

// Every buffer grows evenly with the rows.
std::uint64_t Workspace::bytes_for(const ModelConfig& config, std::size_t rows, int workers) {
  const std::uint64_t one = Workspace(config, 1, workers).bytes();
  return one + (rows - 1) * (Workspace(config, 2, workers).bytes() - one);
}

}  // namespace gemma4::model
