#include "chat_format.h"

#include "gemma4/error.h"

namespace cli {
namespace {

using gemma4::TokenId;

void append(std::vector<TokenId>& to, const std::vector<TokenId>& ids) { to.insert(to.end(), ids.begin(), ids.end()); }

// The template trims every text.
std::string trimmed(const std::string& text) {
  const char* const space = " \t\r\n\v\f";
  const std::size_t first = text.find_first_not_of(space);
  if (first == std::string::npos) return {};
  return text.substr(first, text.find_last_not_of(space) - first + 1);
}

}  // namespace

ChatFormat::ChatFormat(const gemma4::Model& model)
    : tokenizer_(model.tokenizer()),
      // Models without per-layer inputs are cued with an empty thought when thinking is off; the small ones, which have
      // them, would start to think aloud.
      large_(model.config().hidden_size_per_layer_input == 0) {
  if (!supports(tokenizer_)) {
    throw gemma4::Error(gemma4::ErrorCode::unsupported,
                        "the model's tokenizer has no \"<|turn>\": it was not trained for conversations");
  }
}

std::vector<TokenId> ChatFormat::begin(const std::string& system, bool think) const {
  std::vector<TokenId> ids = markup("<bos>");
  const std::string text = trimmed(system);
  if (text.empty() && !think) return ids;
  append(ids, markup(think ? "<|turn>system\n<|think|>\n" : "<|turn>system\n"));
  append(ids, tokenizer_.encode(text));
  append(ids, markup("<turn|>\n"));
  return ids;
}

std::vector<TokenId> ChatFormat::user_turn(const std::string& text, bool think) const {
  std::vector<TokenId> ids = markup("<|turn>user\n");
  append(ids, tokenizer_.encode(trimmed(text)));
  append(ids, markup("<turn|>\n<|turn>model\n"));
  if (large_ && !think) append(ids, markup("<|channel>thought\n<channel|>"));
  return ids;
}

std::vector<TokenId> ChatFormat::end_turn() const { return markup("<turn|>\n"); }

std::vector<TokenId> ChatFormat::without_thoughts(const std::vector<TokenId>& answer) const {
  const TokenId open = tokenizer_.token_to_id("<|channel>");
  const TokenId close = tokenizer_.token_to_id("<channel|>");
  std::vector<TokenId> kept;
  bool thinking = false;
  for (const TokenId id : answer) {
    if (id == open && open >= 0) thinking = true;
    if (!thinking && id != close) kept.push_back(id);
    if (id == close) thinking = false;
  }
  return kept;
}

std::vector<TokenId> ChatFormat::markup(const std::string& text) const { return tokenizer_.encode(text, false, true); }

}  // namespace cli
