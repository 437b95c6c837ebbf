// Matrix products on quantised weights, for prefill: panels of weight rows as 8-bit codes, one row a lane, times tiles of
// four activation rows in 8 bits. Sums within 32 (or 16) elements are integers; scales and sums over blocks are F32.
//
// A panel, for each block of 32: kSteps vectors per group of kLanes rows, 4 consecutive codes of a row, unsigned, in each
// lane; then the scales and minima, one a lane. The codes' zero is taken off by way of the activations' sums. Where codes
// do not fit maddubs' 16-bit sums they lie in two planes of four bits.
#pragma once

#include "kernels/impl/quantize_rows.hpp"

#if defined(__AVX2__)

namespace gemma4::GEMMA4_ISA {
namespace {

constexpr std::size_t kGroups = 2;                        // vectors of rows in a panel
constexpr std::size_t kPanelRows = kGroups * kLanes;
constexpr std::size_t kSteps = 8;                         // 32 elements, four at a time
constexpr std::size_t kTileRows = kernels::kTileRows;

template <class T>
struct PanelLayout {
  static constexpr std::size_t kPlanes = kHaveVnni || chain_length(T::kMaxCode, 128) >= 1 ? 1 : 2;
  static constexpr std::size_t kParts = T::kGroup == 16 ? 2 : 1;  // scales per block
  static constexpr std::size_t kPlaneBytes = kSteps * kGroups * kBytes;
  static constexpr std::size_t kNumbers = kParts * kPanelRows;
  static constexpr std::size_t kScalesAt = kPlanes * kPlaneBytes;
  static constexpr std::size_t kMinsAt = kScalesAt + kNumbers * 4;
  static constexpr std::size_t kBlockBytes = kMinsAt + (T::kHasMin ? kNumbers * 4 : 0);
};

// --- packing ---------------------------------------------------------------------------------------------------------

#if defined(__AVX512BW__)
/// v[i] lane j becomes v[j] lane i, 32-bit lanes.
inline void transpose(__m512i (&v)[16]) noexcept {
  __m512i t[16];
  for (int i = 0; i < 16; i += 4) {
    const __m512i a = _mm512_unpacklo_epi32(v[i], v[i + 1]), b = _mm512_unpackhi_epi32(v[i], v[i + 1]);
    const __m512i c = _mm512_unpacklo_epi32(v[i + 2], v[i + 3]), d = _mm512_unpackhi_epi32(v[i + 2], v[i + 3]);
    t[i] = _mm512_unpacklo_epi64(a, c);
    t[i + 1] = _mm512_unpackhi_epi64(a, c);
    t[i + 2] = _mm512_unpacklo_epi64(b, d);
    t[i + 3] = _mm512_unpackhi_epi64(b, d);
  }
  for (int i = 0; i < 4; ++i) {
    const __m512i a = _mm512_shuffle_i32x4(t[i], t[i + 4], 0x88), b = _mm512_shuffle_i32x4(t[i], t[i + 4], 0xDD);
    const __m512i c = _mm512_shuffle_i32x4(t[i + 8], t[i + 12], 0x88), d = _mm512_shuffle_i32x4(t[i + 8], t[i + 12], 0xDD);
    v[i] = _mm512_shuffle_i32x4(a, c, 0x88);
    v[i + 8] = _mm512_shuffle_i32x4(a, c, 0xDD);
    v[i + 4] = _mm512_shuffle_i32x4(b, d, 0x88);
    v[i + 12] = _mm512_shuffle_i32x4(b, d, 0xDD);
  }
}
#else
inline void transpose(__m256i (&v)[8]) noexcept {
  __m256i t[8];
  for (int i = 0; i < 8; i += 4) {
    const __m256i a = _mm256_unpacklo_epi32(v[i], v[i + 1]), b = _mm256_unpackhi_epi32(v[i], v[i + 1]);
    const __m256i c = _mm256_unpacklo_epi32(v[i + 2], v[i + 3]), d = _mm256_unpackhi_epi32(v[i + 2], v[i + 3]);
    t[i] = _mm256_unpacklo_epi64(a, c);
    t[i + 1] = _mm256_unpackhi_epi64(a, c);
    t[i + 2] = _mm256_unpacklo_epi64(b, d);
    t[i + 3] = _mm256_unpackhi_epi64(b, d);
  }
  for (int i = 0; i < 4; ++i) {
    v[i] = _mm256_permute2x128_si256(t[i], t[i + 4], 0x20);
    v[i + 4] = _mm256_permute2x128_si256(t[i], t[i + 4], 0x31);
  }
}
#endif

/// One vector of a panel's codes: four of each row's, at `step` of a block.
template <class T>
inline void store_codes(Bytes codes, std::uint8_t* block, std::size_t group, std::size_t step) noexcept {
  using Layout = PanelLayout<T>;
  std::uint8_t* dst = block + (step * kGroups + group) * kBytes;
  if constexpr (Layout::kPlanes == 1) {
    store_bytes(dst, codes);
  } else {
    store_bytes(dst, low_nibbles(codes));
    store_bytes(dst + Layout::kPlaneBytes, high_nibbles(codes));
  }
}

/// The codes of chunk C of kLanes rows. Where a chunk is one vector of nibbles it is turned as it lies in the file.
template <class T, int C>
inline void pack_codes(const std::uint8_t* const* units, std::uint8_t* block, std::size_t group) noexcept {
  constexpr std::size_t kStride = PanelLayout<T>::kBlockBytes;
  if constexpr (requires { T::template nibbles<C>(units[0]); }) {
    Bytes v[kLanes];
    for (std::size_t r = 0; r < kLanes; ++r) v[r] = T::template nibbles<C>(units[r]);
    transpose(v);
    for (std::size_t j = 0; j < kLanes; ++j) {  // lane r of v[j]: four bytes of row r
      const Bytes low = T::code_of(low_nibbles(v[j])), high = T::code_of(high_nibbles(v[j]));
      if constexpr (T::kBlocksInPairs) {
        store_codes<T>(low, block + j / 8 * 2 * kStride, group, j % 8);
        store_codes<T>(high, block + (j / 8 * 2 + 1) * kStride, group, j % 8);
      } else {
        store_codes<T>(low, block + j / 4 * kStride, group, j % 4);
        store_codes<T>(high, block + j / 4 * kStride, group, 4 + j % 4);
      }
    }
  } else {
    Bytes first[kLanes], second[kLanes];
    for (std::size_t r = 0; r < kLanes; ++r) {
      const Chunk chunk = T::template codes<C>(units[r]);
      first[r] = chunk.first;
      second[r] = chunk.second;
    }
    transpose(first);
    transpose(second);
    for (std::size_t j = 0; j < kLanes; ++j) {
      store_codes<T>(first[j], block + j / 4 * kStride, group, j % 4);
      store_codes<T>(second[j], block + j / 4 * kStride, group, 4 + j % 4);
    }
  }
}

/// One of each block's four lanes, to its row's place among the panel's numbers.
inline void store_numbers(Vec v, std::uint8_t* dst, std::size_t stride) noexcept {
  alignas(64) float lanes[kLanes];
  v.store_aligned(lanes);
  for (std::size_t b = 0; b < kChunkBlocks; ++b) std::memcpy(dst + b * stride, &lanes[4 * b], sizeof(float));
}

/// The chunks C and after of one unit of kLanes rows.
template <class T, int C>
inline void pack_unit(const std::uint8_t* const* units, const typename T::Scales* scales, std::uint8_t* block,
                      std::size_t group) noexcept {
  using Layout = PanelLayout<T>;
  pack_codes<T, C>(units, block, group);
  for (std::size_t r = 0; r < kLanes; ++r) {
    const auto numbers = [&](auto half) {
      constexpr int kHalf = decltype(half)::value;
      std::uint8_t* place = block + 4 * (kHalf * kPanelRows + group * kLanes + r);
      store_numbers(T::template scale<C, kHalf>(scales[r]), place + Layout::kScalesAt, Layout::kBlockBytes);
      if constexpr (T::kHasMin) store_numbers(T::template min<C, kHalf>(scales[r]), place + Layout::kMinsAt, Layout::kBlockBytes);
    };
    numbers(std::integral_constant<int, 0>{});
    if constexpr (Layout::kParts == 2) numbers(std::integral_constant<int, 1>{});
  }
  if constexpr (C + 1 < static_cast<int>(T::kUnitChunks)) {
    pack_unit<T, C + 1>(units, scales, block + kChunkBlocks * Layout::kBlockBytes, group);
  }
}

template <class T>
void pack_panel_typed(formats::DataType type, const std::uint8_t* w, std::size_t row_bytes, std::size_t rows,
                      std::size_t k, std::size_t first_block, std::size_t blocks, std::uint8_t* panel) noexcept {
  constexpr std::size_t kUnitBlocks = T::kUnitChunks * kChunkBlocks;
  UnitReader<T> readers[kLanes];
  for (UnitReader<T>& reader : readers) reader = UnitReader<T>(type, k, w + rows * row_bytes);
  for (std::size_t group = 0; group < kGroups; ++group) {
    const std::uint8_t* row[kLanes];
    for (std::size_t r = 0; r < kLanes; ++r) {  // lanes past the last row repeat it
      const std::size_t j = group * kLanes + r;
      row[r] = w + (j < rows ? j : rows - 1) * row_bytes;
    }
    for (std::size_t b = 0; b < blocks; b += kUnitBlocks) {
      const std::uint8_t* units[kLanes];
      typename T::Scales scales[kLanes];
      for (std::size_t r = 0; r < kLanes; ++r) {
        units[r] = readers[r].unit(row[r], (first_block + b) / kUnitBlocks);
        scales[r] = T::scales(units[r]);
      }
      pack_unit<T, 0>(units, scales, panel + b * PanelLayout<T>::kBlockBytes, group);
    }
  }
}

void pack_panel(formats::DataType type, const void* w, std::size_t rows, std::size_t k, std::size_t first_block,
                std::size_t blocks, void* panel) noexcept {
  const formats::DataTypeInfo& layout = formats::info(type);
  with_block_type(type, [&](auto t) {
    pack_panel_typed<decltype(t)>(type, static_cast<const std::uint8_t*>(w), k / layout.block_elements * layout.block_bytes,
                                  rows, k, first_block, blocks, static_cast<std::uint8_t*>(panel));
  });
}

std::size_t panel_bytes(formats::DataType type, std::size_t blocks) noexcept {
  std::size_t bytes = 0;
  with_block_type(type, [&](auto t) {
    using T = decltype(t);
    constexpr std::size_t kUnitBlocks = T::kUnitChunks * kChunkBlocks;
    bytes = (blocks + kUnitBlocks - 1) / kUnitBlocks * kUnitBlocks * PanelLayout<T>::kBlockBytes;
  });
  return bytes;
}

// --- products --------------------------------------------------------------------------------------------------------

inline Bytes broadcast4(const std::int8_t* q) noexcept {
  int four;
  std::memcpy(&four, q, sizeof four);
  return set32(four);
}

template <std::size_t kRows>
using Sums = Bytes[kRows][kGroups];

/// Row r of kRows of a block of activations; rows past those lie in the block after it, where fine tiles have low bits.
template <std::size_t kBlockRows>
inline const std::int8_t* row_of(const std::int8_t* q, std::size_t r) noexcept {
  return q + 32 * (r % kBlockRows) + r / kBlockRows * sizeof(kernels::TileBlock);
}

/// sums += products of kCount steps of one plane of codes, of kMaxCode at most, with rows of one block, or of two.
template <int kMaxCode, std::size_t kBlockRows, std::size_t kCount, std::size_t kRows>
inline void multiply_steps(const std::uint8_t* codes, const std::int8_t* q, std::size_t step, Sums<kRows>& sums) noexcept {
#if defined(__AVX512VNNI__) || defined(__AVXVNNI__)
#pragma GCC unroll 8
  for (std::size_t s = step; s < step + kCount; ++s) {
    Bytes w[kGroups];
    for (std::size_t g = 0; g < kGroups; ++g) w[g] = load_bytes(codes + (s * kGroups + g) * kBytes);
    for (std::size_t r = 0; r < kRows; ++r) {
      const Bytes a = broadcast4(row_of<kBlockRows>(q, r) + 4 * s);
      for (std::size_t g = 0; g < kGroups; ++g) sums[r][g] = dot4(sums[r][g], w[g], a);
    }
  }
#else
  constexpr std::size_t kAllowed = static_cast<std::size_t>(chain_length(kMaxCode, 128));
  constexpr std::size_t kChain = kAllowed >= kCount ? kCount : kAllowed >= 4 ? 4 : kAllowed >= 2 ? 2 : 1;
  const Bytes ones = set16(1);
#pragma GCC unroll 8
  for (std::size_t s = step; s < step + kCount; s += kChain) {
    Sums<kRows> chain;
#pragma GCC unroll 8
    for (std::size_t c = 0; c < kChain; ++c) {
      Bytes w[kGroups];
      for (std::size_t g = 0; g < kGroups; ++g) w[g] = load_bytes(codes + ((s + c) * kGroups + g) * kBytes);
      for (std::size_t r = 0; r < kRows; ++r) {
        const Bytes a = broadcast4(row_of<kBlockRows>(q, r) + 4 * (s + c));
        for (std::size_t g = 0; g < kGroups; ++g) {
          const Bytes product = multiply_pairs_u8_s8(w[g], a);
          chain[r][g] = c == 0 ? product : add16(chain[r][g], product);
          keep_order(chain[r][g]);
        }
      }
    }
    for (std::size_t r = 0; r < kRows; ++r) {
      for (std::size_t g = 0; g < kGroups; ++g) sums[r][g] = add32(sums[r][g], multiply_pairs_16(chain[r][g], ones));
    }
  }
#endif
}

/// sums = a block of codes, less their zero, times rows [first_row, first_row + kBlockRows) of one block of activations, or
/// of two where there are sums for so many.
template <class T, std::size_t kBlockRows, std::size_t kPart, std::size_t kRows>
inline void multiply_codes(const std::uint8_t* codes, const kernels::TileBlock* x, std::size_t first_row,
                           Sums<kRows>& sums) noexcept {
  using Layout = PanelLayout<T>;
  constexpr std::size_t kCount = kSteps / Layout::kParts, kFirst = kPart * kCount;
  const std::int8_t* q = x->q[first_row];
  for (auto& row : sums) {
    for (Bytes& s : row) s = zero_bytes();
  }
  if constexpr (Layout::kPlanes == 2) {
    multiply_steps<15, kBlockRows, kCount>(codes + Layout::kPlaneBytes, q, kFirst, sums);
    for (auto& row : sums) {
      for (Bytes& s : row) s = shift_left32<4>(s);
    }
  }
  if constexpr (!T::kHasMin) {
    for (std::size_t r = 0; r < kRows; ++r) {
      const kernels::TileBlock& block = x[r / kBlockRows];
      const std::size_t row = first_row + r % kBlockRows;
      const std::int32_t all = block.total[0][row], last = block.total[1][row];
      const Bytes zeros = set32(-T::kZero * (Layout::kParts == 1 ? all : kPart == 0 ? all - last : last));
      for (std::size_t g = 0; g < kGroups; ++g) sums[r][g] = add32(sums[r][g], zeros);
    }
  }
  multiply_steps<Layout::kPlanes == 2 ? 15 : T::kMaxCode, kBlockRows, kCount>(codes, q, kFirst, sums);
}

/// Adds one block's products to the results of kRows rows; without the activations' scale where they are fine.
template <class T, std::size_t kRows, bool kFine, std::size_t kPart>
inline void multiply_part(const std::uint8_t* block, const kernels::TileBlock* x, std::size_t first_row,
                          Vec (&results)[kRows][kGroups]) noexcept {
  using Layout = PanelLayout<T>;
  const std::uint8_t* numbers = block + 4 * kPart * kPanelRows;
  Sums<kFine ? 2 * kRows : kRows> sums;  // of the high bits, then of the low ones
  if constexpr (kFine && kBytes == 32) {  // one after the other: half as many registers
    multiply_codes<T, kRows, kPart>(block, x, first_row, reinterpret_cast<Sums<kRows>&>(sums[0]));
    multiply_codes<T, kRows, kPart>(block, x + 1, first_row, reinterpret_cast<Sums<kRows>&>(sums[kRows]));
  } else {
    multiply_codes<T, kRows, kPart>(block, x, first_row, sums);
  }
  for (std::size_t r = 0; r < kRows && kFine; ++r) {
    for (std::size_t g = 0; g < kGroups; ++g) sums[r][g] = add32(shift_left32<8>(sums[r][g]), sums[kRows + r][g]);
  }
  for (std::size_t g = 0; g < kGroups; ++g) {
    const Vec scale = load(F32{}, reinterpret_cast<const float*>(numbers + Layout::kScalesAt) + g * kLanes);
    for (std::size_t r = 0; r < kRows; ++r) {
      results[r][g] = fma(to_float(sums[r][g]), kFine ? scale : scale * Vec(x->scale[first_row + r]), results[r][g]);
    }
    if constexpr (T::kHasMin) {
      const Vec min = load(F32{}, reinterpret_cast<const float*>(numbers + Layout::kMinsAt) + g * kLanes);
      for (std::size_t r = 0; r < kRows; ++r) {
        const std::size_t row = first_row + r;
        const float sum = Layout::kParts == 1 ? x->sum[0][row] : kPart == 0 ? x->sum[0][row] - x->sum[1][row] : x->sum[1][row];
        results[r][g] = fma(min, Vec(sum), results[r][g]);
      }
    }
  }
}

/// What a tile holds of a panel's blocks.
struct TilePart {
  const kernels::TileBlock* x;
  const std::uint16_t* index;  ///< not where fine: x[2 i] and x[2 i + 1] belong to the panel's block i
  std::size_t count, first_block;
};

/// dst = sums, where there are any, + rows [first_row, first_row + kRows) of a tile times a panel.
template <class T, std::size_t kRows, bool kFine>
inline void multiply_tile(const std::uint8_t* panel, const TilePart& tile, std::size_t first_row, const float* sums,
                          float* dst, std::size_t ldd) noexcept {
  using Layout = PanelLayout<T>;
  const auto before = [&](std::size_t r, std::size_t g) {
    return sums == nullptr ? Vec(0.0F) : load(F32{}, sums + r * kPanelRows + g * kLanes);
  };
  Vec results[kRows][kGroups];
  for (std::size_t r = 0; r < kRows; ++r) {
    for (std::size_t g = 0; g < kGroups; ++g) results[r][g] = kFine ? Vec(0.0F) : before(r, g);
  }
  for (std::size_t i = 0; i < tile.count; ++i) {
    const std::uint8_t* block = panel + (kFine ? i : tile.index[i] - tile.first_block) * Layout::kBlockBytes;
    const kernels::TileBlock* x = tile.x + (kFine ? 2 * i : i);
    multiply_part<T, kRows, kFine, 0>(block, x, first_row, results);
    if constexpr (Layout::kParts == 2) multiply_part<T, kRows, kFine, 1>(block, x, first_row, results);
  }
  for (std::size_t r = 0; r < kRows; ++r) {
    for (std::size_t g = 0; g < kGroups; ++g) {
      if constexpr (kFine) results[r][g] = fma(results[r][g], Vec(tile.x->scale[first_row + r]), before(r, g));
      store(F32{}, dst + r * ldd + g * kLanes, results[r][g]);
    }
  }
}

/// Four rows at a time: each vector of codes is read once for them. (Of 16 registers the results get none; they are touched
/// once a block.)
template <class T, bool kFine>
inline void multiply_rows(const std::uint8_t* panel, const TilePart& tile, std::size_t rows, const float* sums, float* dst,
                          std::size_t ldd) noexcept {
  for (std::size_t r = 0; r < rows;) {
    float* to = dst + r * ldd;
    const float* from = sums == nullptr ? nullptr : sums + r * kPanelRows;
    const std::size_t left = rows - r;
    if (left >= 4) {
      multiply_tile<T, 4, kFine>(panel, tile, r, from, to, ldd);
      r += 4;
    } else if (left >= 2) {
      multiply_tile<T, 2, kFine>(panel, tile, r, from, to, ldd);
      r += 2;
    } else {
      multiply_tile<T, 1, kFine>(panel, tile, r, from, to, ldd);
      r += 1;
    }
  }
}

/// The blocks [first, first + blocks) of 32 elements.
inline TilePart part_of(const kernels::Tile& tile, std::size_t first, std::size_t blocks) noexcept {
  if (tile.fine) return {tile.data + 2 * first, nullptr, blocks, first};
  std::size_t begin = first, end = first + blocks;
  if (tile.blocks != tile.plain_blocks) {  // some come twice
    begin = 0;
    while (begin < tile.blocks && tile.index[begin] < first) ++begin;
    end = begin;
    while (end < tile.blocks && tile.index[end] < first + blocks) ++end;
  }
  return {tile.data + begin, tile.index + begin, end - begin, first};
}

void gemm_panel(formats::DataType type, const void* panel, std::size_t rows, std::size_t first_block, std::size_t blocks,
                const kernels::Tile* tiles, std::size_t count, const float* sums, float* dst, std::size_t ldd) noexcept {
  with_block_type(type, [&](auto t) {
    using T = decltype(t);
    const auto* weights = static_cast<const std::uint8_t*>(panel);
    alignas(64) float edge[kTileRows * kPanelRows];
    const bool whole = rows == kPanelRows;
    for (std::size_t i = 0; i < count; ++i) {
      const kernels::Tile& tile = tiles[i];
      const TilePart part = part_of(tile, first_block, blocks);
      const float* from = sums == nullptr ? nullptr : sums + tile.first_row * kPanelRows;
      float* const result = dst + tile.first_row * ldd;
      float* const to = whole ? result : edge;
      const std::size_t ld = whole ? ldd : kPanelRows;
      if (tile.fine) {
        multiply_rows<T, true>(weights, part, tile.rows, from, to, ld);
      } else {
        multiply_rows<T, false>(weights, part, tile.rows, from, to, ld);
      }
      for (std::size_t r = 0; r < tile.rows && !whole; ++r) std::memcpy(result + r * ldd, edge + r * kPanelRows, rows * sizeof(float));
    }
  });
}

}  // namespace
}  // namespace gemma4::GEMMA4_ISA

#endif
