#include "matmul/panel_products.h"

#include <algorithm>

namespace gemma4::matmul {
namespace {

constexpr std::size_t kPanelBlocks = 24;  // of 32 elements: a panel of 24 KiB of codes stays in the first-level cache
constexpr std::size_t kSlices = 8;        // of the tiles of a panel, between which memory is asked for the next
constexpr std::size_t kUnpackCost = 6;    // of a row of weights, in rows of activations

}  // namespace

/// Asks for the bytes of a panel, part by part while the panel before it is multiplied: all at once they would be in one
/// another's way.
class PanelAhead {
 public:
  PanelAhead() = default;
  PanelAhead(const Matrix& w, std::size_t row, std::size_t rows) noexcept
      : next_(static_cast<const std::uint8_t*>(w.row(row))), bytes_(std::min(rows, w.n - row) * w.row_bytes()) {}

  /// Part `index` of `count`.
  void fetch(std::size_t index, std::size_t count) const noexcept {
    const std::size_t end = bytes_ * (index + 1) / count;
    for (std::size_t i = bytes_ * index / count / 64 * 64; i < end; i += 64) __builtin_prefetch(next_ + i, 0, 2);
  }

 private:
  const std::uint8_t* next_ = nullptr;
  std::size_t bytes_ = 0;
};

PanelProducts::PanelProducts(const kernels::KernelTable& kernels, const base::ThreadPool& pool)
    : kernels_(kernels), pool_(pool), scratch_(static_cast<std::size_t>(pool.size())) {}

void PanelProducts::run(const float* src, std::size_t lds, Span<const Product> products, float noise) {
  quantize(src, lds, products[0].weights->k, products, noise);
  split_.clear();
  for (const Job& job : jobs_) split_.add(job.product->weights->n, job.product->rows + kUnpackCost);
  pool_.run([&](int worker) {
    split_.for_share(kernels_.blocks.panel_rows, worker, pool_.size(),
                     [&](std::size_t job) { return jobs_[job].product->weights->n; },
                     [&](std::size_t job, std::size_t begin, std::size_t end) {
                       multiply(jobs_[job], begin, end, scratch_[static_cast<std::size_t>(worker)]);
                     });
  });
}

void PanelProducts::quantize(const float* src, std::size_t lds, std::size_t k, Span<const Product> products,
                             float noise) {
  jobs_.clear();
  tiles_.clear();
  tile_rows_.clear();
  for (const Product& product : products) {
    const Product* last = jobs_.empty() ? nullptr : jobs_.back().product;
    if (last != nullptr && last->first_row == product.first_row && last->rows == product.rows) {
      jobs_.push_back({&product, jobs_.back().first_tile, jobs_.back().tiles});
      continue;
    }
    const std::size_t first = tiles_.size();
    for (std::size_t i = 0; i < product.rows; i += kernels::kTileRows) {
      kernels::Tile tile;
      tile.first_row = i;
      tile.rows = std::min(kernels::kTileRows, product.rows - i);
      for (std::size_t r = 0; r < kernels::kTileRows; ++r) {
        tile_rows_.push_back(src + (product.first_row + std::min(i + r, product.rows - 1)) * lds);
      }
      tiles_.push_back(tile);
    }
    jobs_.push_back({&product, first, tiles_.size() - first});
  }
  const std::size_t per_tile = k / 16;
  if (blocks_.size() < tiles_.size() * per_tile) {
    blocks_ = base::AlignedBuffer<kernels::TileBlock>(tiles_.size() * per_tile, "activations");
  }
  if (index_.size() < tiles_.size() * per_tile) index_.resize(tiles_.size() * per_tile);
  pool_.parallel_for(tiles_.size(), 1, [&](std::size_t begin, std::size_t end, int) {
    for (std::size_t t = begin; t < end; ++t) {
      kernels::Tile& tile = tiles_[t];
      kernels::TileBlock* data = blocks_.data() + t * per_tile;
      std::uint16_t* index = index_.data() + t * per_tile;
      const float* const* rows = &tile_rows_[t * kernels::kTileRows];
      tile.plain_blocks = k / 32;
      tile.fine = noise == 0.0F;
      if (tile.fine) {
        kernels_.blocks.quantize_fine_tile(rows, tile.rows, k, data);
      } else {
        tile.blocks = kernels_.blocks.quantize_tile(rows, tile.rows, k, noise, data, index);
      }
      tile.data = data;
      tile.index = index;
    }
  });
}

void PanelProducts::multiply(const Job& job, std::size_t begin, std::size_t end, WorkerScratch& scratch) {
  const kernels::BlockKernels& blocks = kernels_.blocks;
  const Product& p = *job.product;
  const Matrix& w = *p.weights;
  const std::size_t all = w.k / 32, bytes = blocks.panel_bytes(w.dtype, std::min(all, kPanelBlocks));
  if (scratch.panel.size() < bytes) scratch.panel = base::AlignedBuffer<std::uint8_t>(bytes, "weight panel");
  if (scratch.sums.size() < p.rows * blocks.panel_rows) {
    scratch.sums = base::AlignedBuffer<float>(p.rows * blocks.panel_rows, "sums of products");
  }
  float* const sums = scratch.sums.data();
  const std::size_t parts = (all + kPanelBlocks - 1) / kPanelBlocks, slices = std::min(kSlices, job.tiles);
  for (std::size_t j = begin; j < end; j += blocks.panel_rows) {
    const std::size_t rows = std::min(blocks.panel_rows, end - j);
    const PanelAhead ahead = panel_after(job, j, end);
    for (std::size_t part = 0; part < parts; ++part) {
      const std::size_t b = part * kPanelBlocks, count = std::min(kPanelBlocks, all - b);
      const bool last = part + 1 == parts;
      blocks.pack_panel(w.dtype, w.row(j), rows, w.k, b, count, scratch.panel.data());
      for (std::size_t s = 0; s < slices; ++s) {
        ahead.fetch(part * slices + s, parts * slices);
        const std::size_t first = job.tiles * s / slices, tiles = job.tiles * (s + 1) / slices - first;
        blocks.gemm_panel(w.dtype, scratch.panel.data(), rows, b, count, &tiles_[job.first_tile + first], tiles,
                          part == 0 ? nullptr : sums, last ? p.dst + j : sums, last ? p.ldd : blocks.panel_rows);
      }
    }
  }
}

/// The panel that a worker who has rows up to `end` of the job unpacks after the one at `row`.
PanelAhead PanelProducts::panel_after(const Job& job, std::size_t row, std::size_t end) const noexcept {
  const std::size_t width = kernels_.blocks.panel_rows;
  if (row + width < end) return {*job.product->weights, row + width, width};
  if (&job == &jobs_.back()) return {};
  return {*(&job + 1)->product->weights, 0, width};
}

}  // namespace gemma4::matmul
