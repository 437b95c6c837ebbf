// Many rows times weights in blocks: 8-bit activations against panels of codes.
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

class PanelAhead;

/// The activations are quantised once (products that name the same rows share them); then each worker unpacks its rows of
/// weights, a panel that stays in its first-level cache at a time, and runs all activations past it. What long rows add up
/// to stays beside the activations in the second level until it is whole.
class PanelProducts {
 public:
  PanelProducts(const kernels::KernelTable& kernels, const base::ThreadPool& pool);

  /// @param noise  of coarse tiles (kernels.h); 0: fine ones.
  void run(const float* src, std::size_t lds, Span<const Product> products, float noise);

 private:
  struct Job {
    const Product* product;
    std::size_t first_tile, tiles;
  };
  void quantize(const float* src, std::size_t lds, std::size_t k, Span<const Product> products, float noise);
  /// One worker's panel, and the sums of its rows for all activations, [rows, panel_rows].
  struct WorkerScratch {
    base::AlignedBuffer<std::uint8_t> panel;
    base::AlignedBuffer<float> sums;
  };
  PanelAhead panel_after(const Job& job, std::size_t row, std::size_t end) const noexcept;
  void multiply(const Job& job, std::size_t begin, std::size_t end, WorkerScratch& scratch);

  const kernels::KernelTable& kernels_;
  const base::ThreadPool& pool_;
  WorkSplit split_;
  std::vector<Job> jobs_;
  std::vector<kernels::Tile> tiles_;
  std::vector<const float*> tile_rows_;                 // [tiles * kTileRows]
  base::AlignedBuffer<kernels::TileBlock> blocks_;      // [tiles, 2 * k / 32]
  std::vector<std::uint16_t> index_;                    // the same
  std::vector<WorkerScratch> scratch_;                  // one per worker
};

}  // namespace gemma4::matmul
