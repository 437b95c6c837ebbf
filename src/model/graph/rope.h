// Rotary tables: which pairs turn, by how much.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "gemma4/config.h"

namespace gemma4::graph {

/// Pairs (i, i + head_dim / 2) that turn: floor(partial_rotary_factor * head_dim / 2).
/// Source: HF modeling_rope_utils.py, _compute_proportional_rope_parameters.
std::size_t rotary_pairs(const RopeParameters& rope, int head_dim) noexcept;

/// rope_theta^(-2i / head_dim) of the turning pairs, F32 as the reference has them (the exponent's denominator is the
/// whole head, also where only part of it turns).
std::vector<float> inverse_frequencies(const RopeParameters& rope, int head_dim);

/// cos and sin of position * inverse_frequency, one row of inverse.size() values. The angle is rounded to F32 first, as
/// the reference rounds it: at long positions that rounding is part of the model.
void rotary_row(const std::vector<float>& inverse, std::int64_t position, float* cos, float* sin) noexcept;

}  // namespace gemma4::graph
