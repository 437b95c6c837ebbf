// The sampler's definitions in double precision with a full sort, and random logits to hold it to them.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numeric>
#include <set>
#include <string>
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
  // XTC: of the tokens of at least `threshold`, where there are two or more, the least likely stays.
  void exclude_top(double threshold) {
    std::vector<std::size_t> tops;
    for (const std::size_t i : order(p)) {
      if (p[i] > 0.0 && p[i] >= threshold) tops.push_back(i);
    }
    if (tops.size() < 2) return;
    std::vector<bool> stays(ids.size(), true);
    for (std::size_t i = 0; i + 1 < tops.size(); ++i) stays[tops[i]] = false;
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

// DRY: for each token how many of the latest tokens stand before it elsewhere, at most `limit`; -1: it repeats nothing.
inline std::vector<std::ptrdiff_t> repeat_lengths(const std::vector<TokenId>& text, std::size_t limit,
                                                  std::size_t vocab_size) {
  std::vector<std::ptrdiff_t> lengths(vocab_size, -1);
  for (std::size_t i = 1; i < text.size(); ++i) {
    std::size_t n = 0;
    while (n < i && n < limit && text[i - 1 - n] == text[text.size() - 1 - n]) ++n;
    std::ptrdiff_t& longest = lengths[static_cast<std::size_t>(text[i])];
    longest = std::max(longest, static_cast<std::ptrdiff_t>(n));
  }
  return lengths;
}

// How many tokens came after the one in which the last of the breakers ends, wherever it begins.
inline std::size_t tokens_since(const std::vector<std::string>& breakers, const std::vector<TokenId>& text,
                                const std::vector<std::string>& vocabulary) {
  std::string all;
  std::size_t since = 0;
  for (const TokenId token : text) {
    const std::size_t before = all.size();
    all += vocabulary[static_cast<std::size_t>(token)];
    ++since;
    for (const std::string& breaker : breakers) {
      for (std::size_t at = all.find(breaker); at != all.npos; at = all.find(breaker, at + 1)) {
        if (at + breaker.size() > before) since = 0;
      }
    }
  }
  return since;
}

// The tokens that would make a run of n tokens come twice.
inline std::set<TokenId> repeated_ngrams(const std::vector<TokenId>& text, std::size_t n) {
  std::set<std::vector<TokenId>> runs;
  for (std::size_t i = 0; i + n <= text.size(); ++i) runs.emplace(text.data() + i, text.data() + i + n);
  std::set<TokenId> banned;
  if (text.size() + 1 < n) return banned;
  for (const TokenId token : text) {
    std::vector<TokenId> run(text.end() - static_cast<std::ptrdiff_t>(n - 1), text.end());
    run.push_back(token);
    if (runs.count(run) != 0) banned.insert(token);
  }
  return banned;
}

}  // namespace gemma4::test
