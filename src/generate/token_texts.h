// What the sampler's sequence breakers need to know of a tokenizer.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "sampling/token_history.h"
#include "tokenizer/tokenizer.h"

namespace gemma4::generation {

inline sampling::TokenTexts token_texts(std::shared_ptr<const tokenizer::BpeTokenizer> tokenizer) {
  return {std::move(tokenizer), [](const void* vocabulary, TokenId token, std::string& text) {
            static_cast<const tokenizer::BpeTokenizer*>(vocabulary)->append_bytes(token, text);
          }};
}

}  // namespace gemma4::generation
