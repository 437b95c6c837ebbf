#include "tokenizer/added_tokens.h"

#include <algorithm>
#include <cstring>
#include <functional>

namespace gemma4::tokenizer {

AddedTokens::AddedTokens(const Vocabulary& vocabulary, bool with_special)
    : vocabulary_(vocabulary), with_special_(with_special) {
  for (TokenId id = 0; id < vocabulary.size(); ++id) {
    if (!matches(id)) continue;
    const std::string_view text = vocabulary.text(id);
    const auto first = static_cast<unsigned char>(text.front());
    std::vector<std::uint32_t>& sizes = sizes_[first];
    const auto size = static_cast<std::uint32_t>(text.size());
    const auto at = std::lower_bound(sizes.begin(), sizes.end(), size, std::greater<>());
    if (at == sizes.end() || *at != size) sizes.insert(at, size);
    last_bytes_[static_cast<unsigned char>(text.back())] = true;
    only_first_byte_ = empty_ || only_first_byte_ == first ? first : -1;
    empty_ = false;
  }
}

bool AddedTokens::matches(TokenId id) const noexcept {
  const TokenKind kind = vocabulary_.kind(id);
  return kind == TokenKind::added || (with_special_ && kind == TokenKind::special);
}

AddedTokens::Match AddedTokens::find(std::string_view text, std::size_t from) const noexcept {
  if (empty_) return {text.size(), 0, -1};
  for (std::size_t begin = from; begin < text.size(); ++begin) {
    if (only_first_byte_ >= 0) {
      const void* const found = std::memchr(text.data() + begin, only_first_byte_, text.size() - begin);
      if (found == nullptr) break;
      begin = static_cast<std::size_t>(static_cast<const char*>(found) - text.data());
    }
    for (const std::uint32_t size : sizes_[static_cast<unsigned char>(text[begin])]) {
      if (size > text.size() - begin || !last_bytes_[static_cast<unsigned char>(text[begin + size - 1])]) continue;
      const TokenId id = vocabulary_.find(text.substr(begin, size));
      if (id >= 0 && matches(id)) return {begin, size, id};
    }
  }
  return {text.size(), 0, -1};
}

}  // namespace gemma4::tokenizer
