// Matrix: weights as they lie in their file.
#pragma once

#include <cstddef>
#include <cstdint>

#include "formats/data_type.h"
#include "kernels/kernels.h"

namespace gemma4::matmul {

using formats::DataType;

/// Weights [n, k] ([out_features, in_features]) in their file's type, rows contiguous. Never owns.
struct Matrix {
  const void* data = nullptr;
  DataType dtype = DataType::f32;
  std::size_t n = 0, k = 0;
  float scale = 1.0F;  ///< Of the whole matrix, beside what is in its blocks: MatMul's products are multiplied by it.

  /// Bytes of `elements` consecutive elements, a whole number of blocks.
  std::size_t bytes_of(std::size_t elements) const noexcept {
    const formats::DataTypeInfo& layout = formats::info(dtype);
    return elements / layout.block_elements * layout.block_bytes;
  }
  std::size_t row_bytes() const noexcept { return bytes_of(k); }
  std::size_t bytes() const noexcept { return n * row_bytes(); }
  const void* row(std::size_t j) const noexcept { return static_cast<const std::uint8_t*>(data) + j * row_bytes(); }
  /// Rows [begin, begin + count).
  Matrix rows(std::size_t begin, std::size_t count) const noexcept { return {row(begin), dtype, count, k, scale}; }
  /// True for F32, F16 and BF16; false for blocks of quantised weights.
  bool is_float() const noexcept { return formats::float_type(dtype).has_value(); }
};

/// `count` elements from element `first` of row `row` as F32, without `scale`. May run on into the rows after.
void widen(const kernels::KernelTable& kernels, const Matrix& matrix, std::size_t row, std::size_t first,
           std::size_t count, float* dst) noexcept;

}  // namespace gemma4::matmul
