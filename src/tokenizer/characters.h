// CharacterMap: the token of a single character. JoinFilter: which characters no token joins, so where text may be cut.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "tokenizer/merge_table.h"
#include "tokenizer/vocabulary.h"

namespace gemma4::tokenizer {

constexpr char32_t kSpaceSymbol = 0x2581;  // stands for a space in the vocabulary

/// Constant after construction; any thread.
class CharacterMap {
 public:
  /// Throws Error unsupported when U+2581 has no token.
  CharacterMap(const formats::TokenizerFile& file, const Vocabulary& vocabulary);

  /// The token of a character (a space is U+2581), or -1; also for the invalid bytes of base::next_code_point().
  TokenId find(char32_t code) const noexcept { return tokens_[std::size_t{pages_[code >> 8]} << 8 | (code & 0xFF)]; }

 private:
  void set(char32_t code, TokenId id);
  std::array<std::uint16_t, 0x1101> pages_ = {};  // code >> 8 to page; page 0 is empty
  std::vector<TokenId> tokens_;                   // [pages][256]
};

/// Between two characters that stand side by side inside no result of a merge, BPE never merges, and what happens on
/// one side does not depend on the other: text may be cut there, exactly. Kept as a bit per hash of a pair: a bit set
/// by another pair costs a longer piece, never a wrong one. Constant after construction; any thread.
class JoinFilter {
 public:
  JoinFilter(const Vocabulary& vocabulary, const MergeTable& merges);

  /// False: no merge joins these neighbours. Spaces must come as U+2581.
  bool may_join(char32_t left, char32_t right) const noexcept {
    const std::size_t bit = hash_pair(left, right) >> (64 - kBits);
    return (words_[bit >> 6] >> (bit & 63) & 1) != 0;
  }

 private:
  static constexpr int kBits = 19;  // 64 KiB; Gemma's 34,000 pairs set 6 % of it
  std::vector<std::uint64_t> words_;
};

}  // namespace gemma4::tokenizer
