#include "model/graph/rope.h"

#include <cmath>

namespace gemma4::graph {

std::size_t rotary_pairs(const RopeParameters& rope, int head_dim) noexcept {
  return static_cast<std::size_t>(rope.partial_rotary_factor * head_dim / 2.0);
}

std::vector<float> inverse_frequencies(const RopeParameters& rope, int head_dim) {
  std::vector<float> inverse(rotary_pairs(rope, head_dim));
  for (std::size_t i = 0; i < inverse.size(); ++i) {
    const float exponent = static_cast<float>(2 * i) / static_cast<float>(head_dim);
    inverse[i] = 1.0F / std::pow(static_cast<float>(rope.rope_theta), exponent);
  }
  return inverse;
}

void rotary_row(const std::vector<float>& inverse, std::int64_t position, float* cos, float* sin) noexcept {
  for (std::size_t i = 0; i < inverse.size(); ++i) {
    const float angle = static_cast<float>(position) * inverse[i];
    cos[i] = std::cos(angle);
    sin[i] = std::sin(angle);
  }
}

}  // namespace gemma4::graph
