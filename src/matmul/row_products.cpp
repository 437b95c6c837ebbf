#include "matmul/row_products.h"

#include <algorithm>

namespace gemma4::matmul {
namespace {

constexpr std::size_t kGrain = 4;                    // weight rows a share is a multiple of
constexpr std::size_t kWorthSharing = 96 * 1024;     // bytes of weights below which no other thread is woken
constexpr std::size_t kWidenedRows = 4;
constexpr std::size_t kCachedBytes = 128 * 1024;     // of weights that many rows go past

}  // namespace

RowProducts::RowProducts(const kernels::KernelTable& kernels, const base::ThreadPool& pool, bool integers)
    : kernels_(kernels), pool_(pool), integers_(integers), tiles_(static_cast<std::size_t>(pool.size())) {}

void RowProducts::reserve(std::size_t rows, std::size_t k) {
  if (wanted_.size() < rows) wanted_.resize(rows);
  const std::size_t bytes = rows * kernels_.blocks.quantized_row_bytes(k);
  if (integers_ && quantized_.size() < bytes) quantized_ = base::AlignedBuffer<std::uint8_t>(bytes, "activations");
}

void RowProducts::run(const float* src, std::size_t lds, std::size_t m, Span<const Product> jobs) {
  quantize(src, lds, m, jobs[0].weights->k, jobs);
  split_.clear();
  for (const Product& job : jobs) split_.add(job.weights->n, job.weights->row_bytes() * (job.rows + 1));
  const auto rows_of = [&](std::size_t job) { return jobs[job].weights->n; };
  const auto share = [&](int worker, int workers) {
    split_.for_share(kGrain, worker, workers, rows_of, [&](std::size_t job, std::size_t begin, std::size_t end) {
      multiply(src, lds, jobs[job], begin, end, worker);
    });
  };
  if (split_.total() < kWorthSharing) return share(0, 1);
  pool_.run([&](int worker) { share(worker, pool_.size()); });
}

void RowProducts::quantize(const float* src, std::size_t lds, std::size_t m, std::size_t k, Span<const Product> jobs) {
  reserve(m, k);
  std::fill(wanted_.begin(), wanted_.end(), std::uint8_t{0});
  std::size_t count = 0;
  for (const Product& job : jobs) {
    if (!integers_ || job.weights->is_float()) continue;
    for (std::size_t i = job.first_row; i < job.first_row + job.rows; ++i) {
      count += wanted_[i] == 0;
      wanted_[i] = 1;
    }
  }
  if (count == 0) return;
  row_bytes_ = kernels_.blocks.quantized_row_bytes(k);
  const auto quantize = [&](std::size_t i) {
    if (wanted_[i] != 0) kernels_.blocks.quantize_row(src + i * lds, k, quantized_.data() + i * row_bytes_);
  };
  if (count <= 16) {
    for (std::size_t i = 0; i < m; ++i) quantize(i);
    return;
  }
  pool_.parallel_for(m, 1, [&](std::size_t begin, std::size_t end, int) {
    for (std::size_t i = begin; i < end; ++i) quantize(i);
  });
}

void RowProducts::multiply(const float* src, std::size_t lds, const Product& job, std::size_t begin, std::size_t end,
                           int worker) {
  const bool widened = !integers_ && !job.weights->is_float();
  const std::size_t cached = std::max(kGrain, kCachedBytes / job.weights->row_bytes() / kGrain * kGrain);
  const std::size_t stretch = widened ? kWidenedRows : job.rows <= kernels::kGemvRows ? end - begin : cached;
  for (std::size_t j = begin; j < end; j += stretch) {
    const std::size_t n = std::min(stretch, end - j);
    const float* const tile = widened ? widen_rows(*job.weights, j, n, worker) : nullptr;
    for (std::size_t i = 0; i < job.rows; i += kernels::kGemvRows) {
      multiply_few(src, lds, job, i, std::min(kernels::kGemvRows, job.rows - i), j, n, tile);
    }
  }
}

const float* RowProducts::widen_rows(const Matrix& w, std::size_t row, std::size_t n, int worker) {
  base::AlignedBuffer<float>& tile = tiles_[static_cast<std::size_t>(worker)];
  if (tile.size() < kWidenedRows * w.k) tile = base::AlignedBuffer<float>(kWidenedRows * w.k, "weight tile");
  widen(kernels_, w, row, 0, n * w.k, tile.data());
  return tile.data();
}

/// Rows [i, i + rows) of the job's times rows [j, j + n) of its weights; `tile` has those widened, or is null.
void RowProducts::multiply_few(const float* src, std::size_t lds, const Product& job, std::size_t i, std::size_t rows,
                               std::size_t j, std::size_t n, const float* tile) const {
  const Matrix& w = *job.weights;
  const std::size_t first = job.first_row + i;
  float* const dst = job.dst + i * job.ldd + j;
  if (tile != nullptr) return kernels_.gemv(tile, DType::f32, src + first * lds, lds, rows, dst, job.ldd, n, w.k);
  if (const auto plain = formats::float_type(w.dtype)) {
    return kernels_.gemv(w.row(j), *plain, src + first * lds, lds, rows, dst, job.ldd, n, w.k);
  }
  const void* quantized[kernels::kGemvRows];
  for (std::size_t r = 0; r < rows; ++r) quantized[r] = quantized_.data() + (first + r) * row_bytes_;
  kernels_.blocks.gemv(w.dtype, w.row(j), quantized, rows, dst, job.ldd, n, w.k);
}

}  // namespace gemma4::matmul
