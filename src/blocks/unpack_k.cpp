// Codes of the K types: 256 elements in groups of 16 or 32, whose scales are small integers times the block's.
//
// Elements 32 * part to 32 * part + 31: bits `shift` and up of 32 bytes of qs.
#include "blocks/blocks.h"
#include "blocks/unpack.h"

namespace gemma4::blocks {
namespace {

using base::f16_to_float;

/// The scale and minimum number `part` of Q4_K and Q5_K: 6 bits each, eight pairs in 12 bytes.
void scale_and_min(const std::uint8_t* s, std::size_t part, float d, float dmin, Codes32& c) noexcept {
  int scale = s[part] & 63, min = s[part + 4] & 63;
  if (part >= 4) {
    scale = (s[part + 4] & 15) | (s[part - 4] >> 6 << 4);
    min = (s[part + 4] >> 4) | (s[part] >> 6 << 4);
  }
  set_scale_and_min(c, d * static_cast<float>(scale), -(dmin * static_cast<float>(min)));
}

void nibbles_of_part(const std::uint8_t* qs, std::size_t part, std::uint8_t* code) noexcept {
  qs += 32 * (part / 2);
  if (part % 2 == 0) {
    for (int j = 0; j < 32; ++j) code[j] = qs[j] & 15;
  } else {
    for (int j = 0; j < 32; ++j) code[j] = qs[j] >> 4;
  }
}

}  // namespace

void unpack_q2_k(const void* row, std::size_t first, std::size_t count, Codes32* dst) noexcept {
  unpack_blocks<BlockQ2_K, 256>(row, first, count, dst, [](const BlockQ2_K& b, std::size_t part, Codes32& c) {
    const std::uint8_t* const qs = b.qs + 32 * (part / 4);
    const auto shift = static_cast<int>(2 * (part % 4));
    for (int j = 0; j < 32; ++j) c.code[j] = static_cast<std::uint8_t>(qs[j] >> shift & 3);
    const float d = f16_to_float(b.d), dmin = f16_to_float(b.dmin);
    for (std::size_t h = 0; h < 2; ++h) {
      const int s = b.scales[2 * part + h];
      c.scale[h] = d * static_cast<float>(s & 15);
      c.min[h] = -(dmin * static_cast<float>(s >> 4));
    }
  });
}

void unpack_q3_k(const void* row, std::size_t first, std::size_t count, Codes32* dst) noexcept {
  unpack_blocks<BlockQ3_K, 256>(row, first, count, dst, [](const BlockQ3_K& b, std::size_t part, Codes32& c) {
    const std::uint8_t* const qs = b.qs + 32 * (part / 4);
    const auto shift = static_cast<int>(2 * (part % 4)), bit = static_cast<int>(part);
    for (int j = 0; j < 32; ++j) {
      c.code[j] = static_cast<std::uint8_t>((qs[j] >> shift & 3) | ((b.hmask[j] >> bit & 1) << 2));
    }
    const float d = f16_to_float(b.d);
    const auto scale = [&](std::size_t j) {
      const int low = b.scales[j % 8] >> (4 * (j / 8)) & 15, high = b.scales[8 + j % 4] >> (2 * (j / 4)) & 3;
      return d * static_cast<float>((low | high << 4) - 32);
    };
    set_scales(c, scale(2 * part), scale(2 * part + 1));
  });
}

void unpack_q4_k(const void* row, std::size_t first, std::size_t count, Codes32* dst) noexcept {
  unpack_blocks<BlockQ4_K, 256>(row, first, count, dst, [](const BlockQ4_K& b, std::size_t part, Codes32& c) {
    nibbles_of_part(b.qs, part, c.code);
    scale_and_min(b.scales, part, f16_to_float(b.d), f16_to_float(b.dmin), c);
  });
}

void unpack_q5_k(const void* row, std::size_t first, std::size_t count, Codes32* dst) noexcept {
  unpack_blocks<BlockQ5_K, 256>(row, first, count, dst, [](const BlockQ5_K& b, std::size_t part, Codes32& c) {
    nibbles_of_part(b.qs, part, c.code);
    const auto bit = static_cast<int>(part);
    for (int j = 0; j < 32; ++j) c.code[j] = static_cast<std::uint8_t>(c.code[j] | ((b.qh[j] >> bit & 1) << 4));
    scale_and_min(b.scales, part, f16_to_float(b.d), f16_to_float(b.dmin), c);
  });
}

void unpack_q6_k(const void* row, std::size_t first, std::size_t count, Codes32* dst) noexcept {
  unpack_blocks<BlockQ6_K, 256>(row, first, count, dst, [](const BlockQ6_K& b, std::size_t part, Codes32& c) {
    const std::size_t half = part / 4, quarter = part % 4;
    const std::uint8_t* const ql = b.ql + 64 * half + 32 * (quarter % 2);
    const std::uint8_t* const qh = b.qh + 32 * half;
    const int low_shift = quarter < 2 ? 0 : 4, high_shift = static_cast<int>(2 * quarter);
    for (int j = 0; j < 32; ++j) {
      c.code[j] = static_cast<std::uint8_t>((ql[j] >> low_shift & 15) | ((qh[j] >> high_shift & 3) << 4));
    }
    const float d = f16_to_float(b.d);
    set_scales(c, d * static_cast<float>(b.scales[2 * part]), d * static_cast<float>(b.scales[2 * part + 1]));
  });
}

}  // namespace gemma4::blocks
