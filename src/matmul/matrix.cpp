#include "matmul/matrix.h"

#include <algorithm>
#include <cstring>

#include "blocks/dequantize.h"

namespace gemma4::matmul {

void widen(const kernels::KernelTable& kernels, const Matrix& matrix, std::size_t row, std::size_t first,
           std::size_t count, float* dst) noexcept {
  const auto* src = static_cast<const std::uint8_t*>(matrix.row(row));
  if (const auto plain = formats::float_type(matrix.dtype)) {
    return kernels.to_f32(src + first * size_of(*plain), *plain, dst, count);
  }
  const std::size_t block = formats::info(matrix.dtype).block_elements;
  while (count != 0) {
    const std::size_t begin = first / block * block, skip = first - begin;
    if (skip == 0 && count >= block) {
      const std::size_t whole = count / block * block;
      blocks::dequantize(matrix.dtype, src + matrix.bytes_of(first), dst, whole);
      first += whole;
      count -= whole;
      dst += whole;
      continue;
    }
    float values[256];  // the largest block
    blocks::dequantize(matrix.dtype, src + matrix.bytes_of(begin), values, block);
    const std::size_t taken = std::min(count, block - skip);
    std::memcpy(dst, values + skip, taken * sizeof(float));
    first += taken;
    count -= taken;
    dst += taken;
  }
}

}  // namespace gemma4::matmul
