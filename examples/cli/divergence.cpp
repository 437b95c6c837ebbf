#include "divergence.h"

#include <algorithm>
#include <cmath>

namespace cli {

double log_sum(gemma4::Span<const float> logits) {
  const double max = static_cast<double>(*std::max_element(logits.begin(), logits.end()));
  double sum = 0.0;
  for (const float x : logits) sum += std::exp(static_cast<double>(x) - max);
  return max + std::log(sum);
}

void Divergence::add(gemma4::Span<const float> base, gemma4::Span<const float> logits) {
  const double base_sum = log_sum(base), sum = log_sum(logits);
  double value = 0.0;
  for (std::size_t i = 0; i < base.size(); ++i) {
    const double p = static_cast<double>(base[i]) - base_sum, q = static_cast<double>(logits[i]) - sum;
    value += std::exp(p) * (p - q);
  }
  values_.push_back(std::max(value, 0.0));  // rounding may leave -1e-17
  const auto top = [](gemma4::Span<const float> x) { return std::max_element(x.begin(), x.end()) - x.begin(); };
  if (top(base) == top(logits)) ++same_top_;
}

double Divergence::mean() const {
  double sum = 0.0;
  for (const double value : values_) sum += value;
  return sum / static_cast<double>(values_.size());
}

double Divergence::standard_error() const {
  if (values_.size() < 2) return 0.0;
  const double centre = mean();
  double sum = 0.0;
  for (const double value : values_) sum += (value - centre) * (value - centre);
  const auto n = static_cast<double>(values_.size());
  return std::sqrt(sum / (n - 1) / n);
}

double Divergence::quantile(double share) const {
  std::vector<double> sorted = values_;
  const auto n = static_cast<double>(sorted.size());
  const auto at = static_cast<std::size_t>(std::clamp(std::ceil(share * n) - 1.0, 0.0, n - 1.0));
  std::nth_element(sorted.begin(), sorted.begin() + static_cast<std::ptrdiff_t>(at), sorted.end());
  return sorted[at];
}

double Divergence::same_top() const { return static_cast<double>(same_top_) / static_cast<double>(values_.size()); }

}  // namespace cli
