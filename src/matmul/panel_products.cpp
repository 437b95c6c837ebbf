#include "matmul/panel_products.h"

#include <algorithm>

namespace gemma4::matmul {
namespace {

constexpr std::size_t kPanelBlocks = 24;  // of 32 elements: a panel of 24 KiB of codes stays in the first-level cache
constexpr std::size_t kUnpackCost = 6;    // of a row of weights, in rows of activations

/// Asks for the bytes that the next panel will be unpacked from.
void prefetch(const Matrix& w, std::size_t row, std::size_t rows, std::size_t first_block, std::size_t blocks) noexcept {
  const std::size_t begin = w.bytes_of(std::min(w.k, 32 * first_block)), end = w.bytes_of(std::min(w.k, 32 * (first_block + blocks)));
  for (std::size_t j = row; j < std::min(w.n, row + rows); ++j) {
    const auto* p = static_cast<const std::uint8_t*>(w.row(j));
    for (std::size_t i = begin; i < end; i += 64) __builtin_prefetch(p + i, 0, 2);
  }
}

}  // namespace

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
  for (std::size_t j = begin; j < end; j += blocks.panel_rows) {
    const std::size_t rows = std::min(blocks.panel_rows, end - j);
    for (std::size_t b = 0; b < all; b += kPanelBlocks) {
      const std::size_t count = std::min(kPanelBlocks, all - b);
      const bool last = b + count == all;
      blocks.pack_panel(w.dtype, w.row(j), rows, w.k, b, count, scratch.panel.data());
      if (!last) {
        prefetch(w, j, blocks.panel_rows, b + count, kPanelBlocks);
      } else if (j + blocks.panel_rows < end) {
        prefetch(w, j + blocks.panel_rows, blocks.panel_rows, 0, kPanelBlocks);
      } else if (&job != &jobs_.back()) {
        prefetch(*(&job + 1)->product->weights, 0, blocks.panel_rows, 0, kPanelBlocks);
      }
      blocks.gemm_panel(w.dtype, scratch.panel.data(), rows, b, count, &tiles_[job.first_tile], job.tiles,
                        b == 0 ? nullptr : sums, last ? p.dst + j : sums, last ? p.ldd : blocks.panel_rows);
    }
  }
}

}  // namespace gemma4::matmul
