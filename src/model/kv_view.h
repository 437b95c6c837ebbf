// KvView: what attention sees of one layer's cache: rows by position, no policy.
#pragma once

#include <cstddef>
#include <cstdint>

#include "gemma4/types.h"

namespace gemma4::model {

/// Keys and values of one layer, [heads, capacity, head_dim] each. Position p lies in slot p % capacity: a ring for
/// sliding layers; for full layers capacity is the context length and the slot is the position.
struct KvView {
  std::uint8_t* keys = nullptr;
  std::uint8_t* values = nullptr;
  DType dtype = DType::f32;
  std::size_t heads = 0, head_dim = 0, capacity = 0;

  std::size_t slot(std::size_t position) const noexcept { return position % capacity; }
  /// Byte offset of a head's slot in keys or values.
  std::size_t offset(std::size_t head, std::size_t slot) const noexcept {
    return (head * capacity + slot) * head_dim * size_of(dtype);
  }
};

}  // namespace gemma4::model
