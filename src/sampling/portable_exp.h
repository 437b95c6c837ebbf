// exp(x) for x <= 0 with the same bits on every platform, in plain arithmetic that compilers vectorise.
//
// libm's exp differs between systems by an ulp, which would now and then change a draw. This one uses additions,
// multiplications and bit patterns only; contraction into fused multiply-adds is off in the files that include it (GCC
// leaves it off under -std=c++20, Clang needs the pragma).
#pragma once

#include <bit>
#include <cstdint>

#if defined(__clang__)
#pragma clang fp contract(off)
#endif

namespace gemma4::sampling {

/// exp(x) within 2 ulp for -87 <= x <= 0, and 0 below -87 (1.6e-38). x must not be NaN.
inline float exp_nonpositive(float x) noexcept {
  const float clamped = x > -87.0F ? x : -87.0F;
  // x = n ln 2 + r with |r| <= ln(2) / 2; adding 1.5 * 2^23 rounds to an integer, which then is in the low bits.
  const float shifted = clamped * 1.44269504088896341F + 12582912.0F;
  const float n = shifted - 12582912.0F;
  const float r = (clamped - n * 0.693359375F) - n * -2.12194440e-4F;  // ln 2 in two parts (Cody and Waite)
  // Cephes expf: exp(r) = 1 + r + r^2 P(r).
  float p = 1.9875691500e-4F;
  p = p * r + 1.3981999507e-3F;
  p = p * r + 8.3334519073e-3F;
  p = p * r + 4.1665795894e-2F;
  p = p * r + 1.6666665459e-1F;
  p = p * r + 5.0000001201e-1F;
  p = p * (r * r) + r + 1.0F;
  const std::uint32_t exponent = (std::bit_cast<std::uint32_t>(shifted) - 0x4B400000U + 127U) << 23;
  const float result = p * std::bit_cast<float>(exponent);
  return x > -87.0F ? result : 0.0F;
}

}  // namespace gemma4::sampling
