// SamplerState: the body of the public Sampler; options, generator, tokens seen, and the buffers of a draw.
#pragma once

#include <vector>

#include "gemma4/options.h"
#include "gemma4/types.h"
#include "sampling/random.h"
#include "sampling/repeats.h"
#include "sampling/scan.h"
#include "sampling/seen_tokens.h"
#include "sampling/token_history.h"
#include "sampling/transforms.h"

namespace gemma4::sampling {

/// Throws Error invalid_argument naming the field, its range and the value.
void validate(const SamplerOptions& options);

class SamplerState {
 public:
  explicit SamplerState(const SamplerOptions& options);
  SamplerState(const SamplerState& other);  ///< Draws on alike; buffers are not copied.
  SamplerState& operator=(const SamplerState&) = delete;

  /// As Sampler::sample. Takes one number from the generator per call, two where XTC is on, none when greedy. After the
  /// first call with a vocabulary allocates nothing but SampledToken::top, unless penalty_last_n is large (SeenTokens) or
  /// the order of tokens counts (TokenHistory).
  /// `allowed` is empty, or a mask as Sampler::sample has it, of the right size.
  SampledToken sample(Span<const float> logits, Span<const std::uint32_t> allowed = {});
  void observe(Span<const TokenId> tokens);
  void reset();
  /// What tokens say, for the sequence breakers (TokenHistory::set_texts).
  void set_texts(const TokenTexts& texts);
  const SamplerOptions& options() const noexcept { return options_; }
  std::uint64_t seed() const noexcept { return seed_; }
  /// Grows with every call of sample, observe and reset: who works with it in between is noticed.
  std::uint64_t uses() const noexcept { return uses_; }

 private:
  void find_repeated();
  Span<const float> adjust(Span<const float> logits, Span<const std::uint32_t> allowed);
  void discourage_repeats();
  void ban_ngrams();
  TokenId choose(Span<const float> logits);
  void report(Span<const float> logits, SampledToken& sampled);

  SamplerOptions options_;
  bool penalizes_ = false;
  std::uint64_t seed_;
  Random random_;
  SeenTokens seen_;
  bool dry_ = false;
  TokenHistory history_;  // kept where DRY or n-grams need it
  std::uint64_t uses_ = 0;

  std::vector<float> adjusted_;
  std::vector<std::size_t> lengths_;
  std::vector<Repeat> repeats_;   // of the text now, for DRY
  std::vector<TokenId> banned_;   // by no_repeat_ngram_size now
  std::vector<float> lifted_;     // their logits without the ban
  BlockMaxima maxima_;
  Candidates candidates_;
};

}  // namespace gemma4::sampling
