// Repetition: what a token would repeat of the text so far, as a whole stretch; for DRY and n-grams that come once.
#pragma once

#include <cstddef>
#include <vector>

#include "gemma4/types.h"

namespace gemma4::sampling {

/// A token that would make a repeated stretch longer: so many tokens before it stand the same elsewhere, with it behind them.
struct Continuation {
  TokenId token = 0;
  std::size_t length = 0;
};

/// The text so far, oldest first.
class Repetition {
 public:
  void add(TokenId token) { text_.push_back(token); }
  void clear() noexcept { text_.clear(); }

  /// The longest stretch for each token that would repeat one of `least` >= 1 or more tokens, ids ascending. Looks at the last
  /// `window` tokens (-1: all). No stretch goes over one of `breakers`, and none of those is named. Linear in the window.
  const std::vector<Continuation>& continuations(std::size_t least, int window, const std::vector<TokenId>& breakers);
  /// The tokens with which the last n - 1 tokens stand somewhere already, ids ascending, each once; n >= 1.
  const std::vector<TokenId>& closing(std::size_t n);

 private:
  std::vector<TokenId> text_;
  std::vector<std::size_t> matches_;  // scratch
  std::vector<Continuation> continuations_;
  std::vector<TokenId> closing_;
};

}  // namespace gemma4::sampling
