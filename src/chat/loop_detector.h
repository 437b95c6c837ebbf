// LoopDetector: notices a reply that repeats itself without end.
#pragma once

#include <cstddef>
#include <vector>

#include "gemma4/types.h"

namespace gemma4::chat {

/// A loop is a tail of the tokens that is a stretch of p <= kLongest tokens repeated at least kRepeats times and over
/// at least `tokens` tokens. A few hundred comparisons a token.
class LoopDetector {
 public:
  static constexpr std::size_t kLongest = 256, kRepeats = 6;

  /// @param tokens  0: never finds any.
  explicit LoopDetector(int tokens);
  /// True when the tokens so far end in a loop.
  bool push(TokenId token);

 private:
  std::size_t tokens_;
  std::vector<TokenId> last_;      // ring of kLongest
  std::vector<std::size_t> runs_;  // by p - 1: how many tokens in a row equal the one p before them
  std::size_t n_ = 0;
};

}  // namespace gemma4::chat
