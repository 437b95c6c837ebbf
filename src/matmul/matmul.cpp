#include "matmul/matmul.h"

#include <algorithm>
#include <string_view>

#include "base/check.h"

namespace gemma4::matmul {
namespace {

constexpr std::size_t kGrain = 64;           // rows of weights a worker's share is a multiple of
constexpr std::size_t kWorthSharing = 1 << 17;  // products below this take less time than waking another thread
constexpr std::size_t kTileFloats = 1 << 17;  // a widened tile of 512 KiB stays in a core's second-level cache

}  // namespace

MatMul::MatMul(const kernels::KernelTable& kernels, const base::ThreadPool& pool, Compute compute)
    : kernels_(kernels), pool_(pool), scratch_(static_cast<std::size_t>(pool.size())) {
  dense_ = make_onednn_dense(pool.size(), compute == Compute::bf16 && std::string_view(kernels.name) == "avx512");
  if (!dense_) dense_ = make_plain_dense(kernels);
}

void MatMul::multiply(const float* src, std::size_t lds, std::size_t m, Span<const Product> products) {
  if (m == 0 || products.empty()) return;
  if (m <= kernels::kGemvRows) return few_rows(src, lds, m, products);

  const std::size_t k = products[0].weights->k;
  const bool wants_bf16 = dense_->has_bf16() && std::any_of(products.begin(), products.end(), [](const Product& p) {
                            return p.weights->dtype == DType::bf16;
                          });
  if (wants_bf16) {
    if (src_bf16_.size() < m * k) src_bf16_ = base::AlignedBuffer<std::uint16_t>(m * k, "bf16 activations");
    pool_.parallel_for(m, 1, [&](std::size_t begin, std::size_t end, int) {
      for (std::size_t i = begin; i < end; ++i) {
        kernels_.from_f32(src + i * lds, DType::bf16, src_bf16_.data() + i * k, k);
      }
    });
  }
  for (const Product& product : products) many_rows(src, lds, m, product, wants_bf16 ? src_bf16_.data() : nullptr);
}

void MatMul::few_rows(const float* src, std::size_t lds, std::size_t m, Span<const Product> products) {
  std::size_t weights = 0;
  for (const Product& p : products) weights += p.weights->n * p.weights->k;
  if (weights * m < kWorthSharing) {
    for (const Product& p : products) {
      kernels_.gemv(p.weights->data, p.weights->dtype, src, lds, m, p.dst, p.ldd, p.weights->n, p.weights->k);
    }
    return;
  }
  pool_.run([&](int worker) {
    for (const Product& p : products) {
      const auto [begin, end] = base::ThreadPool::slice(p.weights->n, 4, worker, pool_.size());
      if (begin == end) continue;
      kernels_.gemv(p.weights->row(begin), p.weights->dtype, src, lds, m, p.dst + begin, p.ldd, end - begin,
                    p.weights->k);
    }
  });
}

void MatMul::many_rows(const float* src, std::size_t lds, std::size_t m, const Product& product,
                       const void* src_bf16) {
  const Matrix& w = *product.weights;
  const std::size_t grain = w.n >= kGrain * static_cast<std::size_t>(pool_.size()) ? kGrain : 16;
  pool_.parallel_for(w.n, grain, [&](std::size_t begin, std::size_t end, int worker) {
    if (w.dtype == DType::bf16 && src_bf16 != nullptr) {
      dense_->run({DType::bf16, src_bf16, w.k, w.row(begin), product.dst + begin, product.ldd, m, end - begin, w.k},
                  worker);
    } else if (w.dtype == DType::f32) {
      dense_->run({DType::f32, src, lds, w.row(begin), product.dst + begin, product.ldd, m, end - begin, w.k}, worker);
    } else {
      wide_tiles(src, lds, m, product, begin, end, worker);
    }
  });
}

void MatMul::wide_tiles(const float* src, std::size_t lds, std::size_t m, const Product& product, std::size_t begin,
                        std::size_t end, int worker) {
  const Matrix& w = *product.weights;
  const std::size_t rows = std::max<std::size_t>(16, kTileFloats / w.k / 16 * 16);
  base::AlignedBuffer<float>& tile = scratch_[static_cast<std::size_t>(worker)].tile;
  if (tile.size() < std::min(rows, w.n) * w.k) tile = base::AlignedBuffer<float>(rows * w.k, "weight tile");
  for (std::size_t j = begin; j < end; j += rows) {
    const std::size_t count = std::min(rows, end - j);
    kernels_.to_f32(w.row(j), w.dtype, tile.data(), count * w.k);
    dense_->run({DType::f32, src, lds, tile.data(), product.dst + j, product.ldd, m, count, w.k}, worker);
  }
}

}  // namespace gemma4::matmul
