// Matrix-vector products on the file's own blocks, for decoding: codes times 16-bit activations, the weights streamed
// once. The integer sums of a block are exact; scales and sums over blocks are F32.
#pragma once

#include "kernels/impl/quantize_rows.hpp"

#if defined(__AVX2__)

namespace gemma4::GEMMA4_ISA {
namespace {

/// Sums over the four bytes of each lane of code * (256 high + low), for codes <= kMaxCode.
template <int kMaxCode>
inline Bytes dot_planes(Bytes codes, Bytes high, Bytes low) noexcept {
#if defined(__AVX512VNNI__) || defined(__AVXVNNI__)
  return dot4(shift_left32<8>(dot4(zero_bytes(), codes, high)), codes, low);
#else
  if constexpr (kMaxCode <= 127) {
    return add32(multiply_pairs_16(multiply_pairs_u8_s8(codes, high), set16(256)),
                 multiply_pairs_16(multiply_pairs_u8_s8(codes, low), set16(1)));
  } else {  // maddubs would saturate: four bits at a time
    const Bytes above = dot_planes<15>(high_nibbles(codes), high, low);
    return add32(shift_left32<4>(above), dot_planes<15>(low_nibbles(codes), high, low));
  }
#endif
}

/// The same over both halves of a chunk, which share their scales.
template <int kMaxCode>
inline Bytes dot_planes(const Chunk& codes, const RowChunk& x) noexcept {
  const Bytes h0 = load_bytes(x.high[0]), h1 = load_bytes(x.high[1]), l0 = load_bytes(x.low[0]), l1 = load_bytes(x.low[1]);
#if defined(__AVX512VNNI__) || defined(__AVXVNNI__)
  const Bytes high = shift_left32<8>(dot4(dot4(zero_bytes(), codes.first, h0), codes.second, h1));
  return dot4(dot4(high, codes.first, l0), codes.second, l1);
#else
  if constexpr (chain_length(kMaxCode, 128) >= 2) {
    const Bytes high = add16(multiply_pairs_u8_s8(codes.first, h0), multiply_pairs_u8_s8(codes.second, h1));
    const Bytes low = add16(multiply_pairs_u8_s8(codes.first, l0), multiply_pairs_u8_s8(codes.second, l1));
    return add32(multiply_pairs_16(high, set16(256)), multiply_pairs_16(low, set16(1)));
  } else {
    return add32(dot_planes<kMaxCode>(codes.first, h0, l0), dot_planes<kMaxCode>(codes.second, h1, l1));
  }
#endif
}

/// A row as quantize_row left it.
struct QuantizedRow {
  QuantizedRow() = default;
  QuantizedRow(const void* row, std::size_t k) noexcept
      : scale(static_cast<const RowHeader*>(row)->scale),
        chunks(reinterpret_cast<const RowChunk*>(static_cast<const RowHeader*>(row) + 1)),
        halves(reinterpret_cast<const HalfSums*>(chunks + row_chunks(k))) {}
  float scale = 0.0F;
  const RowChunk* chunks = nullptr;
  const HalfSums* halves = nullptr;
};

/// Running sums of one weight row against one activation row: sum of scale * dot, and of scale (or min) * sum.
struct GemvSums {
  Vec products = Vec(0.0F), offsets = Vec(0.0F);
};

template <class T, int C>
inline void gemv_chunk(const Chunk& codes, const typename T::Scales& scales, const RowChunk& x, const HalfSums& half_sums,
                       GemvSums& sums) noexcept {
  if constexpr (T::kGroup == 32) {
    const Vec scale = T::template scale<C, 0>(scales);
    sums.products = fma(to_float(dot_planes<T::kMaxCode>(codes, x)), scale, sums.products);
    if constexpr (T::kHasMin) {
      sums.offsets = fma(T::template min<C, 0>(scales), load(F32{}, x.sum), sums.offsets);
    } else {
      sums.offsets = fma(scale, load(F32{}, x.sum), sums.offsets);
    }
  } else {
    const auto half = [&](auto which, Bytes c) {
      constexpr int kHalf = decltype(which)::value;
      const Vec scale = T::template scale<C, kHalf>(scales);
      const Bytes dot = dot_planes<T::kMaxCode>(c, load_bytes(x.high[kHalf]), load_bytes(x.low[kHalf]));
      sums.products = fma(to_float(dot), scale, sums.products);
      if constexpr (T::kHasMin) {
        sums.offsets = fma(T::template min<C, kHalf>(scales), load(F32{}, half_sums.half[kHalf]), sums.offsets);
      } else {
        sums.offsets = fma(scale, load(F32{}, half_sums.half[kHalf]), sums.offsets);
      }
    };
    half(std::integral_constant<int, 0>{}, codes.first);
    half(std::integral_constant<int, 1>{}, codes.second);
  }
}

/// The chunks C and after of a unit of kColumns weight rows.
template <class T, int C, std::size_t kRows, std::size_t kColumns>
inline void gemv_unit(const std::uint8_t* const (&units)[kColumns], const typename T::Scales (&scales)[kColumns],
                      const QuantizedRow (&x)[kRows], std::size_t chunk, GemvSums (&sums)[kColumns][kRows]) noexcept {
  Chunk codes[kColumns];
  for (std::size_t c = 0; c < kColumns; ++c) codes[c] = T::template codes<C>(units[c]);
  for (std::size_t r = 0; r < kRows; ++r) {
    for (std::size_t c = 0; c < kColumns; ++c) gemv_chunk<T, C>(codes[c], scales[c], x[r].chunks[chunk + C], x[r].halves[chunk + C], sums[c][r]);
  }
  if constexpr (C + 1 < static_cast<int>(T::kUnitChunks)) gemv_unit<T, C + 1>(units, scales, x, chunk, sums);
}

/// kColumns rows of weights from w times kRows rows of x.
template <class T, std::size_t kRows, std::size_t kColumns>
inline void gemv_columns(UnitReader<T> (&readers)[2], WeightsAhead& ahead, const std::uint8_t* w, std::size_t row_bytes,
                         const QuantizedRow (&x)[kRows], float* y, std::size_t ldy) noexcept {
  GemvSums sums[kColumns][kRows];
  std::size_t u = 0;
  if constexpr (UnitReader<T>::kBytesRead != 0 && T::kUnitChunks == 1) {  // small units: several at a time, within the row
    constexpr std::size_t kRun = 4;
    for (const std::size_t whole = readers[0].whole_units(); u + kRun <= whole; u += kRun) {
      ahead.advance(kColumns * kRun * T::kUnitBytes);
#pragma GCC unroll 4
      for (std::size_t i = u; i < u + kRun; ++i) {
        const std::uint8_t* unit[kColumns];
        typename T::Scales scales[kColumns];
        for (std::size_t c = 0; c < kColumns; ++c) {
          unit[c] = w + c * row_bytes + i * T::kUnitBytes;
          scales[c] = T::scales(unit[c]);
        }
        gemv_unit<T, 0>(unit, scales, x, i, sums);
      }
    }
  }
  for (const std::size_t units = readers[0].units(); u < units; ++u) {
    ahead.advance(kColumns * UnitReader<T>::kBytesRead);
    const std::uint8_t* unit[kColumns];
    typename T::Scales scales[kColumns];
    for (std::size_t c = 0; c < kColumns; ++c) {
      unit[c] = readers[c].unit(w + c * row_bytes, u);
      scales[c] = T::scales(unit[c]);
    }
    gemv_unit<T, 0>(unit, scales, x, u * T::kUnitChunks, sums);
  }
  constexpr float kOffset = T::kHasMin ? 1.0F : -static_cast<float>(T::kZero);
  for (std::size_t r = 0; r < kRows; ++r) {
    for (std::size_t c = 0; c < kColumns; ++c) {
      y[r * ldy + c] = x[r].scale * (sum(sums[c][r].products) + kOffset * sum(sums[c][r].offsets));
    }
  }
}

template <class T, std::size_t kRows>
void gemv_blocks_rows(formats::DataType type, const std::uint8_t* w, std::size_t row_bytes, const void* const* x,
                      float* y, std::size_t ldy, std::size_t n, std::size_t k) noexcept {
  constexpr std::size_t kColumns = kRows <= 2 ? 2 : 1;  // rows of weights that share the loads of x
  QuantizedRow rows[kRows];
  for (std::size_t r = 0; r < kRows; ++r) rows[r] = QuantizedRow(x[r], k);
  const std::uint8_t* end = w + n * row_bytes;
  UnitReader<T> readers[2] = {UnitReader<T>(type, k, end), UnitReader<T>(type, k, end)};
  WeightsAhead ahead(w, (kColumns - 1) * row_bytes);
  std::size_t j = 0;
  for (; j + kColumns <= n; j += kColumns) {
    gemv_columns<T, kRows, kColumns>(readers, ahead, w + j * row_bytes, row_bytes, rows, y + j, ldy);
  }
  for (; j < n; ++j) gemv_columns<T, kRows, 1>(readers, ahead, w + j * row_bytes, row_bytes, rows, y + j, ldy);
}

void gemv_blocks(formats::DataType type, const void* w, const void* const* x, std::size_t rows, float* y,
                 std::size_t ldy, std::size_t n, std::size_t k) noexcept {
  const formats::DataTypeInfo& layout = formats::info(type);
  const std::size_t row_bytes = k / layout.block_elements * layout.block_bytes;
  with_block_type(type, [&](auto t) {
    using T = decltype(t);
    const auto* weights = static_cast<const std::uint8_t*>(w);
    switch (rows) {
      case 1: return gemv_blocks_rows<T, 1>(type, weights, row_bytes, x, y, ldy, n, k);
      case 2: return gemv_blocks_rows<T, 2>(type, weights, row_bytes, x, y, ldy, n, k);
      case 3: return gemv_blocks_rows<T, 3>(type, weights, row_bytes, x, y, ldy, n, k);
      default: return gemv_blocks_rows<T, 4>(type, weights, row_bytes, x, y, ldy, n, k);
    }
  });
}

}  // namespace
}  // namespace gemma4::GEMMA4_ISA

#endif
