// Markers: the control tokens that structure the model's output, by their ids.
#pragma once

#include <unordered_map>

#include "chat/call_text.h"
#include "tokenizer/tokenizer.h"

namespace gemma4::chat {

/// Which control token an id is.
class Markers {
 public:
  explicit Markers(const tokenizer::BpeTokenizer& tokenizer);
  Marker of(TokenId id, const tokenizer::BpeTokenizer& tokenizer) const;

 private:
  std::unordered_map<TokenId, Marker> by_id_;
};

}  // namespace gemma4::chat
