// Matrix-vector products for decoding: the weights stream through once, a few rows of x ride along.
#pragma once

#include "gemma4/types.h"
#include "kernels/impl/simd.hpp"

namespace gemma4::GEMMA4_ISA {
namespace {

/// y[r][j] for one block of kCols weight rows and kRows rows of x. Two accumulators per product hide the FMA latency
/// when there are few products.
template <std::size_t kRows, std::size_t kCols, class T>
inline void gemv_block(T tag, WeightsAhead& ahead, const typename T::Storage* w, const float* x, std::size_t ldx, float* y, std::size_t ldy,
                       std::size_t k) noexcept {
  Vec acc[2][kRows][kCols];
  for (auto& half : acc)
    for (auto& row : half)
      for (Vec& a : row) a = Vec(0.0F);
  std::size_t i = 0;
  for (; i + 2 * kWidth <= k; i += 2 * kWidth) {
    ahead.advance(kCols * 2 * kWidth * sizeof(*w));
    for (std::size_t half = 0; half < 2; ++half) {
      Vec xs[kRows];
      for (std::size_t r = 0; r < kRows; ++r) xs[r] = load(F32{}, x + r * ldx + i + half * kWidth);
      for (std::size_t c = 0; c < kCols; ++c) {
        const Vec ws = load(tag, w + c * k + i + half * kWidth);
        for (std::size_t r = 0; r < kRows; ++r) acc[half][r][c] = fma(ws, xs[r], acc[half][r][c]);
      }
    }
  }
  for (; i + kWidth <= k; i += kWidth) {
    for (std::size_t c = 0; c < kCols; ++c) {
      const Vec ws = load(tag, w + c * k + i);
      for (std::size_t r = 0; r < kRows; ++r) acc[0][r][c] = fma(ws, load(F32{}, x + r * ldx + i), acc[0][r][c]);
    }
  }
  for (std::size_t r = 0; r < kRows; ++r) {
    for (std::size_t c = 0; c < kCols; ++c) {
      float total = sum(acc[0][r][c] + acc[1][r][c]);
      for (std::size_t t = i; t < k; ++t) total += load_one(tag, w + c * k + t) * x[r * ldx + t];
      y[r * ldy + c] = total;
    }
  }
}

template <std::size_t kRows, class T>
void gemv_rows(T tag, const void* weights, const float* x, std::size_t ldx, float* y, std::size_t ldy, std::size_t n,
               std::size_t k) noexcept {
  constexpr std::size_t kCols = kRows == 1 ? 4 : 2;
  const auto* w = static_cast<const typename T::Storage*>(weights);
  WeightsAhead ahead(static_cast<const std::uint8_t*>(weights), 0);
  std::size_t j = 0;
  for (; j + kCols <= n; j += kCols) gemv_block<kRows, kCols>(tag, ahead, w + j * k, x, ldx, y + j, ldy, k);
  for (; j < n; ++j) gemv_block<kRows, 1>(tag, ahead, w + j * k, x, ldx, y + j, ldy, k);
}

template <class T>
void gemv_typed(T tag, const void* w, const float* x, std::size_t ldx, std::size_t rows, float* y, std::size_t ldy,
                std::size_t n, std::size_t k) noexcept {
  switch (rows) {
    case 1: return gemv_rows<1>(tag, w, x, ldx, y, ldy, n, k);
    case 2: return gemv_rows<2>(tag, w, x, ldx, y, ldy, n, k);
    case 3: return gemv_rows<3>(tag, w, x, ldx, y, ldy, n, k);
    default: return gemv_rows<4>(tag, w, x, ldx, y, ldy, n, k);
  }
}

void gemv(const void* w, DType dtype, const float* x, std::size_t ldx, std::size_t rows, float* y, std::size_t ldy,
          std::size_t n, std::size_t k) noexcept {
  switch (dtype) {
    case DType::f32: return gemv_typed(F32{}, w, x, ldx, rows, y, ldy, n, k);
    case DType::f16: return gemv_typed(F16{}, w, x, ldx, rows, y, ldy, n, k);
    case DType::bf16: return gemv_typed(Bf16{}, w, x, ldx, rows, y, ldy, n, k);
  }
}

}  // namespace
}  // namespace gemma4::GEMMA4_ISA
