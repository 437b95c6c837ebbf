// How far one model's predictions are from another's, token by token.
#pragma once

#include <cstddef>
#include <vector>

#include "gemma4/types.h"

namespace cli {

/// log sum exp(logits)
double log_sum(gemma4::Span<const float> logits);

/// Gathers Kullback-Leibler divergences of predictions from those of a base, and whether both name the same token
/// first.
class Divergence {
 public:
  void add(gemma4::Span<const float> base, gemma4::Span<const float> logits);

  std::size_t size() const { return values_.size(); }
  double mean() const;
  double standard_error() const;  ///< Of the mean.
  /// The least value that this share of all does not exceed, 0 < share <= 1.
  double quantile(double share) const;
  double same_top() const;  ///< Share of tokens whose most likely next one is the same.

 private:
  std::vector<double> values_;
  std::size_t same_top_ = 0;
};

}  // namespace cli
