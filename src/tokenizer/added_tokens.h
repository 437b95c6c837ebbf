// AddedTokens: the tokens that are found in raw text as a whole, before any merging.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "tokenizer/vocabulary.h"

namespace gemma4::tokenizer {

/// Constant after construction; any thread. The vocabulary must outlive it.
class AddedTokens {
 public:
  /// @param with_special  also the special tokens, not only those that are always matched.
  AddedTokens(const Vocabulary& vocabulary, bool with_special);

  struct Match {
    std::size_t begin = 0;
    std::size_t size = 0;
    TokenId id = -1;  ///< -1: none; begin is then the end of the text.
  };
  /// The leftmost match at or after `from`, the longest one there.
  Match find(std::string_view text, std::size_t from) const noexcept;

 private:
  bool matches(TokenId id) const noexcept;

  const Vocabulary& vocabulary_;
  const bool with_special_;
  std::array<std::vector<std::uint32_t>, 256> sizes_;  // by first byte: the sizes of texts, longest first
  std::array<bool, 256> last_bytes_ = {};
  int only_first_byte_ = -1;  // when all texts begin alike
  bool empty_ = true;
};

}  // namespace gemma4::tokenizer
