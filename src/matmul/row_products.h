// Few rows at a time: the matrix-vector products of decoding.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/aligned_buffer.h"
#include "base/thread_pool.h"
#include "gemma4/types.h"
#include "kernels/kernels.h"
#include "matmul/product.h"

namespace gemma4::matmul {

/// Streams every weight once, in file order. Weights in blocks meet activations of 16 bits when `integers`, else they are
/// widened to F32 four rows at a time. All jobs of a call run in one parallel region, cut by bytes of weights.
class RowProducts {
 public:
  RowProducts(const kernels::KernelTable& kernels, const base::ThreadPool& pool, bool integers);

  /// Makes room for `rows` rows of up to k elements, so that such calls allocate nothing.
  void reserve(std::size_t rows, std::size_t k);

  /// Each job has at least one row of src [m, lds]. More than kGemvRows go past a stretch of weights that stays in the
  /// second-level cache, so many at a time; a row's sums are the same whatever rows are beside it.
  void run(const float* src, std::size_t lds, std::size_t m, Span<const Product> jobs);

 private:
  void quantize(const float* src, std::size_t lds, std::size_t m, std::size_t k, Span<const Product> jobs);
  void multiply(const float* src, std::size_t lds, const Product& job, std::size_t begin, std::size_t end, int worker);
  const float* widen_rows(const Matrix& weights, std::size_t row, std::size_t n, int worker);
  void multiply_few(const float* src, std::size_t lds, const Product& job, std::size_t i, std::size_t rows,
                    std::size_t j, std::size_t n, const float* tile) const;

  const kernels::KernelTable& kernels_;
  const base::ThreadPool& pool_;
  const bool integers_;
  WorkSplit split_;
  base::AlignedBuffer<std::uint8_t> quantized_;  // [m, row_bytes_]
  std::size_t row_bytes_ = 0;
  std::vector<std::uint8_t> wanted_;             // [m] rows that a job with weights in blocks reads
  std::vector<base::AlignedBuffer<float>> tiles_;  // one per worker: widened weights
};

}  // namespace gemma4::matmul
