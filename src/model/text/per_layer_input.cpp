#include "model/text/per_layer_input.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace gemma4::model {
namespace {

constexpr float kSqrtHalf = 0.70710678F;  // the sum of two parts of unit size keeps unit size

}  // namespace

void per_layer_inputs(const Pass& pass, const DecoderWeights& w, Span<const TokenId> tokens, graph::ConstRows x0,
                      std::size_t layer_begin, std::size_t layer_end, float* dst) {
  if (layer_begin == layer_end || tokens.empty()) return;
  const graph::Kit& kit = pass.kit;
  const auto width = static_cast<std::size_t>(pass.config.hidden_size_per_layer_input);
  const std::size_t layers = layer_end - layer_begin, offset = layer_begin * width;
  const Linear projection{w.per_layer_model_projection.matrix.rows(offset, layers * width),
                          w.per_layer_model_projection.id};
  const graph::Rows projected(dst, tokens.size(), layers * width);
  kit.multiply(x0, projection, projected, kit.arithmetic.feed_forward(tokens.size()));

  const float root = 1.0F / std::sqrt(static_cast<float>(pass.config.hidden_size));
  const Matrix& table = w.embed_tokens_per_layer;
  kit.for_rows(tokens.size(), [&](std::size_t i) {
    kit.kernels.scale(projected.row(i), root, projected.width);
    float embedded[512];  // a slice at a time; wider slices in pieces
    for (std::size_t l = 0; l < layers; ++l) {
      float* slice = projected.row(i) + l * width;
      kit.kernels.rms_norm(slice, w.per_layer_projection_norm.data(), slice, width, pass.eps());
      for (std::size_t at = 0; at < width; at += 512) {
        const std::size_t count = std::min<std::size_t>(width - at, 512);
        matmul::widen(kit.kernels, table, static_cast<std::size_t>(tokens[i]), offset + l * width + at, count, embedded);
        kit.kernels.add_scaled(embedded, w.per_layer_embed_scale, slice + at, count);
      }
    }
    kit.kernels.scale(projected.row(i), kSqrtHalf, projected.width);
  });
  kit.watch.lap(Op::per_layer, tokens.size(), {&projection});
}

StepInputs::StepInputs(const Pass& pass, const DecoderWeights& w, std::size_t layers_for_all,
                       Span<const std::int32_t> kept)
    : width_(static_cast<std::size_t>(pass.config.hidden_size_per_layer_input)),
      layers_for_all_(layers_for_all),
      layers_(static_cast<std::size_t>(pass.config.num_hidden_layers)) {
  if (width_ == 0) return;
  Workspace& ws = pass.ws;
  all_ = ws.per_layer_inputs.values.data();
  kept_ = all_ + pass.n * layers_for_all_ * width_;
  per_layer_inputs(pass, w, {ws.places.token.data(), pass.n}, pass.x(), 0, layers_for_all_, all_);
  if (layers_for_all_ == layers_ || kept.empty()) return;
  // The kept rows' embeddings and tokens, side by side; ws.normed is free until the first layer.
  const graph::Rows x0 = ws.normed.first(kept.size());
  for (std::size_t i = 0; i < kept.size(); ++i) {
    const auto from = static_cast<std::size_t>(kept[i]);
    std::memcpy(x0.row(i), pass.x().row(from), x0.width * sizeof(float));
    ws.kept_tokens[i] = ws.places.token[from];
  }
  per_layer_inputs(pass, w, {ws.kept_tokens.data(), kept.size()}, x0, layers_for_all_, layers_, kept_);
}

void add_per_layer_input(const Pass& pass, const PerLayerInputWeights& w, std::size_t layer, const StepInputs& inputs,
                         graph::Rows x, graph::Rows scratch) {
  const graph::Kit& kit = pass.kit;
  const graph::Rows gate = pass.ws.per_layer_gate.first(pass.n);
  kit.multiply(x, w.gate, gate, graph::Activations::fine);
  kit.for_rows(pass.n, [&](std::size_t i) {
    kit.kernels.gelu_mul(gate.row(i), inputs.row(layer, i), gate.row(i), gate.width);
  });
  kit.multiply(gate, w.projection, scratch, graph::Activations::fine);
  kit.add_normed(scratch, w.post_norm, pass.eps(), x);
  kit.watch.lap(Op::per_layer, pass.n, {&w.gate, &w.projection});
}

}  // namespace gemma4::model
