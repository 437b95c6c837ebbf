// Loads, gathers and expansions that the block types are built of, for vectors of either width.
#pragma once

#include "kernels/impl/dot.hpp"

#if defined(__AVX2__)

namespace gemma4::GEMMA4_ISA {
namespace {

constexpr std::size_t kLanes = kBytes / 4;
constexpr std::size_t kChunkBlocks = kLanes / 4;
constexpr std::size_t kChunk = 32 * kChunkBlocks;

/// Codes of the first and of the last 16 elements of each block of a chunk.
struct Chunk {
  Bytes first, second;
};

inline std::uint16_t load16(const std::uint8_t* p) noexcept {
  std::uint16_t v;
  std::memcpy(&v, p, sizeof v);
  return v;
}
inline std::uint32_t load32(const std::uint8_t* p) noexcept {
  std::uint32_t v;
  std::memcpy(&v, p, sizeof v);
  return v;
}
inline __m128i load_128(const void* p) noexcept { return _mm_loadu_si128(static_cast<const __m128i*>(p)); }
inline __m256i load_256(const void* p) noexcept { return _mm256_loadu_si256(static_cast<const __m256i*>(p)); }

#if defined(__AVX512BW__)
/// 16 bytes from each block, kStride bytes apart.
template <int kStride>
inline Bytes gather16(const std::uint8_t* p) noexcept {
  Bytes v = _mm512_castsi128_si512(load_128(p));
  v = _mm512_inserti32x4(v, load_128(p + kStride), 1);
  v = _mm512_inserti32x4(v, load_128(p + 2 * kStride), 2);
  return _mm512_inserti32x4(v, load_128(p + 3 * kStride), 3);
}
/// One half-precision number from each block, each over its block's four lanes.
template <int kStride>
inline Vec gather_half(const std::uint8_t* p) noexcept {
  const std::uint64_t four = std::uint64_t{load16(p)} | std::uint64_t{load16(p + kStride)} << 16 |
                             std::uint64_t{load16(p + 2 * kStride)} << 32 | std::uint64_t{load16(p + 3 * kStride)} << 48;
  const __m512i lane = _mm512_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3);
  const __m128 s = _mm_cvtph_ps(_mm_cvtsi64_si128(static_cast<long long>(four)));
  return Vec(_mm512_permutexvar_ps(lane, _mm512_castps128_ps512(s)));
}
/// The floats s[4 C + l / 4].
template <int C>
inline Vec expand(__m256 s) noexcept {
  const __m512i lane = _mm512_setr_epi32(4 * C, 4 * C, 4 * C, 4 * C, 4 * C + 1, 4 * C + 1, 4 * C + 1, 4 * C + 1, 4 * C + 2,
                                         4 * C + 2, 4 * C + 2, 4 * C + 2, 4 * C + 3, 4 * C + 3, 4 * C + 3, 4 * C + 3);
  return Vec(_mm512_permutexvar_ps(lane, _mm512_castps256_ps512(s)));
}
/// Blocks from two vectors that hold them in turn: 16-byte lanes a0 b0 a2 b2, and a1 b1 a3 b3.
inline Chunk zip_halves(Bytes a, Bytes b) noexcept {
  return {_mm512_permutex2var_epi64(a, _mm512_setr_epi64(0, 1, 8, 9, 4, 5, 12, 13), b),
          _mm512_permutex2var_epi64(a, _mm512_setr_epi64(2, 3, 10, 11, 6, 7, 14, 15), b)};
}
/// v plus 16 where the bit of `mask` is set, one bit a byte.
inline Bytes add_fifth_bits(Bytes v, std::uint64_t mask) noexcept {
  return _mm512_mask_add_epi8(v, static_cast<__mmask64>(mask), v, _mm512_set1_epi8(16));
}
#else
template <int kStride>
inline Bytes gather16(const std::uint8_t* p) noexcept {
  return _mm256_inserti128_si256(_mm256_castsi128_si256(load_128(p)), load_128(p + kStride), 1);
}
template <int kStride>
inline Vec gather_half(const std::uint8_t* p) noexcept {
  const std::uint32_t two = std::uint32_t{load16(p)} | std::uint32_t{load16(p + kStride)} << 16;
  const __m128 s = _mm_cvtph_ps(_mm_cvtsi32_si128(static_cast<int>(two)));
  return Vec(_mm256_permutevar8x32_ps(_mm256_castps128_ps256(s), _mm256_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1)));
}
template <int C>
inline Vec expand(__m256 s) noexcept {
  return Vec(_mm256_permutevar8x32_ps(s, _mm256_setr_epi32(2 * C, 2 * C, 2 * C, 2 * C, 2 * C + 1, 2 * C + 1, 2 * C + 1, 2 * C + 1)));
}
inline Chunk zip_halves(Bytes a, Bytes b) noexcept {
  return {_mm256_permute2x128_si256(a, b, 0x20), _mm256_permute2x128_si256(a, b, 0x31)};
}
inline Bytes add_fifth_bits(Bytes v, std::uint32_t mask) noexcept {
  const __m256i spread = _mm256_setr_epi8(0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1,  //
                                          2, 2, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3);
  const __m256i bit = _mm256_set1_epi64x(static_cast<long long>(0x8040201008040201ULL));
  const __m256i bytes = _mm256_shuffle_epi8(_mm256_set1_epi32(static_cast<int>(mask)), spread);
  const __m256i set = _mm256_cmpeq_epi8(_mm256_and_si256(bytes, bit), bit);
  return _mm256_or_si256(v, _mm256_and_si256(set, _mm256_set1_epi8(16)));
}
#endif

}  // namespace
}  // namespace gemma4::GEMMA4_ISA

#endif
