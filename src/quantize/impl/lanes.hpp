// Sixteen floats, one for each of sixteen groups of weights that are quantised side by side, in as many registers as
// that takes. Every sum of a group runs in its own lane in the order of its elements, and no product is fused into a
// sum (cmake/IsaSources.cmake), so every instruction set computes the same bits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <xsimd/xsimd.hpp>

namespace gemma4::GEMMA4_ISA {
namespace {

#if defined(__AVX512BW__)
using Arch = xsimd::avx512bw;
#elif defined(__AVX2__)
using Arch = xsimd::avx2;
#elif defined(__x86_64__)
using Arch = xsimd::sse2;
#else
using Arch = xsimd::default_arch;
#endif

constexpr int kLanes = 16;

struct Mask {
  using Register = xsimd::batch_bool<float, Arch>;
  static constexpr int kRegisters = kLanes / static_cast<int>(xsimd::batch<float, Arch>::size);
  Register r[kRegisters];
};

struct Lanes {
  using Register = xsimd::batch<float, Arch>;
  static constexpr int kWidth = static_cast<int>(Register::size);
  static constexpr int kRegisters = kLanes / kWidth;
  Register r[kRegisters];

  Lanes() noexcept = default;
  Lanes(float x) noexcept {  // NOLINT: a number stands for sixteen of them
    for (Register& each : r) each = Register(x);
  }
  static Lanes load(const float* src) noexcept {
    Lanes out;
    for (int i = 0; i < kRegisters; ++i) out.r[i] = Register::load_aligned(src + i * kWidth);
    return out;
  }
  void store(float* dst) const noexcept {
    for (int i = 0; i < kRegisters; ++i) r[i].store_aligned(dst + i * kWidth);
  }
};

template <class Fn>
inline Lanes each(Lanes a, Lanes b, Fn fn) noexcept {
  Lanes out;
  for (int i = 0; i < Lanes::kRegisters; ++i) out.r[i] = fn(a.r[i], b.r[i]);
  return out;
}
template <class Fn>
inline Mask compare(Lanes a, Lanes b, Fn fn) noexcept {
  Mask out;
  for (int i = 0; i < Lanes::kRegisters; ++i) out.r[i] = fn(a.r[i], b.r[i]);
  return out;
}

using R = Lanes::Register;
inline Lanes operator+(Lanes a, Lanes b) noexcept {
  return each(a, b, [](R x, R y) { return x + y; });
}
inline Lanes operator-(Lanes a, Lanes b) noexcept {
  return each(a, b, [](R x, R y) { return x - y; });
}
inline Lanes operator*(Lanes a, Lanes b) noexcept {
  return each(a, b, [](R x, R y) { return x * y; });
}
inline Lanes operator/(Lanes a, Lanes b) noexcept {
  return each(a, b, [](R x, R y) { return x / y; });
}
inline Lanes& operator+=(Lanes& a, Lanes b) noexcept { return a = a + b; }
inline Lanes min(Lanes a, Lanes b) noexcept {
  return each(a, b, [](R x, R y) { return xsimd::min(x, y); });
}
inline Lanes max(Lanes a, Lanes b) noexcept {
  return each(a, b, [](R x, R y) { return xsimd::max(x, y); });
}
inline Mask operator<(Lanes a, Lanes b) noexcept {
  return compare(a, b, [](R x, R y) { return x < y; });
}
inline Mask operator>(Lanes a, Lanes b) noexcept {
  return compare(a, b, [](R x, R y) { return x > y; });
}
inline Lanes select(Mask mask, Lanes yes, Lanes no) noexcept {
  Lanes out;
  for (int i = 0; i < Lanes::kRegisters; ++i) out.r[i] = xsimd::select(mask.r[i], yes.r[i], no.r[i]);
  return out;
}
inline Lanes abs(Lanes a) noexcept { return max(a, Lanes(0.0F) - a); }

/// To the nearest integer, ties to even; |a| < 2^22. The addition does the rounding.
inline Lanes round(Lanes a) noexcept {
  const Lanes shift(12582912.0F);  // 1.5 * 2^23
  return (a + shift) - shift;
}
inline Lanes clamp(Lanes a, float low, float high) noexcept { return min(max(a, Lanes(low)), Lanes(high)); }

/// a / b, and 0 where |b| is 0 or too small to have a reciprocal.
inline Lanes divide(Lanes a, Lanes b) noexcept {
  const Mask usable = abs(b) > Lanes(0x1p-120F);
  return select(usable, a / select(usable, b, Lanes(1.0F)), Lanes(0.0F));
}

// --- IEEE half
// ---------------------------------------------------------------------------------------------------------

inline std::uint32_t bits(float f) noexcept {
  std::uint32_t u;
  std::memcpy(&u, &f, sizeof u);
  return u;
}
inline float from_bits(std::uint32_t u) noexcept {
  float f;
  std::memcpy(&f, &u, sizeof f);
  return f;
}

/// To the nearest half, ties to even; beyond its range its largest value, so that no scale is infinite.
inline std::uint16_t to_half(float f) noexcept {
  const std::uint32_t sign = (bits(f) >> 16) & 0x8000U;
  const std::uint32_t magnitude = bits(f) & 0x7FFFFFFFU;
  if (magnitude >= 0x477FE000U) return static_cast<std::uint16_t>(sign | 0x7BFFU);
  if (magnitude < 0x38800000U)
    return static_cast<std::uint16_t>(sign | (bits(from_bits(magnitude) + 0.5F) - 0x3F000000U));
  return static_cast<std::uint16_t>(sign | ((magnitude + 0xFFFU + ((magnitude >> 13) & 1U) - 0x38000000U) >> 13));
}
inline float from_half(std::uint16_t h) noexcept {
  const std::uint32_t sign = static_cast<std::uint32_t>(h & 0x8000U) << 16;
  const std::uint32_t rest = h & 0x7FFFU;
  if (rest >= 0x0400U) return from_bits(sign | ((rest << 13) + 0x38000000U));
  return from_bits(sign | bits(static_cast<float>(rest) * 0x1p-24F));
}
inline float round_to_half(float f) noexcept { return from_half(to_half(f)); }
/// The same, but away from zero among subnormals, where the nearest may be so much smaller that codes would not reach.
inline float round_to_coarser_half(float f) noexcept {
  constexpr float kNoticed = 0.998F;
  const std::uint16_t nearest = to_half(f);
  const float wanted = (f < 0.0F ? -f : f) * kNoticed, got = from_half(static_cast<std::uint16_t>(nearest & 0x7FFFU));
  return got < wanted && (nearest & 0x7FFFU) < 0x0400U ? from_half(static_cast<std::uint16_t>(nearest + 1))
                                                       : from_half(nearest);
}

// --- weights side by side
// ----------------------------------------------------------------------------------------------

/// Sixteen runs of B consecutive weights, transposed: x[i] holds element i of every run.
template <int B>
struct Group {
  static constexpr int kElements = B * kLanes;
  alignas(64) float x[B][kLanes];
  alignas(64) float w[B][kLanes];

  /// The first `n` of kElements weights; the rest becomes zero. importance may be null.
  void load(const float* src, const float* importance, std::size_t n) noexcept {
    const int runs = static_cast<int>(n / B);
    for (int l = 0; l < kLanes; ++l) {
      for (int i = 0; i < B; ++i) {
        x[i][l] = l < runs ? src[l * B + i] : 0.0F;
        w[i][l] = importance != nullptr && l < runs ? importance[l * B + i] : 1.0F;
      }
    }
  }
  Lanes value(int i) const noexcept { return Lanes::load(x[i]); }
  Lanes weight(int i) const noexcept { return Lanes::load(w[i]); }
};

/// Codes of a Group, in the order of the weights.
template <int B>
struct Codes {
  alignas(64) std::uint8_t of[kLanes * B];

  /// Element i of every run; code + offset must lie in 0..255.
  void set(int i, Lanes code, float offset) noexcept {
    alignas(64) float lanes[kLanes];
    (code + Lanes(offset)).store(lanes);
    for (int l = 0; l < kLanes; ++l) of[l * B + i] = static_cast<std::uint8_t>(static_cast<int>(lanes[l]));
  }
};

}  // namespace
}  // namespace gemma4::GEMMA4_ISA
