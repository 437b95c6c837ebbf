// BpeTokenizer: Gemma's byte-fallback BPE; StreamDecoder: ids to text without half characters.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "gemma4/types.h"
#include "tokenizer/added_tokens.h"
#include "tokenizer/bpe.h"
#include "tokenizer/text_assembler.h"
#include "tokenizer/vocabulary.h"

namespace gemma4::formats {
class GgufFile;
}

namespace gemma4::tokenizer {

/// What the public Tokenizer points to; the methods are documented there (include/gemma4/tokenizer.h). Immutable but
/// for its caches, which it guards; any thread.
class BpeTokenizer {
 public:
  /// tokenizer.json, or a folder that holds one, or a GGUF file. n_ids: as Vocabulary's.
  static std::shared_ptr<const BpeTokenizer> load(const std::string& path, int n_ids = 0);
  static std::shared_ptr<const BpeTokenizer> from_json_file(const std::string& path, int n_ids = 0);
  static std::shared_ptr<const BpeTokenizer> from_gguf(const formats::GgufFile& file, int n_ids = 0);
  /// Throws Error bad_format or unsupported.
  explicit BpeTokenizer(const formats::TokenizerFile& file, int n_ids = 0);

  std::vector<TokenId> encode(std::string_view text, bool add_bos, bool parse_special) const;
  std::string decode(Span<const TokenId> ids, bool skip_special) const;
  int vocab_size() const noexcept { return vocabulary_.size(); }
  TokenId token_to_id(std::string_view token) const noexcept { return vocabulary_.find(token); }
  std::string_view id_to_token(TokenId id) const;
  bool is_special(TokenId id) const noexcept;
  TokenId bos_token() const noexcept { return bos_token_; }
  const Vocabulary& vocabulary() const noexcept { return vocabulary_; }
  /// Appends the bytes that the token is by itself: a byte token's one, markup as it is spelled. Nothing for ids without
  /// a text, and for those out of range.
  void append_bytes(TokenId id, std::string& bytes) const;

  /// What a layer above derives from this tokenizer, made at the first call and kept; `make` must make the same thing at
  /// every call. Any thread.
  std::shared_ptr<const void> derived(const std::function<std::shared_ptr<const void>()>& make) const;

 private:
  const Vocabulary vocabulary_;
  const Bpe bpe_;
  const AddedTokens added_;             // found in the text as it is
  const AddedTokens added_normalized_;  // then in what is left, normalized
  const TokenId bos_token_;
  mutable WorkspacePool workspaces_;
  mutable std::mutex derived_mutex_;
  mutable std::shared_ptr<const void> derived_;
};

/// What the public TokenDecoder points to. One thread at a time.
class StreamDecoder {
 public:
  StreamDecoder(std::shared_ptr<const BpeTokenizer> tokenizer, bool skip_special);
  std::string push(TokenId id);
  std::string finish();
  /// True while a token's text, pushed before, has not been returned yet.
  bool holds_back() const noexcept { return assembler_.holds_back(); }

 private:
  std::shared_ptr<const BpeTokenizer> tokenizer_;
  TextAssembler assembler_;
};

}  // namespace gemma4::tokenizer
