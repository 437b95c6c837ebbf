// Weights of any element type as F32, bit for bit as ggml's reference: what every faster path is measured against.
#pragma once

#include <cstddef>

#include "formats/data_type.h"

namespace gemma4::blocks {

/// Whether dequantize() knows the type: F32, F16, BF16 and every block type that files hold weights in.
bool can_dequantize(formats::DataType type) noexcept;

/// n elements from the start of a block to F32. n is a multiple of the type's block; `src` may have any alignment.
/// Rounds as ggml-org/ggml src/ggml-quants.c does: products and sums one by one, never fused.
void dequantize(formats::DataType type, const void* src, float* dst, std::size_t n) noexcept;

}  // namespace gemma4::blocks
