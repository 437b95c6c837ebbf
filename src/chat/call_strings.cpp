#include "chat/call_strings.h"

#include <optional>

namespace gemma4::chat {
namespace {

void append_code_point(char32_t c, std::string& out) {
  if (c < 0x80) {
    out += static_cast<char>(c);
  } else if (c < 0x800) {
    out += static_cast<char>(0xC0 | c >> 6);
    out += static_cast<char>(0x80 | (c & 0x3F));
  } else if (c < 0x10000) {
    out += static_cast<char>(0xE0 | c >> 12);
    out += static_cast<char>(0x80 | (c >> 6 & 0x3F));
    out += static_cast<char>(0x80 | (c & 0x3F));
  } else {
    out += static_cast<char>(0xF0 | c >> 18);
    out += static_cast<char>(0x80 | (c >> 12 & 0x3F));
    out += static_cast<char>(0x80 | (c >> 6 & 0x3F));
    out += static_cast<char>(0x80 | (c & 0x3F));
  }
}

// Four hexadecimal digits at the start of `text`, or nothing.
std::optional<char32_t> hex4(std::string_view text) noexcept {
  if (text.size() < 4) return std::nullopt;
  char32_t value = 0;
  for (const char c : text.substr(0, 4)) {
    const std::size_t digit = std::string_view("0123456789abcdefABCDEF").find(c);
    if (digit == std::string_view::npos) return std::nullopt;
    value = value * 16 + static_cast<char32_t>(digit < 16 ? digit : digit - 6);
  }
  return value;
}

// The character of "\u...." (with a second one for a surrogate pair) at the start of `text`, which stands behind "\u".
// Half a pair is U+FFFD. Returns the characters used, 0 when these are no digits.
std::size_t unescape_unicode(std::string_view text, std::string& out) {
  const auto first = hex4(text);
  if (!first) return 0;
  if (*first < 0xD800 || *first > 0xDFFF) {
    append_code_point(*first, out);
    return 4;
  }
  if (*first < 0xDC00 && text.substr(4, 2) == "\\u") {
    const auto second = hex4(text.substr(6));
    if (second && *second >= 0xDC00 && *second <= 0xDFFF) {
      append_code_point(0x10000 + ((*first - 0xD800) << 10) + (*second - 0xDC00), out);
      return 10;
    }
  }
  append_code_point(0xFFFD, out);
  return 4;
}

}  // namespace

std::size_t unescape(std::string_view text, std::string& out) {
  static constexpr std::string_view kNames = "\"\\/bfnrt'", kValues = "\"\\/\b\f\n\r\t'";
  const char c = text.size() > 1 ? text[1] : '\0';
  if (const std::size_t i = kNames.find(c); c != '\0' && i != std::string_view::npos) {
    out += kValues[i];
    return 2;
  }
  if (c == 'u') {
    if (const std::size_t used = unescape_unicode(text.substr(2), out); used != 0) return 2 + used;
  }
  out += '\\';
  return 1;
}

}  // namespace gemma4::chat
