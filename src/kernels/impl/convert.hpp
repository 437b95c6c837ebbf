// Conversions between F32 and the 16-bit types, whole rows.
#pragma once

#include "gemma4/types.h"
#include "kernels/impl/simd.hpp"

namespace gemma4::GEMMA4_ISA {
namespace {

template <class T>
void to_f32_typed(T tag, const void* src, float* dst, std::size_t n) noexcept {
  const auto* s = static_cast<const typename T::Storage*>(src);
  std::size_t i = 0;
  for (; i + kWidth <= n; i += kWidth) store(F32{}, dst + i, load(tag, s + i));
  for (; i < n; ++i) dst[i] = load_one(tag, s + i);
}

template <class T>
void from_f32_typed(T tag, const float* src, void* dst, std::size_t n) noexcept {
  auto* d = static_cast<typename T::Storage*>(dst);
  std::size_t i = 0;
  for (; i + kWidth <= n; i += kWidth) store(tag, d + i, load(F32{}, src + i));
  for (; i < n; ++i) store_one(tag, d + i, src[i]);
}

void to_f32(const void* src, DType dtype, float* dst, std::size_t n) noexcept {
  switch (dtype) {
    case DType::f32: return to_f32_typed(F32{}, src, dst, n);
    case DType::f16: return to_f32_typed(F16{}, src, dst, n);
    case DType::bf16: return to_f32_typed(Bf16{}, src, dst, n);
  }
}

void from_f32(const float* src, DType dtype, void* dst, std::size_t n) noexcept {
  switch (dtype) {
    case DType::f32: return from_f32_typed(F32{}, src, dst, n);
    case DType::f16: return from_f32_typed(F16{}, src, dst, n);
    case DType::bf16: return from_f32_typed(Bf16{}, src, dst, n);
  }
}

}  // namespace
}  // namespace gemma4::GEMMA4_ISA
