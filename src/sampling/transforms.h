// The transforms of SamplerOptions as functions: on a vocabulary of logits, then on the candidates they leave.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "gemma4/types.h"
#include "sampling/scan.h"

namespace gemma4::sampling {

/// A token and how often it has been seen.
struct TokenCount {
  TokenId token = 0;
  std::uint32_t count = 0;
};

// On logits [vocab_size], in place. A masked token is -inf. Results beyond the largest float are that float.
// Token ids must be within the vocabulary.

/// dst [logits.size()]: the logits whose bit is set in `allowed` (bit i % 32 of word i / 32), -inf for the others.
void copy_allowed(Span<const float> logits, Span<const std::uint32_t> allowed, float* dst) noexcept;
/// -inf for these tokens.
void suppress(Span<float> logits, Span<const TokenId> tokens) noexcept;
/// logit += bias.
void add_bias(Span<float> logits, Span<const std::pair<TokenId, float>> bias) noexcept;
/// For every token seen: logit = logit > 0 ? logit / repetition : logit * repetition (HF
/// RepetitionPenaltyLogitsProcessor), then logit -= presence + frequency * count.
void penalize(Span<float> logits, Span<const TokenCount> seen, float repetition, float presence,
              float frequency) noexcept;

/// The tokens still in play, ids ascending: the order does not depend on how they were found, so equal sets draw equal
/// tokens. `scaled` is (logit - maximum) / temperature, at most 0; `weights` its exp, 0 below -87; a token's
/// probability is its weight over their sum.
class Candidates {
 public:
  /// Room for n tokens; allocates only when n grows. Contents are lost then.
  void reserve(std::size_t n);

  std::size_t count = 0;
  TokenId* ids() noexcept { return ids_.get(); }
  float* scaled() noexcept { return scaled_.get(); }
  float* weights() noexcept { return weights_.get(); }
  float* scratch() noexcept { return scratch_.get(); }  ///< Room for as many floats, for whoever is at work.
  std::vector<std::pair<float, float>>& band() noexcept { return band_; }  ///< Scratch of cut_by_mass.

 private:
  std::size_t capacity_ = 0;
  std::unique_ptr<TokenId[]> ids_;
  std::unique_ptr<float[]> scaled_, weights_, scratch_;
  std::vector<std::pair<float, float>> band_;
};

/// Candidates: the k tokens of largest logit (0: all), smaller ids first among equals; never a masked one.
/// maxima.max must be finite and temperature above 0.
void choose_top_k(Span<const float> logits, const BlockMaxima& maxima, std::size_t k, float temperature,
                  Candidates& candidates);

/// Where a set ordered by falling key ends: all tokens with keys above `key`, and `ties` of those equal to it.
struct MassCut {
  float key = 0.0F;
  std::size_t ties = 0;
};

/// The shortest prefix of the tokens, ordered by falling key, whose weights sum to `target` or more; all of them when
/// rounding leaves the sum below. Keys are at most 0. Needs no sort of the whole: it bisects for the key until few
/// tokens are in doubt, and sorts those in `band` (scratch, of keys and weights).
MassCut cut_by_mass(const float* keys, const float* weights, std::size_t count, double target,
                    std::vector<std::pair<float, float>>& band);

/// Sum of the weights, in an order of additions that depends on `count` alone.
double sum_weights(const float* weights, std::size_t count) noexcept;

/// Locally typical sampling: keeps the tokens whose surprise is nearest to the entropy, until their mass reaches p, and
/// those as near as the last (Meister et al. 2022; HF TypicalLogitsWarper).
void keep_typical(Candidates& candidates, float p);
/// Keeps the most likely tokens until their mass reaches p, smaller ids first among equals, and always the best one
/// (HF TopPLogitsWarper).
void keep_top_p(Candidates& candidates, float p);
/// Drops tokens less likely than p times the most likely one (HF MinPLogitsWarper).
void keep_min_p(Candidates& candidates, float p) noexcept;

/// Where two or more tokens have at least `threshold` of the probability, drops all of those but the least likely, of
/// equals the one of the largest id.
void exclude_top(Candidates& candidates, float threshold) noexcept;

/// The candidate at u of the cumulative weights, 0 <= u < 1; always one of positive weight.
TokenId draw(Candidates& candidates, double u) noexcept;

/// log(sum(exp(logit))), to F32 accuracy; maxima.max must be finite.
double log_sum_exp(Span<const float> logits, const BlockMaxima& maxima) noexcept;

}  // namespace gemma4::sampling
