// TextCursor: where a text stands inside a JSON string, between its bytes and the characters they write.
#pragma once

#include <array>
#include <cstdint>

#include "grammar/terms.h"

namespace gemma4::grammar {

/// The automaton of UTF-8 (Unicode, table 3-7): 0 between characters, 8 where the text is none.
constexpr std::uint8_t kNotUtf8 = 8;
constexpr std::uint8_t next_utf8(std::uint8_t state, unsigned char b) noexcept {
  const auto within = [b](unsigned low, unsigned high) { return b >= low && b <= high; };
  switch (state) {
    case 0:
      if (b < 0x80) return 0;
      if (within(0xC2, 0xDF)) return 1;
      if (b == 0xE0) return 4;
      if (b == 0xED) return 5;
      if (within(0xE1, 0xEF)) return 2;
      if (b == 0xF0) return 6;
      if (b == 0xF4) return 7;
      return within(0xF1, 0xF3) ? 3 : kNotUtf8;
    case 1: return within(0x80, 0xBF) ? 0 : kNotUtf8;
    case 2: return within(0x80, 0xBF) ? 1 : kNotUtf8;
    case 3: return within(0x80, 0xBF) ? 2 : kNotUtf8;
    case 4: return within(0xA0, 0xBF) ? 1 : kNotUtf8;
    case 5: return within(0x80, 0x9F) ? 1 : kNotUtf8;
    case 6: return within(0x90, 0xBF) ? 2 : kNotUtf8;
    case 7: return within(0x80, 0x8F) ? 2 : kNotUtf8;
    default: return kNotUtf8;
  }
}

struct TextCursor {
  std::uint8_t phase = 0;  ///< 0: plain; 1: after a backslash; 2-5: \u and 0-3 digits; 6, 7: a high surrogate, its
                           ///< other half's backslash; 8-11: \u and 0-3 digits of that half.
  std::uint8_t utf8 = 0;
  std::uint32_t hex = 0;   ///< Digits so far; the high surrogate in the upper half.

  bool between_characters() const noexcept { return phase == 0 && utf8 == 0; }

  struct Step {
    bool alive = false;
    bool begins = false;  ///< A character begins (with an escape: is complete).
    std::uint8_t n = 0;   ///< Bytes of content.
    std::array<unsigned char, 4> bytes = {};
  };
  /// One byte of the text: of a JSON string (not its closing quote), or raw.
  Step step(unsigned char b, bool raw);

  /// The characters that an escape that has begun may become. At most two ranges.
  CodeRanges codes() const;
  /// Of those, the ones that cannot stand as themselves, when the escape is the usual one: \" \\ \b \f \n \r \t, and
  /// \u00 and two lower-case digits for other control characters.
  CodeRanges needed() const;

 private:
  Step hex_digit(unsigned char b);
};

/// Whether `byte`, which has led from `before` to `after`, belongs to no escape but a usual one that is needed. `can`
/// says whether a character of the ranges may come: in the state before the byte, and after it. An escape that somebody
/// else has begun, and that can no longer become a needed one, goes on in any way.
template <class CanBefore, class CanAfter>
bool written_plainly(const TextCursor& before, unsigned char byte, const TextCursor::Step& step,
                     const TextCursor& after, const CanBefore& can_before, const CanAfter& can_after) {
  if (before.phase == 0 && after.phase == 0) return true;
  if (before.phase != 0 && !can_before(before.needed())) return true;
  if (before.phase > 1 && byte >= 'A' && byte <= 'F') return false;
  if (after.phase != 0) return can_after(after.needed());
  for (const CodeRange r : before.needed()) {
    if (step.bytes[0] < r.first || step.bytes[0] > r.last) continue;
    return before.phase != 1 || byte != '/';
  }
  return false;
}

}  // namespace gemma4::grammar
