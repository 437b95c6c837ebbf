// Walking UTF-8 that need not be valid.
#pragma once

#include <cstddef>
#include <string_view>

namespace gemma4::base {

/// What next_code_point() returns for a byte that belongs to no valid character: kInvalidByte + the byte.
constexpr char32_t kInvalidByte = 0x110000;

/// The character at `p`, which moves past it; p < end. Strict (Unicode table 3-7): no overlong forms, no surrogates.
/// Of an invalid or cut off sequence each byte is a step of its own.
inline char32_t next_code_point(const char*& p, const char* end) noexcept {
  const auto byte = [&](int i) { return static_cast<unsigned char>(p[i]); };
  const auto in_tail = [&](int i, unsigned low, unsigned high) { return byte(i) >= low && byte(i) <= high; };
  const char32_t lead = byte(0);
  if (lead < 0x80) {
    ++p;
    return lead;
  }
  const auto left = end - p;
  if (lead >= 0xC2 && lead <= 0xDF) {
    if (left >= 2 && in_tail(1, 0x80, 0xBF)) {
      const char32_t code = (lead & 0x1F) << 6 | (byte(1) & 0x3FU);
      p += 2;
      return code;
    }
  } else if (lead >= 0xE0 && lead <= 0xEF) {
    const unsigned low = lead == 0xE0 ? 0xA0 : 0x80;
    const unsigned high = lead == 0xED ? 0x9F : 0xBF;
    if (left >= 3 && in_tail(1, low, high) && in_tail(2, 0x80, 0xBF)) {
      const char32_t code = (lead & 0x0F) << 12 | (byte(1) & 0x3FU) << 6 | (byte(2) & 0x3FU);
      p += 3;
      return code;
    }
  } else if (lead >= 0xF0 && lead <= 0xF4) {
    const unsigned low = lead == 0xF0 ? 0x90 : 0x80;
    const unsigned high = lead == 0xF4 ? 0x8F : 0xBF;
    if (left >= 4 && in_tail(1, low, high) && in_tail(2, 0x80, 0xBF) && in_tail(3, 0x80, 0xBF)) {
      const char32_t code = (lead & 0x07) << 18 | (byte(1) & 0x3FU) << 12 | (byte(2) & 0x3FU) << 6 | (byte(3) & 0x3FU);
      p += 4;
      return code;
    }
  }
  ++p;
  return kInvalidByte + lead;
}

/// A character and the bytes it takes.
struct CodePoint {
  char32_t code;
  std::size_t size;
};

/// The last character of a text that is not empty; of an invalid or cut off sequence its last byte.
inline CodePoint last_code_point(std::string_view text) noexcept {
  const char* const end = text.data() + text.size();
  for (std::size_t size = text.size() < 4 ? text.size() : 4; size > 1; --size) {
    const char* p = end - size;
    const char32_t code = next_code_point(p, end);
    if (p == end) return {code, size};
  }
  const char* p = end - 1;
  return {next_code_point(p, end), 1};
}

/// True when all of `text` is valid UTF-8.
inline bool is_utf8(std::string_view text) noexcept {
  const char* p = text.data();
  const char* const end = p + text.size();
  while (p != end) {
    if (next_code_point(p, end) >= kInvalidByte) return false;
  }
  return true;
}

}  // namespace gemma4::base
