#include "chat/reply_text.h"

#include "base/utf8.h"
#include "formats/tokenizer_file.h"

namespace gemma4::chat {
namespace {

// Whether bytes could follow that make a character of these.
bool may_begin_character(std::string bytes) {
  const auto lead = static_cast<unsigned char>(bytes[0]);
  const std::size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || bytes.size() >= length) return false;
  if (bytes.size() == 1) bytes += static_cast<char>(lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80);
  bytes.resize(length, static_cast<char>(0x80));
  return base::is_utf8(bytes);
}

}  // namespace

ReplyText::ReplyText(std::shared_ptr<const tokenizer::BpeTokenizer> tokenizer)
    : tokenizer_(std::move(tokenizer)), decoder_(tokenizer_, false) {}

std::string ReplyText::push(TokenId id) {
  std::string text;
  if (tokenizer_->vocabulary().kind(id) == formats::TokenKind::byte) {
    bytes_ += static_cast<char>(formats::byte_value(tokenizer_->vocabulary().text(id)));
    settle(true, text);
    return text;
  }
  settle(false, text);
  return text + decoder_.push(id);
}

std::string ReplyText::finish() {
  std::string text;
  settle(false, text);
  return text + decoder_.finish();
}

void ReplyText::settle(bool more_may_come, std::string& text) {
  while (!bytes_.empty() && !(more_may_come && may_begin_character(bytes_))) {
    const char* end = bytes_.data();
    const bool valid = base::next_code_point(end, bytes_.data() + bytes_.size()) < base::kInvalidByte;
    const auto n = static_cast<std::size_t>(end - bytes_.data());
    text += valid ? bytes_.substr(0, n) : "\xEF\xBF\xBD";
    bytes_.erase(0, n);
  }
}

}  // namespace gemma4::chat
