// WordCache: the tokens of short pieces of text met lately.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

#include "gemma4/types.h"
#include "tokenizer/hash.h"

namespace gemma4::tokenizer {

/// Direct-mapped: a piece takes the place of another with the same slot. One thread at a time.
class WordCache {
 public:
  static constexpr std::size_t kMaxText = 30;
  static constexpr std::size_t kMaxTokens = 8;

  /// One cache line. `text_size` 0: free.
  struct Entry {
    char text[kMaxText];
    std::uint8_t text_size;
    std::uint8_t n_tokens;
    TokenId tokens[kMaxTokens];
  };

  WordCache() : entries_(std::size_t{1} << kBits) {}

  /// The slot of a piece of 1 to kMaxText bytes, whether it holds that piece or another.
  Entry& slot(std::string_view text) noexcept { return entries_[hash_text(text) >> (64 - kBits)]; }

  static bool holds(const Entry& entry, std::string_view text) noexcept {
    return entry.text_size == text.size() && std::memcmp(entry.text, text.data(), text.size()) == 0;
  }
  static void store(Entry& entry, std::string_view text, const TokenId* tokens, std::size_t n_tokens) noexcept {
    if (n_tokens > kMaxTokens) return;
    std::memcpy(entry.text, text.data(), text.size());
    std::memcpy(entry.tokens, tokens, n_tokens * sizeof(TokenId));
    entry.text_size = static_cast<std::uint8_t>(text.size());
    entry.n_tokens = static_cast<std::uint8_t>(n_tokens);
  }

 private:
  static constexpr int kBits = 14;  // 1 MiB
  std::vector<Entry> entries_;
};

}  // namespace gemma4::tokenizer
