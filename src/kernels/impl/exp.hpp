// The exponential of softmax and GELU: fewer instructions than xsimd's, as many digits, a narrower range.
#pragma once

#include "kernels/impl/simd.hpp"

namespace gemma4::GEMMA4_ISA {
namespace {

/// e^x within 2 ulp for -87 <= x <= 88, 0 below (also for -infinity); NaN stays NaN. Above 88 it means nothing.
/// x = n ln 2 + r, |r| <= ln 2 / 2: a polynomial of r whose exponent is moved by n. Adding 1.5 * 2^23 rounds to n and
/// leaves n in the low bits. Coefficients: Cephes, expf.c.
inline Vec exp_below_88(Vec x) noexcept {
  using Bits = xsimd::batch<std::int32_t, Arch>;
  const Vec shifter(12582912.0F);
  const Vec t = fma(x, Vec(1.44269504088896341F), shifter);
  const Vec n = t - shifter;
  const Vec r = fma(n, Vec(2.12194440e-4F), fma(n, Vec(-0.693359375F), x));
  Vec p = fma(r, Vec(1.9875691500e-4F), Vec(1.3981999507e-3F));
  p = fma(p, r, Vec(8.3334519073e-3F));
  p = fma(p, r, Vec(4.1665795894e-2F));
  p = fma(p, r, Vec(1.6666665459e-1F));
  p = fma(p, r, Vec(5.0000001201e-1F));
  p = fma(p, r * r, r) + Vec(1.0F);
  const Bits moved = xsimd::bitwise_cast<Bits>(p) + (xsimd::bitwise_cast<Bits>(t) << 23);
  return xsimd::select(x < Vec(-87.0F), Vec(0.0F), xsimd::bitwise_cast<Vec>(moved));
}

}  // namespace
}  // namespace gemma4::GEMMA4_ISA
