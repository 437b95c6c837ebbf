// The block types of 256 elements. Their members: block_types.hpp. (IQ4_XS has the values of IQ4_NL.)
#pragma once

#include "kernels/impl/block_types_32.hpp"

#if defined(__AVX2__)

namespace gemma4::GEMMA4_ISA {
namespace {

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

}  // namespace
}  // namespace gemma4::GEMMA4_ISA

#endif
