// MatMul: the only door to dense linear algebra.
#pragma once

#include <cstddef>
#include <vector>

#include "base/thread_pool.h"
#include "gemma4/options.h"
#include "gemma4/types.h"
#include "kernels/kernels.h"
#include "matmul/arithmetic.h"
#include "matmul/dense_products.h"
#include "matmul/matrix.h"
#include "matmul/panel_products.h"
#include "matmul/product.h"
#include "matmul/row_products.h"

namespace gemma4::matmul {

/// Products over the pool's threads. Rows of weights are cut between workers by index, so equal thread counts give equal
/// bits. Owns the scratch of one step: use it only while holding the pool.
///
/// Few rows (decode) stream the weights once (row_products.h). Many rows: weights in blocks meet 8-bit activations
/// (panel_products.h); F32, F16 and BF16 go to Dense tiles (dense_products.h). With Compute::f32 blocks are widened to
/// F32, so that only F32 rounding separates a result from the reference of the dequantised weights.
/// Prefill may allocate (scratch grows to the largest shape seen); decode does not.
class MatMul {
 public:
  /// @param in_blocks  the model's weights are mostly blocks: then coarse products of its BF16 weights may be bf16 x bf16.
  MatMul(const kernels::KernelTable& kernels, const base::ThreadPool& pool, Compute compute, bool in_blocks = false);

  /// Makes room for products of `rows` <= kGemvRows rows of up to k elements: those allocate nothing from then on.
  void reserve(std::size_t rows, std::size_t k) { rows_.reserve(rows, k); }

  /// @param src  [m, lds] F32
  /// @param products  any number of matrices of one k; where their rows differ (experts), each names its own.
  void multiply(const float* src, std::size_t lds, std::size_t m, Span<const Product> products,
                Activations activations = Activations::coarse, Arithmetic arithmetic = Arithmetic::together());
  void multiply(const float* src, std::size_t lds, std::size_t m, const Matrix& weights, float* dst, std::size_t ldd,
                Activations activations = Activations::coarse, Arithmetic arithmetic = Arithmetic::together()) {
    const Product product{&weights, dst, ldd};
    multiply(src, lds, m, Span<const Product>(&product, 1), activations, arithmetic);
  }

 private:
  const kernels::KernelTable& kernels_;
  RowProducts rows_;
  PanelProducts panels_;
  DenseProducts dense_;
  std::vector<Product> few_, panel_, dense_list_;  // of the current call
  const bool integers_, bf16_, bf16_if_coarse_;
};

}  // namespace gemma4::matmul
