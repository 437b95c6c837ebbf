// BpeTokenizer: Gemma's byte-fallback BPE; StreamDecoder: ids to text without half characters.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gemma4/types.h"

namespace gemma4::formats {
class GgufFile;
}

namespace gemma4::tokenizer {

class BpeTokenizer {
 public:
  /// tokenizer.json, or a folder that holds one, or a GGUF file.
  static std::shared_ptr<const BpeTokenizer> load(const std::string& path);
  static std::shared_ptr<const BpeTokenizer> from_json_file(const std::string& path);
  static std::shared_ptr<const BpeTokenizer> from_gguf(const formats::GgufFile& file);

  // As the public Tokenizer (include/gemma4/tokenizer.h).
  std::vector<TokenId> encode(std::string_view text, bool add_bos, bool parse_special) const;
  std::string decode(Span<const TokenId> ids, bool skip_special) const;
  int vocab_size() const noexcept;
  TokenId token_to_id(std::string_view token) const noexcept;
  std::string_view id_to_token(TokenId id) const;
  bool is_special(TokenId id) const noexcept;
  TokenId bos_token() const noexcept;
};

class StreamDecoder {
 public:
  StreamDecoder(std::shared_ptr<const BpeTokenizer> tokenizer, bool skip_special);
  std::string push(TokenId id);
  std::string finish();
};

}  // namespace gemma4::tokenizer
