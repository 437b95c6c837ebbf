#include "generate/session_driver.h"

#include <utility>

#include "base/timer.h"
#include "gemma4/error.h"

namespace gemma4::generation {

SessionDriver::SessionDriver(session::SessionState& session, Machine& machine,
                             std::function<Span<const float>()> read_prompt, std::optional<CancelToken> cancel)
    : session_(session), machine_(machine), read_prompt_(std::move(read_prompt)), cancel_(std::move(cancel)) {}

bool SessionDriver::step() {
  if (machine_.over()) return false;
  if (cancel_ && cancel_->cancelled()) {
    machine_.end(StopReason::cancelled);
    return true;
  }
  Span<const float> logits;
  try {
    logits = feed();
  } catch (const Error& error) {
    if (error.code() != ErrorCode::cancelled) {
      machine_.abandon();
      throw;
    }
    machine_.end(StopReason::cancelled);
    return true;
  } catch (...) {
    machine_.abandon();
    throw;
  }
  {
    const base::Timer timer(decode_seconds_);
    machine_.take(logits);
  }
  if (first_chosen_ == 0 && machine_.chosen() > 0) {
    first_chosen_ = machine_.chosen();
    first_decode_seconds_ = decode_seconds_;
    time_to_first_token_ = prefill_seconds_ + decode_seconds_;
  }
  return true;
}

double SessionDriver::tokens_per_second() const noexcept {
  const double seconds = decode_seconds_ - first_decode_seconds_;
  const std::size_t tokens = machine_.chosen() - first_chosen_;
  return tokens > 0 && seconds > 0.0 ? static_cast<double>(tokens) / seconds : 0.0;
}

Span<const float> SessionDriver::feed() {
  if (!read_) {
    const base::Timer timer(prefill_seconds_);
    const Span<const float> logits = read_prompt_();
    read_ = true;
    return logits;
  }
  const base::Timer timer(decode_seconds_);
  const Span<const TokenId> tokens = machine_.unfed();
  if (tokens.size() == 1) return session_.decode(tokens[0], cancel_ ? &*cancel_ : nullptr);
  PrefillOptions several;
  several.cancel = cancel_;
  return session_.prefill(tokens, several);
}

}  // namespace gemma4::generation
