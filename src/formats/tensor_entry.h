// A tensor as a container lists it, the same for safetensors and GGUF.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "formats/data_type.h"

namespace gemma4::formats {

struct TensorEntry {
  std::string name;                 ///< As in the file.
  DataType type = DataType::f32;
  std::vector<std::int64_t> shape;  ///< Slowest dimension first, as in HF files: [out_features, in_features]. Every one >= 0.
  const std::uint8_t* data = nullptr;  ///< Inside the file's bytes, which the container keeps alive. Any alignment.
  std::uint64_t bytes = 0;

  std::uint64_t elements() const noexcept {  // cannot overflow: the container checked the product
    std::uint64_t n = 1;
    for (const std::int64_t dimension : shape) n *= static_cast<std::uint64_t>(dimension);
    return n;
  }
};

/// "[2048, 1536]", for messages.
std::string shape_string(const std::vector<std::int64_t>& shape);

}  // namespace gemma4::formats
