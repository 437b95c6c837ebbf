#include "session/score.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>

#include "base/check.h"

namespace gemma4::session {
namespace {

/// The natural log of the softmax at `token`.
float log_softmax(Span<const float> logits, TokenId token) {
  const double largest = *std::max_element(logits.begin(), logits.end());
  double sum = 0;
  for (const float logit : logits) sum += std::exp(logit - largest);
  return static_cast<float>(logits[static_cast<std::size_t>(token)] - largest - std::log(sum));
}

}  // namespace

std::vector<float> score(const SessionState& session, Span<const TokenId> continuation,
                         const std::optional<CancelToken>& cancel) {
  const int vocab_size = session.model().config().vocab_size;
  for (std::size_t i = 0; i < continuation.size(); ++i) {
    GEMMA4_CHECK(continuation[i] >= 0 && continuation[i] < vocab_size, ErrorCode::token_out_of_range, "score: token ", i,
                 ": expected an id in [0, ", vocab_size, "), got ", continuation[i]);
  }
  std::vector<float> scores;
  if (continuation.empty()) return scores;
  GEMMA4_CHECK(session.position() != 0, ErrorCode::invalid_argument,
               "score: expected a session that holds at least one token (<bos>), for what comes after it, got an empty one");
  GEMMA4_CHECK(continuation.size() - 1 <= session.context_length() - session.position(), ErrorCode::context_full,
               "score: context_length is ", session.context_length(), ": the session holds ", session.position(),
               " tokens, ", continuation.size() - 1, " more do not fit");
  scores.reserve(continuation.size());
  if (!session.last_logits().empty()) scores.push_back(log_softmax(session.last_logits(), continuation[0]));
  if (scores.size() == continuation.size()) return scores;

  // Where the last call left no logits, the last token held is computed again, for its own.
  const std::shared_ptr<SessionState> aside = session.fork();
  const std::size_t held = session.position();
  if (scores.empty()) aside->truncate(aside->nearest_resumable(held - 1));
  std::vector<TokenId> tokens(session.tokens().begin() + static_cast<std::ptrdiff_t>(aside->position()), session.tokens().end());
  const std::size_t known = tokens.size();
  tokens.insert(tokens.end(), continuation.begin(), continuation.end() - 1);
  std::vector<std::int32_t> rows(continuation.size() - scores.size());
  std::iota(rows.begin(), rows.end(), static_cast<std::int32_t>(known - (scores.empty() ? 1 : 0)));
  aside->prefill({tokens, {}}, rows, true, [&](const KeptRows& kept) {
    for (std::size_t i = 0; i < kept.logits.n; ++i) {
      scores.push_back(log_softmax({kept.logits.row(i), kept.logits.width}, continuation[scores.size()]));
    }
  }, cancel);
  return scores;
}

}  // namespace gemma4::session
