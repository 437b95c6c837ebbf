// Linear: a weight matrix of the graph, with a name by which others find it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "matmul/matrix.h"

namespace gemma4::graph {

using Vector = std::vector<float>;  ///< Norms, scalars: converted to F32 at load, so that every format agrees bit for bit.

/// y = W x. `id` is the matrix's number within its model, counted from 0 in the order of loading: what an adapter's
/// tables are indexed by. An empty one (no data) stands where a layer has no such matrix.
struct Linear {
  static constexpr std::uint32_t kNone = ~std::uint32_t{0};

  matmul::Matrix matrix;
  std::uint32_t id = kNone;

  std::size_t n() const noexcept { return matrix.n; }  ///< out_features
  std::size_t k() const noexcept { return matrix.k; }  ///< in_features
  bool empty() const noexcept { return matrix.data == nullptr; }
};

}  // namespace gemma4::graph
