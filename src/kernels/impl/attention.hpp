// One block of keys and values into the running softmax of several query rows.
//
// Scores run along the keys: the cache holds keys in groups of kKeyLanes, dimension by dimension, so that a vector of
// them meets one element of q, and no sum across lanes is needed. Values lie row by row. Both are read in the type they
// are stored in. A pass takes kPassVecs vectors of keys (or of the head) for up to six rows: as many sums as the
// registers hold.
#pragma once

#include <cstdint>
#include <type_traits>

#include "kernels/impl/elementwise.hpp"
#include "kernels/impl/exp.hpp"
#include "kernels/impl/simd.hpp"
#include "kernels/kernels.h"

namespace gemma4::GEMMA4_ISA {
namespace {

using kernels::kAttendRows;
using kernels::kKeyBlock;
using kernels::kKeyLanes;
using kernels::SoftmaxState;

#if defined(__AVX512BW__)
constexpr std::size_t kPassVecs = 4;
#else
constexpr std::size_t kPassVecs = 2;
#endif
static_assert(kKeyLanes % kWidth == 0 && kKeyBlock % (kPassVecs * kWidth) == 0);

inline float max_of(Vec v) noexcept {
#if defined(__AVX512BW__)
  return _mm512_reduce_max_ps(v.data);
#else
  alignas(64) float lanes[kWidth];
  v.store_aligned(lanes);
  float max = lanes[0];
  for (std::size_t i = 1; i < kWidth; ++i) max = lanes[i] > max ? lanes[i] : max;
  return max;
#endif
}

/// Rows that go through the registers together. Visible to row r are the keys [first[r], last[r]) of the block; to some
/// row of the pass, [begin, end).
struct Pass {
  std::size_t row, count, begin, end;
};

/// What all passes over a block share. `scores` has kKeyBlock of them per row.
struct Block {
  std::size_t head_dim;
  const float* q;
  float* acc;
  float* scores;
  const float* rescale;
};

/// Memory that is wanted soon, fetched into the second-level cache a piece at a time.
struct Ahead {
  const char* next;
  std::size_t bytes;  ///< a step's; 0: nothing to fetch
  void fetch() noexcept {
    for (std::size_t i = 0; i < bytes; i += 64) __builtin_prefetch(next + i, 0, 2);
    next += bytes;
  }
};

/// scores[r][j] = q[r] . k[j] for kVecs vectors of keys from vector `at` of the block.
template <std::size_t kRows, std::size_t kVecs, class T>
inline void score_pass(T tag, const typename T::Storage* k, const Block& block, const Pass& pass, std::size_t at,
                       Ahead ahead) noexcept {
  const typename T::Storage* keys[kVecs];
  for (std::size_t c = 0; c < kVecs; ++c) {
    const std::size_t key = (at + c) * kWidth;
    keys[c] = k + key / kKeyLanes * kKeyLanes * block.head_dim + key % kKeyLanes;
  }
  const float* q = block.q + pass.row * block.head_dim;
  Vec sums[kRows][kVecs];
  for (auto& row : sums)
    for (Vec& s : row) s = Vec(0.0F);
  const auto step = [&](std::size_t i) noexcept {
    Vec ks[kVecs];
    for (std::size_t c = 0; c < kVecs; ++c) ks[c] = load(tag, keys[c] + i * kKeyLanes);
    for (std::size_t r = 0; r < kRows; ++r) {
      const Vec qs(q[r * block.head_dim + i]);
      for (std::size_t c = 0; c < kVecs; ++c) sums[r][c] = fma(qs, ks[c], sums[r][c]);
    }
  };
  if (ahead.bytes != 0) {
    for (std::size_t i = 0; i < block.head_dim; ++i) ahead.fetch(), step(i);
  } else {
    for (std::size_t i = 0; i < block.head_dim; ++i) step(i);
  }
  float* scores = block.scores + pass.row * kKeyBlock;
  for (std::size_t r = 0; r < kRows; ++r)
    for (std::size_t c = 0; c < kVecs; ++c) sums[r][c].store_aligned(scores + r * kKeyBlock + (at + c) * kWidth);
}

/// Turns a row's scores in the vectors [from, to) into exp(score - max). Returns the factor for what the row has
/// gathered so far. Hidden scores are -infinity; one at least is not.
inline float softmax_vectors(float* scores, std::size_t from, std::size_t to, SoftmaxState& state) noexcept {
  Vec max(state.max);
  for (std::size_t v = from; v < to; ++v) {
    const Vec s = Vec::load_aligned(scores + v * kWidth);
    max = xsimd::select(s > max, s, max);  // a NaN is left to the sum
  }
  const float new_max = max_of(max);
  Vec total(0.0F);
  std::size_t at = from;
  for (; at + kSideBySide <= to; at += kSideBySide) {
    Vec e[kSideBySide];
    for (std::size_t v = 0; v < kSideBySide; ++v) e[v] = Vec::load_aligned(scores + (at + v) * kWidth) - Vec(new_max);
    exp_below_88(e);
    for (std::size_t v = 0; v < kSideBySide; ++v) {
      e[v].store_aligned(scores + (at + v) * kWidth);
      total += e[v];
    }
  }
  for (; at < to; ++at) {
    const Vec e = exp_below_88(Vec::load_aligned(scores + at * kWidth) - Vec(new_max));
    e.store_aligned(scores + at * kWidth);
    total += e;
  }
  float rescale = 1.0F;
  if (new_max != state.max) {
    rescale = exp_below_88(Vec(state.max - new_max)).get(0);  // 0 on the first block: exp(-infinity)
    state.max = new_max;
  }
  state.sum = state.sum * rescale + sum(total);
  return rescale;
}

/// The same for a row that sees the keys [first, last) of the block. What it does not see becomes 0.
inline float softmax_row(float* scores, std::size_t from, std::size_t to, std::int32_t first, std::int32_t last,
                         SoftmaxState& state) noexcept {
  if (first == 0 && last == static_cast<std::int32_t>(kKeyBlock)) {
    return softmax_vectors(scores, 0, kKeyBlock / kWidth, state);  // constants: the loops vanish
  }
  if (first >= last) {
    for (std::size_t v = from; v < to; ++v) Vec(0.0F).store_aligned(scores + v * kWidth);
    return 1.0F;
  }
  alignas(64) float index[kWidth];
  for (std::size_t i = 0; i < kWidth; ++i) index[i] = static_cast<float>(i);
  const Vec lanes = Vec::load_aligned(index), low(static_cast<float>(first)), high(static_cast<float>(last));
  for (std::size_t v = from; v < to; ++v) {
    const Vec at = lanes + Vec(static_cast<float>(v * kWidth)), s = Vec::load_aligned(scores + v * kWidth);
    xsimd::select((at >= low) & (at < high), s, Vec(-__builtin_inff())).store_aligned(scores + v * kWidth);
  }
  return softmax_vectors(scores, from, to, state);
}

/// acc[r] = acc[r] * rescale[r] + sum_j scores[r][j] v[j] over kVecs vectors of the head from element `at`.
template <std::size_t kRows, std::size_t kVecs, class T>
inline void value_pass(T tag, const typename T::Storage* v, const Block& block, const Pass& pass, std::size_t at,
                       Ahead ahead) noexcept {
  const std::size_t head_dim = block.head_dim;
  const float* scores = block.scores + pass.row * kKeyBlock;
  float* acc = block.acc + pass.row * head_dim + at;
  Vec sums[kRows][kVecs];
  for (std::size_t r = 0; r < kRows; ++r)
    for (std::size_t c = 0; c < kVecs; ++c)
      sums[r][c] = load(F32{}, acc + r * head_dim + c * kWidth) * Vec(block.rescale[pass.row + r]);
  const auto step = [&](std::size_t j) noexcept {
    Vec vs[kVecs];
    for (std::size_t c = 0; c < kVecs; ++c) vs[c] = load(tag, v + j * head_dim + at + c * kWidth);
    for (std::size_t r = 0; r < kRows; ++r) {
      const Vec ps(scores[r * kKeyBlock + j]);
      for (std::size_t c = 0; c < kVecs; ++c) sums[r][c] = fma(ps, vs[c], sums[r][c]);
    }
  };
  if (ahead.bytes != 0) {
    for (std::size_t j = pass.begin; j < pass.end; ++j) ahead.fetch(), step(j);
  } else {
    for (std::size_t j = pass.begin; j < pass.end; ++j) step(j);
  }
  for (std::size_t r = 0; r < kRows; ++r)
    for (std::size_t c = 0; c < kVecs; ++c) store(F32{}, acc + r * head_dim + c * kWidth, sums[r][c]);
}

template <std::size_t kRows, class T>
inline void score_rows(T tag, const typename T::Storage* k, const Block& block, const Pass& pass,
                       Ahead ahead) noexcept {
  std::size_t at = pass.begin / kWidth;
  const std::size_t to = (pass.end + kWidth - 1) / kWidth;
  for (; at + kPassVecs <= to; at += kPassVecs) {
    score_pass<kRows, kPassVecs>(tag, k, block, pass, at, ahead);
    ahead.bytes = 0;
  }
  for (; kPassVecs > 2 && at + 2 <= to; at += 2) {
    score_pass<kRows, 2>(tag, k, block, pass, at, ahead);
    ahead.bytes = 0;
  }
  for (; at < to; ++at) {
    score_pass<kRows, 1>(tag, k, block, pass, at, ahead);
    ahead.bytes = 0;
  }
}

/// The last elements of a head whose size is no multiple of the vector.
template <class T>
inline void value_tail(T tag, const typename T::Storage* v, const Block& block, const Pass& pass,
                       std::size_t at) noexcept {
  for (; at < block.head_dim; ++at) {
    for (std::size_t r = pass.row; r < pass.row + pass.count; ++r) {
      float total = block.acc[r * block.head_dim + at] * block.rescale[r];
      for (std::size_t j = pass.begin; j < pass.end; ++j) {
        total += block.scores[r * kKeyBlock + j] * load_one(tag, v + j * block.head_dim + at);
      }
      block.acc[r * block.head_dim + at] = total;
    }
  }
}

/// fn with the pass's row count as a constant.
template <class Fn>
inline void with_rows(const Pass& pass, Fn&& fn) noexcept {
  switch (pass.count) {
    case 6: return fn(std::integral_constant<std::size_t, 6>{});
    case 4: return fn(std::integral_constant<std::size_t, 4>{});
    case 2: return fn(std::integral_constant<std::size_t, 2>{});
    default: return fn(std::integral_constant<std::size_t, 1>{});
  }
}

/// The passes that see something of the block, `count` of them.
struct Passes {
  Pass list[kAttendRows];
  std::size_t count = 0;

  Passes(std::size_t rows, const std::int32_t* first, const std::int32_t* last) noexcept {
    for (std::size_t r = 0; r < rows;) {
      const std::size_t left = rows - r;  // eight rows are better cut 4 + 4 than 6 + 2
      const std::size_t n = left >= 6 && left != 8 ? 6 : left >= 4 ? 4 : left >= 2 ? 2 : 1;
      std::int32_t begin = kKeyBlock, end = 0;
      for (std::size_t i = r; i < r + n; ++i) {
        if (first[i] >= last[i]) continue;
        begin = first[i] < begin ? first[i] : begin;
        end = last[i] > end ? last[i] : end;
      }
      if (begin < end) list[count++] = {r, n, static_cast<std::size_t>(begin), static_cast<std::size_t>(end)};
      r += n;
    }
  }
};

template <class T>
void attend_typed(T tag, const float* q, std::size_t rows, const void* keys, const void* values, std::size_t head_dim,
                  const std::int32_t* first, const std::int32_t* last, SoftmaxState* state, float* acc,
                  const void* next_keys) noexcept {
  using Element = typename T::Storage;
  const auto* k = static_cast<const Element*>(keys);
  const auto* v = static_cast<const Element*>(values);
  const Passes passes(rows, first, last);
  alignas(64) float scores[kAttendRows * kKeyBlock];
  float rescale[kAttendRows];
  const Block block{head_dim, q, acc, scores, rescale};

  // All scores, while the keys are near; then all sums, a strip of the values at a time.
  const std::size_t visible_end = passes.count == 0 ? 0 : passes.list[passes.count - 1].end;
  Ahead ahead{reinterpret_cast<const char*>(v), visible_end * sizeof(Element)};
  for (std::size_t p = 0; p < passes.count; ++p) {
    with_rows(passes.list[p], [&](auto n) noexcept { score_rows<n()>(tag, k, block, passes.list[p], ahead); });
    ahead.bytes = 0;
  }
  for (std::size_t p = 0; p < passes.count; ++p) {
    const Pass& pass = passes.list[p];
    const std::size_t from = pass.begin / kWidth, to = (pass.end + kWidth - 1) / kWidth;
    for (std::size_t r = pass.row; r < pass.row + pass.count; ++r) {
      rescale[r] = softmax_row(scores + r * kKeyBlock, from, to, first[r], last[r], state[r]);
    }
  }
  constexpr std::size_t kStrip = kPassVecs * kWidth;
  const auto* next = static_cast<const char*>(next_keys);
  std::size_t at = 0;
  for (; at + kStrip <= head_dim; at += kStrip) {
    ahead = {next, next != nullptr ? kStrip * sizeof(Element) : 0};
    if (next != nullptr) next += kKeyBlock * kStrip * sizeof(Element);
    for (std::size_t p = 0; p < passes.count; ++p) {
      with_rows(passes.list[p], [&](auto n) noexcept {
        value_pass<n(), kPassVecs>(tag, v, block, passes.list[p], at, ahead);
      });
      ahead.bytes = 0;
    }
  }
  for (; at + kWidth <= head_dim; at += kWidth) {
    for (std::size_t p = 0; p < passes.count; ++p) {
      with_rows(passes.list[p], [&](auto n) noexcept {
        value_pass<n(), 1>(tag, v, block, passes.list[p], at, {nullptr, 0});
      });
    }
  }
  for (std::size_t p = 0; p < passes.count; ++p) value_tail(tag, v, block, passes.list[p], at);
}

void attend_block(const float* q, std::size_t rows, const void* k, const void* v, DType dtype, std::size_t head_dim,
                  const std::int32_t* first, const std::int32_t* last, SoftmaxState* state, float* acc,
                  const void* next_k) noexcept {
  switch (dtype) {
    case DType::f32: return attend_typed(F32{}, q, rows, k, v, head_dim, first, last, state, acc, next_k);
    case DType::f16: return attend_typed(F16{}, q, rows, k, v, head_dim, first, last, state, acc, next_k);
    case DType::bf16: return attend_typed(Bf16{}, q, rows, k, v, head_dim, first, last, state, acc, next_k);
  }
}

template <class T>
void store_key_typed(T tag, const float* src, void* dst, std::size_t head_dim) noexcept {
  auto* d = static_cast<typename T::Storage*>(dst);
  typename T::Storage packed[kWidth];
  std::size_t i = 0;
  for (; i + kWidth <= head_dim; i += kWidth) {
    store(tag, packed, load(F32{}, src + i));
    for (std::size_t t = 0; t < kWidth; ++t) d[(i + t) * kKeyLanes] = packed[t];
  }
  for (; i < head_dim; ++i) store_one(tag, d + i * kKeyLanes, src[i]);
}

void store_key(const float* src, DType dtype, void* dst, std::size_t head_dim) noexcept {
  switch (dtype) {
    case DType::f32: return store_key_typed(F32{}, src, dst, head_dim);
    case DType::f16: return store_key_typed(F16{}, src, dst, head_dim);
    case DType::bf16: return store_key_typed(Bf16{}, src, dst, head_dim);
  }
}

}  // namespace
}  // namespace gemma4::GEMMA4_ISA
