// Per-layer embeddings (PLE): a small extra input for every layer, from the token's id and its embedding.
#pragma once

#include <cstddef>

#include "gemma4/types.h"
#include "model/context.h"
#include "model/weights.h"

namespace gemma4::model {

/// For layers l in [layer_begin, layer_end) and each token i, dst[i, l - layer_begin] [width] =
///   (rms(W_l x0[i] / sqrt(d), projection_norm) + table[id][l] * sqrt(width)) / sqrt(2)
/// x0 [n, d] are the scaled embeddings. One row of the mapped table is read per token.
/// Source: HF modeling_gemma4.py, get_per_layer_inputs and project_per_layer_inputs.
void per_layer_inputs(const Context& context, const DecoderWeights& weights, Span<const TokenId> tokens, const float* x0,
                      int layer_begin, int layer_end, float* dst);

/// x += rms(W_projection (gelu(W_gate x) * input), post_norm) for ws.x [n, d]; input(i) is row i's slice of this layer.
template <class InputOf>
void add_per_layer_input(const Context& c, const PerLayerInputWeights& w, std::size_t n, InputOf&& input) {
  const std::size_t width = w.gate.n;
  float* gate = c.ws.per_layer_gate.data();
  c.matmul.multiply(c.ws.x.data(), c.hidden_size(), n, w.gate, gate, width, matmul::Activations::fine);
  c.for_rows(n, [&](std::size_t i) { c.kernels.gelu_mul(gate + i * width, input(i), gate + i * width, width); });
  c.matmul.multiply(gate, width, n, w.projection, c.ws.branch.data(), c.hidden_size(), matmul::Activations::fine);
  c.add_normed_rows(c.ws.branch.data(), w.post_norm, c.ws.x.data(), n);
  c.watch.lap(Op::per_layer, n, {&w.gate, &w.projection});
}

}  // namespace gemma4::model
