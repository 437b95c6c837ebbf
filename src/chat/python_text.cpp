#include "chat/python_text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <iterator>

#include "base/check.h"
#include "base/utf8.h"
#include "chat/characters.h"

namespace gemma4::chat {
namespace {

bool is_space(char32_t c) noexcept {
  return (c >= 0x09 && c <= 0x0D) || (c >= 0x1C && c <= 0x20) || c == 0x85 || c == 0xA0 || c == 0x1680 ||
         (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

void append_utf8(char32_t c, std::string& out) {
  const auto put = [&out](char32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (c < 0x80) return put(c);
  if (c < 0x800) {
    put(0xC0 | c >> 6);
  } else if (c < 0x10000) {
    put(0xE0 | c >> 12);
    put(0x80 | (c >> 6 & 0x3F));
  } else {
    put(0xF0 | c >> 18);
    put(0x80 | (c >> 12 & 0x3F));
    put(0x80 | (c >> 6 & 0x3F));
  }
  put(0x80 | (c & 0x3F));
}

template <std::size_t N>
char32_t map(char32_t c, const CaseRange (&ranges)[N]) noexcept {
  const auto after = std::upper_bound(std::begin(ranges), std::end(ranges), c,
                                      [](char32_t value, const CaseRange& range) { return value < range.first; });
  if (after == std::begin(ranges)) return c;
  const CaseRange& range = *(after - 1);
  if (c <= range.last && (c - range.first) % range.stride == 0) {
    return static_cast<char32_t>(static_cast<std::int32_t>(c) + range.delta);
  }
  return c;
}

// Maps every character; bytes that are no UTF-8 stay.
template <class Map>
std::string map_characters(std::string_view text, const Map& append_mapped) {
  std::string out;
  out.reserve(text.size());
  const char* p = text.data();
  const char* const end = p + text.size();
  while (p != end) {
    const char* const begin = p;
    const char32_t c = base::next_code_point(p, end);
    if (c >= base::kInvalidByte) {
      out.append(begin, p);
    } else {
      append_mapped(c, out);
    }
  }
  return out;
}

bool is_printable(char32_t c) noexcept {
  if (c < 0x80) return c >= 0x20 && c != 0x7F;
  return std::none_of(std::begin(kUnprintableRanges), std::end(kUnprintableRanges),
                      [c](const std::uint32_t (&range)[2]) { return c >= range[0] && c <= range[1]; });
}

// \xNN, \uNNNN or \UNNNNNNNN.
void append_escape(char32_t c, std::string& out) {
  static constexpr char kHex[] = "0123456789abcdef";
  const int digits = c < 0x100 ? 2 : c < 0x10000 ? 4 : 8;
  out += '\\';
  out += digits == 2 ? 'x' : digits == 4 ? 'u' : 'U';
  for (int i = digits - 1; i >= 0; --i) out += kHex[c >> (4 * i) & 15];
}

// repr() of a string.
void append_repr(std::string_view text, std::string& out) {
  const bool has_single = text.find('\'') != std::string_view::npos;
  const char quote = has_single && text.find('"') == std::string_view::npos ? '"' : '\'';
  out += quote;
  const char* p = text.data();
  const char* const end = p + text.size();
  while (p != end) {
    const char* const begin = p;
    const char32_t c = base::next_code_point(p, end);
    if (c == static_cast<char32_t>(quote) || c == '\\') {
      out += '\\';
      out += static_cast<char>(c);
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (c == '\r') {
      out += "\\r";
    } else if (c < base::kInvalidByte && !is_printable(c)) {
      append_escape(c, out);
    } else {
      out.append(begin, p);
    }
  }
  out += quote;
}

void append_repr(const Json& value, std::size_t depth, std::string& out) {
  GEMMA4_CHECK(depth <= Json::kMaxDepth, ErrorCode::invalid_argument, "JSON: expected nesting of at most ",
               Json::kMaxDepth, ", got more");
  switch (value.type()) {
    case Json::Type::null:
      out += "None";
      break;
    case Json::Type::boolean:
      out += value.as_bool() ? "True" : "False";
      break;
    case Json::Type::integer:
    case Json::Type::real:
      append_number(value, out);
      break;
    case Json::Type::string:
      append_repr(value.as_string(), out);
      break;
    case Json::Type::array:
    case Json::Type::object: {
      out += value.is_object() ? '{' : '[';
      for (std::size_t i = 0; i < value.size(); ++i) {
        if (i != 0) out += ", ";
        if (value.is_object()) {
          append_repr(value.keys()[i], out);
          out += ": ";
        }
        append_repr(value[i], depth + 1, out);
      }
      out += value.is_object() ? '}' : ']';
    }
  }
}

// The shortest digits that read back as the same double, in Python's layout: an exponent from 1e16 on and below 1e-4.
void append_double(double value, std::string& out) {
  if (std::isinf(value)) {
    out += value < 0 ? "-inf" : "inf";
    return;
  }
  std::array<char, 40> buffer;
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, std::chars_format::scientific).ptr;
  const std::string_view text(buffer.data(), static_cast<std::size_t>(end - buffer.data()));
  const std::size_t e = text.find('e');
  const std::string_view exponent_text = text.substr(text[e + 1] == '+' ? e + 2 : e + 1);
  int exponent = 0;
  std::from_chars(exponent_text.data(), exponent_text.data() + exponent_text.size(), exponent);
  std::string digits;
  for (const char c : text.substr(0, e)) {
    if (c >= '0' && c <= '9') digits += c;
  }
  if (text[0] == '-') out += '-';
  if (exponent < -4 || exponent >= 16) {
    out += digits[0];
    if (digits.size() > 1) out.append(1, '.').append(digits, 1);
    out.append(exponent < 0 ? "e-" : "e+");
    if (std::abs(exponent) < 10) out += '0';
    out += std::to_string(std::abs(exponent));
  } else if (exponent < 0) {
    out.append("0.").append(static_cast<std::size_t>(-exponent - 1), '0').append(digits);
  } else {
    const auto whole = static_cast<std::size_t>(exponent) + 1;
    if (digits.size() < whole) digits.append(whole - digits.size(), '0');
    out.append(digits, 0, whole).append(1, '.');
    if (digits.size() > whole) {
      out.append(digits, whole);
    } else {
      out += '0';
    }
  }
}

}  // namespace

std::string_view trim(std::string_view text) noexcept {
  const char* p = text.data();
  const char* const end = p + text.size();
  const char* first = end;
  const char* last = end;
  while (p != end) {
    const char* const begin = p;
    if (is_space(base::next_code_point(p, end))) continue;
    if (first == end) first = begin;
    last = p;
  }
  return first == end ? std::string_view() : std::string_view(first, static_cast<std::size_t>(last - first));
}

std::string lower(std::string_view text) {
  return map_characters(text, [](char32_t c, std::string& out) {
    if (c < 0x80) {
      out.push_back(static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c));
    } else if (c == 0x130) {
      out += "i\xCC\x87";
    } else {
      append_utf8(map(c, kLowerRanges), out);
    }
  });
}

std::string upper(std::string_view text) {
  return map_characters(text, [](char32_t c, std::string& out) {
    if (c < 0x80) {
      out.push_back(static_cast<char>(c >= 'a' && c <= 'z' ? c - 32 : c));
      return;
    }
    const auto found = std::lower_bound(
        std::begin(kUpperSequences), std::end(kUpperSequences), c,
        [](const CaseSequence& sequence, char32_t value) { return sequence.from < value; });
    if (found == std::end(kUpperSequences) || found->from != c) return append_utf8(map(c, kUpperRanges), out);
    for (const std::uint32_t to : found->to) {
      if (to != 0) append_utf8(to, out);
    }
  });
}

std::string str(const Json& value) {
  if (value.is_string()) return value.as_string();
  std::string out;
  append_repr(value, 0, out);
  return out;
}

void append_number(const Json& value, std::string& out) {
  if (value.type() == Json::Type::real) return append_double(value.as_double(), out);
  out += value.number_text() == "-0" ? "0" : value.number_text();
}

bool truthy(const Json* value) noexcept {
  if (value == nullptr) return false;
  switch (value->type()) {
    case Json::Type::null:
      return false;
    case Json::Type::boolean:
      return value->as_bool();
    case Json::Type::integer:
    case Json::Type::real:
      return value->as_double() != 0.0;
    case Json::Type::string:
      return !value->as_string().empty();
    default:
      return value->size() != 0;
  }
}

}  // namespace gemma4::chat
