// Bits of a mask over a vocabulary: bit (id % 32) of word (id / 32) stands for token `id` (gemma4/constraint.h).
#pragma once

#include <cstddef>
#include <cstdint>

#include "gemma4/types.h"

namespace gemma4::base {

inline std::uint32_t bit_of(TokenId token) noexcept { return std::uint32_t{1} << static_cast<std::uint32_t>(token) % 32; }

/// These need a token that the mask has a bit for.
inline bool has_bit(const std::uint32_t* mask, TokenId token) noexcept {
  return (mask[static_cast<std::size_t>(token) / 32] & bit_of(token)) != 0;
}
inline void set_bit(std::uint32_t* mask, TokenId token) noexcept { mask[static_cast<std::size_t>(token) / 32] |= bit_of(token); }
inline void clear_bit(std::uint32_t* mask, TokenId token) noexcept { mask[static_cast<std::size_t>(token) / 32] &= ~bit_of(token); }

/// These pass over other tokens: control tokens that a vocabulary may lack (-1), and short masks.
inline bool in_mask(Span<std::uint32_t> mask, TokenId token) noexcept {
  return token >= 0 && static_cast<std::size_t>(token) / 32 < mask.size();
}
inline void allow_token(Span<std::uint32_t> mask, TokenId token) noexcept {
  if (in_mask(mask, token)) set_bit(mask.data(), token);
}
inline void forbid_token(Span<std::uint32_t> mask, TokenId token) noexcept {
  if (in_mask(mask, token)) clear_bit(mask.data(), token);
}

}  // namespace gemma4::base
