// Sampler: logits to token, seeded.
#pragma once

#include <memory>

#include "gemma4/options.h"
#include "gemma4/types.h"

namespace gemma4 {

class Tokenizer;
namespace sampling {
class SamplerState;
}

/// Chooses tokens from logits. Knows no model. One thread at a time. Copying copies the state, the seed too: the copy
/// draws on alike.
class Sampler {
 public:
  /// Throws Error invalid_argument for values outside their range (negative temperature, top_p outside [0, 1], ...),
  /// and io where a seed is asked for and the system has none to give.
  explicit Sampler(const SamplerOptions& options = {});
  Sampler(const Sampler&);
  Sampler& operator=(const Sampler&);
  Sampler(Sampler&&) noexcept;
  Sampler& operator=(Sampler&&) noexcept;
  ~Sampler();

  /// Draws a token from [vocab_size] logits and counts it as seen. Throws Error non_finite when nothing finite is left
  /// to choose from (a logit is NaN, or every token is suppressed), and invalid_argument where set_tokenizer() is missing.
  SampledToken sample(Span<const float> logits);

  /// The same among the tokens of a mask: bit (id % 32) of allowed[id / 32], [mask_words(vocab_size)]. Log-probabilities
  /// are those of the raw logits still. Throws Error non_finite when the mask leaves no finite logit, and
  /// invalid_argument when it has another size.
  SampledToken sample(Span<const float> logits, Span<const std::uint32_t> allowed);

  /// Says what tokens say, for SamplerOptions::dry_sequence_breakers: the tokenizer of the model that the logits are of.
  /// generate() and Chat do this themselves; without it and with DRY and breakers, sample() throws Error invalid_argument.
  /// The tokens seen before are read again.
  void set_tokenizer(const Tokenizer& tokenizer);

  /// Counts tokens as seen, for the penalties, DRY and the n-grams (a prompt, or tokens chosen elsewhere).
  void observe(Span<const TokenId> tokens);
  /// Forgets what was seen and restarts the generator from seed(): the same draws come again.
  void reset();

  /// As given.
  const SamplerOptions& options() const noexcept;
  /// The seed that is used: the one given, or the one drawn. Given to another sampler, it repeats this one's draws.
  std::uint64_t seed() const noexcept;
  sampling::SamplerState& impl() noexcept { return *impl_; }

 private:
  std::unique_ptr<sampling::SamplerState> impl_;
};

}  // namespace gemma4
