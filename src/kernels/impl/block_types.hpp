// How each block type yields vectors of codes and scales. One struct a type, all with the same members:
//
//   kMaxCode, kZero, kHasMin, kGroup   as blocks::CodeFormat, but that kZero is the middle of the codes where kHasMin
//                                      (value = scale * code + min there)
//   kUnitChunks, kUnitBytes            a unit is the smallest run of whole blocks and whole chunks
//   scales(unit)                       what the unit's scales are made of, decoded once
//   codes<C>(unit)                     codes of chunk C of the unit
//   nibbles<C>(unit), code_of(v)       where a chunk is one vector of nibbles (low ones first; of 16 + 16 elements of each
//                                      block, or of 32 + 32 where kBlocksInPairs): that vector, and the codes they stand for
//   scale<C, half>(s), min<C, half>(s) lane l: of block l / 4 of the chunk; half: elements 0-15 or 16-31 of the block
//
// A chunk is kChunkBlocks runs of 32 elements ("blocks" here, whatever the file's block is). Layouts: weights/blocks.h;
// values: weights/dequantize.h, which the tests hold these against.
#pragma once
#pragma once

#include <type_traits>

#include "formats/data_type.h"
#include "kernels/impl/block_types_256.hpp"
#include "kernels/impl/block_types_32.hpp"
#include "blocks/codes.h"

#if defined(__AVX2__)

namespace gemma4::GEMMA4_ISA {
namespace {

// --- every other type: through blocks::unpack_codes -----------------------------------------------------------------

/// A unit is kChunkBlocks blocks::Codes32 in scratch of the caller's, its codes moved so that 128 stands for the type's
/// zero and its minima to match: one body serves every type.
struct Unpacked {
  static constexpr int kMaxCode = 255, kZero = 128, kGroup = 16;
  static constexpr bool kHasMin = true;
  static constexpr std::size_t kUnitChunks = 1, kUnitBytes = 0;
  using Scales = const blocks::Codes32*;
  static Scales scales(const std::uint8_t* unit) noexcept { return reinterpret_cast<const blocks::Codes32*>(unit); }
  template <int, int kHalf>
  static Vec scale(Scales s) noexcept {
    return spread(s, [](const blocks::Codes32& b) { return b.scale[kHalf]; });
  }
  template <int, int kHalf>
  static Vec min(Scales s) noexcept {
    return spread(s, [](const blocks::Codes32& b) { return b.min[kHalf]; });
  }
  template <int>
  static Chunk codes(const std::uint8_t* unit) noexcept {
    constexpr int kStride = sizeof(blocks::Codes32);
    return {gather16<kStride>(unit), gather16<kStride>(unit + 16)};
  }
  static void unpack(formats::DataType type, const std::uint8_t* row, std::size_t first, std::size_t count,
                     blocks::Codes32* dst) noexcept {
    blocks::unpack_codes(type, row, first, count, dst);
    const blocks::CodeFormat& format = *blocks::code_format(type);
    for (std::size_t b = 0; b < count; ++b) {
      for (std::uint8_t& code : dst[b].code) code = static_cast<std::uint8_t>(code - format.zero + 128);
      for (int half = 0; half < 2; ++half) dst[b].min[half] -= 128.0F * dst[b].scale[half];
    }
  }

 private:
  template <class Fn>
  static Vec spread(Scales blocks, Fn&& fn) noexcept {
    alignas(64) float lanes[kLanes];
    for (std::size_t l = 0; l < kLanes; ++l) lanes[l] = fn(blocks[l / 4]);
    return Vec::load_aligned(lanes);
  }
};

/// Where unit `index` of a row lies: in the file, or in scratch for types that are unpacked first. A row that ends within
/// its last unit is read on into the row after (activations there are zero); where that would pass `end`, the end of the
/// weights at hand, in scratch too.
template <class T>
class UnitReader {
 public:
  /// Of the file, per unit; 0 where the unit is read through scratch.
  static constexpr std::size_t kBytesRead = std::is_same_v<T, Unpacked> ? 0 : T::kUnitBytes;

  UnitReader() = default;
  UnitReader(formats::DataType type, std::size_t k, const std::uint8_t* end) noexcept
      : type_(type), blocks_(k / 32), row_bytes_(weights_row_bytes(type, k)), end_(end) {}

  std::size_t units() const noexcept { return (blocks_ + kUnitBlocks - 1) / kUnitBlocks; }
  std::size_t whole_units() const noexcept { return blocks_ / kUnitBlocks; }

  const std::uint8_t* unit(const std::uint8_t* row, std::size_t index) noexcept {
    const std::size_t left = blocks_ - index * kUnitBlocks;
    if constexpr (std::is_same_v<T, Unpacked>) {
      if (left < kUnitBlocks) std::memset(scratch_, 0, sizeof scratch_);
      Unpacked::unpack(type_, row, index * kUnitBlocks, left < kUnitBlocks ? left : kUnitBlocks,
                       reinterpret_cast<blocks::Codes32*>(scratch_));
      return scratch_;
    } else {
      const std::uint8_t* p = row + index * T::kUnitBytes;
      if (left >= kUnitBlocks || p + T::kUnitBytes <= end_) return p;
      std::memset(scratch_, 0, sizeof scratch_);  // scales of zero
      std::memcpy(scratch_, p, row_bytes_ - index * T::kUnitBytes);
      return scratch_;
    }
  }

 private:
  static constexpr std::size_t kUnitBlocks = T::kUnitChunks * kChunkBlocks;
  static constexpr std::size_t scratch_bytes() noexcept {
    if constexpr (std::is_same_v<T, Unpacked>) {
      return kChunkBlocks * sizeof(blocks::Codes32);
    } else {
      return T::kUnitBytes;
    }
  }
  static std::size_t weights_row_bytes(formats::DataType type, std::size_t k) noexcept {
    const formats::DataTypeInfo& layout = formats::info(type);
    return k / layout.block_elements * layout.block_bytes;
  }

  formats::DataType type_ = formats::DataType::f32;
  std::size_t blocks_ = 0, row_bytes_ = 0;
  const std::uint8_t* end_ = nullptr;
  alignas(64) std::uint8_t scratch_[scratch_bytes()];
};

/// fn(T{}) for the struct of a type.
template <class Fn>
inline void with_block_type(formats::DataType type, Fn&& fn) noexcept {
  using formats::DataType;
  switch (type) {
    case DataType::q4_0: return fn(Q4_0{});
    case DataType::q4_1: return fn(Q4_1{});
    case DataType::q5_0: return fn(Q5_0{});
    case DataType::q5_1: return fn(Q5_1{});
    case DataType::q8_0: return fn(Q8_0{});
    case DataType::iq4_nl: return fn(IQ4_NL{});
    case DataType::mxfp4: return fn(MXFP4{});
    case DataType::q4_k: return fn(Q4_K{});
    case DataType::q5_k: return fn(Q5_K{});
    case DataType::q6_k: return fn(Q6_K{});
    case DataType::iq4_xs: return fn(IQ4_XS{});
    default: return fn(Unpacked{});
  }
}

}  // namespace
}  // namespace gemma4::GEMMA4_ISA

#endif
