#include "tokenizer/added_tokens.h"

#include <algorithm>
#include <cstring>
#include <functional>
#include <utility>

#include "base/utf8.h"
#include "tokenizer/character_classes.h"
#include "tokenizer/normalize.h"

namespace gemma4::tokenizer {
namespace {

using formats::TokenKind;

/// Where the white space at the end of a text begins.
std::size_t end_without_white_space(std::string_view text) noexcept {
  while (!text.empty()) {
    const auto [code, size] = base::last_code_point(text);
    if (!is_white_space(code)) break;
    text.remove_suffix(size);
  }
  return text.size();
}

/// The bytes of white space at the beginning of a text.
std::size_t leading_white_space(std::string_view text) noexcept {
  const char* p = text.data();
  const char* const end = p + text.size();
  while (p != end) {
    const char* const begin = p;
    if (!is_white_space(base::next_code_point(p, end))) return static_cast<std::size_t>(begin - text.data());
  }
  return text.size();
}

bool begins_with_word(std::string_view text) noexcept {
  const char* p = text.data();
  return !text.empty() && is_word(base::next_code_point(p, p + text.size()));
}

bool ends_with_word(std::string_view text) noexcept {
  return !text.empty() && is_word(base::last_code_point(text).code);
}

}  // namespace

AddedTokens::AddedTokens(const formats::TokenizerFile& file, bool normalized) {
  tokens_.reserve(file.added.size());
  // Of texts that are one after the normalizer, a special token's counts; else the first of the file.
  for (const bool special : {true, false}) {
    for (const formats::TokenizerFile::AddedToken& token : file.added) {
      if (token.normalized != normalized || (file.kinds[token.id] == TokenKind::special) != special) continue;
      const std::string_view text = file.tokens[token.id];
      add({normalized ? normalize(text) : std::string(text), static_cast<TokenId>(token.id), special,
           token.single_word, token.lstrip, token.rstrip});
    }
  }
}

void AddedTokens::add(Token token) {
  const auto first = static_cast<unsigned char>(token.text.front());
  std::vector<std::uint32_t>& sizes = sizes_[first];
  const auto size = static_cast<std::uint32_t>(token.text.size());
  const auto at = std::lower_bound(sizes.begin(), sizes.end(), size, std::greater<>());
  if (at == sizes.end() || *at != size) sizes.insert(at, size);
  last_bytes_[static_cast<unsigned char>(token.text.back())] = true;
  only_first_byte_ = tokens_.empty() || only_first_byte_ == first ? first : -1;
  any_plain_ = any_plain_ || !token.special;
  tokens_.push_back(std::move(token));
  by_text_.try_emplace(tokens_.back().text, tokens_.size() - 1);
}

AddedTokens::Match AddedTokens::find(std::string_view text, std::size_t from) const noexcept {
  for (std::size_t begin = from; begin < text.size(); ++begin) {
    if (only_first_byte_ >= 0) {
      const void* const found = std::memchr(text.data() + begin, only_first_byte_, text.size() - begin);
      if (found == nullptr) break;
      begin = static_cast<std::size_t>(static_cast<const char*>(found) - text.data());
    }
    for (const std::uint32_t size : sizes_[static_cast<unsigned char>(text[begin])]) {
      if (size > text.size() - begin || !last_bytes_[static_cast<unsigned char>(text[begin + size - 1])]) continue;
      const auto found = by_text_.find(text.substr(begin, size));
      if (found != by_text_.end()) return {begin, begin + size, &tokens_[found->second]};
    }
  }
  return {};
}

bool AddedTokens::is_within_word(std::string_view text, const Match& match) noexcept {
  return match.token->single_word &&
         (ends_with_word(text.substr(0, match.begin)) || begins_with_word(text.substr(match.end)));
}

/// @param done  the end of the match before, whose white space is taken already; may be all that there is.
AddedTokens::Match AddedTokens::with_white_space(std::string_view text, Match match, std::size_t done) noexcept {
  if (match.token->lstrip) match.begin = std::max(end_without_white_space(text.substr(0, match.begin)), done);
  if (match.token->rstrip) match.end += leading_white_space(text.substr(match.end));
  return match;
}

}  // namespace gemma4::tokenizer
