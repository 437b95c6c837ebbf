#include "model/attention.h"

#include <algorithm>
#include <array>
#include <limits>

#include "model/attend.h"

namespace gemma4::model {
namespace {

/// Keys and values read once, and two products per row and visible key.
void lap_attention(const Context& c, const LayerConfig& layer, const KvView& kv, std::size_t n) noexcept {
  if (!c.watch.running()) return;
  const auto heads = static_cast<std::size_t>(c.config.num_attention_heads);
  const std::size_t window = layer.attention_type == AttentionType::sliding
                                 ? static_cast<std::size_t>(c.config.sliding_window)
                                 : std::numeric_limits<std::size_t>::max();
  const auto visible = [&](std::size_t i) { return std::min(static_cast<std::size_t>(c.ws.positions[i]) + 1, window); };
  std::size_t pairs = 0;
  for (std::size_t i = 0; i < n; ++i) pairs += visible(i);
  const std::size_t keys = static_cast<std::size_t>(c.ws.positions[n - 1] - c.ws.positions[0]) + visible(0);
  c.watch.lap(Op::attention, 2 * keys * kv.heads * kv.head_dim * size_of(kv.dtype), 4 * pairs * heads * kv.head_dim);
}

}  // namespace

void project(const Context& c, const LayerConfig& layer, const AttentionWeights& w, Projections wanted, std::size_t n) {
  std::array<matmul::Product, 3> products;
  std::size_t count = 0;
  const auto want = [&](const Matrix& weights, base::AlignedBuffer<float>& dst) {
    products[count++] = {&weights, dst.data(), weights.n};
  };
  if (wanted.queries) want(w.q_proj, c.ws.q);
  if (wanted.keys_values) want(w.k_proj, c.ws.k);
  if (wanted.keys_values && layer.has_v_proj) want(w.v_proj, c.ws.v);
  c.matmul.multiply(c.ws.normed.data(), c.hidden_size(), n, {products.data(), count}, matmul::Activations::fine);
  const Matrix none;
  c.watch.lap(Op::qkv, n, {wanted.queries ? &w.q_proj : &none, wanted.keys_values ? &w.k_proj : &none,
                           wanted.keys_values ? &w.v_proj : &none});
}

void store_keys_values(const Context& c, const LayerConfig& layer, const AttentionWeights& w, const RotaryRows& rotary,
                       const KvView& kv, std::size_t n) {
  const auto head_dim = static_cast<std::size_t>(layer.head_dim);
  const std::size_t width = kv.heads * head_dim;
  c.for_rows(n, [&](std::size_t i) {
    const std::size_t slot = kv.slot(static_cast<std::size_t>(c.ws.positions[i]));
    for (std::size_t h = 0; h < kv.heads; ++h) {
      float* k = c.ws.k.data() + i * width + h * head_dim;
      float* v = c.ws.v.data() + i * width + h * head_dim;
      c.kernels.rms_norm(layer.has_v_proj ? v : k, nullptr, v, head_dim, c.config.rms_norm_eps);
      c.kernels.from_f32(v, kv.dtype, kv.values + kv.offset(h, slot), head_dim);
      c.kernels.norm_rope(k, w.k_norm.data(), rotary.cos.data() + i * rotary.pairs, rotary.sin.data() + i * rotary.pairs,
                          k, head_dim, rotary.pairs, c.config.rms_norm_eps);
      c.kernels.store_key(k, kv.dtype, kv.keys + kv.key_offset(h, slot), head_dim);
    }
  });
  c.watch.lap(Op::norm);
}

void attention(const Context& c, const LayerConfig& layer, const AttentionWeights& w, const RotaryRows& rotary,
               const KvView& kv, std::size_t n) {
  const auto head_dim = static_cast<std::size_t>(layer.head_dim);
  const auto heads = static_cast<std::size_t>(c.config.num_attention_heads);
  attend(c, layer, w.q_norm, rotary, kv, n);
  lap_attention(c, layer, kv, n);
  c.matmul.multiply(c.ws.attended.data(), heads * head_dim, n, w.o_proj, c.ws.branch.data(), c.hidden_size(),
                    matmul::Activations::fine);
  c.watch.lap(Op::o_proj, n, {&w.o_proj});
}

}  // namespace gemma4::model
