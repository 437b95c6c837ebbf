// AddedTokens: the tokens that are found in a text as a whole, before any merging.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "formats/tokenizer_file.h"
#include "gemma4/types.h"

namespace gemma4::tokenizer {

/// Finds them as HF tokenizers does: the leftmost, of several the longest; then on from its end, also where it is left
/// as text (a special token that nobody asked for, a single word within another). Constant after construction; any
/// thread.
class AddedTokens {
 public:
  /// @param normalized  those that are looked for in normalized text; else those that are looked for before.
  AddedTokens(const formats::TokenizerFile& file, bool normalized);
  AddedTokens(const AddedTokens&) = delete;  // by_text_ has views into tokens_
  AddedTokens& operator=(const AddedTokens&) = delete;

  bool empty() const noexcept { return tokens_.empty(); }

  /// Calls visit(piece, id) for what `text` is made of, from left to right; id is -1 for the text between tokens.
  /// @param with_special  also the special tokens, not only those that are always matched.
  template <class Visit>
  void split(std::string_view text, bool with_special, Visit&& visit) const {
    std::size_t done = 0;
    const bool any = with_special ? !tokens_.empty() : any_plain_;
    for (Match match = any ? find(text, 0) : Match(); match.token != nullptr; match = find(text, match.end)) {
      if ((match.token->special && !with_special) || is_within_word(text, match)) continue;
      const Match wide = with_white_space(text, match, done);
      if (wide.begin >= wide.end) continue;  // the match before has taken all of it as white space
      if (done < wide.begin) visit(text.substr(done, wide.begin - done), TokenId{-1});
      visit(text.substr(wide.begin, wide.end - wide.begin), wide.token->id);
      done = wide.end;
    }
    if (done < text.size()) visit(text.substr(done), TokenId{-1});
  }

 private:
  struct Token {
    std::string text;
    TokenId id = -1;
    bool special = false;
    bool single_word = false;
    bool lstrip = false;
    bool rstrip = false;
  };
  struct Match {
    std::size_t begin = 0, end = 0;
    const Token* token = nullptr;  // null: none
  };
  void add(Token token);
  Match find(std::string_view text, std::size_t from) const noexcept;
  static bool is_within_word(std::string_view text, const Match& match) noexcept;
  static Match with_white_space(std::string_view text, Match match, std::size_t done) noexcept;

  std::vector<Token> tokens_;
  std::unordered_map<std::string_view, std::size_t> by_text_;
  std::array<std::vector<std::uint32_t>, 256> sizes_;  // by first byte: the sizes of texts, longest first
  std::array<bool, 256> last_bytes_ = {};
  int only_first_byte_ = -1;  // when all texts begin alike
  bool any_plain_ = false;    // one that is not special
};

}  // namespace gemma4::tokenizer
