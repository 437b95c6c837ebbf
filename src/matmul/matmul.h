// Matrix and MatMul: the only door to dense linear algebra.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/aligned_buffer.h"
#include "base/thread_pool.h"
#include "gemma4/options.h"
#include "gemma4/types.h"
#include "kernels/kernels.h"
#include "matmul/dense.h"
#include "matmul/matrix.h"

namespace gemma4::matmul {

/// dst[i, j] = sum_t weights[j, t] * src[i, t]: where the product of a shared source goes.
struct Product {
  const Matrix* weights = nullptr;
  float* dst = nullptr;  ///< [m, ldd] F32
  std::size_t ldd = 0;
};

/// Products over the pool's threads. n is cut between workers by index, so equal thread counts give equal bits.
/// Owns the scratch of one step: use it only while holding the pool.
///
/// Few rows (decode) stream the weights through our gemv, F32 arithmetic, no allocation. Many rows go to Dense tiles:
/// F32, 16-bit weights widened tile by tile; with Compute::bf16 bf16 x bf16 where the weights are bf16 and the CPU has
/// instructions for it. Prefill may allocate (scratch grows to the largest shape seen).
class MatMul {
 public:
  MatMul(const kernels::KernelTable& kernels, const base::ThreadPool& pool, Compute compute);

  /// @param src  [m, lds] F32
  void multiply(const float* src, std::size_t lds, std::size_t m, Span<const Product> products);
  void multiply(const float* src, std::size_t lds, std::size_t m, const Matrix& weights, float* dst, std::size_t ldd) {
    const Product product{&weights, dst, ldd};
    multiply(src, lds, m, Span<const Product>(&product, 1));
  }

 private:
  /// One worker's tile of widened weights, and where the padded rows' results go.
  struct WorkerScratch {
    base::AlignedBuffer<float> tile, tail;
  };

  /// The rows of a source as Dense gets them. Dense makes one kernel per row count, so counts are few: whole blocks of 64
  /// rows, then the rest padded to a multiple of 16.
  struct Source {
    DType dtype;
    const void* blocks;  ///< [block_rows, ld]
    std::size_t block_rows, ld;
    const void* rest;    ///< [padded_rows, ld_rest]; the first rest_rows count
    std::size_t rest_rows, padded_rows, ld_rest;
  };

  void multiply_unscaled(const float* src, std::size_t lds, std::size_t m, Span<const Product> products);
  void few_rows(const float* src, std::size_t lds, std::size_t m, Span<const Product> products);
  void gemv(const Product& product, std::size_t begin, std::size_t end, const float* src, std::size_t lds, std::size_t m,
            int worker);
  Source f32_source(const float* src, std::size_t lds, std::size_t m, std::size_t k);
  Source bf16_source(const float* src, std::size_t lds, std::size_t m, std::size_t k);
  void many_rows(const Source& src, const Product& product);
  void run_tile(const Source& src, const void* weights, std::size_t n, std::size_t k, float* dst, std::size_t ldd,
                int worker);

  const kernels::KernelTable& kernels_;
  const base::ThreadPool& pool_;
  std::unique_ptr<Dense> dense_;
  std::vector<WorkerScratch> scratch_;            // one per worker
  base::AlignedBuffer<std::uint16_t> src_bf16_;   // [m, padded, k] of the current call
  base::AlignedBuffer<float> src_rest_;           // [padded rows, k] of the current call
};

}  // namespace gemma4::matmul
