#include "tokenizer/characters.h"

#include "base/check.h"
#include "base/utf8.h"

namespace gemma4::tokenizer {

CharacterMap::CharacterMap(const formats::TokenizerFile& file, const Vocabulary& vocabulary) : tokens_(256, -1) {
  for (TokenId id = 0; id < vocabulary.size(); ++id) {
    const std::string_view text = vocabulary.text(id);
    if (text.empty() || text.size() > 4 || vocabulary.kind(id) == TokenKind::special) continue;
    const char* p = text.data();
    const char32_t code = base::next_code_point(p, text.data() + text.size());
    if (p == text.data() + text.size()) set(code, id);
  }
  for (const formats::TokenizerFile::AddedToken& token : file.added) {
    const std::string_view text = file.tokens[token.id];
    const char* p = text.data();
    const char32_t code = base::next_code_point(p, text.data() + text.size());
    const bool is_own = token.outside_model && code < base::kInvalidByte && find(code) == static_cast<TokenId>(token.id);
    if (is_own) set(code, -1);
  }
  const TokenId space = find(kSpaceSymbol);
  GEMMA4_CHECK(space >= 0, ErrorCode::unsupported, file.name,
               ": vocabulary: expected an entry for U+2581, which stands for the space");
  set(U' ', space);
}

void CharacterMap::set(char32_t code, TokenId id) {
  std::uint16_t& page = pages_[code >> 8];
  if (page == 0) {
    page = static_cast<std::uint16_t>(tokens_.size() >> 8);
    tokens_.resize(tokens_.size() + 256, -1);
  }
  tokens_[std::size_t{page} << 8 | (code & 0xFF)] = id;
}

JoinFilter::JoinFilter(const Vocabulary& vocabulary, const MergeTable& merges)
    : words_((std::size_t{1} << kBits) / 64) {
  for (TokenId id = 0; id < vocabulary.size(); ++id) {
    if (!merges.results()[static_cast<std::size_t>(id)]) continue;
    const std::string_view text = vocabulary.text(id);
    const char* p = text.data();
    const char* const end = p + text.size();
    char32_t left = base::next_code_point(p, end);
    while (p != end) {
      const char32_t right = base::next_code_point(p, end);
      const std::size_t bit = hash_pair(left, right) >> (64 - kBits);
      words_[bit >> 6] |= std::uint64_t{1} << (bit & 63);
      left = right;
    }
  }
}

}  // namespace gemma4::tokenizer
