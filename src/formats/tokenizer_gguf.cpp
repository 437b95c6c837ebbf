// The tokenizer of a GGUF file: tokenizer.ggml.{model,tokens,token_type,merges}.
#include <algorithm>
#include <array>

#include "base/check.h"
#include "base/utf8.h"
#include "formats/gguf.h"
#include "formats/tokenizer_file.h"

namespace gemma4::formats {
namespace {

constexpr std::int64_t kControl = 3;
constexpr std::int64_t kUserDefined = 4;

/// Gemma's markup by its form: "<|turn>", "<turn|>", "<|image|>", and the five that look otherwise. Producers disagree
/// on the type column (typed control, user defined so that it is printed, or normal), so the text decides too.
bool is_markup(std::string_view text) noexcept {
  static constexpr std::array<std::string_view, 5> kPlain = {"<pad>", "<eos>", "<bos>", "<unk>", "<mask>"};
  if (std::find(kPlain.begin(), kPlain.end(), text) != kPlain.end()) return true;
  return text.size() > 3 && text.front() == '<' && text.back() == '>' &&
         (text[1] == '|' || text[text.size() - 2] == '|');
}

/// Runs of spaces or newlines, which some files type as user defined; the merges make them anyway.
bool is_blank(std::string_view text) noexcept {
  while (!text.empty()) {
    const std::size_t step = text.substr(0, 3) == "\xE2\x96\x81" ? 3 : 1;
    if (step == 1 && text[0] != ' ' && text[0] != '\n' && text[0] != '\t' && text[0] != '\r') return false;
    text.remove_prefix(step);
  }
  return true;
}

TokenKind kind_of(std::string_view text, std::int64_t type) noexcept {
  if (text.empty()) return TokenKind::unused;
  if (type == kControl || is_markup(text)) return TokenKind::special;
  if (byte_value(text) >= 0) return TokenKind::byte;
  if (type == kUserDefined && !is_blank(text)) return TokenKind::added;
  return TokenKind::normal;
}

template <class T>
T required(std::optional<T> value, const GgufFile& file, const char* key) {
  GEMMA4_CHECK(value, ErrorCode::bad_format, file.path(), ": expected the key ", key, ", it is missing");
  return *std::move(value);
}

}  // namespace

TokenizerFile read_tokenizer_gguf(const GgufFile& file) {
  const std::string_view model = required(file.find_string("tokenizer.ggml.model"), file, "tokenizer.ggml.model");
  GEMMA4_CHECK(model == "gemma4", ErrorCode::unsupported, file.path(),
               ": tokenizer.ggml.model: expected \"gemma4\", got \"", model,
               "\" (a file from before converters knew Gemma 4's tokenizer; convert the model again)");
  GEMMA4_CHECK(file.has("tokenizer.ggml.merges"), ErrorCode::unsupported, file.path(),
               ": tokenizer.ggml.merges is missing, and without the merges there is no exact tokenizer");
  // Written by no Gemma 4 converter; it would put a space before every text.
  GEMMA4_CHECK(!file.find_bool("tokenizer.ggml.add_space_prefix").value_or(false), ErrorCode::unsupported, file.path(),
               ": tokenizer.ggml.add_space_prefix: expected false, got true");

  const GgufStrings tokens = required(file.find_strings("tokenizer.ggml.tokens"), file, "tokenizer.ggml.tokens");
  GEMMA4_CHECK(tokens.size() <= kMaxVocabSize, ErrorCode::bad_format, file.path(),
               ": tokenizer.ggml.tokens: expected at most ", kMaxVocabSize, " entries, got ", tokens.size());
  const std::vector<std::int64_t> types =
      required(file.find_ints("tokenizer.ggml.token_type"), file, "tokenizer.ggml.token_type");
  GEMMA4_CHECK(types.size() == tokens.size(), ErrorCode::bad_format, file.path(),
               ": tokenizer.ggml.token_type: expected ", tokens.size(), " entries, one per token, got ", types.size());

  TokenizerFile result;
  result.name = file.path();
  result.tokens.reserve(tokens.size());
  for (const std::string_view token : tokens) result.tokens.push_back(token);
  result.kinds.resize(result.tokens.size(), TokenKind::unused);
  for (std::size_t id = 0; id < result.tokens.size(); ++id) {
    std::string_view& text = result.tokens[id];
    GEMMA4_CHECK(base::is_utf8(text), ErrorCode::bad_format, file.path(), ": tokenizer.ggml.tokens[", id,
                 "]: not valid UTF-8");
    result.kinds[id] = kind_of(text, types[id]);
  }
  const GgufStrings merges = *file.find_strings("tokenizer.ggml.merges");
  result.merges.reserve(merges.size());
  for (const std::string_view merge : merges) result.merges.push_back({merge, {}});
  return result;
}

}  // namespace gemma4::formats
