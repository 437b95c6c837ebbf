// Dense products from our own gemv kernel, four rows at a time: the oracle of oneDNN's, and the build without it.
#include <algorithm>

#include "matmul/dense.h"

namespace gemma4::matmul {
namespace {

class PlainDense final : public Dense {
 public:
  explicit PlainDense(const kernels::KernelTable& kernels) : kernels_(kernels) {}

  bool has_bf16() const noexcept override { return false; }

  void run(const DenseTask& t, int /*worker*/) override {
    const auto* src = static_cast<const float*>(t.src);
    for (std::size_t i = 0; i < t.m; i += kernels::kGemvRows) {
      const std::size_t rows = std::min(kernels::kGemvRows, t.m - i);
      kernels_.gemv(t.weights, t.dtype, src + i * t.lds, t.lds, rows, t.dst + i * t.ldd, t.ldd, t.n, t.k);
    }
  }

 private:
  const kernels::KernelTable& kernels_;
};

}  // namespace

std::unique_ptr<Dense> make_plain_dense(const kernels::KernelTable& kernels) {
  return std::make_unique<PlainDense>(kernels);
}

}  // namespace gemma4::matmul
