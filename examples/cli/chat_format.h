// Gemma 4's conversation markup as token ids, for plain text turns.
//
// What a user or a system text contains is always encoded as plain text: "<|turn>" typed by a user is seven characters,
// not the token.
#pragma once

#include <string>
#include <vector>

#include "gemma4/model.h"

namespace cli {

class ChatFormat {
 public:
  /// Throws Error unsupported when the tokenizer has no "<|turn>": not a model for conversations.
  explicit ChatFormat(const gemma4::Model& model);
  static bool supports(const gemma4::Tokenizer& tokenizer) { return tokenizer.token_to_id("<|turn>") >= 0; }

  /// <bos>, and a system turn if there is anything to say in it.
  std::vector<gemma4::TokenId> begin(const std::string& system, bool think) const;
  /// A user's turn and the opening of the model's.
  std::vector<gemma4::TokenId> user_turn(const std::string& text, bool think) const;
  /// The end of the model's turn.
  std::vector<gemma4::TokenId> end_turn() const;
  /// The model's answer without its thoughts, as it goes into the history.
  std::vector<gemma4::TokenId> without_thoughts(const std::vector<gemma4::TokenId>& answer) const;

 private:
  std::vector<gemma4::TokenId> markup(const std::string& text) const;

  gemma4::Tokenizer tokenizer_;
  bool large_;
};

}  // namespace cli
