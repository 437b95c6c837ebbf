#include "tokenizer/text_assembler.h"

#include "base/check.h"
#include "base/utf8.h"

namespace gemma4::tokenizer {

void append_with_spaces(std::string_view piece, std::string& text) {
  constexpr std::string_view kSymbol = "\xE2\x96\x81";
  while (true) {
    const std::size_t at = piece.find(kSymbol);
    text.append(piece.substr(0, at));
    if (at == std::string_view::npos) return;
    text.push_back(' ');
    piece.remove_prefix(at + kSymbol.size());
  }
}

void TextAssembler::push(TokenId id, std::string& text) {
  if (vocabulary_->is_padding(id)) return;
  GEMMA4_CHECK(vocabulary_->contains(id), ErrorCode::token_out_of_range, "decode: expected a token id from 0 to ",
               vocabulary_->n_ids() - 1, ", got ", id);
  const std::string_view piece = vocabulary_->text(id);
  switch (vocabulary_->kind(id)) {
    case TokenKind::unused:
      return;
    case TokenKind::byte:
      bytes_.push_back(static_cast<char>(formats::byte_value(piece)));
      return;
    case TokenKind::special:
      if (skip_special_) return;
      break;
    case TokenKind::normal:
    case TokenKind::added:
      break;
  }
  if (!bytes_.empty()) finish(text);
  append_with_spaces(piece, text);
}

void TextAssembler::finish(std::string& text) {
  if (base::is_utf8(bytes_)) {
    text.append(bytes_);
  } else {
    for (std::size_t i = 0; i < bytes_.size(); ++i) text.append("\xEF\xBF\xBD");
  }
  bytes_.clear();
}

}  // namespace gemma4::tokenizer
