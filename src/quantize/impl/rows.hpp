// Rows of F32 to rows of blocks: the fits of symmetric.hpp and affine.hpp, packed as weights/blocks.h lays them out.
#pragma once

#include "quantize/impl/affine.hpp"
#include "quantize/impl/symmetric.hpp"
#include "quantize/row_quantizers.h"
#include "blocks/blocks.h"

namespace gemma4::GEMMA4_ISA {
namespace {

using namespace blocks;  // NOLINT: the blocks

/// fn(group, runs, first run) for every group of a row. Runs beyond the row's end are zero.
template <int B, class Fn>
inline void for_groups(const float* x, const float* importance, std::size_t n, Fn fn) noexcept {
  Group<B> group;
  for (std::size_t at = 0; at < n; at += Group<B>::kElements) {
    const std::size_t count = n - at < Group<B>::kElements ? n - at : Group<B>::kElements;
    group.load(x + at, importance == nullptr ? nullptr : importance + at, count);
    fn(group, static_cast<int>(count / B), at / B);
  }
}

/// Codes of a symmetric fit, shifted to start at 0.
template <class Book, int B>
inline void assign(const Group<B>& g, Lanes scale, Codes<B>& codes) noexcept {
  const Lanes inverse = divide(Lanes(1.0F), scale);
  for (int i = 0; i < B; ++i) codes.set(i, Book::nearest(g.value(i) * inverse), -static_cast<float>(Book::kLow));
}
template <int B>
inline void assign_nonlinear(const Group<B>& g, Lanes scale, Codes<B>& codes) noexcept {
  const Lanes inverse = divide(Lanes(1.0F), scale);
  for (int i = 0; i < B; ++i) codes.set(i, NonLinear::index(g.value(i) * inverse), 0.0F);
}
template <int max_code, int B>
inline void assign_affine(const Group<B>& g, Lanes scale, Lanes minimum, Codes<B>& codes) noexcept {
  const Lanes inverse = divide(Lanes(1.0F), scale);
  for (int i = 0; i < B; ++i) codes.set(i, affine_code<max_code>(g.value(i), minimum, inverse), 0.0F);
}

/// Nibbles of a block of 32: element j below, j + 16 above.
inline void pack_nibbles(const std::uint8_t* codes, std::uint8_t* qs) noexcept {
  for (int j = 0; j < 16; ++j) qs[j] = static_cast<std::uint8_t>((codes[j] & 15) | (codes[j + 16] & 15) << 4);
}
/// The fifth bits of a block of 32.
inline void pack_fifth(const std::uint8_t* codes, std::uint8_t* qh) noexcept {
  for (int byte = 0; byte < 4; ++byte) {
    unsigned all = 0;
    for (int j = 0; j < 8; ++j) all |= static_cast<unsigned>(codes[8 * byte + j] >> 4) << j;
    qh[byte] = static_cast<std::uint8_t>(all);
  }
}

// --- blocks of 32
// ------------------------------------------------------------------------------------------------------

using Book4 = Integers<-8, 7, 24>;
using Book5 = Integers<-16, 15, 16>;
using Book8 = Integers<-127, 127, 12>;

void q4_0(const float* x, const float* importance, std::size_t n, std::uint8_t* dst) noexcept {
  auto* const blocks = reinterpret_cast<BlockQ4_0*>(dst);
  for_groups<32>(x, importance, n, [&](const Group<32>& g, int runs, std::size_t first) {
    std::uint16_t d[kLanes];
    Codes<32> codes;
    assign<Book4>(g, fit_blocks<Book4>(g, d), codes);
    for (int l = 0; l < runs; ++l) {
      BlockQ4_0& block = blocks[first + static_cast<std::size_t>(l)];
      block.d = d[l];
      pack_nibbles(codes.of + 32 * l, block.qs);
    }
  });
}

void q5_0(const float* x, const float* importance, std::size_t n, std::uint8_t* dst) noexcept {
  auto* const blocks = reinterpret_cast<BlockQ5_0*>(dst);
  for_groups<32>(x, importance, n, [&](const Group<32>& g, int runs, std::size_t first) {
    std::uint16_t d[kLanes];
    Codes<32> codes;
    assign<Book5>(g, fit_blocks<Book5>(g, d), codes);
    for (int l = 0; l < runs; ++l) {
      BlockQ5_0& block = blocks[first + static_cast<std::size_t>(l)];
      block.d = d[l];
      pack_fifth(codes.of + 32 * l, block.qh);
      pack_nibbles(codes.of + 32 * l, block.qs);
    }
  });
}

void q8_0(const float* x, const float* importance, std::size_t n, std::uint8_t* dst) noexcept {
  auto* const blocks = reinterpret_cast<BlockQ8_0*>(dst);
  for_groups<32>(x, importance, n, [&](const Group<32>& g, int runs, std::size_t first) {
    std::uint16_t d[kLanes];
    Codes<32> codes;
    assign<Book8>(g, fit_blocks<Book8>(g, d), codes);
    for (int l = 0; l < runs; ++l) {
      BlockQ8_0& block = blocks[first + static_cast<std::size_t>(l)];
      block.d = d[l];
      for (int j = 0; j < 32; ++j) block.qs[j] = static_cast<std::int8_t>(codes.of[32 * l + j] + Book8::kLow);
    }
  });
}

void iq4_nl(const float* x, const float* importance, std::size_t n, std::uint8_t* dst) noexcept {
  auto* const blocks = reinterpret_cast<BlockIQ4_NL*>(dst);
  for_groups<32>(x, importance, n, [&](const Group<32>& g, int runs, std::size_t first) {
    std::uint16_t d[kLanes];
    Codes<32> codes;
    assign_nonlinear(g, fit_blocks<NonLinear>(g, d), codes);
    for (int l = 0; l < runs; ++l) {
      BlockIQ4_NL& block = blocks[first + static_cast<std::size_t>(l)];
      block.d = d[l];
      pack_nibbles(codes.of + 32 * l, block.qs);
    }
  });
}

void q4_1(const float* x, const float* importance, std::size_t n, std::uint8_t* dst) noexcept {
  auto* const blocks = reinterpret_cast<BlockQ4_1*>(dst);
  for_groups<32>(x, importance, n, [&](const Group<32>& g, int runs, std::size_t first) {
    std::uint16_t d[kLanes], m[kLanes];
    Codes<32> codes;
    const Affine fit = fit_affine_blocks<15>(g, d, m);
    assign_affine<15>(g, fit.scale, fit.minimum, codes);
    for (int l = 0; l < runs; ++l) {
      BlockQ4_1& block = blocks[first + static_cast<std::size_t>(l)];
      block.d = d[l];
      block.m = m[l];
      pack_nibbles(codes.of + 32 * l, block.qs);
    }
  });
}

void q5_1(const float* x, const float* importance, std::size_t n, std::uint8_t* dst) noexcept {
  auto* const blocks = reinterpret_cast<BlockQ5_1*>(dst);
  for_groups<32>(x, importance, n, [&](const Group<32>& g, int runs, std::size_t first) {
    std::uint16_t d[kLanes], m[kLanes];
    Codes<32> codes;
    const Affine fit = fit_affine_blocks<31>(g, d, m);
    assign_affine<31>(g, fit.scale, fit.minimum, codes);
    for (int l = 0; l < runs; ++l) {
      BlockQ5_1& block = blocks[first + static_cast<std::size_t>(l)];
      block.d = d[l];
      block.m = m[l];
      pack_fifth(codes.of + 32 * l, block.qh);
      pack_nibbles(codes.of + 32 * l, block.qs);
    }
  });
}

// --- super-blocks of 256
// -----------------------------------------------------------------------------------------------

/// Two bits of each of 256 codes: byte 32 n + l holds those of elements 128 n + 32 g + l, g = 0..3 from below.
inline void pack_pairs(const std::uint8_t* codes, int shift, std::uint8_t* qs) noexcept {
  for (int n = 0; n < 2; ++n) {
    for (int l = 0; l < 32; ++l) {
      unsigned all = 0;
      for (int g = 0; g < 4; ++g) all |= static_cast<unsigned>((codes[128 * n + 32 * g + l] >> shift) & 3) << (2 * g);
      qs[32 * n + l] = static_cast<std::uint8_t>(all);
    }
  }
}

void q2_k(const float* x, const float* importance, std::size_t n, std::uint8_t* dst) noexcept {
  auto* const blocks = reinterpret_cast<BlockQ2_K*>(dst);
  for_groups<16>(x, importance, n, [&](const Group<16>& g, int, std::size_t first) {
    BlockQ2_K& block = blocks[first / 16];
    Codes<16> codes;
    const SharedAffine<16> fit = fit_shared_affine<3, 15, 16>(g);
    assign_affine<3>(g, Lanes::load(fit.scale), Lanes::load(fit.minimum), codes);
    block.d = fit.d[0];
    block.dmin = fit.dmin[0];
    for (int l = 0; l < 16; ++l) {
      block.scales[l] =
          static_cast<std::uint8_t>(static_cast<int>(fit.scale_code[l]) | static_cast<int>(fit.minimum_code[l]) << 4);
    }
    pack_pairs(codes.of, 0, block.qs);
  });
}

using Book3 = Integers<-4, 3, 24>;

void q3_k(const float* x, const float* importance, std::size_t n, std::uint8_t* dst) noexcept {
  auto* const blocks = reinterpret_cast<BlockQ3_K*>(dst);
  for_groups<16>(x, importance, n, [&](const Group<16>& g, int, std::size_t first) {
    BlockQ3_K& block = blocks[first / 16];
    Codes<16> codes;
    const SharedScales<16> fit = fit_shared<Book3, 16, -32, 31>(g);
    assign<Book3>(g, Lanes::load(fit.scale), codes);
    block.d = fit.d[0];
    std::memset(block.scales, 0, sizeof block.scales);
    for (int l = 0; l < 16; ++l) {
      const int code = static_cast<int>(fit.code[l]) + 32;
      block.scales[l % 8] = static_cast<std::uint8_t>(block.scales[l % 8] | (code & 15) << (4 * (l / 8)));
      block.scales[8 + l % 4] = static_cast<std::uint8_t>(block.scales[8 + l % 4] | (code >> 4) << (2 * (l / 4)));
    }
    pack_pairs(codes.of, 0, block.qs);
    for (int l = 0; l < 32; ++l) {
      unsigned all = 0;
      for (int k = 0; k < 8; ++k) all |= static_cast<unsigned>(codes.of[32 * k + l] >> 2) << k;
      block.hmask[l] = static_cast<std::uint8_t>(all);
    }
  });
}

using Book6 = Integers<-32, 31, 12>;

void q6_k(const float* x, const float* importance, std::size_t n, std::uint8_t* dst) noexcept {
  auto* const blocks = reinterpret_cast<BlockQ6_K*>(dst);
  for_groups<16>(x, importance, n, [&](const Group<16>& g, int, std::size_t first) {
    BlockQ6_K& block = blocks[first / 16];
    Codes<16> codes;
    const SharedScales<16> fit = fit_shared<Book6, 16, -128, 127>(g);
    assign<Book6>(g, Lanes::load(fit.scale), codes);
    block.d = fit.d[0];
    for (int l = 0; l < 16; ++l) block.scales[l] = static_cast<std::int8_t>(static_cast<int>(fit.code[l]));
    for (int half = 0; half < 2; ++half) {
      for (int j = 0; j < 64; ++j) {
        const std::uint8_t* const from = codes.of + 128 * half + j;
        block.ql[64 * half + j] = static_cast<std::uint8_t>((from[0] & 15) | (from[64] & 15) << 4);
      }
    }
    pack_pairs(codes.of, 4, block.qh);
  });
}

/// The eight pairs of six bits in twelve bytes, of Q4_K and Q5_K.
inline void pack_scales(const float* scale, const float* minimum, std::uint8_t* s) noexcept {
  std::memset(s, 0, 12);
  for (int j = 0; j < 8; ++j) {
    const int sc = static_cast<int>(scale[j]), mn = static_cast<int>(minimum[j]);
    if (j < 4) {
      s[j] = static_cast<std::uint8_t>(s[j] | sc);
      s[j + 4] = static_cast<std::uint8_t>(s[j + 4] | mn);
    } else {
      s[j + 4] = static_cast<std::uint8_t>((sc & 15) | (mn & 15) << 4);
      s[j - 4] = static_cast<std::uint8_t>(s[j - 4] | (sc >> 4) << 6);
      s[j] = static_cast<std::uint8_t>(s[j] | (mn >> 4) << 6);
    }
  }
}

/// Nibbles of 256 codes: byte 32 p + l holds element 64 p + l below and 64 p + 32 + l above.
inline void pack_nibble_pairs(const std::uint8_t* codes, std::uint8_t* qs) noexcept {
  for (int p = 0; p < 4; ++p) {
    for (int l = 0; l < 32; ++l) {
      const std::uint8_t* const from = codes + 64 * p + l;
      qs[32 * p + l] = static_cast<std::uint8_t>((from[0] & 15) | (from[32] & 15) << 4);
    }
  }
}

void q4_k(const float* x, const float* importance, std::size_t n, std::uint8_t* dst) noexcept {
  auto* const blocks = reinterpret_cast<BlockQ4_K*>(dst);
  for_groups<32>(x, importance, n, [&](const Group<32>& g, int runs, std::size_t first) {
    Codes<32> codes;
    const SharedAffine<8> fit = fit_shared_affine<15, 63, 8>(g);
    assign_affine<15>(g, Lanes::load(fit.scale), Lanes::load(fit.minimum), codes);
    for (int b = 0; 8 * b < runs; ++b) {
      BlockQ4_K& block = blocks[first / 8 + static_cast<std::size_t>(b)];
      block.d = fit.d[b];
      block.dmin = fit.dmin[b];
      pack_scales(fit.scale_code + 8 * b, fit.minimum_code + 8 * b, block.scales);
      pack_nibble_pairs(codes.of + 256 * b, block.qs);
    }
  });
}

void q5_k(const float* x, const float* importance, std::size_t n, std::uint8_t* dst) noexcept {
  auto* const blocks = reinterpret_cast<BlockQ5_K*>(dst);
  for_groups<32>(x, importance, n, [&](const Group<32>& g, int runs, std::size_t first) {
    Codes<32> codes;
    const SharedAffine<8> fit = fit_shared_affine<31, 63, 8>(g);
    assign_affine<31>(g, Lanes::load(fit.scale), Lanes::load(fit.minimum), codes);
    for (int b = 0; 8 * b < runs; ++b) {
      BlockQ5_K& block = blocks[first / 8 + static_cast<std::size_t>(b)];
      const std::uint8_t* const from = codes.of + 256 * b;
      block.d = fit.d[b];
      block.dmin = fit.dmin[b];
      pack_scales(fit.scale_code + 8 * b, fit.minimum_code + 8 * b, block.scales);
      pack_nibble_pairs(from, block.qs);
      for (int l = 0; l < 32; ++l) {
        unsigned all = 0;
        for (int k = 0; k < 8; ++k) all |= static_cast<unsigned>(from[32 * k + l] >> 4) << k;
        block.qh[l] = static_cast<std::uint8_t>(all);
      }
    }
  });
}

void iq4_xs(const float* x, const float* importance, std::size_t n, std::uint8_t* dst) noexcept {
  auto* const blocks = reinterpret_cast<BlockIQ4_XS*>(dst);
  for_groups<32>(x, importance, n, [&](const Group<32>& g, int runs, std::size_t first) {
    Codes<32> codes;
    const SharedScales<8> fit = fit_shared<NonLinear, 8, -32, 31>(g);
    assign_nonlinear(g, Lanes::load(fit.scale), codes);
    for (int b = 0; 8 * b < runs; ++b) {
      BlockIQ4_XS& block = blocks[first / 8 + static_cast<std::size_t>(b)];
      block.d = fit.d[b];
      unsigned high = 0;
      std::memset(block.scales_l, 0, sizeof block.scales_l);
      for (int k = 0; k < 8; ++k) {
        const int code = static_cast<int>(fit.code[8 * b + k]) + 32;
        block.scales_l[k / 2] = static_cast<std::uint8_t>(block.scales_l[k / 2] | (code & 15) << (4 * (k % 2)));
        high |= static_cast<unsigned>(code >> 4) << (2 * k);
        pack_nibbles(codes.of + 256 * b + 32 * k, block.qs + 16 * k);
      }
      block.scales_h = static_cast<std::uint16_t>(high);
    }
  });
}

constexpr quantization::RowQuantizers make_table(const char* name) noexcept {
  return {name, q8_0, q4_0, q4_1, q5_0, q5_1, iq4_nl, q2_k, q3_k, q4_k, q5_k, q6_k, iq4_xs};
}

}  // namespace
}  // namespace gemma4::GEMMA4_ISA
