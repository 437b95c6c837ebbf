// Every transform against its definition.
#include "sampling/transforms.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <map>
#include <vector>

#include "sampling/random.h"
#include "sampling/seen_tokens.h"
#include "support/sampling_reference.h"

using namespace gemma4;
using sampling::Candidates;
using sampling::Random;
using test::random_logits;
using test::Reference;

namespace {

Candidates choose(const std::vector<float>& logits, std::size_t k, float temperature) {
  sampling::BlockMaxima maxima;
  sampling::scan_blocks(logits, maxima);
  Candidates c;
  sampling::choose_top_k(logits, maxima, k, temperature, c);
  return c;
}

std::vector<TokenId> ids_of(Candidates& c) { return {c.ids(), c.ids() + c.count}; }

// The two sets are equal except where `doubtful(id)` says that F32 rounding may decide either way.
template <class Doubtful>
void check_same(std::vector<TokenId> got, std::vector<TokenId> expected, Doubtful doubtful) {
  std::vector<TokenId> differing;
  std::set_symmetric_difference(got.begin(), got.end(), expected.begin(), expected.end(),
                                std::back_inserter(differing));
  for (const TokenId id : differing) CHECK_MESSAGE(doubtful(id), "token ", id);
}

}  // namespace

TEST_CASE("temperature: candidates carry exp((logit - max) / temperature)") {
  Random random(1);
  for (const std::size_t n : {1, 2, 15, 16, 17, 63, 64, 65, 256, 1000, 5003}) {
    for (const float temperature : {0.1F, 0.7F, 1.0F, 3.0F}) {
      const auto logits = random_logits(random, n, false);
      Candidates c = choose(logits, 0, temperature);
      const Reference reference(logits, temperature);
      REQUIRE(c.count == n);
      const double total = sampling::sum_weights(c.weights(), c.count);
      for (std::size_t i = 0; i < n; ++i) {
        CHECK(std::fabs(c.weights()[i] / total - reference.p[i]) <= 2e-5 * reference.p[i] + 1e-30);
      }
    }
  }
}

TEST_CASE("top_k: the k largest, smaller ids first among equals, none masked") {
  Random random(2);
  for (int round = 0; round < 300; ++round) {
    const std::size_t n = 1 + random.next() % 20000;
    const auto logits = random_logits(random, n, round % 2 == 0);
    const std::size_t k = 1 + random.next() % (round % 3 == 0 ? n : 200);
    Candidates c = choose(logits, k, 1.0F);
    Reference reference(logits, 1.0);
    reference.top_k(k);
    if (k < n) CHECK(ids_of(c) == reference.ids);
  }
}

TEST_CASE("top_p: the smallest set whose mass reaches p") {
  Random random(3);
  for (int round = 0; round < 200; ++round) {
    const std::size_t n = 1 + random.next() % 20000;
    const auto logits = random_logits(random, n, round % 2 == 0);
    const float p = static_cast<float>(0.01 + 0.989 * random.uniform());
    Candidates c = choose(logits, 0, 1.0F);
    sampling::keep_top_p(c, p);
    Reference reference(logits, 1.0);
    const Reference all = reference;
    reference.top_p(static_cast<double>(p));
    CHECK(c.count >= 1);
    // Rounding may move the end by some tokens of the mass where it falls; compare the masses.
    double mass = 0.0, least = 1.0;
    for (const TokenId id : ids_of(c)) {
      mass += all.p[static_cast<std::size_t>(id)];
      least = std::min(least, all.p[static_cast<std::size_t>(id)]);
    }
    CHECK(mass >= p - 1e-6);
    CHECK(mass - least < p + 1e-6);
    check_same(ids_of(c), reference.ids,
               [&](TokenId id) { return std::fabs(all.p[static_cast<std::size_t>(id)] - least) <= 1e-4 * least; });
  }
}

TEST_CASE("top_p 0 keeps the best token, the first of equals") {
  Random random(5);
  for (int round = 0; round < 50; ++round) {
    const auto logits = random_logits(random, 1 + random.next() % 5000, round % 2 == 0);
    Candidates c = choose(logits, 0, 0.5F + static_cast<float>(round));
    sampling::keep_top_p(c, 0.0F);
    const auto best = std::max_element(logits.begin(), logits.end());
    CHECK(ids_of(c) == std::vector<TokenId>{static_cast<TokenId>(best - logits.begin())});
  }
}

TEST_CASE("min_p: nothing below p times the best") {
  Random random(4);
  for (int round = 0; round < 100; ++round) {
    const auto logits = random_logits(random, 1 + random.next() % 5000, false);
    const float p = static_cast<float>(random.uniform());
    Candidates c = choose(logits, 0, 0.8F);
    sampling::keep_min_p(c, p);
    Reference reference(logits, 0.8);
    const Reference all = reference;
    reference.min_p(static_cast<double>(p));
    const double bound = p * *std::max_element(all.p.begin(), all.p.end());
    CHECK(c.count >= 1);
    check_same(ids_of(c), reference.ids,
               [&](TokenId id) { return std::fabs(all.p[static_cast<std::size_t>(id)] - bound) <= 1e-4 * bound; });
  }
}

TEST_CASE("typical_p: nearest to the entropy until the mass reaches p") {
  Random random(5);
  for (int round = 0; round < 100; ++round) {
    const auto logits = random_logits(random, 2 + random.next() % 5000, false);
    const float p = static_cast<float>(0.05 + 0.9 * random.uniform());
    Candidates c = choose(logits, 0, 1.0F);
    sampling::keep_typical(c, p);
    const Reference all(logits, 1.0);
    const std::vector<double> distance = all.typicality();
    std::vector<double> key(distance);
    for (double& x : key) x = -x;
    std::vector<TokenId> expected;
    double sum = 0.0, last = 0.0;
    for (const std::size_t i : all.order(key)) {
      if (sum >= static_cast<double>(p)) break;
      expected.push_back(static_cast<TokenId>(i));
      sum += all.p[i];
      last = distance[i];
    }
    std::sort(expected.begin(), expected.end());
    check_same(ids_of(c), expected, [&](TokenId id) {
      return std::fabs(distance[static_cast<std::size_t>(id)] - last) <= 1e-3 * (1.0 + last);
    });
  }
}

TEST_CASE("transforms work on what the ones before them left") {
  // Probabilities 0.4 0.3 0.2 0.1: top_k 2 leaves 4/7 and 3/7, of which top_p 0.5 keeps only the first.
  const std::vector<float> logits = {std::log(0.1F), std::log(0.4F), std::log(0.2F), std::log(0.3F)};
  Candidates c = choose(logits, 2, 1.0F);
  CHECK(ids_of(c) == std::vector<TokenId>{1, 3});
  sampling::keep_top_p(c, 0.5F);
  CHECK(ids_of(c) == std::vector<TokenId>{1});

  Candidates alone = choose(logits, 0, 1.0F);
  sampling::keep_top_p(alone, 0.5F);
  CHECK(ids_of(alone) == std::vector<TokenId>{1, 3});
}

TEST_CASE("equal logits: every filter stays within its definition") {
  const std::vector<float> flat(70000, 0.25F);
  Candidates c = choose(flat, 0, 1.0F);
  sampling::keep_top_p(c, 0.5F);
  CHECK(c.count == 35000);
  CHECK(c.ids()[0] == 0);
  CHECK(c.ids()[34999] == 34999);
  Candidates typical = choose(flat, 0, 1.0F);
  sampling::keep_typical(typical, 0.5F);
  CHECK(typical.count == 70000);  // all are as typical as the last
  Candidates k = choose(flat, 64, 1.0F);
  CHECK(k.count == 64);
  CHECK(k.ids()[63] == 63);
}

TEST_CASE("seen tokens: a window over random tokens holds what it should") {
  Random random(6);
  for (const int window : {0, 1, 7, 64, -1}) {
    sampling::SeenTokens seen(window);
    std::vector<TokenId> history;
    for (int i = 0; i < 500; ++i) {
      const auto token = static_cast<TokenId>(random.next() % 20);
      history.push_back(token);
      seen.add(token);
      std::map<TokenId, std::uint32_t> expected;
      const std::size_t n = window < 0 ? history.size() : std::min(history.size(), static_cast<std::size_t>(window));
      for (std::size_t j = history.size() - n; j < history.size(); ++j) ++expected[history[j]];
      REQUIRE(seen.counts().size() == expected.size());
      std::size_t j = 0;
      for (const auto& [id, count] : expected) {
        CHECK((seen.counts()[j].token == id && seen.counts()[j].count == count));
        ++j;
      }
    }
  }
}

TEST_CASE("penalize: HF's repetition, once for presence, per occurrence for frequency") {
  std::vector<float> x = {4.0F, -2.0F, 1.0F};
  const std::vector<sampling::TokenCount> seen = {{0, 3}, {1, 1}};
  sampling::penalize(x, seen, 2.0F, 0.5F, 0.25F);
  CHECK(x[0] == doctest::Approx(4.0 / 2.0 - 0.5 - 3 * 0.25));
  CHECK(x[1] == doctest::Approx(-2.0 * 2.0 - 0.5 - 0.25));
  CHECK(x[2] == 1.0F);
}
