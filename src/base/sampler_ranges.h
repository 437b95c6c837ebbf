// The range of each number of SamplerOptions, for the options themselves and for the files that set their defaults.
#pragma once

#include <limits>

namespace gemma4::base {

struct Range {
  double least;
  double most;
  const char* text;  ///< "a value in [0, 1]"

  constexpr bool contains(double value) const noexcept { return value >= least && value <= most; }  // NaN: false
};

namespace sampler_ranges {

inline constexpr double kLeast = static_cast<double>(std::numeric_limits<float>::min());
inline constexpr double kMost = static_cast<double>(std::numeric_limits<float>::max());

inline constexpr Range repetition_penalty = {kLeast, kMost, "a finite value above 0"};
inline constexpr Range presence_penalty = {-kMost, kMost, "a finite value"};
inline constexpr Range frequency_penalty = {-kMost, kMost, "a finite value"};
inline constexpr Range penalty_last_n = {-1, std::numeric_limits<int>::max(), "-1 (all), 0 (none) or a count"};
inline constexpr Range dry_multiplier = {0, kMost, "0 (off) or a finite value above 0"};
inline constexpr Range dry_base = {1, kMost, "a finite value of at least 1"};
inline constexpr Range dry_allowed_length = {0, std::numeric_limits<int>::max(), "0 or more"};
inline constexpr Range dry_penalty_last_n = {-1, std::numeric_limits<int>::max(), "-1 (all), 0 (off) or a count"};
inline constexpr Range no_repeat_ngram_size = {0, std::numeric_limits<int>::max(), "0 (off) or a count"};
inline constexpr Range temperature = {0, kMost, "0 (greedy) or a finite value above 0"};
inline constexpr Range top_k = {0, std::numeric_limits<int>::max(), "0 (all) or more"};
inline constexpr Range typical_p = {kLeast, 1, "a value in (0, 1]"};
inline constexpr Range top_p = {0, 1, "a value in [0, 1]"};
inline constexpr Range min_p = {0, 1, "a value in [0, 1]"};
inline constexpr Range xtc_probability = {0, 1, "a value in [0, 1]"};
inline constexpr Range xtc_threshold = {0, 1, "a value in [0, 1]"};

}  // namespace sampler_ranges
}  // namespace gemma4::base
