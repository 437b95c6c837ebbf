// TokenHistory: the latest tokens of a sequence in their order, and how long ago a sequence breaker was.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "gemma4/types.h"

namespace gemma4::sampling {

/// Texts of tokens, for a layer that knows no tokenizer.
struct TokenTexts {
  std::shared_ptr<const void> vocabulary;  ///< What they are texts of; null: there are none.
  /// Appends the token's text; nothing for an id that has none.
  void (*append)(const void* vocabulary, TokenId token, std::string& text) = nullptr;

  std::string of(TokenId token) const;
};

/// Keeps the last `window` tokens (-1: all). A breaker is a text; it may begin in one token and end in another.
class TokenHistory {
 public:
  TokenHistory(int window, std::vector<std::string> breakers);

  /// False where breakers are looked for and nobody has said what tokens say.
  bool can_find_breakers() const noexcept { return breakers_.empty() || texts_.vocabulary != nullptr; }
  /// The texts of the tokens that are here and of those to come. Nothing happens where none are needed, or where they are
  /// of the same vocabulary already.
  void set_texts(TokenTexts texts);

  void add(TokenId token);
  void clear() noexcept;
  /// Oldest first.
  Span<const TokenId> tokens() const noexcept { return {tokens_.data() + begin_, tokens_.size() - begin_}; }
  /// How many tokens came after the one that completed the last breaker; at most tokens().size().
  std::size_t since_breaker() const noexcept;
  /// True where the token's own text contains a breaker.
  bool is_breaker(TokenId token) const;

 private:
  void look_for_breaker(TokenId token);

  std::size_t window_;  // the largest number for all
  std::vector<std::string> breakers_;
  std::size_t longest_ = 0;  // breaker, in bytes
  TokenTexts texts_;
  std::vector<TokenId> tokens_;
  std::size_t begin_ = 0;        // of the window in tokens_
  std::size_t since_breaker_ = 0;  // counts on beyond the window
  std::string text_;               // the last bytes, as many as a breaker may need; then a token's
};

}  // namespace gemma4::sampling
