#include "model/per_layer_input.h"

#include <cmath>

namespace gemma4::model {
namespace {

constexpr float kSqrtHalf = 0.70710678F;  // the sum of two parts of unit size keeps unit size

}  // namespace

void per_layer_inputs(const Context& c, const DecoderWeights& w, Span<const TokenId> tokens, const float* x0,
                      int layer_begin, int layer_end, float* dst) {
  if (layer_begin == layer_end || tokens.empty()) return;
  const auto width = static_cast<std::size_t>(c.config.hidden_size_per_layer_input);
  const std::size_t layers = static_cast<std::size_t>(layer_end - layer_begin);
  const std::size_t offset = static_cast<std::size_t>(layer_begin) * width;
  const Matrix projection = w.per_layer_model_projection.rows(offset, layers * width);
  c.matmul.multiply(x0, c.hidden_size(), tokens.size(), projection, dst, layers * width, c.activations(tokens.size()));

  const float root = 1.0F / std::sqrt(static_cast<float>(c.hidden_size()));
  const Matrix& table = w.embed_tokens_per_layer;
  c.for_rows(tokens.size(), [&](std::size_t i) {
    float* projected = dst + i * layers * width;
    c.kernels.scale(projected, root, layers * width);
    float embedded[512];  // a slice at a time; wider slices in pieces
    for (std::size_t l = 0; l < layers; ++l) {
      float* slice = projected + l * width;
      c.kernels.rms_norm(slice, w.per_layer_projection_norm.data(), slice, width, c.config.rms_norm_eps);
      for (std::size_t at = 0; at < width; at += 512) {
        const std::size_t count = width - at < 512 ? width - at : 512;
        matmul::widen(c.kernels, table, static_cast<std::size_t>(tokens[i]), offset + l * width + at, count, embedded);
        c.kernels.add_scaled(embedded, w.per_layer_embed_scale, slice + at, count);
      }
    }
    c.kernels.scale(projected, kSqrtHalf, layers * width);
  });
  c.watch.lap(Op::per_layer, tokens.size(), {&projection});
}

}  // namespace gemma4::model
