// A tensor as a container lists it, the same for safetensors and GGUF.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "formats/data_type.h"

namespace gemma4::formats {

struct TensorEntry {
  std::string name;  ///< As in the file.
  DataType type = DataType::f32;
  std::vector<std::int64_t>
      shape;  ///< Slowest dimension first, as in HF files: [out_features, in_features]; none negative.
  const std::uint8_t* data = nullptr;  ///< Inside the file's bytes, which the container keeps alive. Any alignment.
  std::uint64_t bytes = 0;
};

/// The product of the dimensions; nullopt when one is negative or the product of those above 0 exceeds 63 bits.
std::optional<std::uint64_t> element_count(const std::vector<std::int64_t>& shape) noexcept;

/// "[2048, 1536]", for messages.
std::string shape_string(const std::vector<std::int64_t>& shape);

}  // namespace gemma4::formats
