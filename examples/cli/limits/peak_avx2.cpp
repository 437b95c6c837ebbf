// AVX2 and FMA.
#include <immintrin.h>

#include "limits/peak_loop.h"

namespace limits {
namespace {

void f32_fma(long steps) noexcept {
  const __m256 m = _mm256_set1_ps(1.0000001F);
  keep(run_chains<kChains>(
      m, steps, [m](__m256 c, long, int) { return _mm256_fmadd_ps(c, m, m); },
      [](__m256 a, __m256 b) { return _mm256_add_ps(a, b); }));
}

/// Signed factors in first-level cache, where a kernel has its weights; the unsigned ones change from step to step.
struct Factors {
  __m256i weights[kFewChains];
  Factors() noexcept {
    for (int j = 0; j < kFewChains; ++j) weights[j] = _mm256_set1_epi8(static_cast<char>(j));
    asm volatile("" : "+m"(weights));  // no constants to fold
  }
  [[gnu::always_inline]] __m256i pairs(long i, int j) const noexcept {
    return _mm256_maddubs_epi16(_mm256_set1_epi8(static_cast<char>(i & 15)), weights[j]);
  }
};

[[gnu::always_inline]] inline __m256i add32(__m256i a, __m256i b) noexcept { return _mm256_add_epi32(a, b); }

/// 8-bit weights: pairs are widened to 32 bits before they are summed.
void int8_widened(long steps) noexcept {
  const Factors factors;
  const __m256i ones = _mm256_set1_epi16(1);
  keep(run_chains<kFewChains>(
      _mm256_setzero_si256(), steps,
      [&](__m256i c, long i, int j) { return add32(c, _mm256_madd_epi16(factors.pairs(i, j), ones)); }, add32));
}

/// 4-bit weights: eight pairs of sums fit 16 bits, so that widening them can wait.
void int4_narrow(long steps) noexcept {
  const Factors factors;
  keep(run_chains<kFewChains>(
      _mm256_setzero_si256(), steps,
      [&](__m256i c, long i, int j) { return _mm256_add_epi16(c, factors.pairs(i, j)); }, add32));
}

std::uint64_t sum(const std::uint64_t* data, std::size_t n) noexcept { return sum_lanes(data, n); }

constexpr Peak kPeaks[] = {{"f32 avx2 fma", Kind::f32, kChains * 8 * 2, f32_fma},
                           {"int8 avx2 maddubs+madd+add", Kind::int8, kFewChains * 32 * 2, int8_widened},
                           {"4-bit avx2 maddubs+add16", Kind::int4, kFewChains * 32 * 2, int4_narrow}};

}  // namespace

extern const PeakTable kPeaks_avx2;
const PeakTable kPeaks_avx2 = {kPeaks, 3, sum};

}  // namespace limits
