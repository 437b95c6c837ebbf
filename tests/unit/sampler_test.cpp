// Sampler: the draw, its seed, its options and its errors. The transforms have their own test.
#include "gemma4/sampler.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "gemma4/error.h"
#include "sampling/random.h"
#include "support/sampling_reference.h"

using namespace gemma4;
using sampling::Random;
using test::normal;
using test::random_logits;
using test::Reference;

namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();

SamplerOptions options(float temperature = 1.0F, int top_k = 0, float top_p = 1.0F) {
  SamplerOptions o;
  o.seed = 0;
  o.temperature = temperature;
  o.top_k = top_k;
  o.top_p = top_p;
  return o;
}

ErrorCode code_of(const SamplerOptions& o, const std::string& field) {
  try {
    Sampler sampler(o);
  } catch (const Error& e) {
    CHECK_MESSAGE(std::string(e.what()).find(field) != std::string::npos, e.what());
    return e.code();
  }
  return ErrorCode::internal;
}

}  // namespace

TEST_CASE("random: SplitMix64 and xoshiro256** as published") {
  std::uint64_t state = 0;
  CHECK(Random::split_mix(state) == 0xE220A8397B1DCDAFU);
  CHECK(Random::split_mix(state) == 0x6E789E6AA1B965F4U);
  CHECK(Random::split_mix(state) == 0x06C45D188009454FU);
  CHECK(Random::split_mix(state) == 0xF88BB8A8724C81ECU);
  // xoshiro256** from a state of SplitMix64(0), as in the Rust crate rand_xoshiro's seed_from_u64.
  Random random(0);
  CHECK(random.next() == 0x99EC5F36CB75F2B4U);
  CHECK(random.next() == 0xBF6E1F784956452AU);
  for (int i = 0; i < 1000; ++i) {
    const double u = random.uniform();
    CHECK((u >= 0.0 && u < 1.0));
  }
}

TEST_CASE("penalties: over the tokens in the window, the prompt's included") {
  SamplerOptions o = options(0.0F);
  o.repetition_penalty = 2.0F;
  o.penalty_last_n = 2;
  const std::vector<float> logits = {4.0F, 3.0F, -1.0F};
  {
    Sampler sampler(o);
    CHECK(sampler.sample(logits).token == 0);
    CHECK(sampler.sample(logits).token == 1);  // 4 / 2 < 3
    CHECK(sampler.sample(logits).token == 0);  // both halved: 2 against 1.5
  }
  {
    Sampler sampler(o);
    sampler.observe(std::vector<TokenId>{0, 2, 2});  // the 0 has left the window
    CHECK(sampler.sample(logits).token == 0);
    sampler.observe(std::vector<TokenId>{0});
    CHECK(sampler.sample(logits).token == 1);
    sampler.reset();
    CHECK(sampler.sample(logits).token == 0);
  }

  SamplerOptions all = options(0.0F);
  all.frequency_penalty = 1.0F;
  all.penalty_last_n = -1;
  Sampler sampler(all);
  std::map<TokenId, int> counts;
  const std::vector<float> level(5, 0.0F);
  for (int i = 0; i < 500; ++i) ++counts[sampler.sample(level).token];
  for (const auto& [token, count] : counts) CHECK(count == 100);
}

TEST_CASE("suppress and logit_bias") {
  const std::vector<float> logits = {3.0F, 2.0F, 1.0F};
  SamplerOptions o = options(0.0F);
  o.suppress = {0};
  CHECK(Sampler(o).sample(logits).token == 1);
  o.logit_bias = {{2, 1.5F}};
  CHECK(Sampler(o).sample(logits).token == 2);
  o.logit_bias = {{1, -kInf}};
  CHECK(Sampler(o).sample(logits).token == 2);
  o.temperature = 1.0F;
  Sampler sampler(o);
  for (int i = 0; i < 100; ++i) CHECK(sampler.sample(logits).token == 2);

  o = options(0.0F);
  o.logit_bias = {{0, std::numeric_limits<float>::max()}};
  CHECK(Sampler(o).sample(std::vector<float>{std::numeric_limits<float>::max(), 1.0F}).token == 0);
}

TEST_CASE("greedy: the first maximum wins and the generator rests") {
  Sampler sampler(options(0.0F));
  CHECK(sampler.sample(std::vector<float>{1.0F, 5.0F, 5.0F}).token == 1);
  CHECK(sampler.sample(std::vector<float>{-kInf, -kInf, -3.0F}).token == 2);
  std::vector<float> wide(1000, -1.0F);
  wide[700] = wide[999] = 2.0F;
  CHECK(sampler.sample(wide).token == 700);
  CHECK(sampler.sample(std::vector<float>{7.0F}).token == 0);
}

TEST_CASE("the draw follows the distribution") {
  const std::vector<double> p = {0.5, 0.25, 0.125, 0.0625, 0.0625};
  std::vector<float> logits(p.size());
  for (std::size_t i = 0; i < p.size(); ++i) logits[i] = static_cast<float>(std::log(p[i]));
  SamplerOptions o = options();
  o.seed = 42;
  Sampler sampler(o);
  constexpr int kDraws = 100000;
  std::vector<int> counts(p.size());
  for (int i = 0; i < kDraws; ++i) ++counts[static_cast<std::size_t>(sampler.sample(logits).token)];
  double chi_square = 0.0;
  for (std::size_t i = 0; i < p.size(); ++i) chi_square += std::pow(counts[i] - kDraws * p[i], 2) / (kDraws * p[i]);
  CHECK(chi_square < 18.47);  // 4 degrees of freedom, 0.1 %

  // Many equal tokens, over several chunks of the sum: the mean index is that of a uniform draw.
  const std::vector<float> flat(10000, 1.0F);
  double mean = 0.0;
  for (int i = 0; i < 2000; ++i) mean += sampler.sample(flat).token / 2000.0;
  CHECK(std::fabs(mean - 4999.5) < 4.0 * 2887.0 / std::sqrt(2000.0));
}

TEST_CASE("no masked token is ever drawn") {
  Random random(7);
  for (int round = 0; round < 50; ++round) {
    std::vector<float> logits(1 + random.next() % 2000, -kInf);
    std::set<TokenId> open;
    for (int i = 0; i < 3; ++i) {
      const auto id = static_cast<TokenId>(random.next() % logits.size());
      logits[static_cast<std::size_t>(id)] = static_cast<float>(normal(random));
      open.insert(id);
    }
    SamplerOptions o = options(1.0F, static_cast<int>(random.next() % 100));
    if (round % 2 == 0) o.top_p = 0.9F;
    if (round % 3 == 0) o.typical_p = 0.9F;
    o.seed = static_cast<std::uint64_t>(round);
    Sampler sampler(o);
    for (int i = 0; i < 50; ++i) CHECK(open.count(sampler.sample(logits).token) == 1);
  }
}

TEST_CASE("golden draws: a seed gives these tokens on every platform") {
  std::vector<float> logits(1000);
  for (std::size_t i = 0; i < logits.size(); ++i) logits[i] = static_cast<float>((i * 7919 % 1000) / 100.0);
  const auto draws = [&](SamplerOptions o) {
    o.seed = 20260721;
    Sampler sampler(o);
    std::vector<TokenId> tokens;
    for (int i = 0; i < 12; ++i) tokens.push_back(sampler.sample(logits).token);
    return tokens;
  };
  CHECK(draws(options()) == std::vector<TokenId>{372, 211, 741, 408, 630, 568, 803, 767, 951, 210, 409, 619});
  CHECK(draws(options(0.7F, 64, 0.95F)) ==
        std::vector<TokenId>{383, 235, 741, 420, 642, 593, 815, 778, 951, 210, 420, 630});
  SamplerOptions o = options(1.5F, 0, 0.8F);
  o.typical_p = 0.9F;
  o.min_p = 0.01F;
  o.frequency_penalty = 0.5F;
  CHECK(draws(o) == std::vector<TokenId>{371, 211, 741, 408, 630, 568, 803, 766, 951, 199, 408, 619});
}

TEST_CASE("determinism: copies draw alike, reset starts over, seeds differ") {
  Random random(8);
  const auto logits = random_logits(random, 3000, false);
  SamplerOptions o = options(1.0F, 0, 0.95F);
  o.repetition_penalty = 1.3F;
  o.seed = 9;
  Sampler a(o);
  for (int i = 0; i < 10; ++i) a.sample(logits);
  Sampler b(a);
  Sampler c;
  c = a;
  std::vector<TokenId> drawn_a, drawn_b, drawn_c, first, again, other;
  for (int i = 0; i < 50; ++i) {
    drawn_a.push_back(a.sample(logits).token);
    drawn_b.push_back(b.sample(logits).token);
    drawn_c.push_back(c.sample(logits).token);
  }
  CHECK(drawn_a == drawn_b);
  CHECK(drawn_a == drawn_c);

  a.reset();
  Sampler fresh(o);
  o.seed = 10;
  Sampler different(o);
  for (int i = 0; i < 50; ++i) {
    first.push_back(fresh.sample(logits).token);
    again.push_back(a.sample(logits).token);
    other.push_back(different.sample(logits).token);
  }
  CHECK(first == again);
  CHECK(first != other);
}

TEST_CASE("a seed that nobody gave is drawn, can be read, and repeats the draws") {
  Random random(9);
  const auto logits = random_logits(random, 3000, false);
  const auto draw = [&](Sampler& sampler) {
    std::vector<TokenId> drawn;
    for (int i = 0; i < 30; ++i) drawn.push_back(sampler.sample(logits).token);
    return drawn;
  };
  SamplerOptions o = options(1.0F, 0, 1.0F);
  o.seed.reset();
  std::set<std::uint64_t> seeds;
  std::set<std::vector<TokenId>> stories;
  for (int i = 0; i < 20; ++i) {
    Sampler sampler(o);
    CHECK_FALSE(sampler.options().seed.has_value());  // as given
    Sampler copy(sampler);
    CHECK(copy.seed() == sampler.seed());
    const std::vector<TokenId> drawn = draw(sampler);
    CHECK(draw(copy) == drawn);
    sampler.reset();
    CHECK(draw(sampler) == drawn);  // the seed stays
    SamplerOptions again = o;
    again.seed = sampler.seed();
    Sampler repeated(again);
    CHECK(draw(repeated) == drawn);
    seeds.insert(sampler.seed());
    stories.insert(drawn);
  }
  CHECK(seeds.size() == 20);
  CHECK(stories.size() == 20);
  CHECK(Sampler(options(1.0F, 0, 1.0F)).seed() == 0);  // given as 0
}

TEST_CASE("logprobs are those of the raw logits, top is sorted, ties by id") {
  Random random(10);
  for (int round = 0; round < 20; ++round) {
    const auto logits = random_logits(random, 100 + random.next() % 3000, round % 2 == 0);
    SamplerOptions o = options(0.5F, 10, 0.9F);
    o.top_logprobs = 7;
    o.suppress = {3};
    Sampler sampler(o);
    const SampledToken sampled = sampler.sample(logits);
    const Reference reference(logits, 1.0);
    CHECK(sampled.logprob ==
          doctest::Approx(std::log(reference.p[static_cast<std::size_t>(sampled.token)])).epsilon(1e-5));
    const auto by = reference.order(reference.p);
    REQUIRE(sampled.top.size() == 7);
    for (std::size_t i = 0; i < 7; ++i) {
      CHECK(sampled.top[i].token == static_cast<TokenId>(by[i]));
      CHECK(sampled.top[i].logprob == doctest::Approx(std::log(reference.p[by[i]])).epsilon(1e-5));
    }
  }
  SamplerOptions o = options(0.0F);
  o.logprobs = true;
  const SampledToken certain = Sampler(o).sample(std::vector<float>{-kInf, 3.0F});
  CHECK(certain.logprob == doctest::Approx(0.0));
  CHECK(certain.top.empty());
  CHECK(Sampler(options()).sample(std::vector<float>{1.0F, 1.0F}).logprob == 0.0F);
}

TEST_CASE("errors: what cannot be sampled from") {
  const auto code = [](const std::vector<float>& logits, const SamplerOptions& o) {
    Sampler sampler(o);
    try {
      sampler.sample(logits);
    } catch (const Error& e) {
      return e.code();
    }
    return ErrorCode::internal;
  };
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for (const float temperature : {0.0F, 1.0F}) {
    std::vector<float> logits(300, 1.0F);
    for (const std::size_t where : {std::size_t{0}, std::size_t{17}, std::size_t{299}}) {
      for (const float bad : {nan, -nan, kInf}) {
        auto broken = logits;
        broken[where] = bad;
        CHECK(code(broken, options(temperature)) == ErrorCode::non_finite);
      }
    }
    CHECK(code(std::vector<float>(300, -kInf), options(temperature)) == ErrorCode::non_finite);
    SamplerOptions nothing_left = options(temperature);
    nothing_left.suppress = {0, 1};
    CHECK(code({1.0F, 2.0F}, nothing_left) == ErrorCode::non_finite);
    SamplerOptions outside = options(temperature);
    outside.suppress = {2};
    CHECK(code({1.0F, 2.0F}, outside) == ErrorCode::token_out_of_range);
    outside = options(temperature);
    outside.logit_bias = {{2, 1.0F}};
    CHECK(code({1.0F, 2.0F}, outside) == ErrorCode::token_out_of_range);
    CHECK(code({}, options(temperature)) == ErrorCode::invalid_argument);
  }
  SamplerOptions o;
  o.presence_penalty = 1.0F;
  Sampler sampler(o);
  CHECK_THROWS_AS(sampler.observe(std::vector<TokenId>{1, -1}), Error);
  sampler.observe(std::vector<TokenId>{5});
  CHECK_THROWS_AS(sampler.sample(std::vector<float>{1.0F, 2.0F}), Error);
}

TEST_CASE("errors: options outside their range name the field") {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const auto rejects = [](auto set, const char* field) {
    SamplerOptions o;
    set(o);
    CHECK(code_of(o, field) == ErrorCode::invalid_argument);
  };
  for (const float x : {-0.1F, nan, kInf}) {
    rejects([x](SamplerOptions& o) { o.temperature = x; }, "temperature");
    rejects([x](SamplerOptions& o) { o.repetition_penalty = x; }, "repetition_penalty");
    rejects([x](SamplerOptions& o) { o.min_p = x; }, "min_p");
  }
  for (const float x : {-1.0F, 1.1F, nan}) {
    rejects([x](SamplerOptions& o) { o.top_p = x; }, "top_p");
    rejects([x](SamplerOptions& o) { o.typical_p = x; }, "typical_p");
  }
  rejects([](SamplerOptions& o) { o.typical_p = 0.0F; }, "typical_p");
  for (const float x : {nan, kInf}) {
    rejects([x](SamplerOptions& o) { o.presence_penalty = x; }, "presence_penalty");
    rejects([x](SamplerOptions& o) { o.frequency_penalty = x; }, "frequency_penalty");
    rejects([x](SamplerOptions& o) { o.logit_bias = {{1, x}}; }, "logit_bias");
  }
  rejects([](SamplerOptions& o) { o.repetition_penalty = 0.0F; }, "repetition_penalty");
  rejects([](SamplerOptions& o) { o.top_k = -1; }, "top_k");
  rejects([](SamplerOptions& o) { o.penalty_last_n = -2; }, "penalty_last_n");
  rejects([](SamplerOptions& o) { o.top_logprobs = -1; }, "top_logprobs");
  rejects([](SamplerOptions& o) { o.dry_multiplier = -1.0F; }, "dry_multiplier");
  rejects([](SamplerOptions& o) { o.dry_base = 0.5F; }, "dry_base");
  rejects([](SamplerOptions& o) { o.dry_allowed_length = 0; }, "dry_allowed_length");
  rejects([](SamplerOptions& o) { o.dry_penalty_last_n = -2; }, "dry_penalty_last_n");
  rejects([](SamplerOptions& o) { o.dry_sequence_breakers = {-1}; }, "dry_sequence_breakers");
  rejects([](SamplerOptions& o) { o.no_repeat_ngram_size = -1; }, "no_repeat_ngram_size");
  rejects([](SamplerOptions& o) { o.xtc_probability = 1.5F; }, "xtc_probability");
  rejects([nan](SamplerOptions& o) { o.xtc_threshold = nan; }, "xtc_threshold");
  rejects([](SamplerOptions& o) { o.suppress = {-1}; }, "suppress");
  rejects([](SamplerOptions& o) { o.logit_bias = {{-1, 0.0F}}; }, "logit_bias");
}
