// AVX-VNNI: 8-bit dot products on 256-bit vectors.
#include <immintrin.h>

#include "limits/peak_loop.h"

namespace limits {
namespace {

void int8_dot(long steps) noexcept {
  const __m256i m = _mm256_set1_epi8(1);
  keep(run_chains<kChains>(
      m, steps, [m](__m256i c, long, int) { return _mm256_dpbusd_avx_epi32(c, m, m); },
      [](__m256i a, __m256i b) { return _mm256_add_epi32(a, b); }));
}

std::uint64_t sum(const std::uint64_t* data, std::size_t n) noexcept { return sum_lanes(data, n); }

constexpr Peak kPeaks[] = {{"int8 avx-vnni", Kind::int8, kChains * 32 * 2, int8_dot}};

}  // namespace

extern const PeakTable kPeaks_avxvnni;
const PeakTable kPeaks_avxvnni = {kPeaks, 1, sum};

}  // namespace limits
