#include "chat/markup.h"

#include <algorithm>

#include "base/check.h"

namespace gemma4::chat {
namespace {

/// Spelled like Gemma's markup: "<|turn>", "<turn|>", "<|image|>". Some files type such tokens as ordinary added ones,
/// which a tokenizer finds in any text.
bool is_markup(std::string_view token) noexcept {
  return token.size() > 3 && token.front() == '<' && token.back() == '>' &&
         (token[1] == '|' || token[token.size() - 2] == '|');
}

}  // namespace

Markup& Markup::control(std::string_view token) {
  runs_.push_back({true, std::string(token)});
  return *this;
}

Markup& Markup::text(std::string_view text) {
  if (text.empty()) return *this;
  if (runs_.empty() || runs_.back().control) runs_.push_back({false, {}});
  runs_.back().text += text;
  return *this;
}

void Markup::append(const Markup& other) {
  for (const Run& run : other.runs_) run.control ? control(run.text) : text(run.text);
}

bool Markup::ends_with(std::string_view control, std::string_view text) const noexcept {
  const std::size_t n = runs_.size();
  return n >= 2 && runs_[n - 2].control && runs_[n - 2].text == control && runs_[n - 1].text == text;
}

std::string Markup::str() const {
  std::string result;
  for (const Run& run : runs_) result += run.text;
  return result;
}

std::vector<TokenId> Markup::encode(const tokenizer::BpeTokenizer& tokenizer) const {
  std::vector<TokenId> ids;
  for (const Run& run : runs_) {
    if (!run.control) {
      encode_plain(tokenizer, run.text, ids);
      continue;
    }
    const TokenId id = tokenizer.token_to_id(run.text);
    GEMMA4_CHECK(id >= 0, ErrorCode::unsupported, "the model's tokenizer has no \"", run.text,
                 "\": it was not made for such conversations");
    ids.push_back(id);
  }
  return ids;
}

void encode_plain(const tokenizer::BpeTokenizer& tokenizer, std::string_view text, std::vector<TokenId>& ids) {
  const std::vector<TokenId> whole = tokenizer.encode(text, false, false);
  const bool plain = std::none_of(whole.begin(), whole.end(), [&](TokenId id) {
    return tokenizer.is_special(id) || is_markup(tokenizer.id_to_token(id));
  });
  if (plain) {
    ids.insert(ids.end(), whole.begin(), whole.end());
    return;
  }
  // Every token of markup begins with '<': cut behind each, and none is left to be found.
  while (!text.empty()) {
    const std::size_t cut = std::min(text.find('<'), text.size() - 1) + 1;
    const std::vector<TokenId> part = tokenizer.encode(text.substr(0, cut), false, false);
    ids.insert(ids.end(), part.begin(), part.end());
    text.remove_prefix(cut);
  }
}

}  // namespace gemma4::chat
