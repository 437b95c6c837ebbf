// Bits of a mask over a vocabulary: bit (id % 32) of word (id / 32) stands for token `id` (gemma4/constraint.h).
#pragma once

#include <cstddef>
#include <cstdint>

#include "gemma4/types.h"

namespace gemma4::base {

/// The word that holds a token's bit, or null where the mask has none for it.
inline std::uint32_t* word_of(Span<std::uint32_t> mask, TokenId token) noexcept {
  const auto word = static_cast<std::size_t>(token) / 32;
  return token >= 0 && word < mask.size() ? &mask[word] : nullptr;
}

inline std::uint32_t bit_of(TokenId token) noexcept { return std::uint32_t{1} << static_cast<std::uint32_t>(token) % 32; }

inline void allow_token(Span<std::uint32_t> mask, TokenId token) noexcept {
  if (std::uint32_t* const word = word_of(mask, token)) *word |= bit_of(token);
}
inline void forbid_token(Span<std::uint32_t> mask, TokenId token) noexcept {
  if (std::uint32_t* const word = word_of(mask, token)) *word &= ~bit_of(token);
}

}  // namespace gemma4::base
