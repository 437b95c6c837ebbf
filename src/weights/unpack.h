// The unpackers behind codes.cpp, one per block type, in files by family.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "base/bf16.h"
#include "weights/codes.h"

namespace gemma4::weights {

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

}  // namespace gemma4::weights
