// Markup: a rendered conversation as control tokens and plain text, kept apart so that text can never become a token.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "gemma4/types.h"
#include "tokenizer/tokenizer.h"

namespace gemma4::chat {

class Markup {
 public:
  /// A control token by its text ("<|turn>").
  Markup& control(std::string_view token);
  /// Plain text, whatever it spells.
  Markup& text(std::string_view text);
  void append(const Markup& other);

  bool empty() const noexcept { return runs_.empty(); }
  bool ends_with(std::string_view control, std::string_view text) const noexcept;

  /// What the template writes.
  std::string str() const;
  /// The tokens. Text between two control tokens is encoded as one, so ids are those of the whole text wherever no text
  /// spells a control token. Throws Error unsupported when the tokenizer lacks a control token.
  std::vector<TokenId> encode(const tokenizer::BpeTokenizer& tokenizer) const;

 private:
  struct Run {
    bool control;
    std::string text;
  };
  std::vector<Run> runs_;
};

/// Appends the ids of plain text, none of which is a control token.
void encode_plain(const tokenizer::BpeTokenizer& tokenizer, std::string_view text, std::vector<TokenId>& ids);

}  // namespace gemma4::chat
