// What a text repeats: runs of tokens that DRY penalizes, and n-grams that may not come twice.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "gemma4/types.h"

namespace gemma4::sampling {

/// A token, and how many of the latest tokens stand before it elsewhere too: what it would go on to repeat.
struct Repeat {
  TokenId token = 0;
  std::size_t length = 0;
};

/// The repeats of at least `allowed` tokens in `text`, one for each token, the longest, ids ascending. A length counts the
/// common end of text[0, i) and the whole text, at most `limit`, for a token that stands at i > 0.
/// `lengths` is scratch. Time grows with the text, not with its square.
void find_repeats(Span<const TokenId> text, std::size_t limit, std::size_t allowed, std::vector<std::size_t>& lengths,
                  std::vector<Repeat>& repeats);

/// multiplier * base ^ exponent, at most the largest float. The same bits on every platform.
float repeat_penalty(float multiplier, float base, std::size_t exponent) noexcept;

/// The tokens that would complete a run of n tokens that `text` has already, ids ascending, each once. n >= 1.
void find_repeated_ngrams(Span<const TokenId> text, std::size_t n, std::vector<TokenId>& banned);

}  // namespace gemma4::sampling
