// score(): log-probabilities of given tokens.
#pragma once

#include <optional>
#include <vector>

#include "gemma4/types.h"
#include "session/session.h"

namespace gemma4::generation {

/// log(sum(exp(logit))) in double; the logits must be finite.
double log_sum_exp(Span<const float> logits) noexcept;

/// As the public score() (include/gemma4/score.h).
std::vector<float> score(const session::SessionState& session, Span<const TokenId> continuation,
                         const std::optional<CancelToken>& cancel);

}  // namespace gemma4::generation
