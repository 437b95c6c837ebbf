// AVX-512 (F, BW), and its dot products on bf16 and 8-bit numbers, which are asked for one by one (limits.cpp).
#include <immintrin.h>

#include "limits/peak_loop.h"

namespace limits {
namespace {

[[gnu::always_inline]] inline __m512 add_f32(__m512 a, __m512 b) noexcept { return _mm512_add_ps(a, b); }

void f32_fma(long steps) noexcept {
  const __m512 m = _mm512_set1_ps(1.0000001F);
  keep(run_chains<kChains>(m, steps, [m](__m512 c, long, int) { return _mm512_fmadd_ps(c, m, m); }, add_f32));
}

/// As in peak_avx2.cpp, twice as wide.
struct Factors {
  __m512i weights[kFewChains];
  Factors() noexcept {
    for (int j = 0; j < kFewChains; ++j) weights[j] = _mm512_set1_epi8(static_cast<char>(j));
    asm volatile("" : "+m"(weights));  // no constants to fold
  }
  [[gnu::always_inline]] __m512i pairs(long i, int j) const noexcept {
    return _mm512_maddubs_epi16(_mm512_set1_epi8(static_cast<char>(i & 15)), weights[j]);
  }
};

[[gnu::always_inline]] inline __m512i add32(__m512i a, __m512i b) noexcept { return _mm512_add_epi32(a, b); }

void int8_widened(long steps) noexcept {
  const Factors factors;
  const __m512i ones = _mm512_set1_epi16(1);
  keep(run_chains<kFewChains>(
      _mm512_setzero_si512(), steps,
      [&](__m512i c, long i, int j) { return add32(c, _mm512_madd_epi16(factors.pairs(i, j), ones)); }, add32));
}

void int4_narrow(long steps) noexcept {
  const Factors factors;
  keep(run_chains<kFewChains>(
      _mm512_setzero_si512(), steps,
      [&](__m512i c, long i, int j) { return _mm512_add_epi16(c, factors.pairs(i, j)); }, add32));
}

void bf16_dot(long steps) noexcept {
  const __m512bh m = reinterpret_cast<__m512bh>(_mm512_set1_epi16(0x3f80));  // ones
  keep(run_chains<kChains>(
      _mm512_set1_ps(1), steps, [m](__m512 c, long, int) { return _mm512_dpbf16_ps(c, m, m); }, add_f32));
}

void int8_dot(long steps) noexcept {
  const __m512i m = _mm512_set1_epi8(1);
  keep(run_chains<kChains>(
      m, steps, [m](__m512i c, long, int) { return _mm512_dpbusd_epi32(c, m, m); }, add32));
}

std::uint64_t sum(const std::uint64_t* data, std::size_t n) noexcept { return sum_lanes(data, n); }

constexpr Peak kPlain[] = {{"f32 avx512 fma", Kind::f32, kChains * 16 * 2, f32_fma},
                           {"int8 avx512 maddubs+madd+add", Kind::int8, kFewChains * 64 * 2, int8_widened},
                           {"4-bit avx512 maddubs+add16", Kind::int4, kFewChains * 64 * 2, int4_narrow}};
constexpr Peak kBf16[] = {{"bf16 avx512 dp", Kind::bf16, kChains * 32 * 2, bf16_dot}};
constexpr Peak kVnni[] = {{"int8 avx512 vnni", Kind::int8, kChains * 64 * 2, int8_dot}};

}  // namespace

extern const PeakTable kPeaks_avx512, kPeaks_avx512_bf16, kPeaks_avx512_vnni;
const PeakTable kPeaks_avx512 = {kPlain, 3, sum};
const PeakTable kPeaks_avx512_bf16 = {kBf16, 1, sum};
const PeakTable kPeaks_avx512_vnni = {kVnni, 1, sum};

}  // namespace limits
