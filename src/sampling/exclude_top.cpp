// XTC, in a file of its own: the loops of transforms.cpp stay where they are.
#include "sampling/transforms.h"

namespace gemma4::sampling {

void exclude_top(Candidates& c, float threshold) noexcept {
  TokenId* const ids = c.ids();
  float* const scaled = c.scaled();
  float* const weights = c.weights();
  const double bound = static_cast<double>(threshold) * sum_weights(weights, c.count);
  const auto is_top = [weights, bound](std::size_t i) {
    return weights[i] > 0.0F && static_cast<double>(weights[i]) >= bound;
  };
  std::size_t tops = 0, least = 0;
  for (std::size_t i = 0; i < c.count; ++i) {
    if (!is_top(i)) continue;
    if (tops == 0 || weights[i] <= weights[least]) least = i;
    ++tops;
  }
  if (tops < 2) return;
  std::size_t kept = 0;
  for (std::size_t i = 0; i < c.count; ++i) {
    if (i != least && is_top(i)) continue;
    ids[kept] = ids[i];
    scaled[kept] = scaled[i];
    weights[kept] = weights[i];
    ++kept;
  }
  c.count = kept;
}

}  // namespace gemma4::sampling
