// Many rows times F32, F16 or BF16 weights, or blocks widened to F32: tiles for Dense.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/aligned_buffer.h"
#include "base/thread_pool.h"
#include "gemma4/types.h"
#include "kernels/kernels.h"
#include "matmul/dense.h"
#include "matmul/product.h"

namespace gemma4::matmul {

/// F32, other weights widened tile by tile; bf16 x bf16 where that is allowed, the weights are bf16 and the CPU has
/// instructions for it.
class DenseProducts {
 public:
  DenseProducts(const kernels::KernelTable& kernels, const base::ThreadPool& pool);

  void run(const float* src, std::size_t lds, Span<const Product> products, bool allow_bf16);

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

  void run_shared(const float* src, std::size_t lds, std::size_t m, Span<const Product> products, bool allow_bf16);
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
