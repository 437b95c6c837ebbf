// The tokenizer of a GGUF file: tokenizer.ggml.{model,pre,tokens,token_type,merges}.
#include <algorithm>
#include <array>

#include "base/check.h"
#include "base/utf8.h"
#include "formats/gguf.h"
#include "formats/tokenizer_file.h"

namespace gemma4::formats {
namespace {

constexpr std::int64_t kNormal = 1;
constexpr std::int64_t kControl = 3;
constexpr std::int64_t kUserDefined = 4;

/// Gemma's markup by its form: "<|turn>", "<turn|>", "<|image|>", and the five that look otherwise. Some producers type
/// it as control, some as user defined so that it is printed, some as normal.
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

template <class T>
T required(std::optional<T> value, const GgufFile& file, const char* key) {
  GEMMA4_CHECK(value, ErrorCode::bad_format, file.path(), ": expected the key ", key, ", it is missing");
  return *std::move(value);
}

/// llama.cpp's converter calls the model "gemma4", Ollama's "llama" with the pre-tokenizer "gemma4"; both write the merges.
/// What SentencePiece left as "llama" has scores instead.
void check_model(const GgufFile& file) {
  const std::string_view model = required(file.find_string("tokenizer.ggml.model"), file, "tokenizer.ggml.model");
  GEMMA4_CHECK(file.has("tokenizer.ggml.merges"), ErrorCode::unsupported, file.path(),
               ": tokenizer.ggml.merges is missing, and without the merges there is no exact tokenizer "
               "(tokenizer.ggml.model is \"", model, "\"; convert the model again with a converter that writes merges)");
  const auto pre = file.find_string("tokenizer.ggml.pre");
  GEMMA4_CHECK(model == "gemma4" || pre == "gemma4", ErrorCode::unsupported, file.path(),
               ": tokenizer.ggml.model: expected \"gemma4\", or tokenizer.ggml.pre \"gemma4\", got \"", model, "\" and ",
               pre ? base::concat("pre \"", *pre, "\"") : "no pre");
  // Written by no Gemma 4 converter; it would put a space before every text.
  GEMMA4_CHECK(!file.find_bool("tokenizer.ggml.add_space_prefix").value_or(false), ErrorCode::unsupported, file.path(),
               ": tokenizer.ggml.add_space_prefix: expected false, got true");
}

/// The column of types; where a file lacks it, which it may, the texts say what there is to know.
std::vector<std::int64_t> read_types(const GgufFile& file, std::size_t n_tokens) {
  auto types = file.find_ints("tokenizer.ggml.token_type");
  if (!types) return std::vector<std::int64_t>(n_tokens, kNormal);
  GEMMA4_CHECK(types->size() == n_tokens, ErrorCode::bad_format, file.path(),
               ": tokenizer.ggml.token_type: expected ", n_tokens, " entries, one per token, got ", types->size());
  return *std::move(types);
}

void read_added_tokens(const GgufFile& file, TokenizerFile& result) {
  const auto pairs = file.find_ints(kAddedTokensKey).value_or(std::vector<std::int64_t>());
  std::vector<std::int64_t> flags(result.tokens.size(), -1);
  for (std::size_t i = 0; i < pairs.size(); i += 2) {
    const std::int64_t id = pairs[i], value = i + 1 < pairs.size() ? pairs[i + 1] : -1;
    const bool is_token = id >= 0 && id < static_cast<std::int64_t>(flags.size()) && value >= 0 &&
                          value <= kAllAddedTokenFlags && !result.tokens[static_cast<std::size_t>(id)].empty();
    GEMMA4_CHECK(is_token, ErrorCode::bad_format, file.path(), ": ", kAddedTokensKey, "[", i,
                 "]: expected pairs of a token's id and flags up to ", static_cast<int>(kAllAddedTokenFlags), ", got ",
                 id, " and ", value);
    flags[static_cast<std::size_t>(id)] = value;
    result.kinds[static_cast<std::size_t>(id)] = (value & kSpecialFlag) != 0 ? TokenKind::special : TokenKind::added;
  }
  for (std::size_t id = 0; id < result.kinds.size(); ++id) {
    if (result.kinds[id] != TokenKind::added && result.kinds[id] != TokenKind::special) continue;
    const std::int64_t value = std::max<std::int64_t>(flags[id], 0);
    result.added.push_back({id, (value & kNormalizedFlag) != 0, (value & kSingleWordFlag) != 0,
                            (value & kLstripFlag) != 0, (value & kRstripFlag) != 0, (value & kOutsideModelFlag) != 0});
  }
}

}  // namespace

TokenKind gguf_token_kind(std::string_view text, std::int64_t type) noexcept {
  if (text.empty()) return TokenKind::unused;
  if (type == kControl || is_markup(text)) return TokenKind::special;
  if (byte_value(text) >= 0) return TokenKind::byte;
  if (type == kUserDefined && !is_blank(text)) return TokenKind::added;
  return TokenKind::normal;
}

TokenizerFile read_tokenizer_gguf(const GgufFile& file) {
  check_model(file);
  const GgufStrings tokens = required(file.find_strings("tokenizer.ggml.tokens"), file, "tokenizer.ggml.tokens");
  GEMMA4_CHECK(tokens.size() <= kMaxVocabSize, ErrorCode::bad_format, file.path(),
               ": tokenizer.ggml.tokens: expected at most ", kMaxVocabSize, " entries, got ", tokens.size());
  const std::vector<std::int64_t> types = read_types(file, tokens.size());

  TokenizerFile result;
  result.name = file.path();
  result.tokens.reserve(tokens.size());
  for (const std::string_view token : tokens) result.tokens.push_back(token);
  result.kinds.resize(result.tokens.size(), TokenKind::unused);
  for (std::size_t id = 0; id < result.tokens.size(); ++id) {
    const std::string_view text = result.tokens[id];
    GEMMA4_CHECK(base::is_utf8(text), ErrorCode::bad_format, file.path(), ": tokenizer.ggml.tokens[", id,
                 "]: not valid UTF-8");
    result.kinds[id] = gguf_token_kind(text, types[id]);
  }
  read_added_tokens(file, result);
  const GgufStrings merges = *file.find_strings("tokenizer.ggml.merges");
  result.merges.reserve(merges.size());
  for (const std::string_view merge : merges) result.merges.push_back({merge, {}});
  return result;
}

}  // namespace gemma4::formats
