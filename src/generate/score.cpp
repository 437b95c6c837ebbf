#include "generate/score.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <numeric>

#include "base/check.h"

namespace gemma4::generation {
namespace {

using session::SessionState;

float log_probability(Span<const float> logits, TokenId token) noexcept {
  const double value = static_cast<double>(logits[static_cast<std::size_t>(token)]) - log_sum_exp(logits);
  return static_cast<float>(std::min(value, 0.0));  // rounding may leave 1e-16
}

/// Takes the fork back to where its last logits can be computed again; returns the tokens that it then needs.
std::vector<TokenId> step_back(SessionState& fork) {
  const std::size_t end = fork.position();
  GEMMA4_CHECK(end > 0, ErrorCode::invalid_argument,
               "score: expected a session that holds tokens, got an empty one; prefill <bos> or a prompt first");
  const std::size_t begin = fork.nearest_resumable(end - 1);
  std::vector<TokenId> tokens;
  for (std::size_t i = begin; i < end; ++i) {
    GEMMA4_CHECK(fork.history()[i].content == 0, ErrorCode::invalid_argument,
                 "score: expected a session whose last call left logits: it left none, and the row at position ", i,
                 " is a medium's, which cannot be computed again from here; let its prefill want logits");
    tokens.push_back(fork.history()[i].token);
  }
  fork.truncate(begin);
  return tokens;
}

}  // namespace

double log_sum_exp(Span<const float> logits) noexcept {
  constexpr double kNothing = -40.0;  // 262,144 such terms are 1e-12 of the largest
  const double max = static_cast<double>(*std::max_element(logits.begin(), logits.end()));
  double sum = 0.0;
  for (const float logit : logits) {
    const double below = static_cast<double>(logit) - max;
    if (below > kNothing) sum += std::exp(below);
  }
  return max + std::log(sum);
}

std::vector<float> score(const SessionState& session, Span<const TokenId> continuation,
                         const std::optional<CancelToken>& cancel) {
  const std::size_t room = session.context_length() - session.position();
  GEMMA4_CHECK(continuation.size() <= room + 1, ErrorCode::context_full, "score: expected a continuation of at most ",
               room + 1, " tokens (context_length ", session.context_length(), ", of which ", session.position(),
               " are taken), got ", continuation.size());
  const int vocab_size = session.model().config().vocab_size;
  for (std::size_t i = 0; i < continuation.size(); ++i) {
    GEMMA4_CHECK(continuation[i] >= 0 && continuation[i] < vocab_size, ErrorCode::token_out_of_range, "score: token ", i,
                 ": expected an id from 0 to ", vocab_size - 1, ", got ", continuation[i]);
  }
  std::vector<float> result;
  if (continuation.empty()) return result;
  result.reserve(continuation.size());

  const std::shared_ptr<SessionState> fork = session.fork();
  std::vector<TokenId> tokens;  // to read: what comes before those of the continuation whose logits are not there
  if (const Span<const float> logits = fork->last_logits(); !logits.empty()) {
    result.push_back(log_probability(logits, continuation[0]));
  } else {
    tokens = step_back(*fork);
  }
  // The row before each token that has no value yet, as an index into what is read.
  std::vector<std::int32_t> rows(continuation.size() - result.size());
  std::iota(rows.begin(), rows.end(), tokens.empty() ? 0 : static_cast<std::int32_t>(tokens.size() - 1));
  tokens.insert(tokens.end(), continuation.begin(), continuation.end() - 1);
  if (rows.empty()) return result;
  fork->prefill({tokens, {}}, rows, true, [&](const session::KeptRows& kept) {
    for (std::size_t i = 0; i < kept.rows.size(); ++i) {
      const Span<const float> logits(kept.logits.row(i), kept.logits.width);
      result.push_back(log_probability(logits, continuation[result.size()]));
    }
  }, cancel);
  return result;
}

}  // namespace gemma4::generation
