// Tokenizer: text to token ids and back; TokenDecoder: the same, streaming.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gemma4/types.h"

namespace gemma4 {

namespace tokenizer {
class BpeTokenizer;
class StreamDecoder;
}  // namespace tokenizer

/// Gemma's byte-fallback BPE. Immutable, any thread. Cheap to copy: copies share the vocabulary.
class Tokenizer {
 public:
  /// Reads tokenizer.json (a file, or a folder that holds one) or the tokenizer of a GGUF file (or of the one GGUF model
  /// of a folder). Added tokens are found as HF tokenizers finds them.
  /// Throws Error: not_found, io, bad_format, unsupported.
  static Tokenizer load(const std::string& path);

  /// Text to ids. UTF-8; bytes that are not valid UTF-8 become byte tokens. Never fails on any text.
  /// @param add_bos        prepend bos_token(), if there is one.
  /// @param parse_special  let the text of control tokens ("<bos>", "<|turn>") become those tokens. Off by default:
  ///                       what users or tools write must not be able to forge the markup of a conversation.
  std::vector<TokenId> encode(std::string_view text, bool add_bos = false, bool parse_special = false) const;

  /// Ids to text. Byte tokens are joined; what is not valid UTF-8 becomes U+FFFD.
  /// @param skip_special  leave control tokens out.
  /// Throws Error token_out_of_range. (A model's tokenizer, Model::tokenizer(), also takes the ids from vocab_size() up
  /// to the model's own vocab_size, which a generation may choose: they have no text.)
  std::string decode(Span<const TokenId> ids, bool skip_special = false) const;

  /// Number of ids that the file lists, the largest of them + 1.
  int vocab_size() const noexcept;
  /// The id of a vocabulary entry by its exact text ("<|turn>", "\xE2\x96\x81the"), or -1.
  TokenId token_to_id(std::string_view token) const noexcept;
  /// The entry's text as stored (a space is U+2581); "" for an id without text. Valid as long as the tokenizer. Throws
  /// Error token_out_of_range, as decode().
  std::string_view id_to_token(TokenId id) const;
  /// True for control tokens ("<bos>", "<|turn>", ...).
  bool is_special(TokenId id) const noexcept;
  /// The id of "<bos>", or -1.
  TokenId bos_token() const noexcept;

  explicit Tokenizer(std::shared_ptr<const tokenizer::BpeTokenizer> impl) : impl_(std::move(impl)) {}
  const std::shared_ptr<const tokenizer::BpeTokenizer>& impl() const noexcept { return impl_; }

 private:
  std::shared_ptr<const tokenizer::BpeTokenizer> impl_;
};

/// Decodes a stream of ids; holds back the bytes of an unfinished UTF-8 character. One thread at a time.
class TokenDecoder {
 public:
  explicit TokenDecoder(const Tokenizer& tokenizer, bool skip_special = false);
  TokenDecoder(TokenDecoder&&) noexcept;
  TokenDecoder& operator=(TokenDecoder&&) noexcept;
  ~TokenDecoder();

  /// The text that `id` completes; may be empty. A run of byte tokens is held until it ends, so that the pieces joined
  /// are what Tokenizer::decode gives. Throws Error token_out_of_range, as decode().
  std::string push(TokenId id);
  /// What is still held back (an unfinished character becomes U+FFFD); the decoder is then as new.
  std::string finish();

 private:
  std::unique_ptr<tokenizer::StreamDecoder> impl_;
};

}  // namespace gemma4
