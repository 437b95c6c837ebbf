// What HF tokenizers takes for a word and for white space around an added token: \w and \s of Unicode.
#pragma once

namespace gemma4::tokenizer {

/// False for what is no character (base::kInvalidByte).
bool is_word(char32_t code) noexcept;
/// Unicode's White_Space; U+2581, which stands for a space in the vocabulary, is none.
bool is_white_space(char32_t code) noexcept;

}  // namespace gemma4::tokenizer
