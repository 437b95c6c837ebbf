// score(): how likely a continuation is after what a session holds.
#pragma once

#include <optional>
#include <vector>

#include "gemma4/session.h"
#include "gemma4/types.h"

namespace gemma4 {

/// The natural logarithm of each token's probability, by the raw logits, after the tokens that the session holds and those
/// of the continuation before it: as many values as tokens, none above 0. Their sum is the logarithm of the continuation's
/// probability.
///
/// The session stays as it is: a fork of it is used, with a fork's memory, and gone afterwards. Of the continuation's
/// logits 64 MiB at most are held at a time. Where the session's last call left no logits, the last token it holds is read
/// again, as far as the caches allow (Session::truncate), and more of them where they do not.
/// @param cancel  ends it between two layers of the model.
/// Throws Error: token_out_of_range, context_full (all but the last token of the continuation must fit), invalid_argument
/// (the session holds no tokens), cancelled, non_finite, out_of_memory.
std::vector<float> score(const Session& session, Span<const TokenId> continuation,
                         const std::optional<CancelToken>& cancel = std::nullopt);

}  // namespace gemma4
