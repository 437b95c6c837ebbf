// SeenTokens: the latest tokens of a sequence with their counts, for the penalties.
#pragma once

#include <cstddef>
#include <vector>

#include "gemma4/types.h"
#include "sampling/transforms.h"

namespace gemma4::sampling {

/// Counts the last `window` tokens (-1: all). Memory for small windows is there from the start; else it grows.
class SeenTokens {
 public:
  explicit SeenTokens(int window);

  void add(TokenId token);
  void clear() noexcept;
  /// The tokens in the window, ids ascending.
  Span<const TokenCount> counts() const noexcept { return counts_; }

 private:
  void forget(TokenId token);

  int window_;
  std::vector<TokenId> ring_;  ///< The window's tokens; the oldest is at oldest_ once it is full. Unused for -1.
  std::size_t oldest_ = 0;
  std::vector<TokenCount> counts_;  ///< Sorted by token.
};

}  // namespace gemma4::sampling
