// The blocks of ggml's quantised types as they lie in GGUF files; dequantize.h says what their values are.
//
// Data only, no function: the kernels of every instruction set include this. Fields that a file puts at odd places are
// bytes, so no block has padding; multi-byte fields are little-endian. `d` is a scale in IEEE half, `dmin` and `m` too.
// Layouts: ggml-org/ggml src/ggml-common.h.
#pragma once

#include <cstdint>

namespace gemma4::blocks {

// 32 elements (Q1_0 128, Q2_0 and NVFP4 64). Nibbles: byte j holds element j below and element j + 16 above.
struct BlockQ4_0 {
  std::uint16_t d;
  std::uint8_t qs[16];
};
struct BlockQ4_1 {
  std::uint16_t d, m;
  std::uint8_t qs[16];
};
struct BlockQ5_0 {
  std::uint16_t d;
  std::uint8_t qh[4];  ///< Bit i: the fifth bit of element i.
  std::uint8_t qs[16];
};
struct BlockQ5_1 {
  std::uint16_t d, m;
  std::uint8_t qh[4];
  std::uint8_t qs[16];
};
struct BlockQ8_0 {
  std::uint16_t d;
  std::int8_t qs[32];
};
struct BlockIQ4_NL {
  std::uint16_t d;
  std::uint8_t qs[16];
};
struct BlockMXFP4 {
  std::uint8_t e;  ///< E8M0.
  std::uint8_t qs[16];
};
struct BlockNVFP4 {
  std::uint8_t d[4];    ///< UE4M3, one per 16 elements.
  std::uint8_t qs[32];  ///< Byte j of eight: element j below and element j + 8 above.
};
struct BlockQ1_0 {
  std::uint16_t d;
  std::uint8_t qs[16];
};
struct BlockQ2_0 {
  std::uint16_t d;
  std::uint8_t qs[16];
};

// 256 elements.
struct BlockQ2_K {
  std::uint8_t scales[16];  ///< Scale below, minimum above.
  std::uint8_t qs[64];
  std::uint16_t d, dmin;
};
struct BlockQ3_K {
  std::uint8_t hmask[32];
  std::uint8_t qs[64];
  std::uint8_t scales[12];
  std::uint16_t d;
};
struct BlockQ4_K {
  std::uint16_t d, dmin;
  std::uint8_t scales[12];
  std::uint8_t qs[128];
};
struct BlockQ5_K {
  std::uint16_t d, dmin;
  std::uint8_t scales[12];
  std::uint8_t qh[32];
  std::uint8_t qs[128];
};
struct BlockQ6_K {
  std::uint8_t ql[128];
  std::uint8_t qh[64];
  std::int8_t scales[16];
  std::uint16_t d;
};
struct BlockIQ2_XXS {
  std::uint16_t d;
  std::uint16_t qs[32];  ///< Per 32 elements four grid bytes, then 32 bits of signs and scale.
};
struct BlockIQ2_XS {
  std::uint16_t d;
  std::uint16_t qs[32];
  std::uint8_t scales[8];
};
struct BlockIQ2_S {
  std::uint16_t d;
  std::uint8_t qs[32];
  std::uint8_t signs[32];
  std::uint8_t qh[8];
  std::uint8_t scales[8];
};
struct BlockIQ3_XXS {
  std::uint16_t d;
  std::uint8_t qs[64];
  std::uint8_t aux[32];  ///< Eight times 32 bits of signs and scale.
};
struct BlockIQ3_S {
  std::uint16_t d;
  std::uint8_t qs[64];
  std::uint8_t qh[8];
  std::uint8_t signs[32];
  std::uint8_t scales[4];
};
struct BlockIQ1_S {
  std::uint16_t d;
  std::uint8_t qs[32];
  std::uint16_t qh[8];
};
struct BlockIQ1_M {
  std::uint8_t qs[32];
  std::uint8_t qh[16];
  std::uint16_t scales[4];  ///< The upper nibbles together are the block's scale.
};
struct BlockIQ4_XS {
  std::uint16_t d;
  std::uint16_t scales_h;
  std::uint8_t scales_l[4];
  std::uint8_t qs[128];
};
struct BlockTQ1_0 {
  std::uint8_t qs[48];
  std::uint8_t qh[4];
  std::uint16_t d;
};
struct BlockTQ2_0 {
  std::uint8_t qs[64];
  std::uint16_t d;
};

static_assert(sizeof(BlockQ4_0) == 18 && sizeof(BlockQ4_1) == 20 && sizeof(BlockQ5_0) == 22 && sizeof(BlockQ5_1) == 24);
static_assert(sizeof(BlockQ8_0) == 34 && sizeof(BlockIQ4_NL) == 18 && sizeof(BlockMXFP4) == 17);
static_assert(sizeof(BlockNVFP4) == 36 && sizeof(BlockQ1_0) == 18 && sizeof(BlockQ2_0) == 18);
static_assert(sizeof(BlockQ2_K) == 84 && sizeof(BlockQ3_K) == 110 && sizeof(BlockQ4_K) == 144);
static_assert(sizeof(BlockQ5_K) == 176 && sizeof(BlockQ6_K) == 210);
static_assert(sizeof(BlockIQ2_XXS) == 66 && sizeof(BlockIQ2_XS) == 74 && sizeof(BlockIQ2_S) == 82);
static_assert(sizeof(BlockIQ3_XXS) == 98 && sizeof(BlockIQ3_S) == 110 && sizeof(BlockIQ4_XS) == 136);
static_assert(sizeof(BlockIQ1_S) == 50 && sizeof(BlockIQ1_M) == 56);
static_assert(sizeof(BlockTQ1_0) == 54 && sizeof(BlockTQ2_0) == 66);

}  // namespace gemma4::blocks
