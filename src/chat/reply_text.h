// ReplyText: a reply's tokens to text, each character as soon as it is complete.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "gemma4/types.h"
#include "tokenizer/tokenizer.h"

namespace gemma4::chat {

/// The tokenizer's own decoder cannot tell a byte before the run of byte tokens that it stands in is over, because one
/// bad byte spoils a whole run there. Here a byte that belongs to no character becomes U+FFFD by itself: what stands
/// before and behind it is not lost, and is not waited for.
class ReplyText {
 public:
  explicit ReplyText(std::shared_ptr<const tokenizer::BpeTokenizer> tokenizer);

  /// The text that an ordinary token completes. Precondition: it is one of the vocabulary's.
  std::string push(TokenId id);
  /// What was held back.
  std::string finish();
  /// A part of the last token's text is held back.
  bool holds_back() const noexcept { return !bytes_.empty() || decoder_.holds_back(); }

 private:
  void settle(bool more_may_come, std::string& text);

  std::shared_ptr<const tokenizer::BpeTokenizer> tokenizer_;
  tokenizer::StreamDecoder decoder_;
  std::string bytes_;  // of a character that is not complete: at most three between calls
};

}  // namespace gemma4::chat
