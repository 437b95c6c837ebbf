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

/// The activations are quantised once (products that name the same rows share them); then each worker unpacks its rows of
/// weights, a panel that stays in its first-level cache at a time, and runs all activations past it.
class PanelProducts {
 public:
  PanelProducts(const kernels::KernelTable& kernels, const base::ThreadPool& pool);

  void run(const float* src, std::size_t lds, Span<const Product> products, float noise);

 private:
  struct Job {
    const Product* product;
    std::size_t first_tile, tiles;
  };
  void quantize(const float* src, std::size_t lds, std::size_t k, Span<const Product> products, float noise);
  void multiply(std::size_t job, std::size_t begin, std::size_t end, int worker);

  const kernels::KernelTable& kernels_;
  const base::ThreadPool& pool_;
  WorkSplit split_;
  std::vector<Job> jobs_;
  std::vector<kernels::Tile> tiles_;
  std::vector<const float*> tile_rows_;                 // [tiles * kTileRows]
  base::AlignedBuffer<kernels::TileBlock> blocks_;      // [tiles, 2 * k / 32]
  std::vector<std::uint16_t> index_;                    // the same
  std::vector<base::AlignedBuffer<std::uint8_t>> panels_;  // one per worker
};

}  // namespace gemma4::matmul
