// Every block type as integer codes with scales: what int8 kernels multiply, and what dequantize() starts from.
#pragma once

#include <cstddef>
#include <cstdint>

#include "formats/data_type.h"

namespace gemma4::blocks {

/// How a type's values come from its codes: scale * (code - zero), or scale * code + min where has_min.
struct CodeFormat {
  int group;     ///< Consecutive elements that share scale and min: 16 or 32.
  bool has_min;  ///< Then zero is 0.
  int zero;
  int max_code;  ///< Codes lie in [0, max_code]; at most 255.
};

/// null for the plain types, which have no codes, and for types the library does not compute with.
const CodeFormat* code_format(formats::DataType type) noexcept;

/// 32 consecutive elements. scale[1] and min[1] equal [0] where the group is 32; min is 0 where the type has none.
struct Codes32 {
  std::uint8_t code[32];
  float scale[2];
  float min[2];
};

/// Elements [32 * first, 32 * (first + count)) of a row of blocks of a type that has a code_format. Any alignment.
void unpack_codes(formats::DataType type, const void* row, std::size_t first, std::size_t count, Codes32* dst) noexcept;

}  // namespace gemma4::blocks
