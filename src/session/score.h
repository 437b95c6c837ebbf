// score: how likely a model finds given tokens.
#pragma once

#include <optional>
#include <vector>

#include "gemma4/types.h"
#include "session/session.h"

namespace gemma4::session {

/// As the public score() (include/gemma4/session.h).
std::vector<float> score(const SessionState& session, Span<const TokenId> continuation,
                         const std::optional<CancelToken>& cancel);

}  // namespace gemma4::session
