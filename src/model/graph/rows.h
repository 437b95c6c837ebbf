// Rows: a view of activations, one row per token (or patch, or frame).
#pragma once

#include <cstddef>

namespace gemma4::graph {

/// n rows of `width` values, one after another. Never owns.
template <class T>
struct BasicRows {
  T* data = nullptr;
  std::size_t n = 0, width = 0;

  BasicRows() = default;
  BasicRows(T* rows, std::size_t count, std::size_t row_width) noexcept : data(rows), n(count), width(row_width) {}
  /// What may be written may be read.
  template <class U>
  BasicRows(const BasicRows<U>& other) noexcept : data(other.data), n(other.n), width(other.width) {}

  T* row(std::size_t i) const noexcept { return data + i * width; }
  /// Rows [begin, begin + count).
  BasicRows part(std::size_t begin, std::size_t count) const noexcept { return {row(begin), count, width}; }
};

using Rows = BasicRows<float>;
using ConstRows = BasicRows<const float>;

}  // namespace gemma4::graph
