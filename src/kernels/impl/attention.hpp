// One block of keys and values into the running softmax of several query rows.
//
// Scores run along the keys: the cache holds keys in groups of kKeyLanes, dimension by dimension, so that a vector of
// them meets one element of q, and no sum across lanes is needed. Values lie row by row. Both are read in the type they
// are stored in. A pass takes kPassVecs vectors of keys (or of the head) for up to six rows: as many sums as the
// registers hold.
#pragma once

#include <cstdint>

#include "kernels/impl/elementwise.hpp"
#include "kernels/impl/exp.hpp"
#include "kernels/impl/simd.hpp"
#include "kernels/kernels.h"

namespace gemma4::GEMMA4_ISA {
namespace {

using kernels::kKeyBlock;
using kernels::kKeyLanes;
using kernels::SoftmaxState;

#if defined(__AVX512BW__)
constexpr std::size_t kPassVecs = 4;
#else
constexpr std::size_t kPassVecs = 2;
#endif
constexpr std::size_t kRowsPerPass = 6;
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

/// The rows of one pass. Visible to row r are the keys [first[r], last[r]) of the block; to some row, [begin, end).
struct PassRows {
  const float* q;  ///< [kRows, head_dim]
  std::size_t head_dim;
  const std::int32_t* first;
  const std::int32_t* last;
  std::size_t begin, end;
  SoftmaxState* state;
  float* acc;  ///< [kRows, head_dim]
};

/// scores[r][j] = q[r] . k[j] for kVecs vectors of keys from vector `at` of the block.
template <std::size_t kRows, std::size_t kVecs, class T>
inline void score_pass(T tag, const typename T::Storage* k, const PassRows& rows, std::size_t at, float* scores) noexcept {
  const typename T::Storage* keys[kVecs];
  for (std::size_t c = 0; c < kVecs; ++c) {
    const std::size_t key = (at + c) * kWidth;
    keys[c] = k + key / kKeyLanes * kKeyLanes * rows.head_dim + key % kKeyLanes;
  }
  Vec sums[kRows][kVecs];
  for (auto& row : sums)
    for (Vec& s : row) s = Vec(0.0F);
  for (std::size_t i = 0; i < rows.head_dim; ++i) {
    Vec ks[kVecs];
    for (std::size_t c = 0; c < kVecs; ++c) ks[c] = load(tag, keys[c] + i * kKeyLanes);
    for (std::size_t r = 0; r < kRows; ++r) {
      const Vec qs(rows.q[r * rows.head_dim + i]);
      for (std::size_t c = 0; c < kVecs; ++c) sums[r][c] = fma(qs, ks[c], sums[r][c]);
    }
  }
  for (std::size_t r = 0; r < kRows; ++r)
    for (std::size_t c = 0; c < kVecs; ++c) sums[r][c].store_aligned(scores + r * kKeyBlock + (at + c) * kWidth);
}

/// Turns a row's scores in the vectors [from, to) into exp(score - max), hidden ones into 0. Returns the factor for
/// what the row has gathered so far.
inline float softmax_row(float* scores, std::size_t from, std::size_t to, std::int32_t first, std::int32_t last,
                         SoftmaxState& state) noexcept {
  if (first >= last) {
    for (std::size_t v = from; v < to; ++v) Vec(0.0F).store_aligned(scores + v * kWidth);
    return 1.0F;
  }
  if (first > static_cast<std::int32_t>(from * kWidth) || last < static_cast<std::int32_t>(to * kWidth)) {
    alignas(64) float index[kWidth];
    for (std::size_t i = 0; i < kWidth; ++i) index[i] = static_cast<float>(i);
    const Vec lanes = Vec::load_aligned(index), hidden(-__builtin_inff());
    const Vec low(static_cast<float>(first)), high(static_cast<float>(last));
    for (std::size_t v = from; v < to; ++v) {
      const Vec at = lanes + Vec(static_cast<float>(v * kWidth));
      const Vec s = Vec::load_aligned(scores + v * kWidth);
      xsimd::select((at >= low) & (at < high), s, hidden).store_aligned(scores + v * kWidth);
    }
  }
  Vec max(state.max);
  for (std::size_t v = from; v < to; ++v) {
    const Vec s = Vec::load_aligned(scores + v * kWidth);
    max = xsimd::select(s > max, s, max);  // a NaN is left to the sum
  }
  const float new_max = max_of(max);
  const Vec m(new_max);
  Vec total(0.0F);
  for (std::size_t v = from; v < to; ++v) {
    const Vec e = exp_below_88(Vec::load_aligned(scores + v * kWidth) - m);
    e.store_aligned(scores + v * kWidth);
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

/// acc[r] = acc[r] * rescale[r] + sum_j p[r][j] v[j] over kVecs vectors of the head from element `at`.
template <std::size_t kRows, std::size_t kVecs, class T>
inline void value_pass(T tag, const typename T::Storage* v, const PassRows& rows, const float* p, const float* rescale,
                       std::size_t at) noexcept {
  Vec sums[kRows][kVecs];
  for (std::size_t r = 0; r < kRows; ++r)
    for (std::size_t c = 0; c < kVecs; ++c)
      sums[r][c] = load(F32{}, rows.acc + r * rows.head_dim + at + c * kWidth) * Vec(rescale[r]);
  for (std::size_t j = rows.begin; j < rows.end; ++j) {
    Vec vs[kVecs];
    for (std::size_t c = 0; c < kVecs; ++c) vs[c] = load(tag, v + j * rows.head_dim + at + c * kWidth);
    for (std::size_t r = 0; r < kRows; ++r) {
      const Vec ps(p[r * kKeyBlock + j]);
      for (std::size_t c = 0; c < kVecs; ++c) sums[r][c] = fma(ps, vs[c], sums[r][c]);
    }
  }
  for (std::size_t r = 0; r < kRows; ++r)
    for (std::size_t c = 0; c < kVecs; ++c) store(F32{}, rows.acc + r * rows.head_dim + at + c * kWidth, sums[r][c]);
}

template <std::size_t kRows, class T>
inline void attend_pass(T tag, const typename T::Storage* k, const typename T::Storage* v, const PassRows& rows) noexcept {
  const std::size_t from = rows.begin / kWidth, to = (rows.end + kWidth - 1) / kWidth;
  alignas(64) float scores[kRows * kKeyBlock];
  std::size_t at = from;
  for (; at + kPassVecs <= to; at += kPassVecs) score_pass<kRows, kPassVecs>(tag, k, rows, at, scores);
  for (; at < to; ++at) score_pass<kRows, 1>(tag, k, rows, at, scores);

  float rescale[kRows];
  for (std::size_t r = 0; r < kRows; ++r) {
    rescale[r] = softmax_row(scores + r * kKeyBlock, from, to, rows.first[r], rows.last[r], rows.state[r]);
  }

  std::size_t i = 0;
  for (; i + kPassVecs * kWidth <= rows.head_dim; i += kPassVecs * kWidth) {
    value_pass<kRows, kPassVecs>(tag, v, rows, scores, rescale, i);
  }
  for (; i + kWidth <= rows.head_dim; i += kWidth) value_pass<kRows, 1>(tag, v, rows, scores, rescale, i);
  for (; i < rows.head_dim; ++i) {
    for (std::size_t r = 0; r < kRows; ++r) {
      float total = rows.acc[r * rows.head_dim + i] * rescale[r];
      for (std::size_t j = rows.begin; j < rows.end; ++j) {
        total += scores[r * kKeyBlock + j] * load_one(tag, v + j * rows.head_dim + i);
      }
      rows.acc[r * rows.head_dim + i] = total;
    }
  }
}

template <class T>
void attend_typed(T tag, const float* q, std::size_t count, const void* k, const void* v, std::size_t head_dim,
                  const std::int32_t* first, const std::int32_t* last, SoftmaxState* state, float* acc) noexcept {
  const auto* keys = static_cast<const typename T::Storage*>(k);
  const auto* values = static_cast<const typename T::Storage*>(v);
  for (std::size_t r = 0; r < count;) {
    const std::size_t left = count - r;  // eight rows are better cut 4 + 4 than 6 + 2
    const std::size_t n = left >= kRowsPerPass && left != 8 ? kRowsPerPass : left >= 4 ? 4 : left >= 2 ? 2 : 1;
    std::int32_t begin = kKeyBlock, end = 0;
    for (std::size_t i = r; i < r + n; ++i) {
      if (first[i] >= last[i]) continue;
      begin = first[i] < begin ? first[i] : begin;
      end = last[i] > end ? last[i] : end;
    }
    if (begin < end) {
      const PassRows rows{q + r * head_dim, head_dim,  first + r, last + r, static_cast<std::size_t>(begin),
                          static_cast<std::size_t>(end), state + r, acc + r * head_dim};
      switch (n) {
        case 6: attend_pass<6>(tag, keys, values, rows); break;
        case 4: attend_pass<4>(tag, keys, values, rows); break;
        case 2: attend_pass<2>(tag, keys, values, rows); break;
        default: attend_pass<1>(tag, keys, values, rows); break;
      }
    }
    r += n;
  }
}

void attend_block(const float* q, std::size_t rows, const void* k, const void* v, DType dtype, std::size_t head_dim,
                  const std::int32_t* first, const std::int32_t* last, SoftmaxState* state, float* acc) noexcept {
  switch (dtype) {
    case DType::f32: return attend_typed(F32{}, q, rows, k, v, head_dim, first, last, state, acc);
    case DType::f16: return attend_typed(F16{}, q, rows, k, v, head_dim, first, last, state, acc);
    case DType::bf16: return attend_typed(Bf16{}, q, rows, k, v, head_dim, first, last, state, acc);
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
