// Blocks of bytes of every quantised type, made from a seed.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "formats/data_type.h"

namespace gemma4::test {

/// SplitMix64.
class SplitMix {
 public:
  explicit SplitMix(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next() {
    state_ += 0x9E3779B97F4A7C15U;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
    return z ^ (z >> 31);
  }
  std::uint8_t byte() { return static_cast<std::uint8_t>(next()); }

 private:
  std::uint64_t state_;
};

/// A block type's number in ggml, and where its blocks have half-precision numbers (-1: none).
struct BlockType {
  formats::DataType type;
  std::uint32_t id;
  int f16, second_f16;
};

inline const std::vector<BlockType>& block_types() {
  using formats::DataType;
  static const std::vector<BlockType> types = {
      {DataType::q4_0, 2, 0, -1},     {DataType::q4_1, 3, 0, 2},      {DataType::q5_0, 6, 0, -1},
      {DataType::q5_1, 7, 0, 2},      {DataType::q8_0, 8, 0, -1},     {DataType::q2_k, 10, 80, 82},
      {DataType::q3_k, 11, 108, -1},  {DataType::q4_k, 12, 0, 2},     {DataType::q5_k, 13, 0, 2},
      {DataType::q6_k, 14, 208, -1},  {DataType::iq2_xxs, 16, 0, -1}, {DataType::iq2_xs, 17, 0, -1},
      {DataType::iq3_xxs, 18, 0, -1}, {DataType::iq1_s, 19, 0, -1},   {DataType::iq4_nl, 20, 0, -1},
      {DataType::iq3_s, 21, 0, -1},   {DataType::iq2_s, 22, 0, -1},   {DataType::iq4_xs, 23, 0, -1},
      {DataType::iq1_m, 29, -1, -1},  {DataType::tq1_0, 34, 52, -1},  {DataType::tq2_0, 35, 64, -1},
      {DataType::mxfp4, 39, -1, -1},  {DataType::nvfp4, 40, -1, -1},  {DataType::q1_0, 41, 0, -1},
      {DataType::q2_0, 42, 0, -1}};
  return types;
}

/// Sets the scale (and minimum) of a block to these halves. MXFP4 and NVFP4 have scales of their own kinds, made from
/// the low bits of `scale_bits`: small ones.
inline void set_block_scales(const BlockType& t, std::uint16_t scale_bits, std::uint16_t min_bits, char* block) {
  const auto put = [&](int at, unsigned bits) {
    block[at] = static_cast<char>(bits & 255);
    block[at + 1] = static_cast<char>(bits >> 8);
  };
  if (t.f16 >= 0) put(t.f16, scale_bits);
  if (t.second_f16 >= 0) put(t.second_f16, min_bits);
  if (t.type == formats::DataType::iq1_m) {  // in the upper nibbles of four 16-bit words
    for (int w = 0; w < 4; ++w) {
      block[49 + 2 * w] = static_cast<char>((block[49 + 2 * w] & 15) | (scale_bits >> (4 * w) & 15) << 4);
    }
  }
  if (t.type == formats::DataType::mxfp4) block[0] = static_cast<char>(120 + scale_bits % 8);
  if (t.type == formats::DataType::nvfp4) {
    for (int i = 0; i < 4; ++i) block[i] = static_cast<char>((block[i] & 127) % 127);
  }
}

/// `blocks` blocks of random bytes.
inline std::string random_bytes(const BlockType& t, std::size_t blocks, SplitMix& random) {
  std::string bytes(blocks * formats::info(t.type).block_bytes, '\0');
  for (char& byte : bytes) byte = static_cast<char>(random.byte());
  return bytes;
}

}  // namespace gemma4::test
