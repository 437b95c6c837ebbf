#include "model/text/workspace.h"

#include <algorithm>

#include "model/graph/rope.h"

namespace gemma4::model {
namespace {

/// Largest value over the layers.
template <class Fn>
std::size_t widest(const ModelConfig& config, Fn&& fn) {
  std::size_t best = 0;
  for (const LayerConfig& layer : config.layers) best = std::max(best, static_cast<std::size_t>(fn(layer)));
  return best;
}

RotaryRows rotary_rows(std::size_t rows, std::size_t pairs) { return {RowBuffer(rows, pairs), RowBuffer(rows, pairs)}; }

MoeWorkspace moe_workspace(const ModelConfig& c, std::size_t rows) {
  const auto d = static_cast<std::size_t>(c.hidden_size), experts = static_cast<std::size_t>(c.num_experts);
  const auto width = static_cast<std::size_t>(c.moe_intermediate_size);
  const std::size_t choices = rows * static_cast<std::size_t>(c.top_k_experts);
  MoeWorkspace moe;
  moe.router_logits = RowBuffer(rows, experts);
  moe.in = RowBuffer(choices, d);
  moe.out = RowBuffer(choices, d);
  moe.gate = RowBuffer(choices, width);
  moe.up = RowBuffer(choices, width);
  moe.sum = RowBuffer(rows, d);
  moe.weight.resize(choices);
  moe.index.resize(choices);
  moe.place.resize(choices);
  moe.begin.resize(experts + 1);
  moe.products.reserve(2 * experts);
  return moe;
}

}  // namespace

Workspace::Workspace(const ModelConfig& c, std::size_t max_rows, int workers) : rows(max_rows) {
  const auto d = static_cast<std::size_t>(c.hidden_size);
  const std::size_t head_dim = widest(c, [](const LayerConfig& l) { return l.head_dim; });
  const std::size_t q_width = head_dim * static_cast<std::size_t>(c.num_attention_heads);
  const std::size_t kv_width = widest(c, [](const LayerConfig& l) { return l.num_key_value_heads * l.head_dim; });
  const std::size_t intermediate = widest(c, [](const LayerConfig& l) { return l.intermediate_size; });
  const auto width = static_cast<std::size_t>(c.hidden_size_per_layer_input);

  for (RowBuffer* buffer : {&x, &normed, &branch}) *buffer = RowBuffer(rows, d);
  for (RowBuffer* buffer : {&q, &attended}) *buffer = RowBuffer(rows, q_width);
  for (RowBuffer* buffer : {&k, &v}) *buffer = RowBuffer(rows, kv_width);
  for (RowBuffer* buffer : {&gate, &up}) *buffer = RowBuffer(rows, intermediate);
  per_layer_inputs = RowBuffer(rows, width * static_cast<std::size_t>(c.num_hidden_layers));
  per_layer_gate = RowBuffer(rows, width);
  rope_sliding = rotary_rows(rows, graph::rotary_pairs(c.rope_sliding, c.head_dim));
  rope_full = rotary_rows(rows, graph::rotary_pairs(c.rope_full, c.global_head_dim));
  if (c.enable_moe_block) moe = moe_workspace(c, rows);

  for (int worker = 0; worker < workers; ++worker) attention.emplace_back(head_dim);
  places.token.resize(rows);
  places.sequence.resize(rows);
  places.position.resize(rows);
  places.visible_sliding.resize(rows);
  places.visible_full.resize(rows);
  kept.resize(rows);
  kept_tokens.resize(rows);
  sequences.reserve(rows);
}

std::uint64_t Workspace::bytes() const noexcept {
  std::uint64_t total = 0;
  for (const RowBuffer* buffer :
       {&x, &normed, &branch, &q, &attended, &k, &v, &gate, &up, &per_layer_inputs, &per_layer_gate, &rope_sliding.cos,
        &rope_sliding.sin, &rope_full.cos, &rope_full.sin, &moe.router_logits, &moe.in, &moe.out, &moe.gate, &moe.up,
        &moe.sum}) {
    total += buffer->values.bytes();
  }
  for (const graph::AttentionScratch& scratch : attention) total += scratch.bytes();
  return total;
}

// Every buffer grows evenly with the rows.
std::uint64_t Workspace::bytes_for(const ModelConfig& config, std::size_t rows, int workers) {
  const std::uint64_t one = Workspace(config, 1, workers).bytes();
  return one + (rows - 1) * (Workspace(config, 2, workers).bytes() - one);
}

}  // namespace gemma4::model
