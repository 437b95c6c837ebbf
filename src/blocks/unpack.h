// The unpackers behind codes.cpp, one per block type, in files by family.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "base/bf16.h"
#include "blocks/codes.h"

namespace gemma4::blocks {

/// Elements [32 * first, 32 * (first + count)) of a row, as unpack_codes().
using UnpackFunction = void(const void* row, std::size_t first, std::size_t count, Codes32* dst) noexcept;

UnpackFunction unpack_q4_0, unpack_q4_1, unpack_q5_0, unpack_q5_1, unpack_q8_0, unpack_q1_0, unpack_q2_0;
UnpackFunction unpack_iq4_nl, unpack_iq4_xs, unpack_mxfp4, unpack_nvfp4, unpack_tq1_0, unpack_tq2_0;
UnpackFunction unpack_q2_k, unpack_q3_k, unpack_q4_k, unpack_q5_k, unpack_q6_k;
UnpackFunction unpack_iq2_xxs, unpack_iq2_xs, unpack_iq2_s, unpack_iq3_xxs, unpack_iq3_s, unpack_iq1_s, unpack_iq1_m;

/// Calls decode(block, i, dst) for the 32 elements number i of each block.
template <class Block, std::size_t kElements, class Decode>
void unpack_blocks(const void* row, std::size_t first, std::size_t count, Codes32* dst, const Decode& decode) noexcept {
  constexpr std::size_t kParts = kElements / 32;
  const auto* const bytes = static_cast<const std::uint8_t*>(row);
  const std::size_t end = first + count;
  for (std::size_t i = first; i < end;) {
    const std::size_t index = i / kParts;
    Block block;
    std::memcpy(&block, bytes + index * sizeof(Block), sizeof block);
    for (const std::size_t block_end = std::min(end, (index + 1) * kParts); i < block_end; ++i) {
      decode(block, i - index * kParts, *dst++);
    }
  }
}

/// Eight bits to eight bytes of 0 or 1, the lowest first.
inline std::uint64_t spread_bits(unsigned bits) noexcept {
  const std::uint64_t one_each = (bits & 255U) * 0x0101010101010101U & 0x8040201008040201U;  // byte j: 2^j or 0
  return (one_each + 0x00406070787C7E7FU) >> 7 & 0x0101010101010101U;                        // + 2^7 - 2^j
}
/// Eight numbers of 2 bits to eight bytes.
inline std::uint64_t spread_pairs(unsigned bits) noexcept {
  std::uint64_t x = bits & 0xFFFFU;
  x = (x | x << 24) & 0x000000FF000000FFU;
  x = (x | x << 12) & 0x000F000F000F000FU;
  return (x | x << 6) & 0x0303030303030303U;
}
inline void store(std::uint64_t eight_codes, std::uint8_t* code) noexcept { std::memcpy(code, &eight_codes, 8); }

inline void set_scale(Codes32& dst, float scale) noexcept {
  dst.scale[0] = dst.scale[1] = scale;
  dst.min[0] = dst.min[1] = 0;
}
inline void set_scales(Codes32& dst, float scale_0, float scale_1) noexcept {
  dst.scale[0] = scale_0;
  dst.scale[1] = scale_1;
  dst.min[0] = dst.min[1] = 0;
}
inline void set_scale_and_min(Codes32& dst, float scale, float min) noexcept {
  dst.scale[0] = dst.scale[1] = scale;
  dst.min[0] = dst.min[1] = min;
}

}  // namespace gemma4::blocks
