// SessionState: one sequence over a model; what the public Session points to (same promises, include/gemma4/session.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "gemma4/options.h"
#include "gemma4/types.h"
#include "model/loaded_model.h"

namespace gemma4::session {

class SessionState {
 public:
  SessionState(std::shared_ptr<const model::LoadedModel> model, const SessionOptions& options);
  ~SessionState();

  Span<const float> prefill(Span<const TokenId> tokens, const PrefillOptions& options);
  Span<const float> decode(TokenId token, const CancelToken* cancel);  ///< cancel may be null
  /// Logits of the last token when the last call left them ([vocab_size]), else empty.
  Span<const float> last_logits() const noexcept;

  std::size_t position() const noexcept;
  std::size_t context_length() const noexcept;
  Span<const TokenId> tokens() const noexcept;
  void truncate(std::size_t n);
  bool checkpoint();
  std::shared_ptr<SessionState> fork() const;
  std::uint64_t memory_bytes() const noexcept;
  const model::LoadedModel& model() const noexcept;
};

}  // namespace gemma4::session
