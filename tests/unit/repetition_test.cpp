// DRY, n-grams that come once, and XTC, against slow twins.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>
#include <vector>

#include "sampling/repetition.h"
#include "sampling/sampler.h"
#include "support/sampling_reference.h"

using namespace gemma4;
using sampling::Random;
using sampling::SamplerState;

namespace {

constexpr float kNever = -std::numeric_limits<float>::infinity();

std::vector<TokenId> random_text(Random& random, std::size_t n, std::size_t kinds) {
  std::vector<TokenId> text(n);
  for (TokenId& token : text) token = static_cast<TokenId>(random.uniform() * static_cast<double>(kinds));
  return text;
}

// By definition: for each place, the longest stretch that ends there as the text ends, without a breaker in it.
std::map<TokenId, std::size_t> continuations(std::vector<TokenId> text, std::size_t least, int window,
                                             const std::set<TokenId>& breakers) {
  if (window >= 0 && text.size() > static_cast<std::size_t>(window)) text.erase(text.begin(), text.end() - window);
  std::map<TokenId, std::size_t> result;
  for (std::size_t end = 0; end + 1 < text.size(); ++end) {
    std::size_t length = 0;
    while (length <= end && text[end - length] == text[text.size() - 1 - length] && breakers.count(text[end - length]) == 0) ++length;
    const TokenId next = text[end + 1];
    if (length >= least && breakers.count(next) == 0) result[next] = std::max(result[next], length);
  }
  return result;
}

std::set<TokenId> closing(const std::vector<TokenId>& text, std::size_t n) {
  std::set<TokenId> result;
  for (std::size_t i = 0; i + n <= text.size(); ++i) {
    if (std::equal(text.end() - static_cast<std::ptrdiff_t>(n - 1), text.end(), text.begin() + static_cast<std::ptrdiff_t>(i))) {
      result.insert(text[i + n - 1]);
    }
  }
  return result;
}

SamplerOptions greedy() {
  SamplerOptions options;
  options.temperature = 0.0F;
  return options;
}

}  // namespace

TEST_CASE("repetition: what would go on with a stretch, as by definition") {
  Random random(3);
  for (int round = 0; round < 2000; ++round) {
    const std::vector<TokenId> text = random_text(random, static_cast<std::size_t>(random.uniform() * 60), 1 + static_cast<std::size_t>(random.uniform() * 4));
    sampling::Repetition repetition;
    for (const TokenId token : text) repetition.add(token);
    const auto least = 1 + static_cast<std::size_t>(random.uniform() * 4);
    const int window = random.uniform() < 0.5 ? -1 : static_cast<int>(random.uniform() * 50);
    std::vector<TokenId> breakers;
    if (random.uniform() < 0.5) breakers = {0};
    std::map<TokenId, std::size_t> got;
    for (const auto& c : repetition.continuations(least, window, breakers)) got[c.token] = c.length;
    CHECK(got == continuations(text, least, window, {breakers.begin(), breakers.end()}));
    const std::vector<TokenId>& ends = repetition.closing(least);
    const std::set<TokenId> expected = closing(text, least);
    CHECK(ends == std::vector<TokenId>(expected.begin(), expected.end()));
  }
}

TEST_CASE("DRY: multiplier times base to the tokens beyond those allowed, the prompt's included") {
  SamplerOptions options = greedy();
  options.dry_multiplier = 0.8F;
  SamplerState sampler(options);
  sampler.observe(std::vector<TokenId>{1, 2, 3, 4, 9, 1, 2, 3});
  // 4 would repeat 1 2 3 and go on: 0.8 * 1.75.
  const float penalty = 0.8F * 1.75F;
  const auto chosen = [&](float lead) {
    SamplerState copy(sampler);
    return copy.sample(std::vector<float>{0, 0, 0, 0, 2 + lead, 2, 0, 0, 0, 0}).token;
  };
  CHECK(chosen(penalty * 0.99F) == 5);
  CHECK(chosen(penalty * 1.01F) == 4);
  options.dry_sequence_breakers = {2};  // then only 3 is repeated, less than what is allowed
  SamplerState broken(options);
  broken.observe(std::vector<TokenId>{1, 2, 3, 4, 9, 1, 2, 3});
  CHECK(broken.sample(std::vector<float>{0, 0, 0, 0, 2.1F, 2, 0, 0, 0, 0}).token == 4);
  // A repetition of any length costs a finite penalty.
  SamplerOptions steep = options;
  steep.dry_base = 100.0F;
  steep.dry_sequence_breakers.clear();
  SamplerState long_text(steep);
  long_text.observe(std::vector<TokenId>(400, 7));
  CHECK(long_text.sample(std::vector<float>{-1e30F, kNever, kNever, kNever, kNever, kNever, kNever, 1e30F}).token == 0);
  CHECK(long_text.sample(std::vector<float>{kNever, kNever, kNever, kNever, kNever, kNever, kNever, 1.0F}).token == 7);
}

TEST_CASE("no_repeat_ngram_size: no stretch comes twice, whatever the logits say, unless a mask leaves nothing else") {
  Random random(4);
  for (const int n : {1, 2, 3, 5}) {
    SamplerOptions options;
    options.seed = 9;
    options.no_repeat_ngram_size = n;
    SamplerState sampler(options);
    std::vector<TokenId> text = random_text(random, 10, 12);
    text.erase(std::unique(text.begin(), text.end()), text.end());
    SamplerState fresh(options);
    sampler.observe(text);
    for (int step = 0; step < 40; ++step) {
      const auto logits = test::random_logits(random, 64, false);
      const TokenId token = sampler.sample(logits).token;
      if (closing(text, static_cast<std::size_t>(n)).size() < 64) CHECK(closing(text, static_cast<std::size_t>(n)).count(token) == 0);
      text.push_back(token);
    }
    const std::vector<std::uint32_t> alone = {1U << text[0], 0};
    if (text[0] < 32) CHECK(sampler.sample(test::random_logits(random, 64, false), alone).token == text[0]);
  }
}

TEST_CASE("XTC: of the tokens at or above the threshold only the least likely stays, as often as asked for") {
  const std::vector<float> logits = {std::log(0.4F), std::log(0.3F), std::log(0.15F), std::log(0.08F), std::log(0.07F)};
  const auto share = [&](float probability, float threshold, TokenId token) {
    SamplerOptions options;
    options.seed = 5;
    options.xtc_probability = probability;
    options.xtc_threshold = threshold;
    SamplerState sampler(options);
    int hits = 0;
    for (int i = 0; i < 20000; ++i) hits += sampler.sample(logits).token == token ? 1 : 0;
    return hits / 20000.0;
  };
  CHECK(share(1.0F, 0.1F, 0) == 0.0);
  CHECK(share(1.0F, 0.1F, 1) == 0.0);
  CHECK(std::abs(share(1.0F, 0.1F, 2) - 0.5) < 0.02);  // 0.15 of 0.3
  CHECK(std::abs(share(0.5F, 0.1F, 0) - 0.2) < 0.02);
  CHECK(std::abs(share(1.0F, 0.35F, 0) - 0.4) < 0.02);  // one alone stays
  CHECK(std::abs(share(1.0F, 0.6F, 0) - 0.4) < 0.02);
  CHECK(share(1.0F, 0.0F, 4) == 1.0);
  // Off, it draws as without.
  SamplerOptions plain, off;
  plain.seed = off.seed = 8;
  off.xtc_threshold = 0.01F;
  SamplerState a(plain), b(off);
  for (int i = 0; i < 100; ++i) CHECK(a.sample(logits).token == b.sample(logits).token);
}
