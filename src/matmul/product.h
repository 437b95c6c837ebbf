// Product: one matrix times some rows of a source; and how many of them are cut between workers.
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

#include "matmul/matrix.h"

namespace gemma4::matmul {

/// dst[i, j] = sum_t weights[j, t] * src[first_row + i, t] for i < rows.
struct Product {
  const Matrix* weights = nullptr;
  float* dst = nullptr;  ///< [rows, ldd] F32
  std::size_t ldd = 0;
  std::size_t first_row = 0, rows = kAllRows;  ///< of the source

  static constexpr std::size_t kAllRows = ~std::size_t{0};
};

/// Cuts the weight rows of many jobs, one after another, into shares of equal cost: by numbers alone, never by timing.
class WorkSplit {
 public:
  explicit WorkSplit(std::size_t reserve = 256) { ends_.reserve(reserve); }
  void clear() noexcept { ends_.clear(); }
  void add(std::size_t rows, std::size_t cost_per_row) { ends_.push_back(total() + rows * cost_per_row); }
  std::size_t total() const noexcept { return ends_.empty() ? 0 : ends_.back(); }

  /// fn(job, begin, end) for the rows of each job that fall to worker `index` of `count`; rows_of(job) are a job's rows,
  /// cut at multiples of `grain`.
  template <class RowsOf, class Fn>
  void for_share(std::size_t grain, int index, int count, RowsOf&& rows_of, Fn&& fn) const {
    const std::size_t first = total() * static_cast<std::size_t>(index) / static_cast<std::size_t>(count);
    const std::size_t last = total() * static_cast<std::size_t>(index + 1) / static_cast<std::size_t>(count);
    std::size_t job = static_cast<std::size_t>(std::upper_bound(ends_.begin(), ends_.end(), first) - ends_.begin());
    for (; job < ends_.size(); ++job) {
      const std::size_t start = job == 0 ? 0 : ends_[job - 1];
      if (start >= last) break;
      const std::size_t rows = rows_of(job), cost = (ends_[job] - start) / rows;
      const auto row_at = [&](std::size_t place) {  // nearest multiple of the grain
        if (place <= start) return std::size_t{0};
        if (place >= ends_[job]) return rows;
        return std::min(rows, ((place - start) / cost + grain / 2) / grain * grain);
      };
      const std::size_t begin = row_at(first), end = row_at(last);
      if (begin < end) fn(job, begin, end);
    }
  }

 private:
  std::vector<std::size_t> ends_;  // cost up to and with each job
};

}  // namespace gemma4::matmul
