// SessionDriver: feeds one machine from one session.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>

#include "gemma4/types.h"
#include "generate/machine.h"
#include "session/session.h"

namespace gemma4::generation {

/// The session, the machine and its sampler outlive it. One thread at a time.
class SessionDriver {
 public:
  /// @param read_prompt  brings the session to the end of the prompt and returns the logits there.
  SessionDriver(session::SessionState& session, Machine& machine, std::function<Span<const float>()> read_prompt,
                std::optional<CancelToken> cancel);

  /// Feeds what the machine wants, at first the prompt, and gives it the logits. False when it was over already. An Error
  /// of the code cancelled ends the machine; others are thrown, and the machine is then of no more use.
  bool step();

  /// True when all of the prompt was read.
  bool was_read() const noexcept { return read_; }
  double prefill_seconds() const noexcept { return prefill_seconds_; }
  double decode_seconds() const noexcept { return decode_seconds_; }
  /// As GenerateResult's members.
  double time_to_first_token() const noexcept { return time_to_first_token_; }
  double tokens_per_second() const noexcept;

 private:
  Span<const float> feed();

  session::SessionState& session_;
  Machine& machine_;
  const std::function<Span<const float>()> read_prompt_;
  const std::optional<CancelToken> cancel_;
  bool read_ = false;
  double prefill_seconds_ = 0, decode_seconds_ = 0;
  double time_to_first_token_ = 0;
  std::size_t first_chosen_ = 0;     // tokens that the first choice gave, forced ones among them; 0: there was none
  double first_decode_seconds_ = 0;  // of decode_seconds_, up to then
};

}  // namespace gemma4::generation
