// Activations as integers: rows for the matrix-vector kernels, tiles of four rows for the matrix kernels.
#pragma once

#include "kernels/impl/block_types.hpp"
#include "kernels/kernels.h"

#if defined(__AVX2__)

namespace gemma4::GEMMA4_ISA {
namespace {

// --- rows: 16 bits in two planes of 8 --------------------------------------------------------------------------------

constexpr float kLargest16 = 127 * 256;  // so that the high plane, rounded, stays within 127

/// One chunk of a row. x = scale * (256 high + low), in the order of Chunk; low is signed. The sums are of the 16-bit
/// values of a block, a quarter in each of its four lanes.
struct RowChunk {
  alignas(64) std::int8_t high[2][kBytes];
  std::int8_t low[2][kBytes];
  float sum[kLanes];
};
/// The same of half blocks. Apart, because few types want them and long rows should fit the first-level cache.
struct HalfSums {
  alignas(64) float half[2][kLanes];
};
struct RowHeader {
  alignas(64) float scale;
};

inline float largest_magnitude(const float* x, std::size_t n) noexcept {
  Vec most(0.0F);
  std::size_t i = 0;
  for (; i + kWidth <= n; i += kWidth) most = xsimd::max(most, xsimd::abs(load(F32{}, x + i)));
  alignas(64) float lanes[kWidth];
  most.store_aligned(lanes);
  float result = 0.0F;
  for (float lane : lanes) result = lane > result ? lane : result;
  for (; i < n; ++i) {
    const float a = x[i] < 0.0F ? -x[i] : x[i];
    result = a > result ? a : result;
  }
  return result;
}

/// True when no element is NaN or infinite.
inline bool finite_row(const float* x, std::size_t n) noexcept {
  Vec zero(0.0F);
  std::size_t i = 0;
  for (; i + kWidth <= n; i += kWidth) {
    const Vec v = load(F32{}, x + i);
    zero = zero + (v - v);
  }
  float rest = sum(zero);
  for (; i < n; ++i) rest += x[i] - x[i];
  return rest == 0.0F;
}

inline __m256i round_to_16(const float* x, __m256 factor) noexcept {
  const __m256i a = _mm256_cvtps_epi32(_mm256_mul_ps(_mm256_loadu_ps(x), factor));
  const __m256i b = _mm256_cvtps_epi32(_mm256_mul_ps(_mm256_loadu_ps(x + 8), factor));
  return _mm256_permute4x64_epi64(_mm256_packs_epi32(a, b), 0xD8);
}
inline int sum_of_16(__m256i v) noexcept {
  const __m256i pairs = _mm256_madd_epi16(v, _mm256_set1_epi16(1));
  __m128i s = _mm_add_epi32(_mm256_castsi256_si128(pairs), _mm256_extracti128_si256(pairs, 1));
  s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0x4E));
  s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0xB1));
  return _mm_cvtsi128_si32(s);
}
inline void store_low_bytes(void* dst, __m256i v) noexcept {  // 16-bit numbers that fit 8 bits
  const __m256i bytes = _mm256_permute4x64_epi64(_mm256_packs_epi16(v, v), 0xD8);
  _mm_storeu_si128(static_cast<__m128i*>(dst), _mm256_castsi256_si128(bytes));
}

inline std::size_t row_chunks(std::size_t k) noexcept { return (k + kChunk - 1) / kChunk; }

std::size_t quantized_row_bytes(std::size_t k) noexcept {
  return sizeof(RowHeader) + row_chunks(k) * (sizeof(RowChunk) + sizeof(HalfSums));
}

void quantize_row(const float* x, std::size_t k, void* dst) noexcept {
  auto* header = static_cast<RowHeader*>(dst);
  auto* chunks = reinterpret_cast<RowChunk*>(header + 1);
  auto* halves = reinterpret_cast<HalfSums*>(chunks + row_chunks(k));
  const float most = largest_magnitude(x, k);
  header->scale = finite_row(x, k) ? most / kLargest16 : bits_to_float(0x7FC00000U);
  if (k % kChunk != 0) {
    std::memset(chunks + row_chunks(k) - 1, 0, sizeof(RowChunk));
    std::memset(halves + row_chunks(k) - 1, 0, sizeof(HalfSums));
  }
  const bool usable = most > 0.0F && header->scale == header->scale && most / kLargest16 > 0.0F;
  const __m256 factor = _mm256_set1_ps(usable ? kLargest16 / most : 0.0F);
  for (std::size_t block = 0; block < k / 32; ++block) {
    RowChunk& chunk = chunks[block / kChunkBlocks];
    const std::size_t at = block % kChunkBlocks;
    float both = 0.0F;
    for (std::size_t half = 0; half < 2; ++half) {
      const __m256i v = round_to_16(x + 32 * block + 16 * half, factor);
      const __m256i high = _mm256_srai_epi16(_mm256_add_epi16(v, _mm256_set1_epi16(128)), 8);
      store_low_bytes(chunk.high[half] + 16 * at, high);
      store_low_bytes(chunk.low[half] + 16 * at, _mm256_sub_epi16(v, _mm256_slli_epi16(high, 8)));
      const float quarter = 0.25F * static_cast<float>(sum_of_16(v));
      both += quarter;
      for (std::size_t l = 4 * at; l < 4 * at + 4; ++l) halves[block / kChunkBlocks].half[half][l] = quarter;
    }
    for (std::size_t l = 4 * at; l < 4 * at + 4; ++l) chunk.sum[l] = both;
  }
}

// --- tiles -----------------------------------------------------------------------------------------------------------

/// Row r of a block from its rounded values, 16 bits each.
inline void store_tile_row(const __m256i (&half)[2], kernels::TileBlock& block, std::size_t r) noexcept {
  const __m256i bytes = _mm256_permute4x64_epi64(_mm256_packs_epi16(half[0], half[1]), 0xD8);
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(block.q[r]), bytes);
  const __m256i eights = _mm256_sad_epu8(_mm256_xor_si256(bytes, _mm256_set1_epi8(-128)), _mm256_setzero_si256());
  const __m256i halves = _mm256_add_epi64(eights, _mm256_srli_si256(eights, 8));  // of q + 128
  const int first = _mm_cvtsi128_si32(_mm256_castsi256_si128(halves)) - 16 * 128;
  const int last = _mm_cvtsi128_si32(_mm256_extracti128_si256(halves, 1)) - 16 * 128;
  block.total[0][r] = first + last;
  block.total[1][r] = last;
}

/// Nothing where a tile has no row r.
inline void clear_tile_row(kernels::TileBlock& block, std::size_t r) noexcept {
  block.scale[r] = block.sum[0][r] = block.sum[1][r] = 0.0F;
  block.total[0][r] = block.total[1][r] = 0;
  std::memset(block.q[r], 0, 32);
}

inline void store_scaled_row(const __m256i (&half)[2], float scale, kernels::TileBlock& block, std::size_t r) noexcept {
  store_tile_row(half, block, r);
  block.scale[r] = scale;
  for (int part = 0; part < 2; ++part) block.sum[part][r] = scale * static_cast<float>(block.total[part][r]);
}

inline __m256i pack_16(__m256i first, __m256i last) noexcept {
  return _mm256_permute4x64_epi64(_mm256_packs_epi32(first, last), 0xD8);
}

/// Rounds 32 elements of row r; returns the step, which is NaN for all rows that are not finite.
inline float round_block(const float* x, bool finite, kernels::TileBlock& block, std::size_t r) noexcept {
  const __m256 sign = _mm256_set1_ps(-0.0F);
  __m256 v[4], most = _mm256_setzero_ps();
  for (int i = 0; i < 4; ++i) {
    v[i] = _mm256_loadu_ps(x + 8 * i);
    most = _mm256_max_ps(most, _mm256_andnot_ps(sign, v[i]));
  }
  __m128 m = _mm_max_ps(_mm256_castps256_ps128(most), _mm256_extractf128_ps(most, 1));
  m = _mm_max_ps(m, _mm_movehl_ps(m, m));
  m = _mm_max_ss(m, _mm_shuffle_ps(m, m, 1));
  const float step = _mm_cvtss_f32(m) / 127.0F;
  const float factor = step > 0.0F ? 1.0F / step : 0.0F;
  const bool usable = factor - factor == 0.0F && finite;
  const __m256 by = _mm256_set1_ps(usable ? factor : 0.0F);
  __m256i half[2];
  for (int h = 0; h < 2; ++h) {
    half[h] = pack_16(_mm256_cvtps_epi32(_mm256_mul_ps(v[2 * h], by)), _mm256_cvtps_epi32(_mm256_mul_ps(v[2 * h + 1], by)));
  }
  store_scaled_row(half, finite ? (usable ? step : 0.0F) : bits_to_float(0x7FC00000U), block, r);
  return step;
}

/// What rounding left of 32 elements of row r, in steps 254 times as small.
inline void round_rest(const float* x, const kernels::TileBlock& block, kernels::TileBlock& rest, std::size_t r) noexcept {
  const float step = block.scale[r] / 254.0F, factor = step > 0.0F ? 1.0F / step : 0.0F;
  const bool usable = factor - factor == 0.0F;
  const __m256 by = _mm256_set1_ps(usable ? factor : 0.0F), taken = _mm256_set1_ps(block.scale[r]);
  const auto part = [&](std::size_t i) {
    const __m128i q = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(block.q[r] + i));
    const __m256 whole = _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(q));
    return _mm256_cvtps_epi32(_mm256_mul_ps(_mm256_fnmadd_ps(taken, whole, _mm256_loadu_ps(x + i)), by));
  };
  const __m256i half[2] = {pack_16(part(0), part(8)), pack_16(part(16), part(24))};
  store_scaled_row(half, usable ? step : 0.0F, rest, r);
}

std::size_t quantize_tile(const float* const* rows, std::size_t count, std::size_t k, float noise, kernels::TileBlock* dst,
                          std::uint16_t* index) noexcept {
  const std::size_t blocks = k / 32;
  float limit[kernels::kTileRows];  // largest step of a block that needs no second pass, squared
  bool finite[kernels::kTileRows];
  for (std::size_t r = 0; r < count; ++r) {
    Vec energy(0.0F);
    for (std::size_t i = 0; i + kWidth <= k; i += kWidth) {
      const Vec v = load(F32{}, rows[r] + i);
      energy = fma(v, v, energy);
    }
    const float total = sum(energy);
    finite[r] = total - total == 0.0F || finite_row(rows[r], k);
    limit[r] = noise * noise * total / static_cast<float>(blocks) * 12.0F / 32.0F;
  }
  std::size_t used = 0;
  for (std::size_t b = 0; b < blocks; ++b) {
    kernels::TileBlock& block = dst[used];
    index[used++] = static_cast<std::uint16_t>(b);
    bool again = false;
    for (std::size_t r = 0; r < kernels::kTileRows; ++r) {
      if (r >= count) {
        clear_tile_row(block, r);
        continue;
      }
      const float step = round_block(rows[r] + 32 * b, finite[r], block, r);
      again = again || step * step > limit[r];
    }
    if (!again) continue;
    kernels::TileBlock& rest = dst[used];
    index[used++] = static_cast<std::uint16_t>(b);
    for (std::size_t r = 0; r < kernels::kTileRows; ++r) {
      if (r < count) {
        round_rest(rows[r] + 32 * b, block, rest, r);
      } else {
        clear_tile_row(rest, r);
      }
    }
  }
  return used;
}

void quantize_fine_tile(const float* const* rows, std::size_t count, std::size_t k, kernels::TileBlock* dst) noexcept {
  for (std::size_t r = 0; r < kernels::kTileRows; ++r) {
    const float* x = rows[r < count ? r : 0];
    const float most = largest_magnitude(x, k);
    const float scale = finite_row(x, k) ? most / kLargest16 : bits_to_float(0x7FC00000U);
    const bool usable = most > 0.0F && scale == scale && scale > 0.0F;
    const __m256 factor = _mm256_set1_ps(usable ? kLargest16 / most : 0.0F);
    for (std::size_t b = 0; b < k / 32; ++b) {
      kernels::TileBlock* pair = dst + 2 * b;
      __m256i high[2], low[2];
      for (std::size_t h = 0; h < 2; ++h) {
        const __m256i v = round_to_16(x + 32 * b + 16 * h, factor);
        high[h] = _mm256_srai_epi16(_mm256_add_epi16(v, _mm256_set1_epi16(128)), 8);
        low[h] = _mm256_sub_epi16(v, _mm256_slli_epi16(high[h], 8));
      }
      store_tile_row(high, pair[0], r);
      store_tile_row(low, pair[1], r);
      pair[0].scale[r] = scale;
      for (int part = 0; part < 2; ++part) {
        pair[0].sum[part][r] = static_cast<float>(256 * pair[0].total[part][r] + pair[1].total[part][r]);
      }
    }
  }
}

}  // namespace
}  // namespace gemma4::GEMMA4_ISA

#endif
