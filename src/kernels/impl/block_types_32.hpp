// The block types of 32 elements: a unit is one chunk. Their members: block_types.hpp.
#pragma once

#include "kernels/impl/block_vectors.hpp"

#if defined(__AVX2__)

namespace gemma4::GEMMA4_ISA {
namespace {

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

}  // namespace
}  // namespace gemma4::GEMMA4_ISA

#endif
