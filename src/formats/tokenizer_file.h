// What a tokenizer.json or a GGUF file says about its tokenizer, checked and in one form.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace gemma4::formats {

class GgufFile;
class JsonDocument;

enum class TokenKind : std::uint8_t {
  unused,   ///< An id without a text.
  normal,   ///< Reached by merging characters.
  byte,     ///< "<0xE2>": one byte of a character that has no entry.
  added,    ///< Always matched as a whole in the text, before any merging (an "added token" that is not special).
  special,  ///< Markup ("<bos>", "<|turn>"): matched as a whole, and only when the caller asks.
};

/// Gemma's tokenizer as a file describes it: BPE over code points with byte fallback, spaces written as U+2581. A file
/// that describes anything else is refused (unsupported), because its ids would be silently wrong.
struct TokenizerFile {
  /// Two texts that may be joined. Where `right` is empty, `left` holds both, split at one of its spaces.
  struct Merge {
    std::string_view left;
    std::string_view right;
  };

  /// How a token of kind added or special is found in a text.
  struct AddedToken {
    std::size_t id = 0;
    bool normalized = false;   ///< In normalized text, after those that are not; its own text is normalized, too.
    bool single_word = false;  ///< Only where no letter, digit or the like stands beside it.
    bool lstrip = false;       ///< With the white space before it,
    bool rstrip = false;       ///< and after it.
    bool outside_model = false;  ///< It is no text that characters merge to: found as a whole or not at all.
  };

  std::string name;                      ///< The file, for messages.
  std::vector<std::string_view> tokens;  ///< [vocab_size] valid UTF-8; empty where unused.
  std::vector<TokenKind> kinds;          ///< [vocab_size]
  std::vector<AddedToken> added;         ///< Every token of kind added or special, each id once.
  std::vector<Merge> merges;             ///< The first is applied first.
  std::shared_ptr<const void> memory;    ///< Keeps the texts alive, where the reader owns them.
};

/// A tokenizer.json of HF tokenizers. Throws Error bad_format or unsupported; the latter names the stage.
TokenizerFile read_tokenizer_json(std::shared_ptr<const JsonDocument> document);

/// The tokenizer.ggml.* keys of a GGUF file, which must outlive the result. Throws Error bad_format or unsupported.
TokenizerFile read_tokenizer_gguf(const GgufFile& file);

/// The kind of a token by its text and its tokenizer.ggml.token_type. Producers disagree on the types of markup, so there
/// the text decides.
TokenKind gguf_token_kind(std::string_view text, std::int64_t type) noexcept;

/// GGUF has no place for how an added token is found. Where types and texts say too little, this key of our own does:
/// i32 pairs of an id and these flags. Other readers pass over it.
constexpr const char* kAddedTokensKey = "gemma4.tokenizer.added_tokens";
enum AddedTokenFlags : std::int32_t {
  kNormalizedFlag = 1,
  kSingleWordFlag = 2,
  kLstripFlag = 4,
  kRstripFlag = 8,
  kSpecialFlag = 16,
  kOutsideModelFlag = 32,
  kAllAddedTokenFlags = 63
};

/// The byte that a text of the form "<0xE2>" names, or -1.
int byte_value(std::string_view text) noexcept;

/// The largest vocabulary that is believed.
constexpr std::size_t kMaxVocabSize = std::size_t{1} << 22;

}  // namespace gemma4::formats
