// KvView: what attention sees of one layer's cache: rows by position, no policy.
#pragma once

#include <cstddef>
#include <cstdint>

#include "gemma4/types.h"
#include "kernels/kernels.h"

namespace gemma4::graph {

/// Keys and values of one layer. Position p lies in slot p % capacity: a ring for sliding layers; for full layers
/// capacity is at least the context length and the slot is the position. A multiple of kernels::kKeyBlock either way,
/// so that a block of positions never wraps.
///   keys    [heads, capacity / kKeyLanes, head_dim, kKeyLanes], as attend_block wants them
///   values  [heads, capacity, head_dim]
struct KvView {
  std::uint8_t* keys = nullptr;
  std::uint8_t* values = nullptr;
  DType dtype = DType::f32;
  std::size_t heads = 0, head_dim = 0, capacity = 0;

  std::size_t slot(std::size_t position) const noexcept { return position % capacity; }
  /// Byte offset of a head's slot in values; in keys too where a group of kKeyLanes begins.
  std::size_t offset(std::size_t head, std::size_t slot) const noexcept {
    return (head * capacity + slot) * head_dim * size_of(dtype);
  }
  /// Byte offset of the first element of a head's key; the others follow kKeyLanes elements apart.
  std::size_t key_offset(std::size_t head, std::size_t slot) const noexcept {
    const std::size_t lane = slot % kernels::kKeyLanes;
    return offset(head, slot - lane) + lane * size_of(dtype);
  }
};

}  // namespace gemma4::graph
