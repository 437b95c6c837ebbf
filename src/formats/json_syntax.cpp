#include "formats/json_syntax.h"

#include <charconv>
#include <cstdint>
#include <string>
#include <system_error>

#include "base/utf8.h"

namespace gemma4::formats {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// Bytes of the character at the start of `text`, 0 when it is not valid UTF-8.
std::size_t utf8_length(std::string_view text) {
  const char* next = text.data();
  if (base::next_code_point(next, text.data() + text.size()) >= base::kInvalidByte) return 0;
  return static_cast<std::size_t>(next - text.data());
}

class Scanner {
 public:
  Scanner(std::string_view text, std::size_t max_depth) : text_(text), max_depth_(max_depth) {}

  std::optional<JsonSyntaxError> run() {
    if (document()) return std::nullopt;
    return JsonSyntaxError{position_, expected_};
  }

 private:
  char peek() const { return position_ < text_.size() ? text_[position_] : '\0'; }

  bool want(const char* expected) {
    expected_ = expected;
    return false;
  }

  bool eat(char c, const char* expected) {
    if (position_ >= text_.size() || text_[position_] != c) return want(expected);
    ++position_;
    return true;
  }

  void skip_space() {
    while (position_ < text_.size() && std::string_view(" \t\r\n").find(text_[position_]) != std::string_view::npos) {
      ++position_;
    }
  }

  bool document() {
    do {
      if (!opening()) return false;
      while (closing()) {
      }
      if (!open_.empty() && !separator()) return false;
    } while (!open_.empty());
    skip_space();
    return position_ == text_.size() || want("the end of the document");
  }

  /// A scalar, or the brackets down to one, or an empty container still open.
  bool opening() {
    while (true) {
      skip_space();
      const char c = peek();
      if (c == '"') return string("a string");
      if (c == '-' || is_digit(c)) return number();
      if (c == 't') return literal("true");
      if (c == 'f') return literal("false");
      if (c == 'n') return literal("null");
      if (c != '{' && c != '[') return want("a value");
      if (open_.size() == max_depth_) return want("less nesting");
      open_.push_back(c == '{' ? '}' : ']');
      ++position_;
      skip_space();
      if (peek() == open_.back()) return true;
      if (c == '{' && !key()) return false;
    }
  }

  bool closing() {
    skip_space();
    if (open_.empty() || peek() != open_.back()) return false;
    open_.pop_back();
    ++position_;
    return true;
  }

  bool separator() {
    const bool object = open_.back() == '}';
    if (!eat(',', object ? "',' or '}'" : "',' or ']'")) return false;
    skip_space();
    return !object || key();
  }

  bool key() {
    if (!string("a key in double quotes")) return false;
    skip_space();
    return eat(':', "':'");
  }

  bool literal(std::string_view word) {
    if (text_.substr(position_, word.size()) != word) return want("a value");
    position_ += word.size();
    return true;
  }

  bool string(const char* expected) {
    if (!eat('"', expected)) return false;
    while (position_ < text_.size()) {
      const char c = text_[position_];
      if (c == '"') return eat('"', "");
      if (static_cast<unsigned char>(c) < 0x20) return want("an escaped control character");
      const std::size_t length = c == '\\' ? escape_length() : utf8_length(text_.substr(position_));
      if (length == 0) return want(c == '\\' ? "a valid escape" : "valid UTF-8");
      position_ += length;
    }
    return want("the end of the string");
  }

  std::size_t escape_length() const {
    const std::string_view rest = text_.substr(position_ + 1, 5);
    if (rest.empty()) return 0;
    if (rest[0] != 'u') return std::string_view("\"\\/bfnrt").find(rest[0]) != std::string_view::npos ? 2 : 0;
    const bool hex = rest.size() == 5 && rest.find_first_not_of("0123456789abcdefABCDEF", 1) == std::string_view::npos;
    return hex ? 6 : 0;
  }

  bool digits() {
    if (!is_digit(peek())) return want("a digit");
    while (is_digit(peek())) ++position_;
    return true;
  }

  bool number() {
    const std::size_t start = position_;
    bool integer = true;
    if (peek() == '-') ++position_;
    if (peek() == '0') {
      ++position_;
    } else if (!digits()) {
      return false;
    }
    if (peek() == '.') {
      integer = false;
      ++position_;
      if (!digits()) return false;
    }
    if (peek() == 'e' || peek() == 'E') {
      integer = false;
      ++position_;
      if (peek() == '+' || peek() == '-') ++position_;
      if (!digits()) return false;
    }
    const char* begin = text_.data() + start;
    const char* end = text_.data() + position_;
    double real = 0;
    std::uint64_t unsigned_value = 0;
    std::int64_t signed_value = 0;
    const std::errc error = !integer        ? std::from_chars(begin, end, real).ec
                            : *begin == '-' ? std::from_chars(begin, end, signed_value).ec
                                            : std::from_chars(begin, end, unsigned_value).ec;
    // A real number too small for double is 0; one too large has a positive exponent, or 309 digits.
    const std::string_view digits_read(begin, static_cast<std::size_t>(end - begin));
    const bool tiny = !integer && (digits_read.find('-', 1) != std::string_view::npos ||
                                   digits_read.find_first_of("eE") == std::string_view::npos);
    if (error == std::errc() || tiny) return true;
    position_ = start;
    return want("a number in range");
  }

  const std::string_view text_;
  const std::size_t max_depth_;
  std::size_t position_ = 0;
  const char* expected_ = "";
  std::string open_;  // the closing brackets still to come
};

}  // namespace

std::optional<JsonSyntaxError> find_syntax_error(std::string_view text, std::size_t max_depth) {
  return Scanner(text, max_depth).run();
}

}  // namespace gemma4::formats
