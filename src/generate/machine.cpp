#include "generate/machine.h"

#include <utility>

#include "base/check.h"

namespace gemma4::generation {
Machine::Machine(sampling::SamplerState& sampler, Answer& answer, std::vector<TokenId> ends, const Limits& limits)
    : sampler_(sampler), answer_(answer), ends_(std::move(ends)), limits_(limits), mask_(limits.vocab_size) {
  GEMMA4_CHECK(limits.max_tokens >= -1, ErrorCode::invalid_argument,
               "max_tokens: expected -1 (until the context is full) or more, got ", limits.max_tokens);
}

void Machine::take(Span<const float> logits) {
  if (over_) return;
  unfed_.clear();
  try {
    step(logits);
  } catch (...) {
    over_ = true;
    throw;
  }
}

void Machine::step(Span<const float> logits) {
  if (limits_.max_tokens == 0) return end(StopReason::max_tokens);
  if (TokenConstraint* const constraint = answer_.constraint(); constraint != nullptr && constraint->finished()) {
    return end(StopReason::end_of_turn);
  }
  SampledToken token = choose(logits);
  if (answer_.ends(token.token)) {
    const TokenId instead = answer_.instead_of_end();
    if (instead < 0) return end(StopReason::end_of_turn);
    token = SampledToken();
    token.token = instead;
  }
  if (add(std::move(token))) follow();
}

SampledToken Machine::choose(Span<const float> logits) {
  const TokenId forced = answer_.forced();
  if (forced < 0) {
    restrict();
    return sampler_.sample(logits, mask_.bits());
  }
  sampler_.observe(Span<const TokenId>(&forced, 1));
  SampledToken token;
  token.token = forced;
  return token;
}

/// Makes the mask that of the next token.
void Machine::restrict() {
  mask_.allow_all();
  if (TokenConstraint* const constraint = answer_.constraint()) {
    mask_.hold_to(*constraint);
    if (mask_.restricted() && constraint->may_stop()) {
      for (const TokenId token : ends_) mask_.allow(token);
    }
  }
  answer_.adjust(mask_);
}

/// One more token of the answer; false when it ends the generation.
bool Machine::add(SampledToken token) {
  const TokenId id = token.token;
  TokenConstraint* const constraint = answer_.outside_constraint(id) ? nullptr : answer_.constraint();
  if (constraint != nullptr) {
    GEMMA4_CHECK(constraint->accept(id), ErrorCode::internal, "generate: the constraint refused token ", id,
                 ", which it allowed or forced");
    held_ = true;
  }
  unfed_.push_back(id);
  ++generated_;
  if (const std::optional<StopReason> reason = answer_.take(std::move(token))) {
    end(*reason);
  } else if (constraint != nullptr && constraint->finished()) {
    end(StopReason::end_of_turn);
  } else if (limits_.max_tokens > 0 && generated_ == static_cast<std::size_t>(limits_.max_tokens)) {
    end(StopReason::max_tokens);
  } else if (generated_ > limits_.room) {
    end(StopReason::context_full);
  }
  return !over_;
}

/// What the constraint forces after the tokens so far. Log-probabilities take a step for each token, so then none is.
void Machine::follow() {
  TokenConstraint* const constraint = answer_.constraint();
  if (constraint == nullptr || !held_ || sampler_.reports()) return;
  for (const TokenId token : constraint->forced()) {
    sampler_.observe(Span<const TokenId>(&token, 1));
    SampledToken forced;
    forced.token = token;
    if (!add(std::move(forced))) return;
  }
}

void Machine::end(StopReason reason) {
  if (over_) return;
  over_ = true;
  reason_ = answer_.finish(reason);
}

}  // namespace gemma4::generation
