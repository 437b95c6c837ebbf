// Attention of one layer: projections, norms, rotary embedding, cache, softmax.
#pragma once

#include <cstddef>

#include "model/text/pass.h"
#include "model/text/weights.h"

namespace gemma4::model {

/// Which products of a layer's input are wanted.
struct Projections {
  bool queries, keys_values;
};

/// ws.q = W_q a; ws.k = W_k a, ws.v = W_v a for a = ws.normed [n, d]: all that is wanted at once.
void project(const Pass& pass, const LayerConfig& layer, const AttentionWeights& weights, Projections wanted);

/// Stores the keys and values of ws.k and ws.v in each row's sequence; both are scratch afterwards. For layers that own
/// a cache.
///   k = rope(rms(W_k a, k_norm)); v = rms(W_v a), or of the raw W_k a where the layer has no v_proj.
void store_keys_values(const Pass& pass, std::size_t layer, const AttentionWeights& weights);

/// ws.branch = W_o attention(rope(rms(W_q a, q_norm)), cache) for ws.q, over what each row sees.
/// Source: HF modeling_gemma4.py, Gemma4TextAttention.
void attention(const Pass& pass, std::size_t layer, const AttentionWeights& weights);

}  // namespace gemma4::model
