// Codes of the blocks of 32 with one scale, of the ternary types and of those of one and two bits.
#include "blocks/blocks.h"
#include "blocks/unpack.h"

namespace gemma4::blocks {
namespace {

using base::f16_to_float;

void nibbles(const std::uint8_t* qs, std::uint8_t* code) noexcept {
  for (int j = 0; j < 16; ++j) code[j] = qs[j] & 15;
  for (int j = 0; j < 16; ++j) code[16 + j] = qs[j] >> 4;
}

/// Adds bit i of qh, as the fifth bit, to code i.
void fifth_bits(const std::uint8_t* qh, std::uint8_t* code) noexcept {
  for (int j = 0; j < 4; ++j) {
    std::uint64_t eight;
    std::memcpy(&eight, code + 8 * j, sizeof eight);
    store(eight | spread_bits(qh[j]) << 4, code + 8 * j);
  }
}

}  // namespace

void unpack_q4_0(const void* row, std::size_t first, std::size_t count, Codes32* dst) noexcept {
  unpack_blocks<BlockQ4_0, 32>(row, first, count, dst, [](const BlockQ4_0& b, std::size_t, Codes32& c) {
    nibbles(b.qs, c.code);
    set_scale(c, f16_to_float(b.d));
  });
}

void unpack_q4_1(const void* row, std::size_t first, std::size_t count, Codes32* dst) noexcept {
  unpack_blocks<BlockQ4_1, 32>(row, first, count, dst, [](const BlockQ4_1& b, std::size_t, Codes32& c) {
    nibbles(b.qs, c.code);
    set_scale_and_min(c, f16_to_float(b.d), f16_to_float(b.m));
  });
}

void unpack_q5_0(const void* row, std::size_t first, std::size_t count, Codes32* dst) noexcept {
  unpack_blocks<BlockQ5_0, 32>(row, first, count, dst, [](const BlockQ5_0& b, std::size_t, Codes32& c) {
    nibbles(b.qs, c.code);
    fifth_bits(b.qh, c.code);
    set_scale(c, f16_to_float(b.d));
  });
}

void unpack_q5_1(const void* row, std::size_t first, std::size_t count, Codes32* dst) noexcept {
  unpack_blocks<BlockQ5_1, 32>(row, first, count, dst, [](const BlockQ5_1& b, std::size_t, Codes32& c) {
    nibbles(b.qs, c.code);
    fifth_bits(b.qh, c.code);
    set_scale_and_min(c, f16_to_float(b.d), f16_to_float(b.m));
  });
}

void unpack_q8_0(const void* row, std::size_t first, std::size_t count, Codes32* dst) noexcept {
  unpack_blocks<BlockQ8_0, 32>(row, first, count, dst, [](const BlockQ8_0& b, std::size_t, Codes32& c) {
    for (int j = 0; j < 32; ++j) c.code[j] = static_cast<std::uint8_t>(b.qs[j] ^ 0x80);
    set_scale(c, f16_to_float(b.d));
  });
}

void unpack_q1_0(const void* row, std::size_t first, std::size_t count, Codes32* dst) noexcept {
  unpack_blocks<BlockQ1_0, 128>(row, first, count, dst, [](const BlockQ1_0& b, std::size_t part, Codes32& c) {
    const std::uint8_t* const qs = b.qs + 4 * part;
    for (int j = 0; j < 4; ++j) store(2 * spread_bits(qs[j]), c.code + 8 * j);
    set_scale(c, f16_to_float(b.d));
  });
}

void unpack_q2_0(const void* row, std::size_t first, std::size_t count, Codes32* dst) noexcept {
  unpack_blocks<BlockQ2_0, 64>(row, first, count, dst, [](const BlockQ2_0& b, std::size_t part, Codes32& c) {
    const std::uint8_t* const qs = b.qs + 8 * part;
    for (int j = 0; j < 4; ++j) store(spread_pairs(qs[2 * j] | qs[2 * j + 1] << 8U), c.code + 8 * j);
    set_scale(c, f16_to_float(b.d));
  });
}

/// Five ternary digits per byte, as the fraction byte / 256: multiplying by 3^n brings digit n in front of the point.
/// Digits 0 to 4 of the first 32 bytes, then digits 0 to 4 of 16 bytes, then digits 0 to 3 of 4 bytes.
void unpack_tq1_0(const void* row, std::size_t first, std::size_t count, Codes32* dst) noexcept {
  unpack_blocks<BlockTQ1_0, 256>(row, first, count, dst, [](const BlockTQ1_0& b, std::size_t part, Codes32& c) {
    static constexpr std::uint8_t kPower[5] = {1, 3, 9, 27, 81};
    const auto digits = [](const std::uint8_t* bytes, int n, std::size_t digit, std::uint8_t* code) {
      for (int j = 0; j < n; ++j) {
        const auto fraction = static_cast<std::uint8_t>(bytes[j] * kPower[digit]);
        code[j] = static_cast<std::uint8_t>(fraction * 3 >> 8);
      }
    };
    if (part < 5) {
      digits(b.qs, 32, part, c.code);
    } else if (part < 7) {
      digits(b.qs + 32, 16, 2 * (part - 5), c.code);
      digits(b.qs + 32, 16, 2 * (part - 5) + 1, c.code + 16);
    } else {
      digits(b.qs + 32, 16, 4, c.code);
      for (std::size_t digit = 0; digit < 4; ++digit) digits(b.qh, 4, digit, c.code + 16 + 4 * digit);
    }
    set_scale(c, f16_to_float(b.d));
  });
}

void unpack_tq2_0(const void* row, std::size_t first, std::size_t count, Codes32* dst) noexcept {
  unpack_blocks<BlockTQ2_0, 256>(row, first, count, dst, [](const BlockTQ2_0& b, std::size_t part, Codes32& c) {
    const std::uint8_t* const qs = b.qs + 32 * (part / 4);
    const auto shift = static_cast<int>(2 * (part % 4));
    for (int j = 0; j < 32; ++j) c.code[j] = static_cast<std::uint8_t>(qs[j] >> shift & 3);
    set_scale(c, f16_to_float(b.d));
  });
}

}  // namespace gemma4::blocks
