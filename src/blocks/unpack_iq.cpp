// Codes of the IQ1, IQ2 and IQ3 types: groups of 8 or 4 elements are entries of a grid.
//
// In IQ2 and IQ3 the grid gives magnitudes and eight bits the signs; codes are largest value +- magnitude.
#include "blocks/blocks.h"
#include "blocks/codebooks.h"
#include "blocks/unpack.h"

namespace gemma4::blocks {
namespace {

using base::f16_to_float;

constexpr unsigned kIq2Zero = 43, kIq3XxsZero = 62, kIq3SZero = 15;  // as in codes.cpp
constexpr std::uint64_t kOnes = 0x0101010101010101U;                 // the same number in eight bytes: times it

/// Seven bits of signs and an eighth that makes the number of set bits even.
unsigned with_parity(unsigned bits) noexcept {
  bits &= 127;
  const unsigned folded = bits ^ bits >> 4;
  return bits | (0x6996U >> (folded & 15) & 1) << 7;  // bit i of 0x6996: the parity of i
}

/// zero + magnitude or, where the bit of the element is set, zero - magnitude: no byte borrows from its neighbour.
std::uint64_t signed_codes(unsigned zero, std::uint64_t magnitudes, unsigned signs) noexcept {
  const std::uint64_t negative = spread_bits(signs) * 255;
  return zero * kOnes + magnitudes - 2 * (magnitudes & negative);
}

/// Magnitudes 8, 25, 43, which are kIq2Values.
std::uint64_t iq2_codes(unsigned entry, unsigned signs) noexcept {
  const std::uint64_t c = spread_pairs(entry);
  return signed_codes(kIq2Zero, 8 * kOnes + 17 * c + (c >> 1 & kOnes), signs);
}

/// Two entries of four numbers of 3 bits to eight bytes.
std::uint64_t spread_triples(unsigned entry_0, unsigned entry_1) noexcept {
  std::uint64_t x = entry_0 | static_cast<std::uint64_t>(entry_1) << 32;
  x = (x | x << 10) & 0x003F003F003F003FU;
  return (x | x << 5) & 0x0707070707070707U;
}

/// Magnitudes 4, 12, ..., 52 and 62, which are kIq3XxsValues.
std::uint64_t iq3_xxs_codes(unsigned entry_0, unsigned entry_1, unsigned signs) noexcept {
  const std::uint64_t c = spread_triples(entry_0, entry_1);
  const std::uint64_t is_seven = c & c >> 1 & c >> 2 & kOnes;
  return signed_codes(kIq3XxsZero, 4 * kOnes + 8 * c + 2 * is_seven, signs);
}
std::uint64_t iq3_s_codes(unsigned entry_0, unsigned entry_1, unsigned signs) noexcept {
  return signed_codes(kIq3SZero, 2 * spread_triples(entry_0, entry_1) + kOnes, signs);
}

/// 9 + 8 * (grid value + delta), where delta is an eighth or minus an eighth.
std::uint64_t iq1_codes(unsigned entry, bool minus) noexcept {
  return 8 * spread_pairs(entry) + (minus ? 0 : 2 * kOnes);
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
      store(iq2_codes(kIq2XxsGrid[qs[k / 2] >> (8 * (k % 2)) & 255], with_parity(aux >> (7 * k))), c.code + 8 * k);
    }
    set_scale(c, f16_to_float(b.d) * (0.5F + static_cast<float>(aux >> 28)) * 0.25F);
  });
}

void unpack_iq2_xs(const void* row, std::size_t first, std::size_t count, Codes32* dst) noexcept {
  unpack_blocks<BlockIQ2_XS, 256>(row, first, count, dst, [](const BlockIQ2_XS& b, std::size_t part, Codes32& c) {
    for (std::size_t k = 0; k < 4; ++k) {
      const unsigned q = b.qs[4 * part + k];
      store(iq2_codes(kIq2XsGrid[q & 511], with_parity(q >> 9)), c.code + 8 * k);
    }
    iq2_scales(b.d, b.scales[part], c);
  });
}

void unpack_iq2_s(const void* row, std::size_t first, std::size_t count, Codes32* dst) noexcept {
  unpack_blocks<BlockIQ2_S, 256>(row, first, count, dst, [](const BlockIQ2_S& b, std::size_t part, Codes32& c) {
    for (std::size_t k = 0; k < 4; ++k) {
      const unsigned index = b.qs[4 * part + k] | (b.qh[part] >> (2 * k) & 3U) << 8;
      store(iq2_codes(kIq2SGrid[index], b.signs[4 * part + k]), c.code + 8 * k);
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
      store(iq3_xxs_codes(kIq3XxsGrid[qs[0]], kIq3XxsGrid[qs[1]], with_parity(aux >> (7 * k))), c.code + 8 * k);
    }
    set_scale(c, f16_to_float(b.d) * (0.5F + static_cast<float>(aux >> 28)) * 0.5F);
  });
}

void unpack_iq3_s(const void* row, std::size_t first, std::size_t count, Codes32* dst) noexcept {
  unpack_blocks<BlockIQ3_S, 256>(row, first, count, dst, [](const BlockIQ3_S& b, std::size_t part, Codes32& c) {
    for (std::size_t k = 0; k < 4; ++k) {
      const std::uint8_t* const qs = b.qs + 8 * part + 2 * k;
      const unsigned high = b.qh[part] >> (2 * k);
      const unsigned index_0 = qs[0] | (high & 1) << 8, index_1 = qs[1] | (high >> 1 & 1) << 8;
      store(iq3_s_codes(kIq3SGrid[index_0], kIq3SGrid[index_1], b.signs[4 * part + k]), c.code + 8 * k);
    }
    const int scale = b.scales[part / 2] >> (4 * (part % 2)) & 15;
    set_scale(c, f16_to_float(b.d) * static_cast<float>(1 + 2 * scale));
  });
}

void unpack_iq1_s(const void* row, std::size_t first, std::size_t count, Codes32* dst) noexcept {
  unpack_blocks<BlockIQ1_S, 256>(row, first, count, dst, [](const BlockIQ1_S& b, std::size_t part, Codes32& c) {
    const unsigned qh = b.qh[part];
    for (std::size_t k = 0; k < 4; ++k) {
      store(iq1_codes(kIq1SGrid[b.qs[4 * part + k] | (qh >> (3 * k) & 7) << 8], (qh & 0x8000U) != 0), c.code + 8 * k);
    }
    set_scale(c, f16_to_float(b.d) * static_cast<float>(2 * (qh >> 12 & 7) + 1) * 0.125F);
  });
}

void unpack_iq1_m(const void* row, std::size_t first, std::size_t count, Codes32* dst) noexcept {
  unpack_blocks<BlockIQ1_M, 256>(row, first, count, dst, [](const BlockIQ1_M& b, std::size_t part, Codes32& c) {
    for (std::size_t k = 0; k < 4; ++k) {
      const unsigned nibble = b.qh[2 * part + k / 2] >> (4 * (k % 2)) & 15U;
      store(iq1_codes(kIq1SGrid[b.qs[4 * part + k] | (nibble & 7) << 8], (nibble & 8) != 0), c.code + 8 * k);
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

}  // namespace gemma4::blocks
