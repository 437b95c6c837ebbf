#include "model/attention.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>

namespace gemma4::model {
namespace {

constexpr std::size_t kWorthSharing = 1 << 15;  // scores times head size below which no other thread is woken

/// rms norm and rotary embedding of every head of a row.
void norm_and_rotate(const Context& c, float* row, std::size_t heads, std::size_t head_dim, const Vector& norm,
                     const RotaryRows& rotary, std::size_t i) noexcept {
  const float* cos = rotary.cos.data() + i * rotary.pairs;
  const float* sin = rotary.sin.data() + i * rotary.pairs;
  for (std::size_t h = 0; h < heads; ++h) {
    float* head = row + h * head_dim;
    c.kernels.rms_norm(head, norm.data(), head, head_dim, c.config.rms_norm_eps);
    c.kernels.rope(head, cos, sin, head_dim, rotary.pairs);
  }
}

/// F32 rows of `count` <= kKeyBlock positions from `begin`: the cache itself where it is F32 and does not wrap there,
/// else a copy in `scratch`.
const float* rows_of(const Context& c, const KvView& kv, const std::uint8_t* data, std::size_t head, std::size_t begin,
                     std::size_t count, float* scratch) noexcept {
  const std::size_t slot = kv.slot(begin);
  const std::size_t before_wrap = std::min(count, kv.capacity - slot);
  const std::uint8_t* first = data + kv.offset(head, slot);
  if (kv.dtype == DType::f32 && before_wrap == count) return reinterpret_cast<const float*>(first);
  c.kernels.to_f32(first, kv.dtype, scratch, before_wrap * kv.head_dim);
  c.kernels.to_f32(data + kv.offset(head, 0), kv.dtype, scratch + before_wrap * kv.head_dim,
                   (count - before_wrap) * kv.head_dim);
  return scratch;
}

/// The part of attention one worker does at a time: `count` query rows that share a key head. Row r of the head's
/// rows is query head r % group of token r / group.
struct Tile {
  std::size_t kv_head, begin, count;
};

void attend_tile(const Context& c, const LayerConfig& layer, const KvView& kv, const Tile& tile,
                 AttentionScratch& scratch) noexcept {
  const auto head_dim = static_cast<std::size_t>(layer.head_dim);
  const auto heads = static_cast<std::size_t>(c.config.num_attention_heads);
  const std::size_t group = heads / kv.heads;
  const std::int64_t window = layer.attention_type == AttentionType::sliding ? c.config.sliding_window
                                                                             : std::numeric_limits<std::int64_t>::max();
  const auto place = [&](std::size_t r) {
    const std::size_t row = tile.begin + r;
    return (row / group) * heads * head_dim + (tile.kv_head * group + row % group) * head_dim;
  };

  std::array<kernels::SoftmaxState, kAttentionRows> state;
  std::array<std::int64_t, kAttentionRows> first, last, block_first, block_last;
  for (std::size_t r = 0; r < tile.count; ++r) {
    const std::int64_t position = c.ws.positions[(tile.begin + r) / group];
    last[r] = position + 1;
    first[r] = position >= window ? position - window + 1 : 0;
    state[r] = {-std::numeric_limits<float>::infinity(), 0.0F};
    std::memcpy(scratch.queries.data() + r * head_dim, c.ws.q.data() + place(r), head_dim * sizeof(float));
  }
  float* sums = scratch.sums.data();
  std::memset(sums, 0, tile.count * head_dim * sizeof(float));

  const auto begin = static_cast<std::size_t>(first[0]);              // rows ascend by position
  const auto end = static_cast<std::size_t>(last[tile.count - 1]);
  for (std::size_t key = begin; key < end; key += kernels::kKeyBlock) {
    const std::size_t count = std::min(kernels::kKeyBlock, end - key);
    const float* keys = rows_of(c, kv, kv.keys, tile.kv_head, key, count, scratch.keys.data());
    const float* values = rows_of(c, kv, kv.values, tile.kv_head, key, count, scratch.values.data());
    for (std::size_t r = 0; r < tile.count; ++r) {
      block_first[r] = first[r] - static_cast<std::int64_t>(key);
      block_last[r] = last[r] - static_cast<std::int64_t>(key);
    }
    c.kernels.attend_block(scratch.queries.data(), head_dim, tile.count, keys, values, count, head_dim,
                           block_first.data(), block_last.data(), state.data(), sums, scratch.scores.data());
  }
  for (std::size_t r = 0; r < tile.count; ++r) {
    c.kernels.scale(sums + r * head_dim, 1.0F / state[r].sum, head_dim);
    std::memcpy(c.ws.attended.data() + place(r), sums + r * head_dim, head_dim * sizeof(float));
  }
}

/// Softmax attention of ws.q over the cache into ws.attended. Tiles go round the workers in turn, because under a
/// causal mask later rows see more keys.
void attend(const Context& c, const LayerConfig& layer, const KvView& kv, std::size_t n) {
  const auto workers = static_cast<std::size_t>(c.pool.size());
  const std::size_t rows = n * (static_cast<std::size_t>(c.config.num_attention_heads) / kv.heads);
  const std::size_t tile_rows = std::clamp<std::size_t>((rows * kv.heads + workers - 1) / workers, 1, kAttentionRows);
  const std::size_t tiles_per_head = (rows + tile_rows - 1) / tile_rows;
  const auto every = [&](std::size_t first, std::size_t step, AttentionScratch& scratch) {
    for (std::size_t t = first; t < tiles_per_head * kv.heads; t += step) {
      const std::size_t begin = t % tiles_per_head * tile_rows;
      attend_tile(c, layer, kv, {t / tiles_per_head, begin, std::min(tile_rows, rows - begin)}, scratch);
    }
  };
  const auto keys = static_cast<std::size_t>(c.ws.positions[n - 1]) + 1;
  if (rows * kv.heads * keys * kv.head_dim < kWorthSharing) return every(0, 1, c.ws.attention[0]);
  c.pool.run([&](int worker) {
    every(static_cast<std::size_t>(worker), workers, c.ws.attention[static_cast<std::size_t>(worker)]);
  });
}

/// Keys and values read once, and two products per row and visible key.
void lap_attention(const Context& c, const LayerConfig& layer, const KvView& kv, std::size_t n) noexcept {
  if (!c.watch.running()) return;
  const auto heads = static_cast<std::size_t>(c.config.num_attention_heads);
  const std::size_t window = layer.attention_type == AttentionType::sliding ? static_cast<std::size_t>(c.config.sliding_window)
                                                                            : std::numeric_limits<std::size_t>::max();
  const auto visible = [&](std::size_t i) { return std::min(static_cast<std::size_t>(c.ws.positions[i]) + 1, window); };
  std::size_t pairs = 0;
  for (std::size_t i = 0; i < n; ++i) pairs += visible(i);
  const std::size_t keys = static_cast<std::size_t>(c.ws.positions[n - 1] - c.ws.positions[0]) + visible(0);
  c.watch.lap(Op::attention, 2 * keys * kv.heads * kv.head_dim * size_of(kv.dtype), 4 * pairs * heads * kv.head_dim);
}

}  // namespace

void store_keys_values(const Context& c, const LayerConfig& layer, const AttentionWeights& w, const RotaryRows& rotary,
                       const KvView& kv, std::size_t n) {
  const auto head_dim = static_cast<std::size_t>(layer.head_dim);
  const std::size_t width = kv.heads * head_dim;
  const std::array<matmul::Product, 2> products = {matmul::Product{&w.k_proj, c.ws.k.data(), width},
                                                   matmul::Product{&w.v_proj, c.ws.v.data(), width}};
  c.matmul.multiply(c.ws.normed.data(), c.hidden_size(), n, {products.data(), layer.has_v_proj ? 2U : 1U});
  c.watch.lap(Op::qkv, n, {&w.k_proj, &w.v_proj});
  c.for_rows(n, [&](std::size_t i) {
    float* k = c.ws.k.data() + i * width;
    float* v = c.ws.v.data() + i * width;
    if (!layer.has_v_proj) std::memcpy(v, k, width * sizeof(float));  // before k_norm and rope
    norm_and_rotate(c, k, kv.heads, head_dim, w.k_norm, rotary, i);
    const std::size_t slot = kv.slot(static_cast<std::size_t>(c.ws.positions[i]));
    for (std::size_t h = 0; h < kv.heads; ++h) {
      float* value = v + h * head_dim;
      c.kernels.rms_norm(value, nullptr, value, head_dim, c.config.rms_norm_eps);
      c.kernels.from_f32(k + h * head_dim, kv.dtype, kv.keys + kv.offset(h, slot), head_dim);
      c.kernels.from_f32(value, kv.dtype, kv.values + kv.offset(h, slot), head_dim);
    }
  });
  c.watch.lap(Op::norm);
}

void attention(const Context& c, const LayerConfig& layer, const AttentionWeights& w, const RotaryRows& rotary,
               const KvView& kv, std::size_t n) {
  const auto head_dim = static_cast<std::size_t>(layer.head_dim);
  const auto heads = static_cast<std::size_t>(c.config.num_attention_heads);
  c.matmul.multiply(c.ws.normed.data(), c.hidden_size(), n, w.q_proj, c.ws.q.data(), heads * head_dim);
  c.watch.lap(Op::qkv, n, {&w.q_proj});
  c.for_rows(n, [&](std::size_t i) {
    norm_and_rotate(c, c.ws.q.data() + i * heads * head_dim, heads, head_dim, w.q_norm, rotary, i);
  });
  c.watch.lap(Op::norm);
  attend(c, layer, kv, n);
  lap_attention(c, layer, kv, n);
  c.matmul.multiply(c.ws.attended.data(), heads * head_dim, n, w.o_proj, c.ws.branch.data(), c.hidden_size());
  c.watch.lap(Op::o_proj, n, {&w.o_proj});
}

}  // namespace gemma4::model
