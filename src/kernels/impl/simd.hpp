// The vector type of this translation unit and what xsimd 8 lacks: loads and stores of 16-bit floats.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <xsimd/xsimd.hpp>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace gemma4::GEMMA4_ISA {
namespace {

#if defined(__AVX512BW__)
using Arch = xsimd::avx512bw;
#elif defined(__AVX2__)
using Arch = xsimd::fma3<xsimd::avx2>;
#elif defined(__x86_64__)
using Arch = xsimd::sse2;
#else
using Arch = xsimd::default_arch;
#endif
using Vec = xsimd::batch<float, Arch>;
constexpr std::size_t kWidth = Vec::size;

/// Element types as tags: how a kernel body is told what lies in memory.
struct F32 {
  using Storage = float;
};
struct F16 {
  using Storage = std::uint16_t;
};
struct Bf16 {
  using Storage = std::uint16_t;
};

inline float bits_to_float(std::uint32_t u) noexcept {
  float f;
  std::memcpy(&f, &u, sizeof f);
  return f;
}
inline std::uint32_t float_to_bits(float f) noexcept {
  std::uint32_t u;
  std::memcpy(&u, &f, sizeof u);
  return u;
}

// --- one element -----------------------------------------------------------------------------------------------------

inline float load_one(F32, const float* p) noexcept { return *p; }
inline float load_one(Bf16, const std::uint16_t* p) noexcept { return bits_to_float(std::uint32_t{*p} << 16); }
inline float load_one(F16, const std::uint16_t* p) noexcept {
  const std::uint32_t h = *p;
  const std::uint32_t sign = (h & 0x8000U) << 16;
  const std::uint32_t rest = h & 0x7FFFU;
  if (rest >= 0x7C00U) return bits_to_float(sign | 0x7F800000U | ((rest & 0x3FFU) << 13));
  if (rest >= 0x0400U) return bits_to_float(sign | ((rest << 13) + 0x38000000U));
  return bits_to_float(sign | float_to_bits(static_cast<float>(rest) * 0x1p-24F));
}
inline void store_one(F32, float* p, float f) noexcept { *p = f; }
inline void store_one(Bf16, std::uint16_t* p, float f) noexcept {
  const std::uint32_t u = float_to_bits(f);
  const bool nan = (u & 0x7FFFFFFFU) > 0x7F800000U;
  *p = static_cast<std::uint16_t>(nan ? (u >> 16) | 0x40U : (u + 0x7FFFU + ((u >> 16) & 1U)) >> 16);
}
inline void store_one(F16, std::uint16_t* p, float f) noexcept {
  const std::uint32_t u = float_to_bits(f);
  const std::uint32_t sign = (u >> 16) & 0x8000U;
  const std::uint32_t magnitude = u & 0x7FFFFFFFU;
  std::uint32_t h;
  if (magnitude > 0x7F800000U) {
    h = 0x7E00U;
  } else if (magnitude >= 0x477FF000U) {
    h = 0x7C00U;
  } else if (magnitude < 0x38800000U) {
    h = float_to_bits(bits_to_float(magnitude) + 0.5F) - 0x3F000000U;  // the addition rounds to a multiple of 2^-24
  } else {
    h = (magnitude + 0xFFFU + ((magnitude >> 13) & 1U) - 0x38000000U) >> 13;
  }
  *p = static_cast<std::uint16_t>(sign | h);
}

// --- one vector ------------------------------------------------------------------------------------------------------

inline Vec load(F32, const float* p) noexcept { return Vec::load_unaligned(p); }
inline void store(F32, float* p, Vec v) noexcept { v.store_unaligned(p); }

#if defined(__AVX512BW__)
inline Vec load(Bf16, const std::uint16_t* p) noexcept {
  const __m512i wide = _mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
  return Vec(_mm512_castsi512_ps(_mm512_slli_epi32(wide, 16)));
}
inline Vec load(F16, const std::uint16_t* p) noexcept {
  return Vec(_mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p))));
}
inline void store(F16, std::uint16_t* p, Vec v) noexcept {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p),
                      _mm512_cvtps_ph(v.data, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
}
inline void store(Bf16, std::uint16_t* p, Vec v) noexcept {
  const __m512i u = _mm512_castps_si512(v.data);
  const __m512i lsb = _mm512_and_si512(_mm512_srli_epi32(u, 16), _mm512_set1_epi32(1));
  const __m512i rounded = _mm512_add_epi32(u, _mm512_add_epi32(lsb, _mm512_set1_epi32(0x7FFF)));
  const __mmask16 nan = _mm512_cmp_ps_mask(v.data, v.data, _CMP_UNORD_Q);
  const __m512i quiet = _mm512_or_si512(u, _mm512_set1_epi32(0x400000));
  const __m512i high = _mm512_srli_epi32(_mm512_mask_blend_epi32(nan, rounded, quiet), 16);
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), _mm512_cvtepi32_epi16(high));
}
#elif defined(__AVX2__)
inline Vec load(Bf16, const std::uint16_t* p) noexcept {
  const __m256i wide = _mm256_cvtepu16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
  return Vec(_mm256_castsi256_ps(_mm256_slli_epi32(wide, 16)));
}
inline Vec load(F16, const std::uint16_t* p) noexcept {
  return Vec(_mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))));
}
inline void store(F16, std::uint16_t* p, Vec v) noexcept {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p),
                   _mm256_cvtps_ph(v.data, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
}
inline void store(Bf16, std::uint16_t* p, Vec v) noexcept {
  const __m256i u = _mm256_castps_si256(v.data);
  const __m256i lsb = _mm256_and_si256(_mm256_srli_epi32(u, 16), _mm256_set1_epi32(1));
  const __m256i rounded = _mm256_add_epi32(u, _mm256_add_epi32(lsb, _mm256_set1_epi32(0x7FFF)));
  const __m256i nan = _mm256_castps_si256(_mm256_cmp_ps(v.data, v.data, _CMP_UNORD_Q));
  const __m256i quiet = _mm256_or_si256(u, _mm256_set1_epi32(0x400000));
  const __m256i high = _mm256_srli_epi32(_mm256_blendv_epi8(rounded, quiet, nan), 16);
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p),
                   _mm_packus_epi32(_mm256_castsi256_si128(high), _mm256_extracti128_si256(high, 1)));
}
#else
#if defined(__SSE2__)
inline Vec load(Bf16, const std::uint16_t* p) noexcept {
  const __m128i halves = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(p));
  return Vec(_mm_castsi128_ps(_mm_unpacklo_epi16(_mm_setzero_si128(), halves)));
}
/// The half's exponent and fraction in a float's place are 2^-112 of its value, also below the normal range.
inline Vec load(F16, const std::uint16_t* p) noexcept {
  const __m128i halves = _mm_unpacklo_epi16(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p)), _mm_setzero_si128());
  const __m128i magnitude = _mm_and_si128(halves, _mm_set1_epi32(0x7FFF));
  const __m128i sign = _mm_slli_epi32(_mm_xor_si128(halves, magnitude), 16);
  const __m128i not_finite = _mm_and_si128(_mm_cmpgt_epi32(magnitude, _mm_set1_epi32(0x7BFF)), _mm_set1_epi32(0x7F800000));
  const __m128 value = _mm_mul_ps(_mm_castsi128_ps(_mm_slli_epi32(magnitude, 13)), _mm_set1_ps(0x1p112F));
  return Vec(_mm_or_ps(value, _mm_castsi128_ps(_mm_or_si128(sign, not_finite))));
}
#else
template <class T>
inline Vec load(T tag, const std::uint16_t* p) noexcept {
  alignas(64) float lanes[kWidth];
  for (std::size_t i = 0; i < kWidth; ++i) lanes[i] = load_one(tag, p + i);
  return Vec::load_aligned(lanes);
}
#endif
template <class T>
inline void store(T tag, std::uint16_t* p, Vec v) noexcept {
  alignas(64) float lanes[kWidth];
  v.store_aligned(lanes);
  for (std::size_t i = 0; i < kWidth; ++i) store_one(tag, p + i, lanes[i]);
}
#endif

/// a * b + c.
inline Vec fma(Vec a, Vec b, Vec c) noexcept { return xsimd::fma(a, b, c); }
/// Sum of the lanes, in a fixed order.
inline float sum(Vec v) noexcept { return xsimd::hadd(v); }

/// Asks for weights in file order, some way ahead of where they are used: rows side by side confuse the hardware's own
/// prefetchers, which stop at page borders besides. (One Zen 5 core, Q4_0 from memory: 23 GB/s without, 38 with.)
class WeightsAhead {
 public:
  /// @param apart  how far beyond p the reading starts: several rows at a time are read side by side
  WeightsAhead(const std::uint8_t* p, std::size_t apart) noexcept : next_(p + apart + kDistance), end_(next_) {}
  void advance(std::size_t bytes) noexcept {
    for (end_ += bytes; next_ < end_; next_ += 64) __builtin_prefetch(next_);
  }

 private:
  static constexpr std::size_t kDistance = 4096;
  const std::uint8_t* next_;
  const std::uint8_t* end_;
};

}  // namespace
}  // namespace gemma4::GEMMA4_ISA
