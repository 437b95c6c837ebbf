// Codes of the IQ1, IQ2 and IQ3 types: groups of 8 or 4 elements are entries of a grid.
//
// In IQ2 and IQ3 the grid gives magnitudes and eight bits the signs; codes are largest value +- magnitude.
#include <bit>

#include "weights/blocks.h"
#include "weights/codebooks.h"
#include "weights/unpack.h"

namespace gemma4::weights {
namespace {

using base::f16_to_float;

constexpr int kIq2Zero = 43, kIq3XxsZero = 62, kIq3SZero = 15, kIq1Zero = 9;  // as in codes.cpp

/// Seven bits of signs and an eighth that makes the number of set bits even.
unsigned with_parity(unsigned bits) noexcept {
  bits &= 127;
  return bits | static_cast<unsigned>(std::popcount(bits) & 1) << 7;
}

std::uint8_t signed_code(int zero, int magnitude, unsigned negative) noexcept {
  return static_cast<std::uint8_t>(negative != 0 ? zero - magnitude : zero + magnitude);
}

void iq2_codes(unsigned entry, unsigned signs, std::uint8_t* code) noexcept {
  for (int j = 0; j < 8; ++j) code[j] = signed_code(kIq2Zero, kIq2Values[entry >> (2 * j) & 3], signs >> j & 1);
}

/// Four elements; signs in the lowest four bits.
void iq3_xxs_codes(unsigned entry, unsigned signs, std::uint8_t* code) noexcept {
  for (int j = 0; j < 4; ++j) code[j] = signed_code(kIq3XxsZero, kIq3XxsValues[entry >> (3 * j) & 7], signs >> j & 1);
}
void iq3_s_codes(unsigned entry, unsigned signs, std::uint8_t* code) noexcept {
  for (int j = 0; j < 4; ++j) {
    code[j] = signed_code(kIq3SZero, static_cast<int>(2 * (entry >> (3 * j) & 7) + 1), signs >> j & 1);
  }
}

/// 8 * (grid value + delta), where delta is an eighth or minus an eighth.
void iq1_codes(unsigned entry, bool minus, std::uint8_t* code) noexcept {
  const int shift = kIq1Zero - 8 + (minus ? -1 : 1);
  for (int j = 0; j < 8; ++j) code[j] = static_cast<std::uint8_t>(static_cast<int>(8 * (entry >> (2 * j) & 3)) + shift);
}

/// IQ2_XS and IQ2_S: two scales of four bits.
void iq2_scales(std::uint16_t d, int nibbles, Codes32& c) noexcept {
  const auto scale = [&](int s) { return f16_to_float(d) * (0.5F + static_cast<float>(s)) * 0.25F; };
  set_scales(c, scale(nibbles & 15), scale(nibbles >> 4));
}

}  // namespace

void unpack_iq2_xxs(const void* row, std::size_t first, std::size_t count, Codes32* dst) noexcept {
  unpack_blocks<BlockIQ2_XXS, 256>(row, first, count, dst, [](const BlockIQ2_XXS& b, std::size_t part, Codes32& c) {
    const std::uint16_t* const qs = b.qs + 4 * part;
    const std::uint32_t aux = qs[2] | static_cast<std::uint32_t>(qs[3]) << 16;
    for (unsigned k = 0; k < 4; ++k) {
      iq2_codes(kIq2XxsGrid[qs[k / 2] >> (8 * (k % 2)) & 255], with_parity(aux >> (7 * k)), c.code + 8 * k);
    }
    set_scale(c, f16_to_float(b.d) * (0.5F + static_cast<float>(aux >> 28)) * 0.25F);
  });
}

void unpack_iq2_xs(const void* row, std::size_t first, std::size_t count, Codes32* dst) noexcept {
  unpack_blocks<BlockIQ2_XS, 256>(row, first, count, dst, [](const BlockIQ2_XS& b, std::size_t part, Codes32& c) {
    for (std::size_t k = 0; k < 4; ++k) {
      const unsigned q = b.qs[4 * part + k];
      iq2_codes(kIq2XsGrid[q & 511], with_parity(q >> 9), c.code + 8 * k);
    }
    iq2_scales(b.d, b.scales[part], c);
  });
}

void unpack_iq2_s(const void* row, std::size_t first, std::size_t count, Codes32* dst) noexcept {
  unpack_blocks<BlockIQ2_S, 256>(row, first, count, dst, [](const BlockIQ2_S& b, std::size_t part, Codes32& c) {
    for (std::size_t k = 0; k < 4; ++k) {
      const unsigned index = b.qs[4 * part + k] | (b.qh[part] >> (2 * k) & 3U) << 8;
      iq2_codes(kIq2SGrid[index], b.signs[4 * part + k], c.code + 8 * k);
    }
    iq2_scales(b.d, b.scales[part], c);
  });
}

void unpack_iq3_xxs(const void* row, std::size_t first, std::size_t count, Codes32* dst) noexcept {
  unpack_blocks<BlockIQ3_XXS, 256>(row, first, count, dst, [](const BlockIQ3_XXS& b, std::size_t part, Codes32& c) {
    std::uint32_t aux;
    std::memcpy(&aux, b.aux + 4 * part, sizeof aux);
    for (std::size_t k = 0; k < 4; ++k) {
      const std::uint8_t* const qs = b.qs + 8 * part + 2 * k;
      const unsigned signs = with_parity(aux >> (7 * k));
      iq3_xxs_codes(kIq3XxsGrid[qs[0]], signs, c.code + 8 * k);
      iq3_xxs_codes(kIq3XxsGrid[qs[1]], signs >> 4, c.code + 8 * k + 4);
    }
    set_scale(c, f16_to_float(b.d) * (0.5F + static_cast<float>(aux >> 28)) * 0.5F);
  });
}

void unpack_iq3_s(const void* row, std::size_t first, std::size_t count, Codes32* dst) noexcept {
  unpack_blocks<BlockIQ3_S, 256>(row, first, count, dst, [](const BlockIQ3_S& b, std::size_t part, Codes32& c) {
    for (std::size_t k = 0; k < 4; ++k) {
      const std::uint8_t* const qs = b.qs + 8 * part + 2 * k;
      const unsigned high = b.qh[part] >> (2 * k), signs = b.signs[4 * part + k];
      iq3_s_codes(kIq3SGrid[qs[0] | (high & 1) << 8], signs, c.code + 8 * k);
      iq3_s_codes(kIq3SGrid[qs[1] | (high >> 1 & 1) << 8], signs >> 4, c.code + 8 * k + 4);
    }
    const int scale = b.scales[part / 2] >> (4 * (part % 2)) & 15;
    set_scale(c, f16_to_float(b.d) * static_cast<float>(1 + 2 * scale));
  });
}

void unpack_iq1_s(const void* row, std::size_t first, std::size_t count, Codes32* dst) noexcept {
  unpack_blocks<BlockIQ1_S, 256>(row, first, count, dst, [](const BlockIQ1_S& b, std::size_t part, Codes32& c) {
    const unsigned qh = b.qh[part];
    for (std::size_t k = 0; k < 4; ++k) {
      iq1_codes(kIq1SGrid[b.qs[4 * part + k] | (qh >> (3 * k) & 7) << 8], (qh & 0x8000U) != 0, c.code + 8 * k);
    }
    set_scale(c, f16_to_float(b.d) * static_cast<float>(2 * (qh >> 12 & 7) + 1) * 0.125F);
  });
}

void unpack_iq1_m(const void* row, std::size_t first, std::size_t count, Codes32* dst) noexcept {
  unpack_blocks<BlockIQ1_M, 256>(row, first, count, dst, [](const BlockIQ1_M& b, std::size_t part, Codes32& c) {
    for (std::size_t k = 0; k < 4; ++k) {
      const unsigned nibble = b.qh[2 * part + k / 2] >> (4 * (k % 2)) & 15U;
      iq1_codes(kIq1SGrid[b.qs[4 * part + k] | (nibble & 7) << 8], (nibble & 8) != 0, c.code + 8 * k);
    }
    unsigned d = 0;
    for (int w = 0; w < 4; ++w) d |= static_cast<unsigned>(b.scales[w] >> 12) << (4 * w);
    const unsigned both = static_cast<unsigned>(b.scales[part / 2]) >> (6 * (part % 2));
    const auto scale = [&](unsigned s) {
      return f16_to_float(static_cast<std::uint16_t>(d)) * static_cast<float>(2 * (s & 7) + 1) * 0.125F;
    };
    set_scales(c, scale(both), scale(both >> 3));
  });
}

}  // namespace gemma4::weights
