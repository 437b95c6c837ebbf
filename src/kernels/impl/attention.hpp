// One block of keys and values into the running softmax of several query rows.
#pragma once

#include <cstdint>

#include "kernels/impl/elementwise.hpp"
#include "kernels/impl/simd.hpp"
#include "kernels/kernels.h"

namespace gemma4::GEMMA4_ISA {
namespace {

using kernels::kKeyBlock;
using kernels::SoftmaxState;

/// scores[r][j] = q[r] . k[j] for a register block of kRows x kCols.
template <std::size_t kRows, std::size_t kCols>
inline void score_block(const float* q, std::size_t ldq, const float* k, std::size_t head_dim, float* scores) noexcept {
  Vec acc[kRows][kCols];
  for (auto& row : acc)
    for (Vec& a : row) a = Vec(0.0F);
  std::size_t i = 0;
  for (; i + kWidth <= head_dim; i += kWidth) {
    Vec ks[kCols];
    for (std::size_t c = 0; c < kCols; ++c) ks[c] = load(F32{}, k + c * head_dim + i);
    for (std::size_t r = 0; r < kRows; ++r) {
      const Vec qs = load(F32{}, q + r * ldq + i);
      for (std::size_t c = 0; c < kCols; ++c) acc[r][c] = fma(qs, ks[c], acc[r][c]);
    }
  }
  for (std::size_t r = 0; r < kRows; ++r) {
    for (std::size_t c = 0; c < kCols; ++c) {
      float total = sum(acc[r][c]);
      for (std::size_t t = i; t < head_dim; ++t) total += q[r * ldq + t] * k[c * head_dim + t];
      scores[r * kKeyBlock + c] = total;
    }
  }
}

template <std::size_t kRows>
inline void score_rows(const float* q, std::size_t ldq, const float* k, std::size_t keys, std::size_t head_dim,
                       float* scores) noexcept {
  std::size_t j = 0;
  for (; j + 4 <= keys; j += 4) score_block<kRows, 4>(q, ldq, k + j * head_dim, head_dim, scores + j);
  for (; j < keys; ++j) score_block<kRows, 1>(q, ldq, k + j * head_dim, head_dim, scores + j);
}

/// acc[r] += sum_j p[r][j] v[j] over kVecs vectors of the head, kRows rows at once.
template <std::size_t kRows, std::size_t kVecs>
inline void value_block(const float* p, const float* v, std::size_t keys, std::size_t head_dim, float* acc) noexcept {
  Vec sums[kRows][kVecs];
  for (std::size_t r = 0; r < kRows; ++r)
    for (std::size_t c = 0; c < kVecs; ++c) sums[r][c] = load(F32{}, acc + r * head_dim + c * kWidth);
  for (std::size_t j = 0; j < keys; ++j) {
    Vec vs[kVecs];
    for (std::size_t c = 0; c < kVecs; ++c) vs[c] = load(F32{}, v + j * head_dim + c * kWidth);
    for (std::size_t r = 0; r < kRows; ++r) {
      const Vec ps(p[r * kKeyBlock + j]);
      for (std::size_t c = 0; c < kVecs; ++c) sums[r][c] = fma(ps, vs[c], sums[r][c]);
    }
  }
  for (std::size_t r = 0; r < kRows; ++r)
    for (std::size_t c = 0; c < kVecs; ++c) store(F32{}, acc + r * head_dim + c * kWidth, sums[r][c]);
}

template <std::size_t kRows>
inline void value_rows(const float* p, const float* v, std::size_t keys, std::size_t head_dim, float* acc) noexcept {
  std::size_t i = 0;
  for (; i + 4 * kWidth <= head_dim; i += 4 * kWidth) value_block<kRows, 4>(p, v + i, keys, head_dim, acc + i);
  for (; i + kWidth <= head_dim; i += kWidth) value_block<kRows, 1>(p, v + i, keys, head_dim, acc + i);
  for (; i < head_dim; ++i) {
    for (std::size_t r = 0; r < kRows; ++r) {
      for (std::size_t j = 0; j < keys; ++j) acc[r * head_dim + i] += p[r * kKeyBlock + j] * v[j * head_dim + i];
    }
  }
}

/// Turns one row of scores into exp(score - max) and rescales what the row has gathered so far. Hidden keys get 0.
inline void softmax_row(float* scores, std::size_t keys, std::int64_t first, std::int64_t last, SoftmaxState& state,
                        float* acc, std::size_t head_dim) noexcept {
  const std::size_t begin = first > 0 ? static_cast<std::size_t>(first) : 0;
  const std::size_t end = last < 0 ? 0 : static_cast<std::size_t>(last) < keys ? static_cast<std::size_t>(last) : keys;
  float max = state.max;
  for (std::size_t j = begin; j < end; ++j) max = scores[j] > max ? scores[j] : max;
  if (begin >= end) {
    for (std::size_t j = 0; j < keys; ++j) scores[j] = 0.0F;
    return;
  }
  for (std::size_t j = 0; j < begin; ++j) scores[j] = max - 200.0F;  // exp underflows to 0
  for (std::size_t j = end; j < keys; ++j) scores[j] = max - 200.0F;
  const Vec m(max);
  Vec total(0.0F);
  std::size_t j = 0;
  for (; j < keys; j += kWidth) {
    const std::size_t n = keys - j < kWidth ? keys - j : kWidth;
    Vec e;
    if (n == kWidth) {
      e = xsimd::exp(load(F32{}, scores + j) - m);
      store(F32{}, scores + j, e);
      total += e;
    } else {
      alignas(64) float lanes[kWidth];
      for (std::size_t t = 0; t < kWidth; ++t) lanes[t] = t < n ? scores[j + t] : max - 200.0F;
      e = xsimd::exp(Vec::load_aligned(lanes) - m);
      store_partial(scores + j, e, n);
      total += e;
    }
  }
  for (std::size_t t = 0; t < begin; ++t) scores[t] = 0.0F;
  for (std::size_t t = end; t < keys; ++t) scores[t] = 0.0F;
  if (max != state.max) {
    const Vec old = xsimd::exp(Vec(state.max - max));  // 0 on the first block: exp(-inf)
    const float rescale = old.get(0);
    scale(acc, rescale, head_dim);
    state.sum *= rescale;
    state.max = max;
  }
  state.sum += sum(total);
}

void attend_block(const float* q, std::size_t ldq, std::size_t rows, const float* k, const float* v, std::size_t keys,
                  std::size_t head_dim, const std::int64_t* first, const std::int64_t* last, SoftmaxState* state,
                  float* acc, float* scores) noexcept {
  std::size_t r = 0;
  for (; r + 4 <= rows; r += 4) score_rows<4>(q + r * ldq, ldq, k, keys, head_dim, scores + r * kKeyBlock);
  for (; r < rows; ++r) score_rows<1>(q + r * ldq, ldq, k, keys, head_dim, scores + r * kKeyBlock);
  for (r = 0; r < rows; ++r) {
    softmax_row(scores + r * kKeyBlock, keys, first[r], last[r], state[r], acc + r * head_dim, head_dim);
  }
  for (r = 0; r + 4 <= rows; r += 4) value_rows<4>(scores + r * kKeyBlock, v, keys, head_dim, acc + r * head_dim);
  for (; r < rows; ++r) value_rows<1>(scores + r * kKeyBlock, v, keys, head_dim, acc + r * head_dim);
}

}  // namespace
}  // namespace gemma4::GEMMA4_ISA
