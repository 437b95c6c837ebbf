#include "matmul/dense_products.h"

#include <algorithm>
#include <cstring>
#include <string_view>

#include "base/check.h"

namespace gemma4::matmul {
namespace {

constexpr std::size_t kGrain = 64;           // rows of weights a worker's share is a multiple of
constexpr std::size_t kBlockRows = 64, kPadRows = 16;  // DenseProducts::Source
constexpr std::size_t kTileFloats = 1 << 17;  // a tile of 512 KiB stays in a core's second-level cache

}  // namespace

DenseProducts::DenseProducts(const kernels::KernelTable& kernels, const base::ThreadPool& pool)
    : kernels_(kernels), pool_(pool), scratch_(static_cast<std::size_t>(pool.size())) {
  const bool avx512 = std::string_view(kernels.name).substr(0, 6) == "avx512";
  dense_ = make_onednn_dense(pool.size(), avx512);
  if (!dense_) dense_ = make_plain_dense(kernels);
}

void DenseProducts::run(const float* src, std::size_t lds, Span<const Product> products, bool allow_bf16) {
  for (std::size_t begin = 0, end; begin < products.size(); begin = end) {  // runs that share their rows
    const Product& first = products[begin];
    const auto same = [&](const Product& p) { return p.first_row == first.first_row && p.rows == first.rows; };
    for (end = begin + 1; end < products.size() && same(products[end]); ++end) {}
    run_shared(src + first.first_row * lds, lds, first.rows, {products.data() + begin, end - begin}, allow_bf16);
  }
}

void DenseProducts::run_shared(const float* src, std::size_t lds, std::size_t m, Span<const Product> products,
                               bool allow_bf16) {
  const std::size_t k = products[0].weights->k;
  const auto in_bf16 = [&](const Product& p) { return allow_bf16 && dense_->has_bf16() && p.weights->dtype == DataType::bf16; };
  const bool some_bf16 = std::any_of(products.begin(), products.end(), in_bf16);
  const bool all_bf16 = std::all_of(products.begin(), products.end(), in_bf16);
  const Source bf16 = some_bf16 ? bf16_source(src, lds, m, k) : Source{};
  const Source f32 = all_bf16 ? Source{} : f32_source(src, lds, m, k);
  for (const Product& product : products) many_rows(in_bf16(product) ? bf16 : f32, product);
}

DenseProducts::Source DenseProducts::f32_source(const float* src, std::size_t lds, std::size_t m, std::size_t k) {
  const std::size_t blocks = m / kBlockRows * kBlockRows, rest = m - blocks;
  const std::size_t padded = (rest + kPadRows - 1) / kPadRows * kPadRows;
  Source source{DType::f32, src, blocks, lds, src + blocks * lds, rest, padded, lds};
  if (padded != rest) {
    if (src_rest_.size() < padded * k) src_rest_ = base::AlignedBuffer<float>(padded * k, "activations");
    for (std::size_t i = 0; i < rest; ++i) std::memcpy(src_rest_.data() + i * k, src + (blocks + i) * lds, k * sizeof(float));
    std::memset(src_rest_.data() + rest * k, 0, (padded - rest) * k * sizeof(float));
    source.rest = src_rest_.data();
    source.ld_rest = k;
  }
  return source;
}

DenseProducts::Source DenseProducts::bf16_source(const float* src, std::size_t lds, std::size_t m, std::size_t k) {
  const std::size_t blocks = m / kBlockRows * kBlockRows, rest = m - blocks;
  const std::size_t padded = (rest + kPadRows - 1) / kPadRows * kPadRows;
  const std::size_t rows = blocks + padded;
  if (src_bf16_.size() < rows * k) src_bf16_ = base::AlignedBuffer<std::uint16_t>(rows * k, "bf16 activations");
  pool_.parallel_for(m, 1, [&](std::size_t begin, std::size_t end, int) {
    for (std::size_t i = begin; i < end; ++i) {
      kernels_.from_f32(src + i * lds, DType::bf16, src_bf16_.data() + i * k, k);
    }
  });
  std::memset(src_bf16_.data() + m * k, 0, (rows - m) * k * sizeof(std::uint16_t));
  return {DType::bf16, src_bf16_.data(), blocks, k, src_bf16_.data() + blocks * k, rest, padded, k};
}

void DenseProducts::many_rows(const Source& src, const Product& product) {
  const Matrix& w = *product.weights;
  const bool as_it_is = formats::float_type(w.dtype) == src.dtype;
  // Weights used as they lie go in larger tiles: they only have to last from the whole blocks to the rest.
  const std::size_t weights = !as_it_is ? kTileFloats : src.rest_rows != 0 ? 8 * kTileFloats : w.n * w.k;
  const std::size_t tile_rows = std::max(kPadRows, (weights / w.k + kPadRows - 1) / kPadRows * kPadRows);
  const std::size_t grain = w.n >= kGrain * static_cast<std::size_t>(pool_.size()) ? kGrain : kPadRows;
  pool_.parallel_for(w.n, grain, [&](std::size_t begin, std::size_t end, int worker) {
    base::AlignedBuffer<float>& tile = scratch_[static_cast<std::size_t>(worker)].tile;
    if (!as_it_is && tile.size() < tile_rows * w.k) tile = base::AlignedBuffer<float>(tile_rows * w.k, "weight tile");
    for (std::size_t j = begin; j < end; j += tile_rows) {
      const std::size_t n = std::min(tile_rows, end - j);
      if (!as_it_is) widen(kernels_, w, j, 0, n * w.k, tile.data());
      run_tile(src, as_it_is ? w.row(j) : tile.data(), n, w.k, product.dst + j, product.ldd, worker);
    }
  });
}

void DenseProducts::run_tile(const Source& src, const void* weights, std::size_t n, std::size_t k, float* dst, std::size_t ldd,
                      int worker) {
  if (src.block_rows != 0) {
    dense_->run({src.dtype, src.blocks, src.ld, weights, dst, ldd, src.block_rows, n, k}, worker);
  }
  if (src.rest_rows == 0) return;
  float* rest = dst + src.block_rows * ldd;
  if (src.padded_rows == src.rest_rows) {
    dense_->run({src.dtype, src.rest, src.ld_rest, weights, rest, ldd, src.rest_rows, n, k}, worker);
    return;
  }
  base::AlignedBuffer<float>& tail = scratch_[static_cast<std::size_t>(worker)].tail;
  if (tail.size() < kBlockRows * n) tail = base::AlignedBuffer<float>(kBlockRows * n, "activations");
  dense_->run({src.dtype, src.rest, src.ld_rest, weights, tail.data(), n, src.padded_rows, n, k}, worker);
  for (std::size_t i = 0; i < src.rest_rows; ++i) std::memcpy(rest + i * ldd, tail.data() + i * n, n * sizeof(float));
}

}  // namespace gemma4::matmul
