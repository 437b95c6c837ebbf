// Matrix products on quantised weights, for prefill: panels of weight rows as 8-bit codes, one row a lane, times tiles of
// four activation rows in 8 bits. Sums within 32 (or 16) elements are integers; scales and sums over blocks are F32.
//
// A panel, for each block of 32: kSteps vectors per group of kLanes rows, 4 consecutive codes of a row, less kZero, in
// each lane; what the activations' offset of 128 adds to their sums; the scales and minima, one a lane. Where codes do
// not fit maddubs' 16-bit sums they lie in two planes of four bits, the upper one signed.
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
  static constexpr int kLargest = T::kZero > T::kMaxCode - T::kZero ? T::kZero : T::kMaxCode - T::kZero;
  static constexpr std::size_t kPlanes = kHaveVnni || kLargest <= 32 ? 1 : 2;
  static constexpr std::size_t kParts = T::kGroup == 16 ? 2 : 1;  // scales per block
  static constexpr std::size_t kPlaneBytes = kSteps * kGroups * kBytes;
  static constexpr std::size_t kNumbers = kParts * kPanelRows;
  static constexpr std::size_t kOffsetsAt = kPlanes * kPlaneBytes;  // int32: -128 times the sum of codes
  static constexpr std::size_t kScalesAt = kOffsetsAt + kNumbers * 4;
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

/// Lane j of v[r] holds four codes of row r: vector j goes to step j % 4 (+ 4 for second halves) of block j / 4.
template <class T>
inline void store_codes(Bytes (&v)[kLanes], std::uint8_t* block, std::size_t group, std::size_t first_step,
                        Bytes (&sums)[kChunkBlocks]) noexcept {
  using Layout = PanelLayout<T>;
  transpose(v);
  for (std::size_t j = 0; j < kLanes; ++j) {
    std::uint8_t* dst = block + j / 4 * Layout::kBlockBytes + ((first_step + j % 4) * kGroups + group) * kBytes;
    const Bytes codes = sub8(v[j], set8(T::kZero));
    sums[j / 4] = dot4(sums[j / 4], set8(1), codes);
    if constexpr (Layout::kPlanes == 1) {
      store_bytes(dst, codes);
    } else {
      store_bytes(dst, low_nibbles(codes));
      store_bytes(dst + Layout::kPlaneBytes, sub8(bit_xor(high_nibbles(codes), set8(8)), set8(8)));
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
  Bytes first[kLanes], second[kLanes];
  for (std::size_t r = 0; r < kLanes; ++r) {
    const Chunk chunk = T::template codes<C>(units[r]);
    first[r] = chunk.first;
    second[r] = chunk.second;
    const auto numbers = [&](auto half) {
      constexpr int kHalf = decltype(half)::value;
      std::uint8_t* place = block + 4 * (kHalf * kPanelRows + group * kLanes + r);
      const Vec scale = T::template scale<C, kHalf>(scales[r]);
      store_numbers(scale, place + Layout::kScalesAt, Layout::kBlockBytes);
      if constexpr (T::kHasMin) {
        const Vec min = fma(scale, Vec(static_cast<float>(T::kZero)), T::template min<C, kHalf>(scales[r]));
        store_numbers(min, place + Layout::kMinsAt, Layout::kBlockBytes);
      }
    };
    numbers(std::integral_constant<int, 0>{});
    if constexpr (Layout::kParts == 2) numbers(std::integral_constant<int, 1>{});
  }
  Bytes sums[2][kChunkBlocks];
  for (auto& half : sums) {
    for (Bytes& s : half) s = zero_bytes();
  }
  store_codes<T>(first, block, group, 0, sums[0]);
  store_codes<T>(second, block, group, 4, sums[Layout::kParts - 1]);
  for (std::size_t b = 0; b < kChunkBlocks; ++b) {
    for (std::size_t part = 0; part < Layout::kParts; ++part) {
      const Bytes offset = shift_left32<7>(sums[part][b]);
      store_bytes(block + b * Layout::kBlockBytes + Layout::kOffsetsAt + 4 * (part * kPanelRows + group * kLanes),
                  sub32(zero_bytes(), offset));
    }
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

inline Bytes broadcast4(const std::uint8_t* q) noexcept {
  int four;
  std::memcpy(&four, q, sizeof four);
  return set32(four);
}

/// sums[r][g] += products of kCount steps of one plane of codes, of size kLargest at most, with rows first_row and after.
template <int kLargest, std::size_t kRows, std::size_t kCount>
inline void multiply_steps(const std::uint8_t* codes, const kernels::TileBlock& x, std::size_t first_row, std::size_t step,
                           Bytes (&sums)[kRows][kGroups]) noexcept {
#if defined(__AVX512VNNI__) || defined(__AVXVNNI__)
#pragma GCC unroll 8
  for (std::size_t s = step; s < step + kCount; ++s) {
    Bytes w[kGroups];
    for (std::size_t g = 0; g < kGroups; ++g) w[g] = load_bytes(codes + (s * kGroups + g) * kBytes);
    for (std::size_t r = 0; r < kRows; ++r) {
      const Bytes a = broadcast4(x.q[first_row + r] + 4 * s);
      for (std::size_t g = 0; g < kGroups; ++g) sums[r][g] = dot4(sums[r][g], a, w[g]);
    }
  }
#else
  constexpr std::size_t kAllowed = static_cast<std::size_t>(chain_length(255, kLargest));
  constexpr std::size_t kChain = kAllowed >= kCount ? kCount : kAllowed >= 4 ? 4 : kAllowed >= 2 ? 2 : 1;
  const Bytes ones = set16(1);
#pragma GCC unroll 8
  for (std::size_t s = step; s < step + kCount; s += kChain) {
    Bytes chain[kRows][kGroups];
#pragma GCC unroll 8
    for (std::size_t c = 0; c < kChain; ++c) {
      Bytes w[kGroups];
      for (std::size_t g = 0; g < kGroups; ++g) w[g] = load_bytes(codes + ((s + c) * kGroups + g) * kBytes);
      for (std::size_t r = 0; r < kRows; ++r) {
        const Bytes a = broadcast4(x.q[first_row + r] + 4 * (s + c));
        for (std::size_t g = 0; g < kGroups; ++g) {
          const Bytes product = multiply_pairs_u8_s8(a, w[g]);
          chain[r][g] = c == 0 ? product : add16(chain[r][g], product);
        }
      }
    }
    for (std::size_t r = 0; r < kRows; ++r) {
      for (std::size_t g = 0; g < kGroups; ++g) sums[r][g] = add32(sums[r][g], multiply_pairs_16(chain[r][g], ones));
    }
  }
#endif
}

/// Adds one block's products to the results of kRows rows.
template <class T, std::size_t kRows, std::size_t kPart>
inline void multiply_part(const std::uint8_t* block, const kernels::TileBlock& x, std::size_t first_row,
                          Vec (&results)[kRows][kGroups]) noexcept {
  using Layout = PanelLayout<T>;
  constexpr std::size_t kCount = kSteps / Layout::kParts, kFirst = kPart * kCount;
  const std::uint8_t* numbers = block + 4 * kPart * kPanelRows;
  Bytes sums[kRows][kGroups];
  if constexpr (Layout::kPlanes == 2) {
    for (auto& row : sums) {
      for (Bytes& s : row) s = zero_bytes();
    }
    multiply_steps<8, kRows, kCount>(block + Layout::kPlaneBytes, x, first_row, kFirst, sums);
    for (auto& row : sums) {
      for (std::size_t g = 0; g < kGroups; ++g) {
        row[g] = add32(shift_left32<4>(row[g]), load_bytes(numbers + Layout::kOffsetsAt + g * kBytes));
      }
    }
    multiply_steps<15, kRows, kCount>(block, x, first_row, kFirst, sums);
  } else {
    for (auto& row : sums) {
      for (std::size_t g = 0; g < kGroups; ++g) row[g] = load_bytes(numbers + Layout::kOffsetsAt + g * kBytes);
    }
    multiply_steps<Layout::kLargest, kRows, kCount>(block, x, first_row, kFirst, sums);
  }
  for (std::size_t g = 0; g < kGroups; ++g) {
    const Vec scale = load(F32{}, reinterpret_cast<const float*>(numbers + Layout::kScalesAt) + g * kLanes);
    for (std::size_t r = 0; r < kRows; ++r) {
      results[r][g] = fma(to_float(sums[r][g]), scale * Vec(x.scale[first_row + r]), results[r][g]);
    }
    if constexpr (T::kHasMin) {
      const Vec min = load(F32{}, reinterpret_cast<const float*>(numbers + Layout::kMinsAt) + g * kLanes);
      for (std::size_t r = 0; r < kRows; ++r) {
        const std::size_t row = first_row + r;
        const float sum = Layout::kParts == 1 ? x.sum[0][row] : kPart == 0 ? x.sum[0][row] - x.sum[1][row] : x.sum[1][row];
        results[r][g] = fma(min, Vec(sum), results[r][g]);
      }
    }
  }
}

/// Rows [first_row, first_row + kRows) of a tile times a panel, added to (or, at first, stored in) dst.
template <class T, std::size_t kRows>
inline void multiply_tile(const std::uint8_t* panel, std::size_t first_block, const kernels::TileBlock* x,
                          const std::uint16_t* index, std::size_t count, std::size_t first_row, bool add, float* dst,
                          std::size_t ldd) noexcept {
  using Layout = PanelLayout<T>;
  Vec results[kRows][kGroups];
  for (std::size_t r = 0; r < kRows; ++r) {
    for (std::size_t g = 0; g < kGroups; ++g) {
      results[r][g] = add ? load(F32{}, dst + r * ldd + g * kLanes) : Vec(0.0F);
    }
  }
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint8_t* block = panel + (index[i] - first_block) * Layout::kBlockBytes;
    multiply_part<T, kRows, 0>(block, x[i], first_row, results);
    if constexpr (Layout::kParts == 2) multiply_part<T, kRows, 1>(block, x[i], first_row, results);
  }
  for (std::size_t r = 0; r < kRows; ++r) {
    for (std::size_t g = 0; g < kGroups; ++g) store(F32{}, dst + r * ldd + g * kLanes, results[r][g]);
  }
}

/// As many rows at a time as the registers hold.
template <class T>
inline void multiply_rows(const std::uint8_t* panel, std::size_t first_block, const kernels::TileBlock* x,
                          const std::uint16_t* index, std::size_t count, std::size_t rows, bool add, float* dst,
                          std::size_t ldd) noexcept {
#if defined(__AVX512BW__)
  constexpr std::size_t kMost = 4;
#else
  constexpr std::size_t kMost = 2;
#endif
  for (std::size_t r = 0; r < rows;) {
    float* to = dst + r * ldd;
    const std::size_t left = rows - r;
    if (kMost == 4 && left >= 4) {
      multiply_tile<T, kMost>(panel, first_block, x, index, count, r, add, to, ldd);
      r += 4;
    } else if (left >= 2) {
      multiply_tile<T, 2>(panel, first_block, x, index, count, r, add, to, ldd);
      r += 2;
    } else {
      multiply_tile<T, 1>(panel, first_block, x, index, count, r, add, to, ldd);
      r += 1;
    }
  }
}

void gemm_panel(formats::DataType type, const void* panel, std::size_t rows, std::size_t first_block, std::size_t blocks,
                const kernels::Tile* tiles, std::size_t count, float* dst, std::size_t ldd) noexcept {
  with_block_type(type, [&](auto t) {
    using T = decltype(t);
    const auto* weights = static_cast<const std::uint8_t*>(panel);
    alignas(64) float edge[kTileRows * kPanelRows];
    for (std::size_t i = 0; i < count; ++i) {
      const kernels::Tile& tile = tiles[i];
      std::size_t begin = first_block, end = first_block + blocks;
      if (tile.blocks != tile.plain_blocks) {  // some blocks come twice
        begin = 0;
        while (begin < tile.blocks && tile.index[begin] < first_block) ++begin;
        end = begin;
        while (end < tile.blocks && tile.index[end] < first_block + blocks) ++end;
      }
      const bool add = first_block != 0;
      float* to = dst + tile.first_row * ldd;
      if (rows == kPanelRows) {
        multiply_rows<T>(weights, first_block, tile.data + begin, tile.index + begin, end - begin, tile.rows, add, to, ldd);
        continue;
      }
      multiply_rows<T>(weights, first_block, tile.data + begin, tile.index + begin, end - begin, tile.rows, false, edge, kPanelRows);
      for (std::size_t r = 0; r < tile.rows; ++r) {
        for (std::size_t j = 0; j < rows; ++j) to[r * ldd + j] = (add ? to[r * ldd + j] : 0.0F) + edge[r * kPanelRows + j];
      }
    }
  });
}

}  // namespace
}  // namespace gemma4::GEMMA4_ISA

#endif
