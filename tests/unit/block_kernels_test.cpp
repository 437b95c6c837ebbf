// Products on quantised weights: every type on every table this CPU runs, against double precision over the dequantised
// weights. What separates them is the rounding of the activations alone, so the bounds follow from it.
#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "base/aligned_buffer.h"
#include "kernels/dispatch.h"
#include "kernels/ref.h"
#include "support/random_blocks.h"
#include "blocks/dequantize.h"

using namespace gemma4;
using formats::DataType;

namespace {

std::vector<kernels::TableEntry> every_table() {
  std::vector<kernels::TableEntry> entries = kernels::tables();
  entries.push_back({"reference", &kernels::kReferenceTable, true});
  return entries;
}

/// Random blocks as a matrix [n, k], and what they are worth.
struct Blocks {
  Blocks(const test::BlockType& type, std::size_t n, std::size_t k, std::uint64_t seed) : values(n * k) {
    const formats::DataTypeInfo& layout = formats::info(type.type);
    const std::size_t count = n * k / layout.block_elements;
    test::SplitMix random(seed);
    bytes = test::random_bytes(type, count, random);
    for (std::size_t i = 0; i < count; ++i) {
      const auto step = static_cast<std::uint16_t>(random.next() % 1024);  // scales within a factor of two, of either sign
      test::set_block_scales(type, static_cast<std::uint16_t>(0x2C00 + step + (i % 2 << 15)),
                             static_cast<std::uint16_t>(0xA800 + step), &bytes[i * layout.block_bytes]);
    }
    blocks::dequantize(type.type, bytes.data(), values.data(), values.size());
  }
  std::string bytes;
  std::vector<float> values;
};

std::vector<float> activations(std::size_t n, unsigned seed, bool outliers) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> normal;
  std::vector<float> x(n);
  for (float& v : x) v = normal(generator);
  if (outliers) {
    for (int i = 0; i < 8; ++i) x[generator() % n] *= 100.0F;
  }
  return x;
}

double norm(const float* x, std::size_t n) {
  double sum = 0;
  for (std::size_t i = 0; i < n; ++i) sum += static_cast<double>(x[i]) * x[i];
  return std::sqrt(sum);
}

double exact(const float* w, const float* x, std::size_t k) {
  double sum = 0;
  for (std::size_t i = 0; i < k; ++i) sum += static_cast<double>(w[i]) * x[i];
  return sum;
}

/// Row lengths: those a type's blocks allow, with ends that fill no whole chunk or panel.
std::vector<std::size_t> row_lengths(DataType type) {
  const std::size_t block = formats::info(type).block_elements;
  if (block == 256) return {256, 768, 1280};
  if (block == 32) return {32, 96, 352, 704, 2112};
  return {block, 3 * block, 7 * block, 640};
}

}  // namespace

TEST_CASE("block gemv agrees with the dequantised weights on every table") {
  for (const kernels::TableEntry& entry : every_table()) {
    if (!entry.supported) {
      MESSAGE("skipped: ", entry.name, " (this CPU lacks it)");
      continue;
    }
    const kernels::BlockKernels& blocks = entry.table->blocks;
    for (const test::BlockType& type : test::block_types()) {
      for (const std::size_t k : row_lengths(type.type)) {
        const std::size_t n = 7;
        const Blocks w(type, n, k, k);
        for (const bool outliers : {false, true}) {
          for (std::size_t rows = 1; rows <= kernels::kGemvRows; ++rows) {
            const std::vector<float> x = activations(rows * k, 5, outliers);
            base::AlignedBuffer<std::uint8_t> quantized(rows * blocks.quantized_row_bytes(k), "rows");
            const void* q[kernels::kGemvRows];
            for (std::size_t r = 0; r < rows; ++r) {
              q[r] = quantized.data() + r * blocks.quantized_row_bytes(k);
              blocks.quantize_row(x.data() + r * k, k, quantized.data() + r * blocks.quantized_row_bytes(k));
            }
            const std::size_t ldy = n + 2;
            std::vector<float> y(rows * ldy, 7.0F);
            blocks.gemv(type.type, w.bytes.data(), q, rows, y.data(), ldy, n, k);
            for (std::size_t r = 0; r < rows; ++r) {
              double largest = 0;
              for (std::size_t i = 0; i < k; ++i) largest = std::max(largest, std::abs(static_cast<double>(x[r * k + i])));
              for (std::size_t j = 0; j < n; ++j) {
                const double want = exact(&w.values[j * k], &x[r * k], k);
                // Half a step of 16 bits on each element, all at their worst one way is impossible: 6 sigma; plus F32 sums.
                const double weight = norm(&w.values[j * k], k);
                double magnitude = 0;
                for (std::size_t i = 0; i < k; ++i) magnitude += std::abs(static_cast<double>(w.values[j * k + i]) * x[r * k + i]);
                const double bound = 6 * weight * largest / 32512 / std::sqrt(12.0) + 4e-6 * (magnitude + weight * norm(&x[r * k], k));
                CHECK_MESSAGE(std::abs(y[r * ldy + j] - want) <= bound, entry.name, " ", formats::to_string(type.type), " k ", k,
                              " rows ", rows, ": ", y[r * ldy + j], " for ", want, " within ", bound);
              }
              CHECK(y[r * ldy + n] == 7.0F);
            }
          }
        }
      }
    }
  }
}

namespace {

/// m rows of x [m, k] as tiles, and what holds them.
struct Tiles {
  Tiles(const kernels::BlockKernels& blocks, const std::vector<float>& x, std::size_t m, std::size_t k, bool fine)
      : data((m + 3) / 4 * (k / 16), "tiles"), index(data.size()) {
    for (std::size_t i = 0; i < m; i += kernels::kTileRows) {
      const float* rows[kernels::kTileRows];
      for (std::size_t r = 0; r < kernels::kTileRows; ++r) rows[r] = &x[std::min(i + r, m - 1) * k];
      kernels::TileBlock* const to = data.data() + i / 4 * (k / 16);
      kernels::Tile tile;
      tile.data = to;
      tile.index = index.data() + i / 4 * (k / 16);
      tile.plain_blocks = k / 32;
      tile.first_row = i;
      tile.rows = std::min(kernels::kTileRows, m - i);
      tile.fine = fine;
      if (fine) {
        blocks.quantize_fine_tile(rows, tile.rows, k, to);
      } else {
        tile.blocks = blocks.quantize_tile(rows, tile.rows, k, 0.01F, to, index.data() + i / 4 * (k / 16));
        CHECK(tile.blocks <= k / 16);
      }
      tiles.push_back(tile);
    }
  }
  base::AlignedBuffer<kernels::TileBlock> data;
  std::vector<std::uint16_t> index;
  std::vector<kernels::Tile> tiles;
};

/// y [m, ldd] = x w^T, panel by panel as panel_products cuts them.
void multiply_panels(const kernels::BlockKernels& blocks, DataType type, const Blocks& w, const Tiles& x, std::size_t m,
                     std::size_t n, std::size_t k, float* y, std::size_t ldd) {
  std::vector<float> sums(m * blocks.panel_rows, 7.0F);
  constexpr std::size_t kStep = 24;
  for (std::size_t b = 0; b < k / 32; b += kStep) {
    const std::size_t count = std::min(kStep, k / 32 - b);
    const bool last = b + count == k / 32;
    base::AlignedBuffer<std::uint8_t> panel(blocks.panel_bytes(type, count), "panel");
    blocks.pack_panel(type, w.bytes.data(), n, k, b, count, panel.data());
    blocks.gemm_panel(type, panel.data(), n, b, count, x.tiles.data(), x.tiles.size(), b == 0 ? nullptr : sums.data(),
                      last ? y : sums.data(), last ? ldd : blocks.panel_rows);
  }
}

}  // namespace

TEST_CASE("block gemm agrees with the dequantised weights on every table") {
  for (const kernels::TableEntry& entry : every_table()) {
    if (!entry.supported) continue;  // named above
    const kernels::BlockKernels& blocks = entry.table->blocks;
    const bool second_pass = std::string(entry.name) != "baseline" && std::string(entry.name) != "reference";
    for (const test::BlockType& type : test::block_types()) {
      for (const std::size_t k : row_lengths(type.type)) {
        for (const std::size_t n : {blocks.panel_rows, std::size_t{5}}) {
          const Blocks w(type, n, k, k + 1);
          for (std::size_t m : {1, 2, 3, 4, 9}) {
            const std::vector<float> x = activations(m * k, 6, m == 9);
            for (const bool fine : {false, true}) {
              const Tiles tiles(blocks, x, m, k, fine);
              const std::size_t ldd = n + 3;
              std::vector<float> y(m * ldd, 7.0F);
              multiply_panels(blocks, type.type, w, tiles, m, n, k, y.data(), ldd);
              double off = 0, size = 0;
              for (std::size_t i = 0; i < m; ++i) {
                for (std::size_t j = 0; j < n; ++j) {
                  const double want = exact(&w.values[j * k], &x[i * k], k);
                  const double scale = norm(&w.values[j * k], k) * norm(&x[i * k], k);
                  off += std::pow(y[i * ldd + j] - want, 2) / (scale * scale);
                  size += 1;
                }
                CHECK(y[i * ldd + n] == 7.0F);
              }
              // Coarse: 8 bits per block of 32, about 0.0054 of a normal row's size, over the products of random
              // directions. Fine: half a step of 16 bits of the row's largest element (outliers: 100 times the others).
              const double relative = std::sqrt(off / size);
              const double noise = fine ? (m == 9 ? 6e-4 : 6e-5) : m == 9 && !second_pass ? 0.02 : 0.01;
              const double bound = noise / std::sqrt(static_cast<double>(k)) * 1.6;
              CHECK_MESSAGE(relative <= bound, entry.name, " ", formats::to_string(type.type), " k ", k, " m ", m, " n ", n,
                            fine ? " fine: " : " coarse: ", relative, " of ", bound);
            }
          }
        }
      }
    }
  }
}

TEST_CASE("block kernels: rows that are not finite give results that are not, zeros give zeros") {
  for (const kernels::TableEntry& entry : every_table()) {
    if (!entry.supported) continue;
    const kernels::BlockKernels& blocks = entry.table->blocks;
    const std::size_t k = 256;
    const Blocks w(test::block_types()[0], 1, k, 3);
    for (const float special : {0.0F, std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN(), 1e-42F}) {
      std::vector<float> x(k, special == 1e-42F ? special : 0.0F);
      x[77] = special;
      base::AlignedBuffer<std::uint8_t> row(blocks.quantized_row_bytes(k), "row");
      blocks.quantize_row(x.data(), k, row.data());
      const void* q = row.data();
      float y = 1.0F;
      blocks.gemv(DataType::q4_0, w.bytes.data(), &q, 1, &y, 1, 1, k);
      float z[2] = {1.0F, 1.0F};
      for (const bool fine : {false, true}) {
        multiply_panels(blocks, DataType::q4_0, w, Tiles(blocks, x, 1, k, fine), 1, 1, k, &z[fine ? 1 : 0], 1);
      }
      CAPTURE(entry.name);
      CAPTURE(special);
      if (std::isfinite(special)) {
        CHECK(std::abs(y) < 1e-30F);
        CHECK(std::abs(z[0]) < 1e-30F);
        CHECK(std::abs(z[1]) < 1e-30F);
      } else {
        CHECK(!std::isfinite(y));
        CHECK(!std::isfinite(z[0]));
        CHECK(!std::isfinite(z[1]));
      }
    }
  }
}
