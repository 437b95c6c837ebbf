// TensorView: what the model sees of a tensor of the checkpoint.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "formats/data_type.h"

namespace gemma4::weights {

/// Element type, shape and place of a tensor; never owns. Rows lie one after another, without gaps; `data` is aligned
/// for its element type.
struct TensorView {
  formats::DataType dtype = formats::DataType::f32;
  std::vector<std::int64_t> shape;  ///< Slowest dimension first: [out_features, in_features].
  const void* data = nullptr;

  std::size_t elements() const noexcept {
    std::size_t n = 1;
    for (const std::int64_t dimension : shape) n *= static_cast<std::size_t>(dimension);
    return n;
  }
  std::size_t bytes() const noexcept { return formats::byte_size(dtype, elements()).value_or(0); }
};

}  // namespace gemma4::weights
