#include "sampling/transforms.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

#include "sampling/lanes.h"

namespace gemma4::sampling {
namespace {

constexpr float kMasked = -std::numeric_limits<float>::infinity();
constexpr float kLargest = std::numeric_limits<float>::max();
constexpr float kWeightless = -200.0F;  // scaled logits are clamped here, far below the last one of positive weight
constexpr std::size_t kChunk = 256;     // float sums are this long; everything above them is double

float at_most_largest(float x) noexcept { return std::min(x, kLargest); }

struct Above {
  double mass = 0.0;
  std::size_t count = 0;
};

// Mass and number of the tokens with keys above `bound`.
Above above(const float* keys, const float* weights, std::size_t n, float bound) noexcept {
  const Lanes bounds(bound);
  const Lanes one(1.0F);
  Above result;
  for (std::size_t begin = 0; begin < n; begin += kChunk) {
    const std::size_t end = std::min(n, begin + kChunk);
    Lanes mass(0.0F);
    Lanes count(0.0F);
    for (std::size_t i = begin; i < end; i += Lanes::kCount) {
      const std::size_t some = std::min(Lanes::kCount, end - i);
      const Lanes key = Lanes::load_some(keys + i, some, kMasked);
      mass = mass + where_above(key, bounds, Lanes::load_some(weights + i, some, 0.0F));
      count = count + where_above(key, bounds, one);
    }
    result.mass += static_cast<double>(mass.sum());
    result.count += static_cast<std::size_t>(count.sum());
  }
  return result;
}

// One chunk's weights; at most kChunk of them.
double sum_chunk(const float* weights, std::size_t n) noexcept {
  Lanes sum(0.0F);
  for (std::size_t i = 0; i < n; i += Lanes::kCount) {
    sum = sum + Lanes::load_some(weights + i, std::min(Lanes::kCount, n - i), 0.0F);
  }
  return static_cast<double>(sum.sum());
}

// Keeps the candidates for which keep(i) holds; their order stays.
template <class Keep>
void keep_if(Candidates& c, Keep keep) {
  TokenId* ids = c.ids();
  float* scaled = c.scaled();
  float* weights = c.weights();
  std::size_t kept = 0;
  for (std::size_t i = 0; i < c.count; ++i) {
    const bool stays = keep(i);
    ids[kept] = ids[i];
    scaled[kept] = scaled[i];
    weights[kept] = weights[i];
    kept += stays ? 1 : 0;
  }
  c.count = kept;
}

}  // namespace

void copy_allowed(Span<const float> logits, Span<const std::uint32_t> allowed, float* dst) noexcept {
  constexpr std::size_t kBits = 32;
  for (std::size_t begin = 0; begin < logits.size(); begin += kBits) {
    const std::size_t n = std::min(kBits, logits.size() - begin);
    const std::uint32_t word = allowed[begin / kBits];
    const float* src = logits.data() + begin;
    if (word == 0) {
      std::fill_n(dst + begin, n, kMasked);
    } else {
      for (std::size_t i = 0; i < n; ++i) dst[begin + i] = (word >> i & 1U) != 0 ? src[i] : kMasked;
    }
  }
}

void suppress(Span<float> logits, Span<const TokenId> tokens) noexcept {
  for (const TokenId token : tokens) logits[static_cast<std::size_t>(token)] = kMasked;
}

void add_bias(Span<float> logits, Span<const std::pair<TokenId, float>> bias) noexcept {
  for (const auto& [token, value] : bias) {
    float& logit = logits[static_cast<std::size_t>(token)];
    logit = at_most_largest(logit + value);
  }
}

void penalize(Span<float> logits, Span<const TokenCount> seen, float repetition, float presence,
              float frequency) noexcept {
  for (const TokenCount& s : seen) {
    float& logit = logits[static_cast<std::size_t>(s.token)];
    logit = logit > 0.0F ? at_most_largest(logit / repetition) : logit * repetition;
    logit = at_most_largest(logit - (presence + frequency * static_cast<float>(s.count)));
  }
}

void Candidates::reserve(std::size_t n) {
  if (n <= capacity_) return;
  ids_ = std::make_unique_for_overwrite<TokenId[]>(n);
  scaled_ = std::make_unique_for_overwrite<float[]>(n);
  weights_ = std::make_unique_for_overwrite<float[]>(n);
  scratch_ = std::make_unique_for_overwrite<float[]>(n);
  capacity_ = n;
}

void choose_top_k(Span<const float> logits, const BlockMaxima& maxima, std::size_t k, float temperature,
                  Candidates& c) {
  c.reserve(logits.size());
  const std::size_t n = logits.size();
  TokenId* ids = c.ids();
  float* scaled = c.scaled();
  float* weights = c.weights();
  if (k > 0 && k < n) {
    c.count = top_k_indices(logits, maxima, k, ids, c.scratch());
    for (std::size_t i = 0; i < c.count; ++i) scaled[i] = logits[static_cast<std::size_t>(ids[i])];
  } else {
    for (std::size_t i = 0; i < n; ++i) ids[i] = static_cast<TokenId>(i);
    std::copy(logits.begin(), logits.end(), scaled);
    c.count = n;  // masked tokens stay, with weight 0
  }
  const Lanes inverse(at_most_largest(1.0F / temperature));
  const Lanes max(maxima.max);
  for (std::size_t i = 0; i < c.count; i += Lanes::kCount) {
    const std::size_t some = std::min(Lanes::kCount, c.count - i);
    const Lanes x = larger((Lanes::load_some(scaled + i, some, kMasked) - max) * inverse, Lanes(kWeightless));
    x.store_some(scaled + i, some);
    exp_nonpositive(x).store_some(weights + i, some);
  }
}

MassCut cut_by_mass(const float* keys, const float* weights, std::size_t count, double target,
                    std::vector<std::pair<float, float>>& band) {
  constexpr std::size_t kFewEnough = 2048;
  // Invariant: the mass above `low` reaches the target, the mass above `high` (high_above.mass) does not.
  float high = 0.0F;
  Above high_above;
  float low = -1.0F;
  Above low_above = above(keys, weights, count, low);
  while (low_above.mass < target) {
    if (low < 2.0F * kWeightless) return {kMasked, 0};
    high = low;
    high_above = low_above;
    low *= 2.0F;
    low_above = above(keys, weights, count, low);
  }
  while (low_above.count - high_above.count > kFewEnough) {
    const float middle = low + (high - low) * 0.5F;
    if (middle <= low || middle >= high) break;
    const Above middle_above = above(keys, weights, count, middle);
    const bool reaches = middle_above.mass >= target;
    (reaches ? low : high) = middle;
    (reaches ? low_above : high_above) = middle_above;
  }

  band.clear();
  for (std::size_t i = 0; i < count; ++i) {
    if (keys[i] > low && keys[i] <= high) band.emplace_back(keys[i], weights[i]);
  }
  if (!std::is_sorted(band.begin(), band.end(), std::greater<>())) {
    std::sort(band.begin(), band.end(), std::greater<>());
  }

  double mass = high_above.mass;
  MassCut cut{low, 0};
  for (const auto& [key, weight] : band) {
    cut.ties = key == cut.key ? cut.ties + 1 : 1;
    cut.key = key;
    mass += static_cast<double>(weight);
    if (mass >= target) return cut;
  }
  return {low, 0};
}

double sum_weights(const float* weights, std::size_t count) noexcept {
  double sum = 0.0;
  for (std::size_t i = 0; i < count; i += kChunk) sum += sum_chunk(weights + i, std::min(kChunk, count - i));
  return sum;
}

void keep_typical(Candidates& c, float p) {
  if (c.count < 2) return;
  const double total = sum_weights(c.weights(), c.count);
  // The surprise of a token is log(total) - scaled, the entropy the mean of that: the logarithm cancels.
  float* deviation = c.scratch();
  for (std::size_t i = 0; i < c.count; ++i) deviation[i] = c.weights()[i] * c.scaled()[i];
  const auto mean = static_cast<float>(sum_weights(deviation, c.count) / total);
  for (std::size_t i = 0; i < c.count; ++i) deviation[i] = -std::fabs(c.scaled()[i] - mean);
  const MassCut cut = cut_by_mass(deviation, c.weights(), c.count, static_cast<double>(p) * total, c.band());
  keep_if(c, [&](std::size_t i) { return deviation[i] >= cut.key; });
}

void keep_top_p(Candidates& c, float p) {
  if (c.count < 2) return;
  const double total = sum_weights(c.weights(), c.count);
  const double target = static_cast<double>(std::max(p, std::numeric_limits<float>::min())) * total;  // 0: the best
  MassCut cut = cut_by_mass(c.scaled(), c.weights(), c.count, target, c.band());
  const float* scaled = c.scaled();
  keep_if(c, [scaled, cut](std::size_t i) mutable {
    const bool tie = scaled[i] == cut.key && cut.ties > 0;
    cut.ties -= tie ? 1 : 0;
    return scaled[i] > cut.key || tie;
  });
}

void keep_min_p(Candidates& c, float p) noexcept {
  const float* weights = c.weights();
  float best = 0.0F;
  for (std::size_t i = 0; i < c.count; ++i) best = weights[i] > best ? weights[i] : best;
  const float bound = p * best;
  keep_if(c, [weights, bound](std::size_t i) { return weights[i] >= bound; });
}

void drop_top(Candidates& c, float threshold) noexcept {
  const float* weights = c.weights();
  const auto bound = static_cast<float>(threshold * sum_weights(weights, c.count));
  std::size_t least = c.count, likely = 0;  // of those at or above the bound
  for (std::size_t i = 0; i < c.count; ++i) {
    if (weights[i] < bound || weights[i] == 0.0F) continue;
    ++likely;
    if (least == c.count || weights[i] <= weights[least]) least = i;
  }
  if (likely < 2) return;
  keep_if(c, [weights, bound, least](std::size_t i) { return weights[i] < bound || i == least; });
}

TokenId draw(Candidates& c, double u) noexcept {
  const float* weights = c.weights();
  const double target = u * sum_weights(weights, c.count);
  double sum = 0.0;
  for (std::size_t begin = 0; begin < c.count; begin += kChunk) {
    const std::size_t end = std::min(c.count, begin + kChunk);
    const double chunk = sum_chunk(weights + begin, end - begin);
    if (sum + chunk <= target) {
      sum += chunk;
      continue;
    }
    for (std::size_t i = begin; i < end; ++i) {
      sum += static_cast<double>(weights[i]);
      if (sum > target) return c.ids()[i];
    }
  }
  // Rounding can leave the last sum just short of the target.
  std::size_t i = c.count - 1;
  while (i > 0 && weights[i] <= 0.0F) --i;
  return c.ids()[i];
}

double log_sum_exp(Span<const float> logits, const BlockMaxima& maxima) noexcept {
  const Lanes max(maxima.max);
  double total = 0.0;
  for (std::size_t begin = 0; begin < logits.size(); begin += kChunk) {
    const std::size_t end = std::min(logits.size(), begin + kChunk);
    Lanes sum(0.0F);
    for (std::size_t i = begin; i < end; i += Lanes::kCount) {
      const std::size_t some = std::min(Lanes::kCount, end - i);
      sum = sum + exp_nonpositive(Lanes::load_some(logits.data() + i, some, kMasked) - max);
    }
    total += static_cast<double>(sum.sum());
  }
  return static_cast<double>(maxima.max) + std::log(total);
}

}  // namespace gemma4::sampling
