// Rows of F32 to rows of blocks: one function per block type, one table per instruction set.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "formats/data_type.h"

namespace gemma4::quantization {

/// x[n] to n / block elements blocks at dst. The scales are searched for: they make
/// sum_i importance[i] * (x[i] - dequantised[i])^2 small. importance [n], each >= 0, or null for all alike.
/// x is finite; n a multiple of the type's block. Never fails; equal input gives equal bytes on every CPU.
using RowQuantizer = void (*)(const float* x, const float* importance, std::size_t n, std::uint8_t* dst) noexcept;

struct RowQuantizers {
  const char* name;  ///< "baseline", "avx2", "avx512"
  RowQuantizer q8_0, q4_0, q4_1, q5_0, q5_1, iq4_nl;
  RowQuantizer q2_k, q3_k, q4_k, q5_k, q6_k, iq4_xs;
};

/// Those this CPU can run, the fastest last.
std::vector<const RowQuantizers*> row_quantizers();
/// The table for the instruction set that the kernels use (GEMMA4_FORCE_ISA holds for both).
/// Throws Error as kernels::select_table().
const RowQuantizers& select_row_quantizers();

/// Of the table; null for types that have none.
RowQuantizer row_quantizer(const RowQuantizers& table, formats::DataType type) noexcept;

}  // namespace gemma4::quantization
