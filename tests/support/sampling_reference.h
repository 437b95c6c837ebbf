// The sampler's definitions in double precision with a full sort, and random logits to hold it to them.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numeric>
#include <vector>

#include "gemma4/types.h"
#include "sampling/random.h"

namespace gemma4::test {

inline double normal(sampling::Random& random) {
  const double u = 1.0 - random.uniform();
  return std::sqrt(-2.0 * std::log(u)) * std::cos(6.283185307179586 * random.uniform());
}

// Normal logits; with `grid` they are rounded to quarters, so that there are many ties; some are masked.
inline std::vector<float> random_logits(sampling::Random& random, std::size_t n, bool grid) {
  std::vector<float> logits(n);
  const double spread = 0.5 + 5.0 * random.uniform();
  for (float& x : logits) {
    double v = spread * normal(random);
    if (grid) v = std::round(v * 4.0) / 4.0;
    x = random.next() % 50 == 0 ? -std::numeric_limits<float>::infinity() : static_cast<float>(v);
  }
  logits[random.next() % n] = 1.0F;
  return logits;
}

// A set of tokens with their probabilities: the definition the transforms are held to.
struct Reference {
  std::vector<TokenId> ids;
  std::vector<double> p;

  Reference(const std::vector<float>& logits, double temperature) {
    double max = -1e300;
    for (const float x : logits) max = std::max(max, static_cast<double>(x));
    for (std::size_t i = 0; i < logits.size(); ++i) {
      ids.push_back(static_cast<TokenId>(i));
      p.push_back(std::exp((static_cast<double>(logits[i]) - max) / temperature));
    }
    normalize();
  }
  void normalize() {
    const double total = std::accumulate(p.begin(), p.end(), 0.0);
    for (double& x : p) x /= total;
  }
  // Keeps ids for which keep[position] holds.
  void keep(const std::vector<bool>& stays) {
    Reference old = *this;
    ids.clear();
    p.clear();
    for (std::size_t i = 0; i < stays.size(); ++i) {
      if (!stays[i]) continue;
      ids.push_back(old.ids[i]);
      p.push_back(old.p[i]);
    }
    normalize();
  }
  // Positions ordered by falling key, then by id.
  std::vector<std::size_t> order(const std::vector<double>& key) const {
    std::vector<std::size_t> by(ids.size());
    std::iota(by.begin(), by.end(), std::size_t{0});
    std::stable_sort(by.begin(), by.end(), [&](std::size_t a, std::size_t b) { return key[a] > key[b]; });
    return by;
  }
  void top_k(std::size_t k) {
    std::vector<bool> stays(ids.size(), false);
    const auto by = order(p);
    for (std::size_t i = 0; i < std::min(k, by.size()); ++i) stays[by[i]] = p[by[i]] > 0.0;
    keep(stays);
  }
  void top_p(double mass) {
    std::vector<bool> stays(ids.size(), false);
    double sum = 0.0;
    for (const std::size_t i : order(p)) {
      if (sum >= mass) break;
      stays[i] = true;
      sum += p[i];
    }
    keep(stays);
  }
  void min_p(double bound) {
    const double best = *std::max_element(p.begin(), p.end());
    std::vector<bool> stays(ids.size());
    for (std::size_t i = 0; i < ids.size(); ++i) stays[i] = p[i] >= bound * best;
    keep(stays);
  }
  // Distance of each token's surprise from the entropy.
  std::vector<double> typicality() const {
    double entropy = 0.0;
    for (const double x : p) entropy -= x > 0.0 ? x * std::log(x) : 0.0;
    std::vector<double> distance(p.size());
    for (std::size_t i = 0; i < p.size(); ++i) distance[i] = p[i] > 0.0 ? std::fabs(-std::log(p[i]) - entropy) : 1e9;
    return distance;
  }
};

}  // namespace gemma4::test
