// What every block of the graph is handed: the config, the kernels, the threads, the buffers.
#pragma once

#include <cstddef>

#include "base/thread_pool.h"
#include "gemma4/config.h"
#include "kernels/kernels.h"
#include "matmul/matmul.h"
#include "model/stopwatch.h"
#include "model/workspace.h"

namespace gemma4::model {

/// Rows of a step up to which every activation has 16 bits.
inline constexpr std::size_t kFineRows = 64;

struct Context {
  const ModelConfig& config;
  const kernels::KernelTable& kernels;
  const base::ThreadPool& pool;
  matmul::MatMul& matmul;
  Workspace& ws;
  Stopwatch& watch;  ///< Each block ends its parts of the step with a lap.

  std::size_t hidden_size() const noexcept { return static_cast<std::size_t>(config.hidden_size); }

  /// How finely the large products of a step of n rows, those of the feed-forward blocks, round their activations. (The
  /// layers' other products, a fifth of the work, and the head are always fine.) Few rows are bound by reading the
  /// weights: precision costs little there.
  matmul::Activations activations(std::size_t n) const noexcept {
    return n <= kFineRows ? matmul::Activations::fine : matmul::Activations::coarse;
  }

  /// fn(row) for each row, split over the pool.
  template <class Fn>
  void for_rows(std::size_t n, Fn&& fn) const {
    pool.parallel_for(n, 1, [&](std::size_t begin, std::size_t end, int) {
      for (std::size_t i = begin; i < end; ++i) fn(i);
    });
  }

  /// dst[i] = rms_norm(src[i]) * weights, rows of hidden_size.
  void norm_rows(const float* src, const std::vector<float>& weights, float* dst, std::size_t n) const {
    for_rows(n, [&](std::size_t i) {
      kernels.rms_norm(src + i * hidden_size(), weights.data(), dst + i * hidden_size(), hidden_size(),
                       config.rms_norm_eps);
    });
  }

  /// x[i] += rms_norm(src[i]) * weights: how each branch joins the residual stream.
  void add_normed_rows(const float* src, const std::vector<float>& weights, float* x, std::size_t n) const {
    for_rows(n, [&](std::size_t i) {
      float* row = x + i * hidden_size();
      kernels.rms_norm_add(src + i * hidden_size(), weights.data(), row, row, hidden_size(), config.rms_norm_eps);
    });
  }
};

}  // namespace gemma4::model
