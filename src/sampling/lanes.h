// Lanes: sixteen floats, as however many SIMD registers that takes.
//
// Sums run in sixteen lanes whatever the register width, in plain additions and multiplications that no build contracts
// (xsimd's operators, -std=c++20): so every platform adds the same numbers in the same order and draws the same tokens.
#pragma once

#include <cstddef>
#include <cstdint>
#include <xsimd/xsimd.hpp>

namespace gemma4::sampling {

class Lanes {
 public:
  static constexpr std::size_t kCount = 16;

  Lanes() = default;
  explicit Lanes(float x) noexcept {
    for (Register& r : registers_) r = Register(x);
  }
  static Lanes load(const float* src) noexcept {
    Lanes out;
    for (std::size_t i = 0; i < kRegisters; ++i) out.registers_[i] = Register::load_unaligned(src + i * kWidth);
    return out;
  }
  /// src[0, n) and `fill` behind it; n <= kCount.
  static Lanes load_some(const float* src, std::size_t n, float fill) noexcept {
    if (n == kCount) return load(src);
    float padded[kCount];
    for (std::size_t i = 0; i < kCount; ++i) padded[i] = i < n ? src[i] : fill;
    return load(padded);
  }
  void store(float* dst) const noexcept {
    for (std::size_t i = 0; i < kRegisters; ++i) registers_[i].store_unaligned(dst + i * kWidth);
  }
  void store_some(float* dst, std::size_t n) const noexcept {
    if (n == kCount) return store(dst);
    float padded[kCount];
    store(padded);
    for (std::size_t i = 0; i < n; ++i) dst[i] = padded[i];
  }

  friend Lanes operator+(const Lanes& a, const Lanes& b) noexcept {
    return map2(a, b, [](Register x, Register y) { return x + y; });
  }
  friend Lanes operator-(const Lanes& a, const Lanes& b) noexcept {
    return map2(a, b, [](Register x, Register y) { return x - y; });
  }
  friend Lanes operator*(const Lanes& a, const Lanes& b) noexcept {
    return map2(a, b, [](Register x, Register y) { return x * y; });
  }
  /// The larger of each pair; a NaN on either side gives either.
  friend Lanes larger(const Lanes& a, const Lanes& b) noexcept {
    return map2(a, b, [](Register x, Register y) { return xsimd::max(x, y); });
  }
  /// value where key > bound, else 0.
  friend Lanes where_above(const Lanes& key, const Lanes& bound, const Lanes& value) noexcept {
    Lanes out;
    for (std::size_t i = 0; i < kRegisters; ++i) {
      out.registers_[i] = xsimd::select(key.registers_[i] > bound.registers_[i], value.registers_[i], Register(0.0F));
    }
    return out;
  }
  /// 1 where x is NaN or above the largest float, else 0.
  friend Lanes where_not_valid(const Lanes& x, const Lanes& largest) noexcept {
    return map2(x, largest,
                [](Register a, Register b) { return xsimd::select(a <= b, Register(0.0F), Register(1.0F)); });
  }
  friend Lanes exp_nonpositive(const Lanes& x) noexcept {
    Lanes out;
    for (std::size_t i = 0; i < kRegisters; ++i) out.registers_[i] = exp_nonpositive(x.registers_[i]);
    return out;
  }

  /// Lane 0 + lane 1 + ... in this order.
  float sum() const noexcept {
    float lane[kCount];
    store(lane);
    float total = 0.0F;
    for (const float x : lane) total += x;
    return total;
  }
  float max() const noexcept {
    Register m = registers_[0];
    for (std::size_t i = 1; i < kRegisters; ++i) m = xsimd::max(m, registers_[i]);
    float lane[kWidth];
    m.store_unaligned(lane);
    float largest = lane[0];
    for (const float x : lane) largest = x > largest ? x : largest;
    return largest;
  }

 private:
  using Register = xsimd::batch<float>;
  using Bits = xsimd::batch<std::int32_t>;
  static constexpr std::size_t kWidth = Register::size;
  static constexpr std::size_t kRegisters = kCount / kWidth;
  static_assert(kRegisters * kWidth == kCount);

  template <class Op>
  static Lanes map2(const Lanes& a, const Lanes& b, Op op) noexcept {
    Lanes out;
    for (std::size_t i = 0; i < kRegisters; ++i) out.registers_[i] = op(a.registers_[i], b.registers_[i]);
    return out;
  }

  // Within 2 ulp for -87 <= x <= 0, and 0 below -87 (1.6e-38). libm's exp differs between systems by an ulp, which
  // would now and then change a draw.
  static Register exp_nonpositive(Register x) noexcept {
    const Register least(-87.0F);
    const Register clamped = xsimd::max(x, least);
    // x = n ln 2 + r with |r| <= ln(2) / 2. Adding 1.5 * 2^23 rounds to an integer, which is then in the low bits.
    const Register magic(12582912.0F);
    const Register shifted = clamped * Register(1.44269504088896341F) + magic;
    const Register n = shifted - magic;
    // ln 2 in two parts (Cody and Waite).
    const Register r = (clamped - n * Register(0.693359375F)) - n * Register(-2.12194440e-4F);
    // Cephes expf: exp(r) = 1 + r + r^2 P(r).
    Register p(1.9875691500e-4F);
    for (const float c : {1.3981999507e-3F, 8.3334519073e-3F, 4.1665795894e-2F, 1.6666665459e-1F, 5.0000001201e-1F}) {
      p = p * r + Register(c);
    }
    p = p * (r * r) + r + Register(1.0F);
    const Bits exponent = (xsimd::bitwise_cast<Bits>(shifted) - Bits(0x4B400000 - 127)) << 23;
    return xsimd::select(x > least, p * xsimd::bitwise_cast<Register>(exponent), Register(0.0F));
  }

  Register registers_[kRegisters];
};

}  // namespace gemma4::sampling
