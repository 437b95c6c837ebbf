// Dense: one thread's dense product of tiles. Two bodies: oneDNN (onednn.cpp) and our own kernels (plain.cpp).
#pragma once

#include <cstddef>
#include <memory>

#include "gemma4/types.h"
#include "kernels/kernels.h"

namespace gemma4::matmul {

/// dst[m, n] = src[m, k] . weights[n, k]^T on the calling thread. src and weights share one type, F32 or bf16; sums and
/// dst are F32.
struct DenseTask {
  DType dtype = DType::f32;
  const void* src = nullptr;  ///< rows lds elements apart
  std::size_t lds = 0;
  const void* weights = nullptr;  ///< rows contiguous, k elements
  float* dst = nullptr;           ///< rows ldd elements apart
  std::size_t ldd = 0;
  std::size_t m = 0, n = 0, k = 0;
};

class Dense {
 public:
  virtual ~Dense() = default;
  /// True when bf16 products run on instructions made for them.
  virtual bool has_bf16() const noexcept = 0;
  /// @param worker  the pool worker this runs on; scratch memory is kept per worker.
  virtual void run(const DenseTask& task, int worker) = 0;
};

/// Null when this build or this machine has no oneDNN.
std::unique_ptr<Dense> make_onednn_dense(int workers, bool allow_bf16);
/// True when this build uses oneDNN and the system has one.
bool have_onednn() noexcept;
std::unique_ptr<Dense> make_plain_dense(const kernels::KernelTable& kernels);

}  // namespace gemma4::matmul
