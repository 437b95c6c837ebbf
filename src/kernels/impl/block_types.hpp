// How each block type yields vectors of codes and scales. One struct a type, all with the same members:
//
//   kMaxCode, kZero, kHasMin, kGroup   as weights::CodeFormat, but that kZero is the middle of the codes where kHasMin
//                                      (value = scale * code + min there)
//   kUnitChunks, kUnitBytes            a unit is the smallest run of whole blocks and whole chunks
//   scales(unit)                       what the unit's scales are made of, decoded once
//   codes<C>(unit)                     codes of chunk C of the unit
//   nibbles<C>(unit), code_of(v)       where a chunk is one vector of nibbles (low ones first; of 16 + 16 elements of each
//                                      block, or of 32 + 32 where kBlocksInPairs): that vector, and the codes they stand for
//   scale<C, half>(s), min<C, half>(s) lane l: of block l / 4 of the chunk; half: elements 0-15 or 16-31 of the block
//
// A chunk is kChunkBlocks runs of 32 elements ("blocks" here, whatever the file's block is). Layouts: weights/blocks.h;
// values: weights/dequantize.h, which the tests hold these against.
#pragma once

#include <type_traits>

#include "formats/data_type.h"
#include "kernels/impl/dot.hpp"
#include "weights/codes.h"

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

// --- what both widths offer ------------------------------------------------------------------------------------------

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

// --- types of 32 elements: a unit is one chunk -----------------------------------------------------------------------

template <int kBlockBytes, int kCodeBytes>
struct Nibbles {  // 16 bytes of nibbles at kCodeBytes of each block
  static constexpr int kGroup = 32;
  static constexpr bool kBlocksInPairs = false;
  static constexpr std::size_t kUnitChunks = 1, kUnitBytes = kBlockBytes * kChunkBlocks;
  template <int>
  static Bytes nibbles(const std::uint8_t* unit) noexcept { return gather16<kBlockBytes>(unit + kCodeBytes); }
  static Bytes code_of(Bytes nibble) noexcept { return nibble; }
  template <int C>
  static Chunk codes(const std::uint8_t* unit) noexcept {
    const Bytes v = nibbles<C>(unit);
    return {low_nibbles(v), high_nibbles(v)};
  }
};

template <int kBlockBytes>
struct OneScale {  // a half at the start of each block
  struct Scales {
    Vec scale;
  };
  static Scales scales(const std::uint8_t* unit) noexcept { return {gather_half<kBlockBytes>(unit)}; }
  template <int, int>
  static Vec scale(const Scales& s) noexcept { return s.scale; }
  template <int, int>
  static Vec min(const Scales&) noexcept { return Vec(0.0F); }
};

template <int kBlockBytes>
struct ScaleAndMin {  // two halves at the start of each block
  struct Scales {
    Vec scale, min;
  };
  static Scales scales(const std::uint8_t* unit) noexcept {
    return {gather_half<kBlockBytes>(unit), gather_half<kBlockBytes>(unit + 2)};
  }
  template <int, int>
  static Vec scale(const Scales& s) noexcept { return s.scale; }
  template <int, int>
  static Vec min(const Scales& s) noexcept { return s.min; }
};

struct Q4_0 : Nibbles<18, 2>, OneScale<18> {
  static constexpr int kMaxCode = 15, kZero = 8;
  static constexpr bool kHasMin = false;
#if defined(__AVX512VBMI__)
  // Four blocks are 72 bytes: two loads and one permutation instead of four loads.
  static Scales scales(const std::uint8_t* unit) noexcept {
    const __m512i word = _mm512_castsi256_si512(_mm256_setr_epi16(0, 0, 0, 0, 9, 9, 9, 9, 18, 18, 18, 18, 27, 27, 27, 27));
    return {Vec(_mm512_cvtph_ps(_mm512_castsi512_si256(_mm512_permutexvar_epi16(word, load_bytes(unit)))))};
  }
  template <int>
  static Bytes nibbles(const std::uint8_t* unit) noexcept {
    alignas(64) static constexpr std::uint8_t kIndex[64] = {
        2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15, 16, 17, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35,
        38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 52, 53, 56, 57, 58, 59, 60, 61, 62, 63,
        // the last eight from the second vector, the unit's last 16 bytes
        64 + 8, 64 + 9, 64 + 10, 64 + 11, 64 + 12, 64 + 13, 64 + 14, 64 + 15};
    const Bytes last = _mm512_castsi128_si512(load_128(unit + 56));
    return _mm512_permutex2var_epi8(load_bytes(unit), load_bytes(kIndex), last);
  }
  template <int C>
  static Chunk codes(const std::uint8_t* unit) noexcept {
    const Bytes v = nibbles<C>(unit);
    return {low_nibbles(v), high_nibbles(v)};
  }
#endif
};

struct Q4_1 : Nibbles<20, 4>, ScaleAndMin<20> {
  static constexpr int kMaxCode = 15, kZero = 8;
  static constexpr bool kHasMin = true;
};

template <int kBlockBytes, int kHighAt>
struct FiveBits {  // a 32-bit mask of fifth bits at kHighAt, then nibbles
  static constexpr int kMaxCode = 31, kGroup = 32;
  static constexpr std::size_t kUnitChunks = 1, kUnitBytes = kBlockBytes * kChunkBlocks;
  template <int>
  static Chunk codes(const std::uint8_t* unit) noexcept {
    const Bytes v = gather16<kBlockBytes>(unit + kHighAt + 4);
#if defined(__AVX512BW__)
    std::uint64_t first = 0, second = 0;
#else
    std::uint32_t first = 0, second = 0;
#endif
    for (std::size_t b = 0; b < kChunkBlocks; ++b) {
      first |= static_cast<decltype(first)>(load16(unit + b * kBlockBytes + kHighAt)) << (16 * b);
      second |= static_cast<decltype(second)>(load16(unit + b * kBlockBytes + kHighAt + 2)) << (16 * b);
    }
    return {add_fifth_bits(low_nibbles(v), first), add_fifth_bits(high_nibbles(v), second)};
  }
};
struct Q5_0 : FiveBits<22, 2>, OneScale<22> {
  static constexpr int kZero = 16;
  static constexpr bool kHasMin = false;
};
struct Q5_1 : FiveBits<24, 4>, ScaleAndMin<24> {
  static constexpr int kZero = 16;
  static constexpr bool kHasMin = true;
};

struct Q8_0 : OneScale<34> {
  static constexpr int kMaxCode = 255, kZero = 128, kGroup = 32;
  static constexpr bool kHasMin = false;
  static constexpr std::size_t kUnitChunks = 1, kUnitBytes = 34 * kChunkBlocks;
  template <int>
  static Chunk codes(const std::uint8_t* unit) noexcept {
    const Bytes sign = set8(-128);  // adds 128
    return {bit_xor(gather16<34>(unit + 2), sign), bit_xor(gather16<34>(unit + 18), sign)};
  }
};

struct IQ4_NL : OneScale<18> {
  static constexpr int kMaxCode = 255, kZero = 127, kGroup = 32;
  static constexpr bool kHasMin = false, kBlocksInPairs = false;
  static constexpr std::size_t kUnitChunks = 1, kUnitBytes = 18 * kChunkBlocks;
  /// The code book plus 127. Source: ggml-common.h, kvalues_iq4nl.
  static __m128i table() noexcept {
    return _mm_setr_epi8(0, 23, 44, 62, 78, 92, 105, 117, static_cast<char>(128), static_cast<char>(140),
                         static_cast<char>(152), static_cast<char>(165), static_cast<char>(180), static_cast<char>(196),
                         static_cast<char>(216), static_cast<char>(240));
  }
  static Bytes code_of(Bytes nibble) noexcept { return look_up(table(), nibble); }
  template <int>
  static Bytes nibbles(const std::uint8_t* unit) noexcept { return gather16<18>(unit + 2); }
  template <int C>
  static Chunk codes(const std::uint8_t* unit) noexcept {
    const Bytes v = nibbles<C>(unit);
    return {code_of(low_nibbles(v)), code_of(high_nibbles(v))};
  }
};

struct MXFP4 {
  static constexpr int kMaxCode = 24, kZero = 12, kGroup = 32;
  static constexpr bool kHasMin = false, kBlocksInPairs = false;
  static constexpr std::size_t kUnitChunks = 1, kUnitBytes = 17 * kChunkBlocks;
  struct Scales {
    Vec scale;
  };
  static Scales scales(const std::uint8_t* unit) noexcept {
    alignas(64) float lanes[kLanes];
    for (std::size_t b = 0; b < kChunkBlocks; ++b) {
      const std::uint32_t e = unit[17 * b];
      const float scale = bits_to_float(e < 2 ? 0x00200000U << e : (e - 1) << 23);
      for (std::size_t l = 4 * b; l < 4 * b + 4; ++l) lanes[l] = scale;
    }
    return {Vec::load_aligned(lanes)};
  }
  template <int, int>
  static Vec scale(const Scales& s) noexcept { return s.scale; }
  template <int, int>
  static Vec min(const Scales&) noexcept { return Vec(0.0F); }
  static Bytes code_of(Bytes nibble) noexcept {
    return look_up(_mm_setr_epi8(12, 13, 14, 15, 16, 18, 20, 24, 12, 11, 10, 9, 8, 6, 4, 0), nibble);
  }
  template <int>
  static Bytes nibbles(const std::uint8_t* unit) noexcept { return gather16<17>(unit + 1); }
  template <int C>
  static Chunk codes(const std::uint8_t* unit) noexcept {
    const Bytes v = nibbles<C>(unit);
    return {code_of(low_nibbles(v)), code_of(high_nibbles(v))};
  }
};

// --- types of 256 elements -------------------------------------------------------------------------------------------

constexpr std::size_t kSuperChunks = 256 / kChunk;

inline __m256 bytes_to_floats(std::uint64_t eight) noexcept {
  return _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_cvtsi64_si128(static_cast<long long>(eight))));
}
inline __m256 broadcast_half(const std::uint8_t* p) noexcept {
  return _mm256_broadcastss_ps(_mm_cvtph_ps(_mm_cvtsi32_si128(load16(p))));
}

/// Eight scales and minima of six bits each in twelve bytes, as Q4_K and Q5_K have them.
struct SixBitScales {
  struct Scales {
    __m256 scale, min;
  };
  static Scales scales(const std::uint8_t* unit) noexcept {
    const std::uint32_t a = load32(unit + 4), b = load32(unit + 8), c = load32(unit + 12);
    const std::uint32_t scale_low = a & 0x3F3F3F3FU, min_low = b & 0x3F3F3F3FU;
    const std::uint32_t scale_high = (c & 0x0F0F0F0FU) | ((a >> 2) & 0x30303030U);
    const std::uint32_t min_high = ((c >> 4) & 0x0F0F0F0FU) | ((b >> 2) & 0x30303030U);
    const __m256 d = broadcast_half(unit), dmin = broadcast_half(unit + 2);
    const __m256 none = _mm256_setzero_ps();
    return {_mm256_mul_ps(d, bytes_to_floats(scale_low | std::uint64_t{scale_high} << 32)),
            _mm256_sub_ps(none, _mm256_mul_ps(dmin, bytes_to_floats(min_low | std::uint64_t{min_high} << 32)))};
  }
  template <int C, int>
  static Vec scale(const Scales& s) noexcept { return expand<C>(s.scale); }
  template <int C, int>
  static Vec min(const Scales& s) noexcept { return expand<C>(s.min); }
};

struct Q4_K : SixBitScales {
  static constexpr int kMaxCode = 15, kZero = 8, kGroup = 32;
  static constexpr bool kHasMin = true, kBlocksInPairs = true;
  static constexpr std::size_t kUnitChunks = kSuperChunks, kUnitBytes = 144;
  template <int C>
  static Bytes nibbles(const std::uint8_t* unit) noexcept { return load_bytes(unit + 16 + C * kBytes); }
  static Bytes code_of(Bytes nibble) noexcept { return nibble; }
  template <int C>
  static Chunk codes(const std::uint8_t* unit) noexcept {
    const Bytes v = nibbles<C>(unit);
    return zip_halves(low_nibbles(v), high_nibbles(v));
  }
};

struct Q5_K : SixBitScales {
  static constexpr int kMaxCode = 31, kZero = 16, kGroup = 32;
  static constexpr bool kHasMin = true;
  static constexpr std::size_t kUnitChunks = kSuperChunks, kUnitBytes = 176;
  template <int C>
  static Chunk codes(const std::uint8_t* unit) noexcept {
    const Bytes v = load_bytes(unit + 48 + C * kBytes);
    const __m256i high = load_256(unit + 16);  // bit b of byte l: fifth bit of element l of block b
#if defined(__AVX512BW__)
    const Bytes h = _mm512_broadcast_i64x4(high);
    const auto bits = [](int low, int up) {
      return _mm512_inserti64x4(_mm512_set1_epi8(static_cast<char>(1 << low)), _mm256_set1_epi8(static_cast<char>(1 << up)), 1);
    };
    const Bytes sixteen = set8(16), even = low_nibbles(v), odd = high_nibbles(v);
    return zip_halves(_mm512_mask_add_epi8(even, _mm512_test_epi8_mask(h, bits(4 * C, 4 * C + 2)), even, sixteen),
                      _mm512_mask_add_epi8(odd, _mm512_test_epi8_mask(h, bits(4 * C + 1, 4 * C + 3)), odd, sixteen));
#else
    const Bytes even = bit_and(_mm256_slli_epi16(_mm256_srli_epi16(high, 2 * C), 4), set8(16));
    const Bytes odd = bit_and(_mm256_slli_epi16(_mm256_srli_epi16(high, 2 * C + 1), 4), set8(16));
    return zip_halves(bit_or(low_nibbles(v), even), bit_or(high_nibbles(v), odd));
#endif
  }
};

struct Q6_K {
  static constexpr int kMaxCode = 63, kZero = 32, kGroup = 16;
  static constexpr bool kHasMin = false;
  static constexpr std::size_t kUnitChunks = kSuperChunks, kUnitBytes = 210;
  template <int, int>
  static Vec min(...) noexcept { return Vec(0.0F); }
#if defined(__AVX512BW__)
  struct Scales {
    __m512 scale;
  };
  static Scales scales(const std::uint8_t* unit) noexcept {
    const __m512 d = _mm512_broadcastss_ps(_mm_cvtph_ps(_mm_cvtsi32_si128(load16(unit + 208))));
    return {_mm512_mul_ps(d, _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(load_128(unit + 192))))};
  }
  template <int C, int kHalf>
  static Vec scale(const Scales& s) noexcept {
    constexpr int i = 8 * C + kHalf;
    const __m512i lane = _mm512_setr_epi32(i, i, i, i, i + 2, i + 2, i + 2, i + 2, i + 4, i + 4, i + 4, i + 4, i + 6, i + 6, i + 6, i + 6);
    return Vec(_mm512_permutexvar_ps(lane, s.scale));
  }
  template <int C>
  static Chunk codes(const std::uint8_t* unit) noexcept {
    const Bytes v = load_bytes(unit + C * 64);
    const __m256i high = load_256(unit + 128 + C * 32);  // two bits each of four blocks
    const Bytes h = _mm512_inserti64x4(_mm512_castsi256_si512(high), _mm256_srli_epi16(high, 2), 1);
    const Bytes three = set8(0x30);
    const Bytes low = bit_or(low_nibbles(v), bit_and(shift_left16<4>(h), three));
    const Bytes up = bit_or(high_nibbles(v), bit_and(h, three));
    return {_mm512_shuffle_i64x2(low, up, 0x88), _mm512_shuffle_i64x2(low, up, 0xDD)};
  }
#else
  struct Scales {
    __m256 half[2];
  };
  static Scales scales(const std::uint8_t* unit) noexcept {
    const __m256 d = broadcast_half(unit + 208);
    const __m128i s = load_128(unit + 192);
    return {{_mm256_mul_ps(d, _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(s))),
             _mm256_mul_ps(d, _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_srli_si128(s, 8))))}};
  }
  template <int C, int kHalf>
  static Vec scale(const Scales& s) noexcept {
    constexpr int i = 4 * (C % 2) + kHalf;
    return Vec(_mm256_permutevar8x32_ps(s.half[C / 2], _mm256_setr_epi32(i, i, i, i, i + 2, i + 2, i + 2, i + 2)));
  }
  template <int C>
  static Chunk codes(const std::uint8_t* unit) noexcept {
    const Bytes a = load_bytes(unit + C / 2 * 64), b = load_bytes(unit + C / 2 * 64 + 32);
    const Bytes h = load_bytes(unit + 128 + C / 2 * 32), three = set8(0x30);
    if constexpr (C % 2 == 0) {
      return zip_halves(bit_or(low_nibbles(a), bit_and(shift_left16<4>(h), three)),
                        bit_or(low_nibbles(b), bit_and(shift_left16<2>(h), three)));
    } else {
      return zip_halves(bit_or(high_nibbles(a), bit_and(h, three)),
                        bit_or(high_nibbles(b), bit_and(shift_right16<2>(h), three)));
    }
  }
#endif
};

struct IQ4_XS {
  static constexpr int kMaxCode = IQ4_NL::kMaxCode, kZero = IQ4_NL::kZero, kGroup = 32;
  static constexpr bool kHasMin = false, kBlocksInPairs = false;
  static constexpr std::size_t kUnitChunks = kSuperChunks, kUnitBytes = 136;
  struct Scales {
    __m256 scale;
  };
  static Scales scales(const std::uint8_t* unit) noexcept {
    const std::uint32_t low = load32(unit + 4);
    const __m128i nibbles = _mm_unpacklo_epi8(_mm_cvtsi32_si128(static_cast<int>(low & 0x0F0F0F0FU)),
                                              _mm_cvtsi32_si128(static_cast<int>((low >> 4) & 0x0F0F0F0FU)));
    const __m256i high = _mm256_srlv_epi32(_mm256_set1_epi32(load16(unit + 2)), _mm256_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14));
    const __m256i six = _mm256_or_si256(_mm256_cvtepu8_epi32(nibbles),
                                        _mm256_slli_epi32(_mm256_and_si256(high, _mm256_set1_epi32(3)), 4));
    return {_mm256_mul_ps(broadcast_half(unit), _mm256_cvtepi32_ps(_mm256_sub_epi32(six, _mm256_set1_epi32(32))))};
  }
  template <int C, int>
  static Vec scale(const Scales& s) noexcept { return expand<C>(s.scale); }
  template <int, int>
  static Vec min(const Scales&) noexcept { return Vec(0.0F); }
  template <int C>
  static Bytes nibbles(const std::uint8_t* unit) noexcept { return load_bytes(unit + 8 + C * kBytes); }
  static Bytes code_of(Bytes nibble) noexcept { return IQ4_NL::code_of(nibble); }
  template <int C>
  static Chunk codes(const std::uint8_t* unit) noexcept {
    const Bytes v = nibbles<C>(unit);
    return {code_of(low_nibbles(v)), code_of(high_nibbles(v))};
  }
};

// --- every other type: through weights::unpack_codes -----------------------------------------------------------------

/// A unit is kChunkBlocks weights::Codes32 in scratch of the caller's, its codes moved so that 128 stands for the type's
/// zero and its minima to match: one body serves every type.
struct Unpacked {
  static constexpr int kMaxCode = 255, kZero = 128, kGroup = 16;
  static constexpr bool kHasMin = true;
  static constexpr std::size_t kUnitChunks = 1, kUnitBytes = 0;
  using Scales = const weights::Codes32*;
  static Scales scales(const std::uint8_t* unit) noexcept { return reinterpret_cast<const weights::Codes32*>(unit); }
  template <int, int kHalf>
  static Vec scale(Scales s) noexcept {
    return spread(s, [](const weights::Codes32& b) { return b.scale[kHalf]; });
  }
  template <int, int kHalf>
  static Vec min(Scales s) noexcept {
    return spread(s, [](const weights::Codes32& b) { return b.min[kHalf]; });
  }
  template <int>
  static Chunk codes(const std::uint8_t* unit) noexcept {
    constexpr int kStride = sizeof(weights::Codes32);
    return {gather16<kStride>(unit), gather16<kStride>(unit + 16)};
  }
  static void unpack(formats::DataType type, const std::uint8_t* row, std::size_t first, std::size_t count,
                     weights::Codes32* dst) noexcept {
    weights::unpack_codes(type, row, first, count, dst);
    const weights::CodeFormat& format = *weights::code_format(type);
    for (std::size_t b = 0; b < count; ++b) {
      for (std::uint8_t& code : dst[b].code) code = static_cast<std::uint8_t>(code - format.zero + 128);
      for (int half = 0; half < 2; ++half) dst[b].min[half] -= 128.0F * dst[b].scale[half];
    }
  }

 private:
  template <class Fn>
  static Vec spread(Scales blocks, Fn&& fn) noexcept {
    alignas(64) float lanes[kLanes];
    for (std::size_t l = 0; l < kLanes; ++l) lanes[l] = fn(blocks[l / 4]);
    return Vec::load_aligned(lanes);
  }
};

/// Where unit `index` of a row lies: in the file, or in scratch for types that are unpacked first. A row that ends within
/// its last unit is read on into the row after (activations there are zero); where that would pass `end`, the end of the
/// weights at hand, in scratch too.
template <class T>
class UnitReader {
 public:
  /// Of the file, per unit; 0 where the unit is read through scratch.
  static constexpr std::size_t kBytesRead = std::is_same_v<T, Unpacked> ? 0 : T::kUnitBytes;

  UnitReader() = default;
  UnitReader(formats::DataType type, std::size_t k, const std::uint8_t* end) noexcept
      : type_(type), blocks_(k / 32), row_bytes_(weights_row_bytes(type, k)), end_(end) {}

  std::size_t units() const noexcept { return (blocks_ + kUnitBlocks - 1) / kUnitBlocks; }

  const std::uint8_t* unit(const std::uint8_t* row, std::size_t index) noexcept {
    const std::size_t left = blocks_ - index * kUnitBlocks;
    if constexpr (std::is_same_v<T, Unpacked>) {
      if (left < kUnitBlocks) std::memset(scratch_, 0, sizeof scratch_);
      Unpacked::unpack(type_, row, index * kUnitBlocks, left < kUnitBlocks ? left : kUnitBlocks,
                       reinterpret_cast<weights::Codes32*>(scratch_));
      return scratch_;
    } else {
      const std::uint8_t* p = row + index * T::kUnitBytes;
      if (left >= kUnitBlocks || p + T::kUnitBytes <= end_) return p;
      std::memset(scratch_, 0, sizeof scratch_);  // scales of zero
      std::memcpy(scratch_, p, row_bytes_ - index * T::kUnitBytes);
      return scratch_;
    }
  }

 private:
  static constexpr std::size_t kUnitBlocks = T::kUnitChunks * kChunkBlocks;
  static constexpr std::size_t scratch_bytes() noexcept {
    if constexpr (std::is_same_v<T, Unpacked>) {
      return kChunkBlocks * sizeof(weights::Codes32);
    } else {
      return T::kUnitBytes;
    }
  }
  static std::size_t weights_row_bytes(formats::DataType type, std::size_t k) noexcept {
    const formats::DataTypeInfo& layout = formats::info(type);
    return k / layout.block_elements * layout.block_bytes;
  }

  formats::DataType type_ = formats::DataType::f32;
  std::size_t blocks_ = 0, row_bytes_ = 0;
  const std::uint8_t* end_ = nullptr;
  alignas(64) std::uint8_t scratch_[scratch_bytes()];
};

/// fn(T{}) for the struct of a type.
template <class Fn>
inline void with_block_type(formats::DataType type, Fn&& fn) noexcept {
  using formats::DataType;
  switch (type) {
    case DataType::q4_0: return fn(Q4_0{});
    case DataType::q4_1: return fn(Q4_1{});
    case DataType::q5_0: return fn(Q5_0{});
    case DataType::q5_1: return fn(Q5_1{});
    case DataType::q8_0: return fn(Q8_0{});
    case DataType::iq4_nl: return fn(IQ4_NL{});
    case DataType::mxfp4: return fn(MXFP4{});
    case DataType::q4_k: return fn(Q4_K{});
    case DataType::q5_k: return fn(Q5_K{});
    case DataType::q6_k: return fn(Q6_K{});
    case DataType::iq4_xs: return fn(IQ4_XS{});
    default: return fn(Unpacked{});
  }
}

}  // namespace
}  // namespace gemma4::GEMMA4_ISA

#endif
