// Kit: what every block of a graph works with: kernels, threads, products, the step's arithmetic; norms and products of rows.
#pragma once

#include <array>
#include <cstddef>
#include <initializer_list>

#include "base/thread_pool.h"
#include "kernels/kernels.h"
#include "matmul/matmul.h"
#include "model/graph/linear.h"
#include "model/graph/rows.h"
#include "model/graph/stopwatch.h"

namespace gemma4::graph {

using matmul::Activations;
using matmul::Arithmetic;

/// A product of the rows at hand.
struct Projection {
  const Linear* linear;
  Rows dst;  ///< [n, linear->n()]
};

/// Knows no config: decoders, encoders and drafters use the same one. Lives for one step, while the pool is held.
struct Kit {
  const kernels::KernelTable& kernels;
  const base::ThreadPool& pool;
  matmul::MatMul& matmul;
  Stopwatch& watch;  ///< Each block ends its parts of the step with a lap.
  Arithmetic arithmetic = Arithmetic::together();

  /// fn(row) for each row, split over the pool.
  template <class Fn>
  void for_rows(std::size_t n, Fn&& fn) const {
    pool.parallel_for(n, 1, [&](std::size_t begin, std::size_t end, int) {
      for (std::size_t i = begin; i < end; ++i) fn(i);
    });
  }

  /// dst[i] = rms_norm(src[i]) * weights. dst may be src.
  void norm(ConstRows src, const Vector& weights, float eps, Rows dst) const {
    for_rows(src.n, [&](std::size_t i) { kernels.rms_norm(src.row(i), weights.data(), dst.row(i), src.width, eps); });
  }

  /// x[i] += rms_norm(src[i]) * weights: how each branch joins the residual stream.
  void add_normed(ConstRows src, const Vector& weights, float eps, Rows x) const {
    for_rows(src.n, [&](std::size_t i) {
      kernels.rms_norm_add(src.row(i), weights.data(), x.row(i), x.row(i), src.width, eps);
    });
  }

  /// x[i] *= factor.
  void scale(Rows x, float factor) const {
    for_rows(x.n, [&](std::size_t i) { kernels.scale(x.row(i), factor, x.width); });
  }

  /// gate[i] = gelu(gate[i]) * up[i].
  void gelu_mul(Rows gate, ConstRows up) const {
    for_rows(gate.n, [&](std::size_t i) { kernels.gelu_mul(gate.row(i), up.row(i), gate.row(i), gate.width); });
  }

  /// dst = linear src.
  void multiply(ConstRows src, const Linear& linear, Rows dst, Activations activations) const {
    matmul.multiply(src.data, src.width, src.n, linear.matrix, dst.data, dst.width, activations, arithmetic);
  }

  /// Several matrices times the same rows, at most four: their weights are read in one go.
  void multiply(ConstRows src, std::initializer_list<Projection> projections, Activations activations) const {
    std::array<matmul::Product, 4> products;
    std::size_t count = 0;
    for (const Projection& p : projections) {
      if (p.linear != nullptr) products[count++] = {&p.linear->matrix, p.dst.data, p.dst.width};
    }
    matmul.multiply(src.data, src.width, src.n, {products.data(), count}, activations, arithmetic);
  }
};

}  // namespace gemma4::graph
