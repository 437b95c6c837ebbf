// Reads a checkpoint's contents through: what opening it leaves out, because that would touch every page.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "base/thread_pool.h"
#include "weights/checkpoint.h"

namespace gemma4::weights {

/// A tensor with values that are NaN or infinite: in a block type, those of blocks with such a scale.
struct NonFinite {
  const Checkpoint::Tensor* tensor = nullptr;
  std::uint64_t count = 0;
  std::uint64_t first = 0;  ///< Index of the first such element.
};

/// Every tensor of a type that dequantize() knows, on the pool's threads; takes the pool's turn tensor by tensor.
/// @param progress  bytes read, bytes of all tensors; may be empty.
std::vector<NonFinite> find_non_finite(const Checkpoint& checkpoint, const base::ThreadPool& pool,
                                       const std::function<void(std::uint64_t, std::uint64_t)>& progress);

}  // namespace gemma4::weights
