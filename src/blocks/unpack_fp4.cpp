// Codes of the types whose four bits pick from sixteen values: IQ4_NL, IQ4_XS, MXFP4, NVFP4.
#include <bit>

#include "blocks/blocks.h"
#include "blocks/codebooks.h"
#include "blocks/unpack.h"

namespace gemma4::blocks {
namespace {

using base::f16_to_float;

struct Table {
  std::uint8_t code[16];
};
constexpr Table shifted(const std::int8_t (&values)[16], int zero) {
  Table table{};
  for (int i = 0; i < 16; ++i) table.code[i] = static_cast<std::uint8_t>(values[i] + zero);
  return table;
}
constexpr Table kIq4 = shifted(kIq4Values, 127), kFp4 = shifted(kFp4Values, 12);

/// n bytes: element j below, element j + n above.
void look_up(const Table& table, const std::uint8_t* qs, int n, std::uint8_t* code) noexcept {
  for (int j = 0; j < n; ++j) {
    code[j] = table.code[qs[j] & 15];
    code[n + j] = table.code[qs[j] >> 4];
  }
}

/// 2^(e - 128): the half of E8M0, because the table holds doubles. The two smallest are subnormal.
float half_of_e8m0(std::uint32_t e) noexcept {
  return std::bit_cast<float>(e < 2 ? 0x00200000U << e : (e - 1) << 23);
}

/// Half of an unsigned E4M3 (bias 7); the sign bit is not looked at, 0 and NaN (0x7F) are 0.
float half_of_ue4m3(int u) noexcept {
  if (u == 0 || u == 0x7F) return 0;
  const int exponent = u >> 3 & 15, mantissa = u & 7;
  if (exponent == 0) return static_cast<float>(mantissa) * 0x1p-10F;
  const float power = std::bit_cast<float>(static_cast<std::uint32_t>(exponent + 127 - 8) << 23);
  return static_cast<float>(8 + mantissa) * 0.125F * power;
}

}  // namespace

void unpack_iq4_nl(const void* row, std::size_t first, std::size_t count, Codes32* dst) noexcept {
  unpack_blocks<BlockIQ4_NL, 32>(row, first, count, dst, [](const BlockIQ4_NL& b, std::size_t, Codes32& c) {
    look_up(kIq4, b.qs, 16, c.code);
    set_scale(c, f16_to_float(b.d));
  });
}

void unpack_iq4_xs(const void* row, std::size_t first, std::size_t count, Codes32* dst) noexcept {
  unpack_blocks<BlockIQ4_XS, 256>(row, first, count, dst, [](const BlockIQ4_XS& b, std::size_t part, Codes32& c) {
    look_up(kIq4, b.qs + 16 * part, 16, c.code);
    const int low = b.scales_l[part / 2] >> (4 * (part % 2)) & 15, high = b.scales_h >> (2 * part) & 3;
    set_scale(c, f16_to_float(b.d) * static_cast<float>((low | high << 4) - 32));
  });
}

void unpack_mxfp4(const void* row, std::size_t first, std::size_t count, Codes32* dst) noexcept {
  unpack_blocks<BlockMXFP4, 32>(row, first, count, dst, [](const BlockMXFP4& b, std::size_t, Codes32& c) {
    look_up(kFp4, b.qs, 16, c.code);
    set_scale(c, half_of_e8m0(b.e));
  });
}

void unpack_nvfp4(const void* row, std::size_t first, std::size_t count, Codes32* dst) noexcept {
  unpack_blocks<BlockNVFP4, 64>(row, first, count, dst, [](const BlockNVFP4& b, std::size_t part, Codes32& c) {
    look_up(kFp4, b.qs + 16 * part, 8, c.code);
    look_up(kFp4, b.qs + 16 * part + 8, 8, c.code + 16);
    set_scales(c, half_of_ue4m3(b.d[2 * part]), half_of_ue4m3(b.d[2 * part + 1]));
  });
}

}  // namespace gemma4::blocks
