// The quantised kernels for units without AVX2: plain loops over blocks::unpack_codes. Right everywhere, fast nowhere.
#pragma once

#include "kernels/impl/simd.hpp"
#include "kernels/kernels.h"
#include "blocks/codes.h"

#if !defined(__AVX2__)

namespace gemma4::GEMMA4_ISA {
namespace {

constexpr std::size_t kPanelRows = 16;
constexpr float kLargest16 = 127 * 256;

/// A row of activations: the header, then one block per 32 elements.
struct PlainRow {
  alignas(64) float scale;
};
struct PlainBlock {
  std::int16_t q[32];
  std::int32_t sum[2];  ///< of the first and last 16
};

inline float row_scale(const float* x, std::size_t k, float* largest) noexcept {
  float most = 0.0F, finite = 0.0F;
  for (std::size_t i = 0; i < k; ++i) {
    const float a = x[i] < 0.0F ? -x[i] : x[i];
    most = a > most ? a : most;
    finite += x[i] - x[i];
  }
  *largest = most;
  return finite == 0.0F ? most / kLargest16 : bits_to_float(0x7FC00000U);
}
/// Nearest integer, ties to even, as the vector units round.
inline int nearest(float x) noexcept { return static_cast<int>(__builtin_rintf(x)); }

/// A multiple of 64, so that rows laid one after another all start aligned.
std::size_t quantized_row_bytes(std::size_t k) noexcept {
  return (sizeof(PlainRow) + k / 32 * sizeof(PlainBlock) + 63) / 64 * 64;
}

void quantize_row(const float* x, std::size_t k, void* dst) noexcept {
  auto* header = static_cast<PlainRow*>(dst);
  auto* blocks = reinterpret_cast<PlainBlock*>(header + 1);
  float most;
  header->scale = row_scale(x, k, &most);
  const bool usable = most > 0.0F && header->scale == header->scale && header->scale > 0.0F;
  const float factor = usable ? kLargest16 / most : 0.0F;
  for (std::size_t b = 0; b < k / 32; ++b) {
    blocks[b].sum[0] = blocks[b].sum[1] = 0;
    for (std::size_t i = 0; i < 32; ++i) {
      const int q = usable ? nearest(x[32 * b + i] * factor) : 0;
      blocks[b].q[i] = static_cast<std::int16_t>(q);
      blocks[b].sum[i / 16] += q;
    }
  }
}

void gemv_blocks(formats::DataType type, const void* w, const void* const* x, std::size_t rows, float* y,
                 std::size_t ldy, std::size_t n, std::size_t k) noexcept {
  const formats::DataTypeInfo& layout = formats::info(type);
  const blocks::CodeFormat& format = *blocks::code_format(type);
  const auto* row = static_cast<const std::uint8_t*>(w);
  for (std::size_t j = 0; j < n; ++j, row += k / layout.block_elements * layout.block_bytes) {
    float total[kernels::kGemvRows] = {};
    for (std::size_t b = 0; b < k / 32; ++b) {
      blocks::Codes32 codes;
      blocks::unpack_codes(type, row, b, 1, &codes);
      for (std::size_t r = 0; r < rows; ++r) {
        const PlainBlock& block = reinterpret_cast<const PlainBlock*>(static_cast<const PlainRow*>(x[r]) + 1)[b];
        for (std::size_t half = 0; half < 2; ++half) {
          std::int32_t dot = 0;
          for (std::size_t i = 16 * half; i < 16 * half + 16; ++i) dot += codes.code[i] * block.q[i];
          if (!format.has_min) dot -= format.zero * block.sum[half];
          total[r] += codes.scale[half] * static_cast<float>(dot);
          if (format.has_min) total[r] += codes.min[half] * static_cast<float>(block.sum[half]);
        }
      }
    }
    for (std::size_t r = 0; r < rows; ++r) y[r * ldy + j] = static_cast<const PlainRow*>(x[r])->scale * total[r];
  }
}

/// Rounds 32 elements of row r; `most` becomes 127 steps.
inline void round_block(const float* x, float most, bool finite, std::size_t r, kernels::TileBlock& block) noexcept {
  const float step = most / 127.0F, factor = step > 0.0F ? 1.0F / step : 0.0F;
  const bool usable = factor - factor == 0.0F && finite && factor > 0.0F;
  block.scale[r] = finite ? (usable ? step : 0.0F) : bits_to_float(0x7FC00000U);
  block.total[0][r] = block.total[1][r] = 0;
  for (std::size_t i = 0; i < 32; ++i) {
    const int q = usable ? nearest(x[i] * factor) : 0;
    block.q[r][i] = static_cast<std::int8_t>(q);
    block.total[0][r] += q;
    block.total[1][r] += i < 16 ? 0 : q;
  }
  for (int part = 0; part < 2; ++part) block.sum[part][r] = block.scale[r] * static_cast<float>(block.total[part][r]);
}

/// No block gets a second pass here: 8 bits with a scale per block.
std::size_t quantize_tile(const float* const* rows, std::size_t count, std::size_t k, float /*noise*/, kernels::TileBlock* dst,
                          std::uint16_t* index) noexcept {
  for (std::size_t r = 0; r < kernels::kTileRows; ++r) {
    const float* x = rows[r < count ? r : 0];
    float largest = 0.0F;
    const float scale = row_scale(x, k, &largest);
    for (std::size_t b = 0; b < k / 32; ++b) {
      index[b] = static_cast<std::uint16_t>(b);
      float most = 0.0F;
      for (std::size_t i = 32 * b; i < 32 * b + 32; ++i) {
        const float a = x[i] < 0.0F ? -x[i] : x[i];
        most = a > most ? a : most;
      }
      round_block(x + 32 * b, most, scale == scale, r, dst[b]);
    }
  }
  return k / 32;
}

void quantize_fine_tile(const float* const* rows, std::size_t count, std::size_t k, kernels::TileBlock* dst) noexcept {
  for (std::size_t r = 0; r < kernels::kTileRows; ++r) {
    const float* x = rows[r < count ? r : 0];
    float most;
    const float scale = row_scale(x, k, &most);
    const bool usable = most > 0.0F && scale == scale && scale > 0.0F;
    const float factor = usable ? kLargest16 / most : 0.0F;
    for (std::size_t b = 0; b < k / 32; ++b) {
      kernels::TileBlock* pair = dst + 2 * b;
      pair[0].scale[r] = scale;
      int totals[2][2] = {};  // of the planes; of all 32, of the last 16
      for (std::size_t i = 0; i < 32; ++i) {
        const int q = usable ? nearest(x[32 * b + i] * factor) : 0, high = (q + 128) >> 8, low = q - 256 * high;
        pair[0].q[r][i] = static_cast<std::int8_t>(high);
        pair[1].q[r][i] = static_cast<std::int8_t>(low);
        for (int part = 0; part < (i < 16 ? 1 : 2); ++part) {
          totals[0][part] += high;
          totals[1][part] += low;
        }
      }
      for (int part = 0; part < 2; ++part) {
        for (int plane = 0; plane < 2; ++plane) pair[plane].total[part][r] = totals[plane][part];
        pair[0].sum[part][r] = static_cast<float>(256 * totals[0][part] + totals[1][part]);
      }
    }
  }
}

std::size_t panel_bytes(formats::DataType, std::size_t blocks) noexcept {
  return blocks * kPanelRows * sizeof(blocks::Codes32);
}

void pack_panel(formats::DataType type, const void* w, std::size_t rows, std::size_t k, std::size_t first_block,
                std::size_t blocks, void* panel) noexcept {
  const formats::DataTypeInfo& layout = formats::info(type);
  const std::size_t row_bytes = k / layout.block_elements * layout.block_bytes;
  auto* dst = static_cast<blocks::Codes32*>(panel);
  for (std::size_t j = 0; j < rows; ++j) {
    blocks::unpack_codes(type, static_cast<const std::uint8_t*>(w) + j * row_bytes, first_block, blocks, dst + j * blocks);
  }
}

/// One block of row r of a tile times one of weights, without the activations' scale where they are fine.
inline float multiply_block(const blocks::CodeFormat& format, const blocks::Codes32& w, const kernels::Tile& tile,
                            std::size_t b, std::size_t r) noexcept {
  const kernels::TileBlock* x = tile.data + (tile.fine ? 2 * b : b);
  float total = 0.0F;
  for (std::size_t half = 0; half < 2; ++half) {
    std::int32_t dot = 0;
    for (std::size_t i = 16 * half; i < 16 * half + 16; ++i) {
      const int q = tile.fine ? 256 * x[0].q[r][i] + x[1].q[r][i] : x->q[r][i];
      dot += (w.code[i] - format.zero) * q;
    }
    total += w.scale[half] * static_cast<float>(dot) * (tile.fine ? 1.0F : x->scale[r]);
    total += w.min[half] * (half == 0 ? x->sum[0][r] - x->sum[1][r] : x->sum[1][r]);
  }
  return total;
}

void gemm_panel(formats::DataType type, const void* panel, std::size_t rows, std::size_t first_block, std::size_t blocks,
                const kernels::Tile* tiles, std::size_t count, const float* sums, float* dst, std::size_t ldd) noexcept {
  const blocks::CodeFormat& format = *blocks::code_format(type);
  const auto* codes = static_cast<const blocks::Codes32*>(panel);
  for (std::size_t t = 0; t < count; ++t) {
    for (std::size_t r = 0; r < tiles[t].rows; ++r) {
      for (std::size_t j = 0; j < rows; ++j) {
        float total = 0.0F;
        for (std::size_t b = 0; b < blocks; ++b) {
          total += multiply_block(format, codes[j * blocks + b], tiles[t], first_block + b, r);
        }
        if (tiles[t].fine) total *= tiles[t].data->scale[r];
        const std::size_t row = tiles[t].first_row + r;
        dst[row * ldd + j] = (sums == nullptr ? 0.0F : sums[row * kPanelRows + j]) + total;
      }
    }
  }
}

}  // namespace
}  // namespace gemma4::GEMMA4_ISA

#endif
