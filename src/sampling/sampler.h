// SamplerState: the body of the public Sampler; options, generator, tokens seen, and the buffers of a draw.
#pragma once

#include <vector>

#include "gemma4/options.h"
#include "gemma4/types.h"
#include "sampling/random.h"
#include "sampling/repetition.h"
#include "sampling/scan.h"
#include "sampling/seen_tokens.h"
#include "sampling/transforms.h"

namespace gemma4::sampling {

/// Throws Error invalid_argument naming the field, its range and the value.
void validate(const SamplerOptions& options);

class SamplerState {
 public:
  explicit SamplerState(const SamplerOptions& options);
  SamplerState(const SamplerState& other);  ///< Draws on alike; buffers are not copied.
  SamplerState& operator=(const SamplerState&) = delete;

  /// As Sampler::sample. Takes one number from the generator per call, with XTC two, none when greedy. After the first call with a
  /// vocabulary allocates nothing but SampledToken::top, unless penalty_last_n is large (SeenTokens).
  /// `allowed` is empty, or a mask as Sampler::sample has it, of the right size.
  SampledToken sample(Span<const float> logits, Span<const std::uint32_t> allowed = {});
  void observe(Span<const TokenId> tokens);
  /// The same, and nothing seen before counts any more.
  void observe_anew(Span<const TokenId> tokens);
  void reset();
  const SamplerOptions& options() const noexcept { return options_; }
  /// True when it tells log-probabilities.
  bool reports() const noexcept { return options_.logprobs || options_.top_logprobs > 0; }
  std::uint64_t seed() const noexcept { return seed_; }
  /// Grows with every call of sample, observe and reset: who works with it in between is noticed.
  std::uint64_t uses() const noexcept { return uses_; }

 private:
  void see(TokenId token);
  void forget_text() noexcept;
  void avoid_repetition(Span<float> logits);
  Span<const float> adjust(Span<const float> logits, Span<const std::uint32_t> allowed);
  TokenId choose(Span<const float> logits);
  void report(Span<const float> logits, SampledToken& sampled);

  SamplerOptions options_;
  bool penalizes_ = false;
  std::uint64_t seed_;
  Random random_;
  SeenTokens seen_;
  bool looks_back_ = false;  // DRY or n-grams
  Repetition text_;
  std::uint64_t uses_ = 0;

  std::vector<float> adjusted_;
  BlockMaxima maxima_;
  Candidates candidates_;
};

}  // namespace gemma4::sampling
