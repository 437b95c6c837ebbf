// Attention of one layer: projections, norms, rotary embedding, cache, softmax.
#pragma once

#include <cstddef>

#include "model/context.h"
#include "model/kv_view.h"
#include "model/weights.h"

namespace gemma4::model {

/// Computes keys and values of ws.normed [n, d] and stores them at ws.positions. For layers that own a cache.
///   k = rope(rms(W_k a, k_norm)); v = rms(W_v a), or of the raw W_k a where the layer has no v_proj.
void store_keys_values(const Context& context, const LayerConfig& layer, const AttentionWeights& weights,
                       const RotaryRows& rotary, const KvView& kv, std::size_t n);

/// ws.branch = W_o attention(rope(rms(W_q a, q_norm)), cache) for ws.normed [n, d] at ws.positions. Scale is 1.
/// Visible to position p: all keys <= p (full), or the last sliding_window of them, p included (sliding).
/// Source: HF modeling_gemma4.py, Gemma4TextAttention.
void attention(const Context& context, const LayerConfig& layer, const AttentionWeights& weights,
               const RotaryRows& rotary, const KvView& kv, std::size_t n);

}  // namespace gemma4::model
