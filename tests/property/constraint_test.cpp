// GenerateOptions::constraint, with one that a test scripts.
#include <doctest/doctest.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "gemma4/constraint.h"
#include "gemma4/error.h"
#include "gemma4/generate.h"
#include "gemma4/model.h"
#include "support/test_model.h"

using namespace gemma4;

namespace {

using Choices = std::vector<std::vector<TokenId>>;

/// One of choices[i] at place i; an empty list: anything. It may stop at places from `may_stop_from` on.
class Scripted final : public TokenConstraint {
 public:
  Scripted(Choices choices, std::size_t may_stop_from, bool jump = false)
      : choices_(std::move(choices)), may_stop_from_(may_stop_from), jump_(jump) {}

  bool mask(Span<std::uint32_t> allowed) override {
    ++masks;
    const std::vector<TokenId>& now = choices_.at(taken.size());
    if (now.empty()) return false;
    std::fill(allowed.begin(), allowed.end(), 0U);
    for (const TokenId id : now) allowed[static_cast<std::size_t>(id) / 32] |= 1U << id % 32;
    return true;
  }
  bool accept(TokenId token) override {
    const std::vector<TokenId>& now = choices_.at(taken.size());
    if (!now.empty() && std::find(now.begin(), now.end(), token) == now.end()) return false;
    taken.push_back(token);
    return true;
  }
  bool may_stop() override { return taken.size() >= may_stop_from_; }
  bool finished() override { return taken.size() == choices_.size(); }
  std::vector<TokenId> forced() override {
    std::vector<TokenId> out;
    for (std::size_t i = taken.size(); jump_ && i < choices_.size() && choices_[i].size() == 1; ++i) {
      out.push_back(choices_[i][0]);
    }
    return out;
  }
  void rollback(std::size_t n) override { taken.resize(taken.size() - n); }
  std::unique_ptr<TokenConstraint> fork() const override { return std::make_unique<Scripted>(*this); }

  std::vector<TokenId> taken;
  int masks = 0;

 private:
  Choices choices_;
  std::size_t may_stop_from_;
  bool jump_;
};

const Model& nano() {
  static const Model model = Model::load(test::nano_model_path());
  return model;
}

GenerateResult run(const std::shared_ptr<TokenConstraint>& constraint, int max_tokens = 64) {
  Session session(nano());
  SamplerOptions sampling;
  sampling.seed = 3;
  Sampler sampler(sampling);
  GenerateOptions options;
  options.constraint = constraint;
  options.max_tokens = max_tokens;
  return generate(session, nano().tokenizer().encode("Once upon", true), sampler, options);
}

}  // namespace

TEST_CASE("constraint: a generation takes only what the masks allow, and ends with the constraint") {
  const std::vector<TokenId> ids = nano().tokenizer().encode("A red ball rolled down the hill");
  REQUIRE(ids.size() >= 4);
  const Choices choices = {{ids[0], ids[1]}, {ids[2]}, {}, {ids[3], ids[0]}};
  for (const bool jump : {false, true}) {
    const auto constraint = std::make_shared<Scripted>(choices, 9, jump);
    const GenerateResult result = run(constraint);
    CHECK(result.reason == StopReason::end_of_turn);
    REQUIRE(result.token_ids.size() == 4);
    CHECK(result.token_ids == constraint->taken);
    CHECK(result.token_ids[1] == ids[2]);
    CHECK(constraint->masks == (jump ? 3 : 4));
  }
}

TEST_CASE("constraint: an end token may come only where the constraint may stop") {
  const TokenId end = nano().config().eos_token_ids.front();
  const std::vector<TokenId> ids = nano().tokenizer().encode("A red ball");
  // The end token is in no mask, so where the answer may not stop it cannot be sampled.
  const auto never = std::make_shared<Scripted>(Choices(50, {ids[0], ids[1]}), 99);
  CHECK(run(never).token_ids.size() == 50);
  const auto named = std::make_shared<Scripted>(Choices(50, {end}), 99);
  const GenerateResult result = run(named);
  CHECK(result.reason == StopReason::end_of_turn);
  CHECK(result.token_ids.empty());
}

TEST_CASE("constraint: jumps equal steps, and keep to max_tokens and the context") {
  const std::vector<TokenId> ids = nano().tokenizer().encode("A red ball rolled down the hill and into the river");
  Choices choices;
  for (const TokenId id : ids) choices.push_back({id});
  for (const bool jump : {false, true}) {
    CHECK(run(std::make_shared<Scripted>(choices, 99, jump)).token_ids == ids);
    const GenerateResult cut = run(std::make_shared<Scripted>(choices, 99, jump), 3);
    CHECK(cut.reason == StopReason::max_tokens);
    CHECK(cut.token_ids == std::vector<TokenId>(ids.begin(), ids.begin() + 3));
    SessionOptions small;
    small.context_length = 5;
    Session session(nano(), small);
    Sampler sampler;
    GenerateOptions options;
    options.constraint = std::make_shared<Scripted>(choices, 99, jump);
    const std::vector<TokenId> prompt = {2, ids[0]};
    const GenerateResult full = generate(session, prompt, sampler, options);
    CHECK(full.reason == StopReason::context_full);
    CHECK(full.token_ids.size() == 4);
  }
}

TEST_CASE("constraint: a sampler's mask") {
  const std::vector<float> logits = {1.0F, 9.0F, 3.0F, 2.0F};
  Sampler greedy([] {
    SamplerOptions o;
    o.temperature = 0.0F;
    return o;
  }());
  const std::vector<std::uint32_t> some = {0b1101}, none = {0}, two_words = {1, 1};
  CHECK(greedy.sample(logits, some).token == 2);
  CHECK_THROWS_AS(greedy.sample(logits, none), Error);
  CHECK_THROWS_AS(greedy.sample(logits, two_words), Error);
  CHECK(greedy.sample(logits).token == 1);
}
