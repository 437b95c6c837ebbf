#include "blocks/dequantize.h"

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "base/bf16.h"
#include "blocks/codes.h"

namespace gemma4::blocks {
namespace {

using formats::DataType;

template <float (*kToFloat)(std::uint16_t) noexcept>
void widen(const void* src, float* dst, std::size_t n) noexcept {
  const auto* const bytes = static_cast<const std::uint8_t*>(src);
  for (std::size_t i = 0; i < n; ++i) {
    std::uint16_t half;
    std::memcpy(&half, bytes + 2 * i, sizeof half);
    dst[i] = kToFloat(half);
  }
}

void expand(const Codes32& c, int zero, float* dst) noexcept {
  for (int h = 0; h < 2; ++h) {
    const float scale = c.scale[h];
    for (int j = 16 * h; j < 16 * h + 16; ++j) dst[j] = scale * static_cast<float>(c.code[j] - zero);
  }
}

/// Apart from the other: where a type has no minimum a product of -0 stays.
void expand_with_min(const Codes32& c, float* dst) noexcept {
  for (int h = 0; h < 2; ++h) {
    const float scale = c.scale[h], min = c.min[h];
    for (int j = 16 * h; j < 16 * h + 16; ++j) dst[j] = scale * static_cast<float>(c.code[j]) + min;
  }
}

}  // namespace

bool can_dequantize(DataType type) noexcept {
  return type == DataType::f32 || type == DataType::f16 || type == DataType::bf16 || code_format(type) != nullptr;
}

void dequantize(DataType type, const void* src, float* dst, std::size_t n) noexcept {
  if (type == DataType::f32) {
    std::memcpy(dst, src, n * sizeof(float));
  } else if (type == DataType::f16) {
    widen<base::f16_to_float>(src, dst, n);
  } else if (type == DataType::bf16) {
    widen<base::bf16_to_float>(src, dst, n);
  } else if (const CodeFormat* const format = code_format(type)) {
    constexpr std::size_t kAtOnce = 32;
    Codes32 codes[kAtOnce];
    for (std::size_t i = 0, end = n / 32; i < end; i += kAtOnce) {
      const std::size_t count = std::min(kAtOnce, end - i);
      unpack_codes(type, src, i, count, codes);
      for (std::size_t j = 0; j < count; ++j, dst += 32) {
        if (format->has_min) {
          expand_with_min(codes[j], dst);
        } else {
          expand(codes[j], format->zero, dst);
        }
      }
    }
  }
}

}  // namespace gemma4::blocks
