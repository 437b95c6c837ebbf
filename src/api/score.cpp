// Body of gemma4/score.h.
#include "gemma4/score.h"

#include "generate/score.h"

namespace gemma4 {

std::vector<float> score(const Session& session, Span<const TokenId> continuation,
                         const std::optional<CancelToken>& cancel) {
  return generation::score(*session.impl(), continuation, cancel);
}

}  // namespace gemma4
