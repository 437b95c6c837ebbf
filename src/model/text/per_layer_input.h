// Per-layer embeddings (PLE): a small extra input for every layer, from the token's id and its embedding.
#pragma once

#include <cstddef>

#include "gemma4/types.h"
#include "model/text/pass.h"
#include "model/text/weights.h"

namespace gemma4::model {

/// For layers l in [layer_begin, layer_end) and each row i, dst[i, l - layer_begin] [width] =
///   (rms(W_l x0[i] / sqrt(d), projection_norm) + table[tokens[i]][l] * sqrt(width)) / sqrt(2)
/// x0 [n, d] are the scaled embeddings. One row of the mapped table is read per token.
/// Source: HF modeling_gemma4.py, get_per_layer_inputs and project_per_layer_inputs.
void per_layer_inputs(const Pass& pass, const DecoderWeights& weights, Span<const TokenId> tokens, graph::ConstRows x0,
                      std::size_t layer_begin, std::size_t layer_end, float* dst);

/// The inputs of a step's layers: for the layers that all rows run, then, for the others, of the kept rows alone. Both lie
/// in ws.per_layer_inputs. Does nothing without PLE.
class StepInputs {
 public:
  /// @param layers_for_all  the first layers, which all rows run.
  /// Uses ws.normed as scratch.
  StepInputs(const Pass& pass, const DecoderWeights& weights, std::size_t layers_for_all, Span<const std::int32_t> kept);

  /// Row i's input of a layer, [width]; i counts the rows that run it.
  const float* row(std::size_t layer, std::size_t i) const noexcept {
    if (layer < layers_for_all_) return all_ + (i * layers_for_all_ + layer) * width_;
    return kept_ + (i * (layers_ - layers_for_all_) + layer - layers_for_all_) * width_;
  }

 private:
  std::size_t width_, layers_for_all_, layers_;
  float* all_ = nullptr;
  float* kept_ = nullptr;
};

/// x += rms(W_projection (gelu(W_gate x) * input of the layer), post_norm) for x [n, d].
/// @param scratch  [n, d]
void add_per_layer_input(const Pass& pass, const PerLayerInputWeights& weights, std::size_t layer,
                         const StepInputs& inputs, graph::Rows x, graph::Rows scratch);

}  // namespace gemma4::model
