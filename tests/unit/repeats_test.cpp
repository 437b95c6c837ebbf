// What the sampler does about repetitions (DRY, n-grams) and about the likeliest tokens (XTC), against slow twins.
#include "sampling/repeats.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "gemma4/error.h"
#include "gemma4/sampler.h"
#include "sampling/random.h"
#include "sampling/sampler.h"
#include "sampling/token_history.h"
#include "support/sampling_reference.h"

using namespace gemma4;
using sampling::Random;
using sampling::SamplerState;
using test::random_logits;
using test::Reference;

namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();

using Texts = std::vector<std::string>;
using Tokens = std::vector<TokenId>;

sampling::TokenTexts texts_of(const Texts& vocabulary) {
  return {std::make_shared<const Texts>(vocabulary), [](const void* all, TokenId token, std::string& text) {
            text += static_cast<const Texts*>(all)->at(static_cast<std::size_t>(token));
          }};
}

// Few letters, so that there are many repetitions.
Tokens random_text(Random& random, std::size_t most, std::size_t letters) {
  Tokens text(random.next() % (most + 1));
  for (TokenId& token : text) token = static_cast<TokenId>(random.next() % letters);
  if (text.size() > 4 && random.next() % 2 == 0) {  // and long ones
    const std::size_t half = text.size() / 2;
    std::copy(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(half), text.end() - static_cast<std::ptrdiff_t>(half));
  }
  return text;
}

SamplerOptions greedy() {
  SamplerOptions o;
  o.seed = 0;
  o.temperature = 0.0F;
  return o;
}

}  // namespace

TEST_CASE("DRY: repeats are those of the definition") {
  Random random(21);
  std::vector<std::size_t> lengths;
  std::vector<sampling::Repeat> repeats;
  for (int round = 0; round < 3000; ++round) {
    const std::size_t letters = 1 + random.next() % 6;
    const Tokens text = random_text(random, 60, letters);
    const std::size_t limit = random.next() % (text.size() + 2), allowed = random.next() % 5;
    sampling::find_repeats(text, limit, allowed, lengths, repeats);
    const auto expected = test::repeat_lengths(text, limit, letters);
    std::map<TokenId, std::size_t> got, wanted;
    for (const auto& [token, length] : repeats) CHECK(got.emplace(token, length).second);
    for (std::size_t i = 0; i < letters; ++i) {
      if (expected[i] >= static_cast<std::ptrdiff_t>(allowed)) wanted[static_cast<TokenId>(i)] = static_cast<std::size_t>(expected[i]);
    }
    REQUIRE(got == wanted);
  }
}

TEST_CASE("DRY: the published example") {
  // a b c c b c y a b c: after "a b c" came c, after "b c" y, after "c" c and b.
  std::vector<std::size_t> lengths;
  std::vector<sampling::Repeat> repeats;
  const Tokens text = {0, 1, 2, 2, 1, 2, 24, 0, 1, 2};
  sampling::find_repeats(text, text.size(), 1, lengths, repeats);
  REQUIRE(repeats.size() == 3);
  CHECK((repeats[0].token == 1 && repeats[0].length == 1));
  CHECK((repeats[1].token == 2 && repeats[1].length == 3));
  CHECK((repeats[2].token == 24 && repeats[2].length == 2));
}

TEST_CASE("DRY: published probabilities") {
  // llama.cpp, tests/test-sampling.cpp: equal probabilities, the text, those afterwards; multiplier, allowed length, breaker.
  struct Vector {
    Tokens text;
    std::vector<double> expected;
    float multiplier;
    std::size_t allowed;
    TokenId breaker;
  };
  const Vector vectors[] = {
      {{0, 1}, {0.25, 0.25, 0.25, 0.25}, 1.0F, 2, -1},
      {{0, 1, 2, 0, 1}, {0.296923, 0.296923, 0.109232, 0.296923}, 1.0F, 2, -1},
      {{0, 1, 3, 4, 0, 1}, {0.2, 0.2, 0.2, 0.2, 0.2}, 1.0F, 2, 3},
      {{0, 1, 2, 0, 1}, {0.241818, 0.241818, 0.032727, 0.241818, 0.241818}, 2.0F, 2, -1},
      {{0, 1, 2, 3, 4, 0, 1}, {0.2, 0.2, 0.2, 0.2, 0.2}, 1.0F, 4, -1},
  };
  const Texts vocabulary = {"a", "b", "c", "d", "e"};
  for (const Vector& v : vectors) {
    sampling::TokenHistory history(-1, v.breaker < 0 ? Texts() : Texts{vocabulary[static_cast<std::size_t>(v.breaker)]});
    history.set_texts(texts_of(vocabulary));
    for (const TokenId token : v.text) history.add(token);
    std::vector<std::size_t> lengths;
    std::vector<sampling::Repeat> repeats;
    sampling::find_repeats(history.tokens(), history.since_breaker(), v.allowed, lengths, repeats);
    std::vector<float> logits(v.expected.size(), 0.0F);
    for (const auto& [token, length] : repeats) {
      if (!history.is_breaker(token)) logits[static_cast<std::size_t>(token)] -= sampling::repeat_penalty(v.multiplier, 1.1F, length - v.allowed);
    }
    const Reference reference(logits, 1.0);
    for (std::size_t i = 0; i < logits.size(); ++i) CHECK(reference.p[i] == doctest::Approx(v.expected[i]).epsilon(1e-5));
  }
}

TEST_CASE("DRY: the penalty grows with the repetition and never overflows") {
  CHECK(sampling::repeat_penalty(0.8F, 1.75F, 0) == 0.8F);
  for (std::size_t n = 1; n < 60; ++n) {
    const double expected = static_cast<double>(0.8F) * std::pow(1.75, static_cast<double>(n));
    CHECK(sampling::repeat_penalty(0.8F, 1.75F, n) == doctest::Approx(expected).epsilon(1e-6));
  }
  for (const std::size_t n : {1000U, 100000U, 4000000000U}) {
    CHECK(sampling::repeat_penalty(1e-30F, 1.75F, n) == std::numeric_limits<float>::max());
    CHECK(sampling::repeat_penalty(2.0F, 1.0F, n) == 2.0F);
  }
}

TEST_CASE("DRY: the history knows where the last breaker ended, however it is cut into tokens") {
  Random random(22);
  const Texts vocabulary = {"a", "b", ":", "ab", "b:", "", ":a", "ba:b", "\n"};
  for (int round = 0; round < 1000; ++round) {
    Texts breakers;
    for (std::size_t i = random.next() % 3 + 1; i > 0; --i) breakers.push_back(Texts{":", "ab", "a:", "bab", "\n", "b:a"}[random.next() % 6]);
    const Tokens text = random_text(random, 40, vocabulary.size());
    const int window = random.next() % 3 == 0 ? -1 : static_cast<int>(random.next() % 20) + 1;
    sampling::TokenHistory history(window, breakers), late(-1, breakers);
    CHECK_FALSE(history.can_find_breakers());
    history.set_texts(texts_of(vocabulary));
    for (const TokenId token : text) {
      history.add(token);
      late.add(token);
    }
    late.set_texts(texts_of(vocabulary));
    const std::size_t kept = window < 0 ? text.size() : std::min(text.size(), static_cast<std::size_t>(window));
    const std::size_t since = test::tokens_since(breakers, text, vocabulary);
    CHECK(history.since_breaker() == std::min(since, kept));
    CHECK(late.since_breaker() == since);
    CHECK(Tokens(history.tokens().begin(), history.tokens().end()) == Tokens(text.end() - static_cast<std::ptrdiff_t>(kept), text.end()));
    for (std::size_t i = 0; i < vocabulary.size(); ++i) {
      bool contains = false;
      for (const std::string& breaker : breakers) contains = contains || vocabulary[i].find(breaker) != std::string::npos;
      CHECK(history.is_breaker(static_cast<TokenId>(i)) == contains);
    }
    history.clear();
    CHECK(history.tokens().empty());
    CHECK(history.since_breaker() == 0);
  }
}

TEST_CASE("DRY and n-grams: the sampler chooses what the twins leave") {
  Random random(23);
  const Texts vocabulary = {"a", "b", ":", "ab", "b:", "c", "d", "\n", "e", "f"};
  const std::size_t n = vocabulary.size();
  for (int round = 0; round < 2000; ++round) {
    SamplerOptions o = greedy();
    o.dry_multiplier = random.next() % 4 == 0 ? 0.0F : static_cast<float>(0.1 + 3.0 * random.uniform());
    o.dry_base = static_cast<float>(1.0 + 2.0 * random.uniform());
    o.dry_allowed_length = static_cast<int>(random.next() % 4);
    o.dry_penalty_last_n = Tokens{-1, 0, 5, 12, 1000}[random.next() % 5];
    if (random.next() % 2 == 0) o.dry_sequence_breakers = {"a:"};
    if (random.next() % 4 == 0) o.dry_sequence_breakers.clear();
    o.no_repeat_ngram_size = static_cast<int>(random.next() % 5);
    SamplerState sampler(o);
    sampler.set_texts(texts_of(vocabulary));
    Tokens text = random_text(random, 30, n);
    sampler.observe(text);

    for (int step = 0; step < 5; ++step) {
      std::vector<float> logits(n);
      for (float& x : logits) x = static_cast<float>(4.0 * test::normal(random));
      std::vector<std::uint32_t> mask = {random.next() % 2 == 0 ? 0xFFFFFFFFU : static_cast<std::uint32_t>(random.next() | 1U << random.next() % n)};
      std::vector<double> adjusted(logits.begin(), logits.end());
      for (std::size_t i = 0; i < n; ++i) {
        if ((mask[0] >> i & 1U) == 0) adjusted[i] = -HUGE_VAL;
      }
      if (o.dry_multiplier > 0.0F && o.dry_penalty_last_n != 0) {
        const std::size_t window = o.dry_penalty_last_n < 0 ? text.size() : std::min(text.size(), static_cast<std::size_t>(o.dry_penalty_last_n));
        const Tokens latest(text.end() - static_cast<std::ptrdiff_t>(window), text.end());
        const std::size_t since = std::min(window, test::tokens_since(o.dry_sequence_breakers, text, vocabulary));
        if (since >= static_cast<std::size_t>(o.dry_allowed_length)) {
          const auto lengths = test::repeat_lengths(latest, since, n);
          for (std::size_t i = 0; i < n; ++i) {
            bool breaker = false;
            for (const std::string& b : o.dry_sequence_breakers) breaker = breaker || vocabulary[i].find(b) != std::string::npos;
            if (lengths[i] < o.dry_allowed_length || breaker) continue;
            adjusted[i] -= o.dry_multiplier * std::pow(static_cast<double>(o.dry_base), static_cast<double>(lengths[i] - o.dry_allowed_length));
          }
        }
      }
      if (o.no_repeat_ngram_size > 0) {
        std::vector<double> left = adjusted;
        for (const TokenId token : test::repeated_ngrams(text, static_cast<std::size_t>(o.no_repeat_ngram_size))) left[static_cast<std::size_t>(token)] = -HUGE_VAL;
        if (std::any_of(left.begin(), left.end(), [](double x) { return x > -HUGE_VAL; })) adjusted = left;
      }
      const TokenId got = sampler.sample(logits, mask).token;
      const double best = *std::max_element(adjusted.begin(), adjusted.end());
      REQUIRE(adjusted[static_cast<std::size_t>(got)] >= best - 1e-4 * (1.0 + std::fabs(best)));
      text.push_back(got);
    }
  }
}

TEST_CASE("DRY: no token becomes impossible, and masked ones stay so") {
  SamplerOptions o = greedy();
  o.dry_multiplier = std::numeric_limits<float>::max();
  o.dry_base = 3.0F;
  o.dry_sequence_breakers.clear();
  const Tokens text(50, 1);
  for (const float temperature : {0.0F, 1.0F}) {
    o.temperature = temperature;
    SamplerState sampler(o);
    sampler.observe(text);
    CHECK(sampler.sample(std::vector<float>{-kInf, -3.0F, -kInf}).token == 1);
    CHECK(sampler.sample(std::vector<float>{0.0F, 9.0F, -kInf}).token == 0);
  }
}

TEST_CASE("n-grams: those of the definition") {
  Random random(24);
  Tokens banned;
  for (int round = 0; round < 3000; ++round) {
    const Tokens text = random_text(random, 40, 1 + random.next() % 5);
    const std::size_t n = 1 + random.next() % 6;
    sampling::find_repeated_ngrams(text, n, banned);
    REQUIRE(std::set<TokenId>(banned.begin(), banned.end()) == test::repeated_ngrams(text, n));
    CHECK(std::is_sorted(banned.begin(), banned.end()));
  }
}

TEST_CASE("n-grams: what the mask and suppress leave stays possible") {
  SamplerOptions o = greedy();
  o.no_repeat_ngram_size = 1;
  const std::vector<float> logits = {5.0F, 4.0F, 3.0F, 2.0F};
  const auto first = [&](const SamplerOptions& options, const Tokens& seen, std::uint32_t mask) {
    SamplerState sampler(options);
    sampler.observe(seen);
    return sampler.sample(logits, std::vector<std::uint32_t>{mask}).token;
  };
  CHECK(first(o, {0, 1}, 0xF) == 2);
  CHECK(first(o, {0, 1}, 0x3) == 0);        // both of the mask are banned: the mask wins
  CHECK(first(o, {1}, 0x3) == 0);
  CHECK(first(o, {0}, 0x3) == 1);           // one is left
  CHECK(first(o, {0, 1, 2, 3}, 0xF) == 0);  // nothing else is left
  o.suppress = {0};
  CHECK(first(o, {1}, 0x3) == 1);           // suppressed tokens do not come back
  o.suppress = {0, 1};
  CHECK_THROWS_AS(first(o, {0, 1}, 0x3), Error);
  o.suppress.clear();
  // Every draw is within the mask, whatever is banned.
  Random random(25);
  o.temperature = 1.0F;
  for (int round = 0; round < 300; ++round) {
    o.no_repeat_ngram_size = 1 + round % 3;
    o.dry_multiplier = 5.0F;
    o.dry_sequence_breakers.clear();
    o.xtc_probability = 0.5F;
    o.xtc_threshold = static_cast<float>(random.uniform());
    SamplerState sampler(o);
    sampler.observe(random_text(random, 30, 20));
    const auto values = random_logits(random, 20, false);
    const std::uint32_t mask = static_cast<std::uint32_t>(random.next()) & static_cast<std::uint32_t>(random.next());
    std::uint32_t possible = 0;
    for (std::size_t i = 0; i < 20; ++i) possible |= (std::isfinite(values[i]) ? 1U : 0U) << i;
    if ((mask & possible) == 0) continue;
    for (int i = 0; i < 30; ++i) {
      CHECK(((mask & possible) >> sampler.sample(values, std::vector<std::uint32_t>{mask}).token & 1U) == 1U);
    }
  }
}

TEST_CASE("XTC: the likeliest go, the least likely of them stays") {
  Random random(26);
  for (int round = 0; round < 500; ++round) {
    const auto logits = random_logits(random, 1 + random.next() % 300, round % 2 == 0);
    const float threshold = round % 5 == 0 ? 0.0F : static_cast<float>(0.3 * random.uniform());
    sampling::BlockMaxima maxima;
    sampling::scan_blocks(logits, maxima);
    sampling::Candidates c;
    sampling::choose_top_k(logits, maxima, round % 3 == 0 ? 1 + random.next() % 50 : 0, 1.0F, c);
    Reference reference(logits, 1.0);
    std::vector<bool> stays(logits.size(), false);
    for (std::size_t i = 0; i < c.count; ++i) stays[static_cast<std::size_t>(c.ids()[i])] = true;
    reference.keep(stays);
    // Rounding decides for tokens just at the threshold.
    const bool doubtful = std::any_of(reference.p.begin(), reference.p.end(), [&](double p) {
      return std::fabs(p - static_cast<double>(threshold)) <= 1e-5 * static_cast<double>(threshold) || (p > 0.0 && p < 1e-30);
    });
    reference.exclude_top(static_cast<double>(threshold));
    sampling::exclude_top(c, threshold);
    REQUIRE(c.count >= 1);
    if (!doubtful) REQUIRE(Tokens(c.ids(), c.ids() + c.count) == reference.ids);
  }
}

TEST_CASE("XTC: as often as asked, never when greedy, off by default") {
  // 0.5, 0.3, 0.15, 0.05: with a threshold of 0.1 the third stays and the fourth.
  std::vector<float> logits;
  for (const double p : {0.5, 0.3, 0.15, 0.05}) logits.push_back(static_cast<float>(std::log(p)));
  SamplerOptions o;
  o.seed = 3;
  CHECK(o.xtc_probability == 0.0F);
  o.xtc_probability = 1.0F;
  {
    Sampler sampler(o);
    std::map<TokenId, int> counts;
    for (int i = 0; i < 4000; ++i) ++counts[sampler.sample(logits).token];
    CHECK(counts.size() == 2);
    CHECK(counts[2] > 2800);
    CHECK(counts[2] < 3200);
  }
  o.xtc_probability = 0.5F;
  {
    Sampler sampler(o);
    int likeliest = 0;
    for (int i = 0; i < 4000; ++i) likeliest += sampler.sample(logits).token < 2 ? 1 : 0;
    CHECK(likeliest > 1450);  // half of 0.8
    CHECK(likeliest < 1750);
  }
  o.xtc_threshold = 0.51F;
  {
    Sampler sampler(o);
    std::map<TokenId, int> counts;
    for (int i = 0; i < 2000; ++i) ++counts[sampler.sample(logits).token];
    CHECK(counts.size() == 4);
  }
  o.xtc_threshold = 0.0F;
  o.xtc_probability = 1.0F;
  CHECK(Sampler(o).sample(logits).token == 3);
  logits.push_back(-kInf);
  CHECK(Sampler(o).sample(logits).token == 3);  // the least likely that is possible
  o.temperature = 0.0F;
  CHECK(Sampler(o).sample(logits).token == 0);
}

TEST_CASE("repetitions: copies go on alike, reset forgets, breakers need a tokenizer") {
  SamplerOptions o = greedy();
  o.no_repeat_ngram_size = 2;
  o.dry_multiplier = 1.0F;
  Sampler plain(o);
  plain.observe(Tokens{1, 2, 1});
  try {
    plain.sample(std::vector<float>(4, 0.0F));
    FAIL("expected an Error");
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::invalid_argument);
    CHECK(std::string(error.what()).find("dry_sequence_breakers") != std::string::npos);
    CHECK(std::string(error.what()).find("set_tokenizer") != std::string::npos);
  }
  o.dry_sequence_breakers.clear();
  Random random(27);
  SamplerState sampler(o);
  const auto logits = random_logits(random, 6, false);
  const auto run = [&](SamplerState& with) {
    Tokens drawn;
    for (int i = 0; i < 20; ++i) drawn.push_back(with.sample(logits).token);
    return drawn;
  };
  const Tokens first = run(sampler);
  SamplerState copy(sampler);
  CHECK(run(copy) == run(sampler));
  sampler.reset();
  CHECK(run(sampler) == first);
  // Tokens beyond the vocabulary were seen.
  sampler.observe(Tokens{3, 7, 3});
  CHECK_THROWS_AS(sampler.sample(logits), Error);
}

TEST_CASE("errors: options of repetitions and XTC outside their range name the field") {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const auto rejects = [](auto set, const char* field) {
    SamplerOptions o;
    set(o);
    try {
      Sampler sampler(o);
      FAIL(field);
    } catch (const Error& error) {
      CHECK(error.code() == ErrorCode::invalid_argument);
      CHECK_MESSAGE(std::string(error.what()).find(field) != std::string::npos, error.what());
    }
  };
  for (const float x : {-0.1F, nan, kInf}) {
    rejects([x](SamplerOptions& o) { o.dry_multiplier = x; }, "dry_multiplier");
    rejects([x](SamplerOptions& o) { o.dry_base = x; }, "dry_base");
    rejects([x](SamplerOptions& o) { o.xtc_probability = x; }, "xtc_probability");
    rejects([x](SamplerOptions& o) { o.xtc_threshold = x; }, "xtc_threshold");
  }
  rejects([](SamplerOptions& o) { o.dry_base = 0.99F; }, "dry_base");
  rejects([](SamplerOptions& o) { o.dry_allowed_length = -1; }, "dry_allowed_length");
  rejects([](SamplerOptions& o) { o.dry_penalty_last_n = -2; }, "dry_penalty_last_n");
  rejects([](SamplerOptions& o) { o.dry_sequence_breakers = {"a", ""}; }, "dry_sequence_breakers");
  rejects([](SamplerOptions& o) { o.dry_sequence_breakers = {"\xFF"}; }, "dry_sequence_breakers");
  rejects([](SamplerOptions& o) { o.no_repeat_ngram_size = -1; }, "no_repeat_ngram_size");
  rejects([](SamplerOptions& o) { o.xtc_probability = 1.1F; }, "xtc_probability");
  rejects([](SamplerOptions& o) { o.xtc_threshold = 1.1F; }, "xtc_threshold");
}
