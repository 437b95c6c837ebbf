// Integer vectors and the dot products behind the quantised kernels: VNNI's dpbusd where the unit has it, else AVX2's
// maddubs. The one place with instructions that xsimd 8 does not name. Units without AVX2 use impl/blocks_plain.hpp.
#pragma once

#include "kernels/impl/simd.hpp"

#if defined(__AVX2__)

namespace gemma4::GEMMA4_ISA {
namespace {

#if defined(__AVX512BW__)
using Bytes = __m512i;  ///< Vector of 8-bit codes, and of 32-bit sums.
#else
using Bytes = __m256i;
#endif
constexpr std::size_t kBytes = sizeof(Bytes);

#if defined(__AVX512VNNI__) || defined(__AVXVNNI__)
constexpr bool kHaveVnni = true;
#else
constexpr bool kHaveVnni = false;
#endif

// --- the same names for both widths ----------------------------------------------------------------------------------

#if defined(__AVX512BW__)
inline Bytes load_bytes(const void* p) noexcept { return _mm512_loadu_si512(p); }
inline void store_bytes(void* p, Bytes v) noexcept { _mm512_storeu_si512(p, v); }
inline Bytes zero_bytes() noexcept { return _mm512_setzero_si512(); }
inline Bytes set8(int v) noexcept { return _mm512_set1_epi8(static_cast<char>(v)); }
inline Bytes set16(int v) noexcept { return _mm512_set1_epi16(static_cast<short>(v)); }
inline Bytes set32(int v) noexcept { return _mm512_set1_epi32(v); }
inline Bytes bit_and(Bytes a, Bytes b) noexcept { return _mm512_and_si512(a, b); }
inline Bytes bit_or(Bytes a, Bytes b) noexcept { return _mm512_or_si512(a, b); }
inline Bytes bit_xor(Bytes a, Bytes b) noexcept { return _mm512_xor_si512(a, b); }
template <int kShift>
inline Bytes shift_right16(Bytes v) noexcept { return _mm512_srli_epi16(v, kShift); }
template <int kShift>
inline Bytes shift_left16(Bytes v) noexcept { return _mm512_slli_epi16(v, kShift); }
template <int kShift>
inline Bytes shift_left32(Bytes v) noexcept { return _mm512_slli_epi32(v, kShift); }
inline Bytes sub8(Bytes a, Bytes b) noexcept { return _mm512_sub_epi8(a, b); }
inline Bytes add16(Bytes a, Bytes b) noexcept { return _mm512_add_epi16(a, b); }
inline Bytes sub32(Bytes a, Bytes b) noexcept { return _mm512_sub_epi32(a, b); }
inline Bytes add32(Bytes a, Bytes b) noexcept { return _mm512_add_epi32(a, b); }
inline Bytes multiply_pairs_u8_s8(Bytes u, Bytes s) noexcept { return _mm512_maddubs_epi16(u, s); }
inline Bytes multiply_pairs_16(Bytes a, Bytes b) noexcept { return _mm512_madd_epi16(a, b); }
inline Bytes look_up(__m128i table, Bytes index) noexcept {
  return _mm512_shuffle_epi8(_mm512_broadcast_i32x4(table), index);
}
inline Vec to_float(Bytes v) noexcept { return Vec(_mm512_cvtepi32_ps(v)); }
#else
inline Bytes load_bytes(const void* p) noexcept { return _mm256_loadu_si256(static_cast<const __m256i*>(p)); }
inline void store_bytes(void* p, Bytes v) noexcept { _mm256_storeu_si256(static_cast<__m256i*>(p), v); }
inline Bytes zero_bytes() noexcept { return _mm256_setzero_si256(); }
inline Bytes set8(int v) noexcept { return _mm256_set1_epi8(static_cast<char>(v)); }
inline Bytes set16(int v) noexcept { return _mm256_set1_epi16(static_cast<short>(v)); }
inline Bytes set32(int v) noexcept { return _mm256_set1_epi32(v); }
inline Bytes bit_and(Bytes a, Bytes b) noexcept { return _mm256_and_si256(a, b); }
inline Bytes bit_or(Bytes a, Bytes b) noexcept { return _mm256_or_si256(a, b); }
inline Bytes bit_xor(Bytes a, Bytes b) noexcept { return _mm256_xor_si256(a, b); }
template <int kShift>
inline Bytes shift_right16(Bytes v) noexcept { return _mm256_srli_epi16(v, kShift); }
template <int kShift>
inline Bytes shift_left16(Bytes v) noexcept { return _mm256_slli_epi16(v, kShift); }
template <int kShift>
inline Bytes shift_left32(Bytes v) noexcept { return _mm256_slli_epi32(v, kShift); }
inline Bytes sub8(Bytes a, Bytes b) noexcept { return _mm256_sub_epi8(a, b); }
inline Bytes add16(Bytes a, Bytes b) noexcept { return _mm256_add_epi16(a, b); }
inline Bytes sub32(Bytes a, Bytes b) noexcept { return _mm256_sub_epi32(a, b); }
inline Bytes add32(Bytes a, Bytes b) noexcept { return _mm256_add_epi32(a, b); }
inline Bytes multiply_pairs_u8_s8(Bytes u, Bytes s) noexcept { return _mm256_maddubs_epi16(u, s); }
inline Bytes multiply_pairs_16(Bytes a, Bytes b) noexcept { return _mm256_madd_epi16(a, b); }
inline Bytes look_up(__m128i table, Bytes index) noexcept {
  return _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(table), index);
}
inline Vec to_float(Bytes v) noexcept { return Vec(_mm256_cvtepi32_ps(v)); }
#endif

inline Bytes low_nibbles(Bytes v) noexcept { return bit_and(v, set8(15)); }
inline Bytes high_nibbles(Bytes v) noexcept { return bit_and(shift_right16<4>(v), set8(15)); }

#if defined(__AVX512VNNI__)
/// sum[j] += sum over t < 4 of u[4 j + t] * s[4 j + t]; u unsigned, s signed.
inline Bytes dot4(Bytes sum, Bytes u, Bytes s) noexcept { return _mm512_dpbusd_epi32(sum, u, s); }
#elif defined(__AVXVNNI__)
inline Bytes dot4(Bytes sum, Bytes u, Bytes s) noexcept { return _mm256_dpbusd_avx_epi32(sum, u, s); }
#else
inline Bytes dot4(Bytes sum, Bytes u, Bytes s) noexcept {  // u * s below 2^14 only: maddubs saturates
  return add32(sum, multiply_pairs_16(multiply_pairs_u8_s8(u, s), set16(1)));
}
#endif

/// The sum as it stands is what later ones are added to. Without this, GCC turns a chain of integer sums into a tree, of
/// more values than there are registers: 1.7 times the time of a product's loop.
[[gnu::always_inline]] inline void keep_order(Bytes& sum) noexcept { asm("" : "+v"(sum)); }

/// How many results of maddubs may be added in 16 bits without overflow; each is the sum of two products. 0: not one.
constexpr int chain_length(int largest_unsigned, int largest_signed) noexcept {
  return 32767 / (2 * largest_unsigned * largest_signed);
}

}  // namespace
}  // namespace gemma4::GEMMA4_ISA

#endif
