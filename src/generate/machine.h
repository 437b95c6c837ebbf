// Machine: one generation as a state machine. It wants tokens fed and takes the logits after them; it calls no model.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "gemma4/types.h"
#include "generate/answer.h"
#include "sampling/sampler.h"

namespace gemma4::generation {

/// The one place that chooses tokens: by the sampler, under a constraint, with the end tokens, or because they are forced.
/// Who drives it feeds unfed() to a model and gives back the logits of the last of them: one session, a batch of many, or
/// a table in a test. The first logits are those of the prompt's last token. One thread at a time.
///
/// The last token is never fed. After an exception the machine is over.
class Machine {
 public:
  struct Limits {
    int max_tokens = -1;    ///< -1: until the context is full
    std::size_t room = 0;   ///< tokens that fit the context after the prompt
    std::size_t vocab_size = 0;
  };

  /// @param ends  the model's end tokens, which a constraint that may stop lets through.
  /// The sampler and the answer outlive it. Throws Error invalid_argument: max_tokens below -1.
  Machine(sampling::SamplerState& sampler, Answer& answer, std::vector<TokenId> ends, const Limits& limits);

  /// Chosen and not fed yet, oldest first; empty before the first choice and when it is over.
  Span<const TokenId> unfed() const noexcept { return over_ ? Span<const TokenId>() : Span<const TokenId>(unfed_); }
  /// The logits [vocab_size] after all that was fed. Chooses the next token, and takes those that a constraint forces
  /// after it.
  void take(Span<const float> logits);
  /// Ends it for a reason of the driver's (cancelled). Nothing happens when it is over.
  void end(StopReason reason);

  /// Ends it where it cannot go on: nothing of what is held back comes.
  void abandon() noexcept { over_ = true; }

  bool over() const noexcept { return over_; }
  /// Once it is over.
  StopReason reason() const noexcept { return reason_; }
  /// Tokens taken so far; an end token is not one.
  std::size_t generated() const noexcept { return generated_; }
  /// Those and the end token, once it was chosen.
  std::size_t chosen() const noexcept { return chosen_; }

 private:
  void step(Span<const float> logits);
  SampledToken choose(Span<const float> logits);
  void restrict();
  bool add(SampledToken token);
  void follow();

  sampling::SamplerState& sampler_;
  Answer& answer_;
  const std::vector<TokenId> ends_;
  const Limits limits_;
  TokenMask mask_;
  std::vector<TokenId> unfed_;
  std::size_t generated_ = 0, chosen_ = 0;
  bool held_ = false;  // the constraint has taken a token
  bool over_ = false;
  StopReason reason_ = StopReason::end_of_turn;
};

}  // namespace gemma4::generation
