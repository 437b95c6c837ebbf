// What every CPU of this architecture can do.
#include "limits/peak_loop.h"

namespace limits {
namespace {

typedef float Vector __attribute__((vector_size(16)));

void f32_multiply_add(long steps) noexcept {
  const Vector m = {1.0000001F, 1.0000001F, 1.0000001F, 1.0000001F};
  keep(run_chains<kChains>(
      m, steps, [m](Vector c, long, int) { return c * m + m; }, [](Vector a, Vector b) { return a + b; }));
}

std::uint64_t sum(const std::uint64_t* data, std::size_t n) noexcept { return sum_lanes(data, n); }

constexpr Peak kPeaks[] = {{"f32 baseline", Kind::f32, kChains * 4 * 2, f32_multiply_add}};

}  // namespace

extern const PeakTable kPeaks_baseline;
const PeakTable kPeaks_baseline = {kPeaks, 1, sum};

}  // namespace limits
