// Attention of one layer: projections, norms, rotary embedding, cache, softmax.
#pragma once

#include <cstddef>

#include "model/context.h"
#include "model/kv_view.h"
#include "model/weights.h"

namespace gemma4::model {

/// Which products of a layer's input are wanted.
struct Projections {
  bool queries, keys_values;
};

/// ws.q = W_q a; ws.k = W_k a, ws.v = W_v a for a = ws.normed [n, d]: all that is wanted at once.
void project(const Context& context, const LayerConfig& layer, const AttentionWeights& weights, Projections wanted,
             std::size_t n);

/// Stores keys and values of ws.k and ws.v at ws.positions; both are scratch afterwards. For layers that own a cache.
///   k = rope(rms(W_k a, k_norm)); v = rms(W_v a), or of the raw W_k a where the layer has no v_proj.
void store_keys_values(const Context& context, const LayerConfig& layer, const AttentionWeights& weights,
                       const RotaryRows& rotary, const KvView& kv, std::size_t n);

/// ws.branch = W_o attention(rope(rms(W_q a, q_norm)), cache) for ws.q at ws.positions.
/// Source: HF modeling_gemma4.py, Gemma4TextAttention.
void attention(const Context& context, const LayerConfig& layer, const AttentionWeights& weights,
               const RotaryRows& rotary, const KvView& kv, std::size_t n);

}  // namespace gemma4::model
