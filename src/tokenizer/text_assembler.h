// TextAssembler: ids to text, one at a time; what decode() and StreamDecoder share, so that they agree.
#pragma once

#include <string>
#include <string_view>

#include "tokenizer/vocabulary.h"

namespace gemma4::tokenizer {

/// Appends a token's text with a space for each U+2581.
void append_with_spaces(std::string_view piece, std::string& text);

/// U+2581 becomes a space. Byte tokens are collected until another token ends their run: a run that is valid UTF-8 is
/// text, of any other each byte becomes U+FFFD (as in HF tokenizers' ByteFallback; so no byte of a run is certain
/// before the run ends). Unused ids, the
/// model's padding, and special tokens when skipped, are as if not there. The vocabulary must outlive
/// it.
class TextAssembler {
 public:
  TextAssembler(const Vocabulary& vocabulary, bool skip_special)
      : vocabulary_(&vocabulary), skip_special_(skip_special) {}

  /// Appends the text that `id` completes. Throws Error token_out_of_range, and has then changed nothing.
  void push(TokenId id, std::string& text);
  /// Appends what is still held back.
  void finish(std::string& text);
  /// True while bytes of a run wait for its end.
  bool holds_back() const noexcept { return !bytes_.empty(); }

 private:
  const Vocabulary* vocabulary_;
  bool skip_special_;
  std::string bytes_;  // the run of byte tokens so far
};

}  // namespace gemma4::tokenizer
