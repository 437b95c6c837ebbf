// The exponential of softmax and GELU: fewer instructions than xsimd's, as many digits, a narrower range.
#pragma once

#include "kernels/impl/simd.hpp"

namespace gemma4::GEMMA4_ISA {
namespace {

/// Vectors that go through an exponential side by side: one alone waits for each of its own steps.
#if defined(__AVX512BW__)
constexpr std::size_t kSideBySide = 4;
#else
constexpr std::size_t kSideBySide = 2;
#endif

/// x = e^x within 2 ulp for -87 <= x <= 88, 0 below (also for -infinity); NaN stays NaN. Above 88 it means nothing.
/// x = n ln 2 + r, |r| <= ln 2 / 2: a polynomial of r whose exponent is moved by n. Adding 1.5 * 2^23 rounds to n and
/// leaves n in the low bits. Coefficients: Cephes, expf.c.
template <std::size_t kCount>
inline void exp_below_88(Vec (&x)[kCount]) noexcept {
  using Bits = xsimd::batch<std::int32_t, Arch>;
  constexpr float kPolynomial[] = {1.3981999507e-3F, 8.3334519073e-3F, 4.1665795894e-2F, 1.6666665459e-1F,
                                   5.0000001201e-1F};
  const Vec shifter(12582912.0F);
  Vec t[kCount], r[kCount], p[kCount];
  for (std::size_t i = 0; i < kCount; ++i) t[i] = fma(x[i], Vec(1.44269504088896341F), shifter);
  for (std::size_t i = 0; i < kCount; ++i) r[i] = fma(t[i] - shifter, Vec(-0.693359375F), x[i]);
  for (std::size_t i = 0; i < kCount; ++i) r[i] = fma(t[i] - shifter, Vec(2.12194440e-4F), r[i]);
  for (Vec& v : p) v = Vec(1.9875691500e-4F);
  for (const float c : kPolynomial) {
    for (std::size_t i = 0; i < kCount; ++i) p[i] = fma(p[i], r[i], Vec(c));
  }
  for (std::size_t i = 0; i < kCount; ++i) p[i] = fma(p[i], r[i] * r[i], r[i]) + Vec(1.0F);
  for (std::size_t i = 0; i < kCount; ++i) {
    const Bits moved = xsimd::bitwise_cast<Bits>(p[i]) + (xsimd::bitwise_cast<Bits>(t[i]) << 23);
    x[i] = xsimd::select(x[i] < Vec(-87.0F), Vec(0.0F), xsimd::bitwise_cast<Vec>(moved));
  }
}

inline Vec exp_below_88(Vec x) noexcept {
  Vec one[1] = {x};
  exp_below_88(one);
  return one[0];
}

}  // namespace
}  // namespace gemma4::GEMMA4_ISA
