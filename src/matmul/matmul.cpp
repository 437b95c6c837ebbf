#include "matmul/matmul.h"

namespace gemma4::matmul {
namespace {

constexpr float kCoarseNoise = 0.01F;

}  // namespace

MatMul::MatMul(const kernels::KernelTable& kernels, const base::ThreadPool& pool, Compute compute, bool in_blocks)
    : kernels_(kernels),
      rows_(kernels, pool, compute != Compute::f32),
      panels_(kernels, pool),
      dense_(kernels, pool),
      integers_(compute != Compute::f32),
      bf16_(compute == Compute::bf16),
      bf16_if_coarse_(compute == Compute::automatic && in_blocks) {
  for (std::vector<Product>* list : {&few_, &panel_, &dense_list_}) list->reserve(256);
}

void MatMul::multiply(const float* src, std::size_t lds, std::size_t m, Span<const Product> products,
                      Activations activations, Arithmetic arithmetic) {
  few_.clear();
  panel_.clear();
  dense_list_.clear();
  for (Product product : products) {
    if (product.rows == Product::kAllRows) product.rows = m;
    if (product.rows == 0) continue;
    if (arithmetic.streams(product.rows)) {
      few_.push_back(product);
    } else if (integers_ && !product.weights->is_float()) {
      panel_.push_back(product);
    } else {
      dense_list_.push_back(product);
    }
  }
  if (!few_.empty()) rows_.run(src, lds, m, {few_.data(), few_.size()});
  if (!panel_.empty()) panels_.run(src, lds, {panel_.data(), panel_.size()}, activations == Activations::fine ? 0.0F : kCoarseNoise);
  if (!dense_list_.empty()) {
    const bool bf16 = bf16_ || (bf16_if_coarse_ && activations == Activations::coarse);
    dense_.run(src, lds, {dense_list_.data(), dense_list_.size()}, bf16);
  }
  for (const Product& product : products) {
    if (product.weights->scale == 1.0F) continue;
    const std::size_t rows = product.rows == Product::kAllRows ? m : product.rows;
    for (std::size_t i = 0; i < rows; ++i) kernels_.scale(product.dst + i * product.ldd, product.weights->scale, product.weights->n);
  }
}

}  // namespace gemma4::matmul
