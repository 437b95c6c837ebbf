// score(): the log-probabilities of a continuation are those of all logits, and the session does not notice.
#include "gemma4/score.h"

#include <doctest/doctest.h>

#include <cmath>

#include "generate/score.h"
#include "session/session.h"
#include "support/random_models.h"

using namespace gemma4;
using namespace gemma4::test;

namespace {

double log_softmax(Span<const float> logits, TokenId token) {
  double max = -1e300, sum = 0.0;
  for (const float x : logits) max = std::max(max, static_cast<double>(x));
  for (const float x : logits) sum += std::exp(static_cast<double>(x) - max);
  return static_cast<double>(logits[static_cast<std::size_t>(token)]) - max - std::log(sum);
}

/// Of all logits of one chunk.
std::vector<double> expected_scores(const RandomModel& m, const std::vector<TokenId>& prompt, const std::vector<TokenId>& rest,
                                    double& tolerance) {
  std::vector<TokenId> all = prompt;
  all.insert(all.end(), rest.begin(), rest.end());
  const int n = static_cast<int>(all.size());
  Session session(m.model, sized(n, n));
  const Values logits = values(session.prefill(all, wanting(Want::all_logits)));
  tolerance = 2.0 * m.tolerance(logits) + 1e-6;
  std::vector<double> scores;
  for (std::size_t i = 0; i < rest.size(); ++i) {
    scores.push_back(log_softmax(row(logits, prompt.size() - 1 + i, m.model.config().vocab_size), rest[i]));
  }
  return scores;
}

void check_scores(const RandomModel& m, const std::vector<float>& got, const std::vector<double>& expected, double tolerance) {
  REQUIRE(got.size() == expected.size());
  for (std::size_t i = 0; i < got.size(); ++i) {
    CHECK(got[i] <= 0.0F);
    CHECK_MESSAGE(std::fabs(got[i] - expected[i]) <= tolerance, m.name, ", token ", i, ": ", got[i], " for ", expected[i]);
  }
}

ErrorCode code_of(const Session& session, const std::vector<TokenId>& rest, const std::optional<CancelToken>& cancel = std::nullopt) {
  try {
    score(session, rest, cancel);
  } catch (const Error& error) {
    CHECK(std::string(error.what()).size() > 20);
    return error.code();
  }
  return ErrorCode::internal;
}

}  // namespace

TEST_CASE("score: the values of all logits, whatever the session's last call left") {
  Random random(51);
  for (const RandomModel& m : random_models()) {
    for (const int chunk : {3, 16}) {
      const std::vector<TokenId> prompt = random.tokens(m.model, random.between(1, 60));
      const std::vector<TokenId> rest = random.tokens(m.model, random.between(1, 30));
      double tolerance = 0;
      const std::vector<double> expected = expected_scores(m, prompt, rest, tolerance);
      const int context = static_cast<int>(prompt.size() + rest.size());
      for (const Want want : {Want::last_logits, Want::nothing, Want::hidden_states}) {
        Session session(m.model, sized(context, chunk)), control(m.model, sized(context, chunk));
        session.prefill(prompt, wanting(want));
        control.prefill(prompt, wanting(want));
        check_scores(m, score(session, rest), expected, tolerance);
        CHECK(session.position() == prompt.size());
        CHECK(std::equal(prompt.begin(), prompt.end(), session.tokens().begin()));
        CHECK(score(session, {}).empty());
        CHECK(same_bits(session.decode(rest[0]), control.decode(rest[0])));
        if (rest.size() > 1) check_scores(m, score(session, Span<const TokenId>(rest).subspan(1)), {expected.begin() + 1, expected.end()}, tolerance);
      }
    }
  }
}

TEST_CASE("score: where the caches have forgotten, more is read again") {
  Random random(52);
  for (const RandomModel& m : random_models()) {
    const std::vector<TokenId> prompt = random.tokens(m.model, 70);
    const std::vector<TokenId> rest = random.tokens(m.model, 5);
    double tolerance = 0;
    const std::vector<double> expected = expected_scores(m, prompt, rest, tolerance);
    // Cut back as far as it goes: one token less is not to be had.
    Session session(m.model, sized(80, 4));
    session.prefill(prompt, wanting(Want::nothing));
    std::vector<TokenId> more = random.tokens(m.model, 4);
    session.prefill(more, wanting(Want::nothing));
    session.truncate(prompt.size());
    check_scores(m, score(session, rest), expected, tolerance);
    CHECK(session.position() == prompt.size());
  }
}

TEST_CASE("score: errors say what was expected") {
  const RandomModel& m = random_model("e2b-f32");
  Session session(m.model, sized(8, 4));
  const TokenId vocab_size = m.model.config().vocab_size;
  CHECK(code_of(session, {1}) == ErrorCode::invalid_argument);
  session.prefill(std::vector<TokenId>{1, 2, 3, 4, 5});
  CHECK(code_of(session, {1, vocab_size}) == ErrorCode::token_out_of_range);
  CHECK(code_of(session, {-1}) == ErrorCode::token_out_of_range);
  CHECK(score(session, std::vector<TokenId>{1, 2, 3, 4}).size() == 4);  // the last one need not fit
  CHECK(code_of(session, {1, 2, 3, 4, 5}) == ErrorCode::context_full);
  CancelToken cancel;
  cancel.cancel();
  CHECK(code_of(session, {1, 2}, cancel) == ErrorCode::cancelled);
  CHECK(session.position() == 5);
}

TEST_CASE("log_sum_exp: in double, far terms and near") {
  const std::vector<float> level(262144, 1.0F);
  CHECK(std::fabs(generation::log_sum_exp(level) - (1.0 + std::log(262144.0))) < 1e-9);
  std::vector<float> far(1000, -1e30F);
  far[7] = 3e38F;
  CHECK(generation::log_sum_exp(far) == static_cast<double>(3e38F));
  CHECK(std::fabs(generation::log_sum_exp(std::vector<float>{-5.0F, -5.0F}) - (-5.0 + std::log(2.0))) < 1e-12);
}
