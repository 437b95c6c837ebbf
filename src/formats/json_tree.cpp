// Bodies of gemma4/json.h.
#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "base/check.h"
#include "formats/json.h"
#include "gemma4/json.h"

namespace gemma4 {
namespace {

// The shortest text that reads back as the same number, marked as real: "1.0", "1e+20".
std::string real_text(double value) {
  std::array<char, 32> buffer;
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value).ptr;
  std::string text(buffer.data(), end);
  if (text.find_first_of(".e") == std::string::npos) text += ".0";
  return text;
}

Json to_tree(const formats::JsonValue& value) {
  using Type = formats::JsonValue::Type;
  switch (value.type()) {
    case Type::null:
      return {};
    case Type::boolean:
      return value.as_bool();
    case Type::integer:
      return Json::number(value.as_integer_text());
    case Type::real:
      return value.as_double();
    case Type::string:
      return value.as_string();
    case Type::array: {
      Json array = Json::array();
      for (auto elements = value.elements(); elements.next();) array.push_back(to_tree(elements.value()));
      return array;
    }
    case Type::object:
      break;
  }
  std::vector<std::pair<std::string, Json>> members;
  for (auto walk = value.members(); walk.next();) members.emplace_back(walk.key(), to_tree(walk.value()));
  return Json::object(std::move(members));
}

void write_string(std::string_view text, std::string& out) {
  out += '"';
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte >= 0x20) {
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (c == '\r') {
      out += "\\r";
    } else {
      static constexpr char kHex[] = "0123456789abcdef";
      out += "\\u00";
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    }
  }
  out += '"';
}

void write(const Json& value, std::size_t depth, std::string& out) {
  GEMMA4_CHECK(depth <= Json::kMaxDepth, ErrorCode::invalid_argument, "JSON: expected nesting of at most ",
               Json::kMaxDepth, ", got more");
  switch (value.type()) {
    case Json::Type::null:
      out += "null";
      break;
    case Json::Type::boolean:
      out += value.as_bool() ? "true" : "false";
      break;
    case Json::Type::integer:
    case Json::Type::real:
      out += value.number_text();
      break;
    case Json::Type::string:
      write_string(value.as_string(), out);
      break;
    case Json::Type::array:
    case Json::Type::object: {
      const bool object = value.is_object();
      out += object ? '{' : '[';
      for (std::size_t i = 0; i < value.size(); ++i) {
        if (i != 0) out += ',';
        if (object) {
          write_string(value.keys()[i], out);
          out += ':';
        }
        write(value[i], depth + 1, out);
      }
      out += object ? '}' : ']';
    }
  }
}

// The end of the digits at `p`, or null when there are none.
const char* digits(const char* p, const char* end) {
  const char* const begin = p;
  while (p != end && *p >= '0' && *p <= '9') ++p;
  return p == begin ? nullptr : p;
}

// What JSON calls a number: integer, real, or (null) none.
Json::Type number_type(std::string_view text) {
  const char* p = text.data();
  const char* const end = p + text.size();
  Json::Type type = Json::Type::integer;
  if (p != end && *p == '-') ++p;
  const bool zero = p != end && *p == '0';
  p = zero ? p + 1 : digits(p, end);
  if (p != nullptr && p != end && *p == '.') {
    type = Json::Type::real;
    p = digits(p + 1, end);
  }
  if (p != nullptr && p != end && (*p == 'e' || *p == 'E')) {
    type = Json::Type::real;
    ++p;
    if (p != end && (*p == '+' || *p == '-')) ++p;
    p = digits(p, end);
  }
  return p == end && !text.empty() ? type : Json::Type::null;
}

[[noreturn]] void wrong_type(const char* expected, Json::Type got) {
  base::fail(ErrorCode::invalid_argument, "JSON: expected ", expected, ", got ", describe(got));
}

}  // namespace

const char* describe(Json::Type type) noexcept {
  static constexpr const char* kNames[] = {"null",     "a boolean", "an integer", "a real number",
                                           "a string", "an array",  "an object"};
  return kNames[static_cast<std::size_t>(type)];
}

Json::Json(double value) : type_(Type::real) {
  GEMMA4_CHECK(std::isfinite(value), ErrorCode::invalid_argument, "JSON: expected a finite number, got ", value);
  text_ = real_text(value);
}

Json Json::array(std::vector<Json> elements) {
  Json result;
  result.type_ = Type::array;
  result.values_ = std::move(elements);
  return result;
}

Json Json::object(std::vector<std::pair<std::string, Json>> members) {
  Json result;
  result.type_ = Type::object;
  result.keys_.reserve(members.size());
  result.values_.reserve(members.size());
  for (auto& [key, value] : members) {
    result.keys_.push_back(std::move(key));
    result.values_.push_back(std::move(value));
  }
  return result;
}

Json Json::number(std::string_view text) {
  Json result;
  result.type_ = number_type(text);
  GEMMA4_CHECK(!result.is_null(), ErrorCode::invalid_argument, "JSON: expected a number, got \"", text, "\"");
  result.text_ = text;
  return result;
}

Json Json::parse(std::string_view text, const std::string& name) {
  const formats::JsonLimits limits = {std::size_t{64} << 20, kMaxDepth};
  return to_tree(formats::JsonDocument::from_text(text, name, limits).root());
}

Json Json::parse_file(const std::string& path) {
  const formats::JsonLimits limits = {std::size_t{64} << 20, kMaxDepth};
  return to_tree(formats::JsonDocument::from_file(path, limits).root());
}

std::string Json::dump() const {
  std::string out;
  write(*this, 0, out);
  return out;
}

bool Json::as_bool() const {
  if (type_ != Type::boolean) wrong_type("a boolean", type_);
  return boolean_;
}

std::int64_t Json::as_int() const {
  if (type_ != Type::integer) wrong_type("an integer", type_);
  std::int64_t value = 0;
  const auto error = std::from_chars(text_.data(), text_.data() + text_.size(), value).ec;
  GEMMA4_CHECK(error == std::errc(), ErrorCode::invalid_argument, "JSON: expected an integer of 64 bits, got ", text_);
  return value;
}

double Json::as_double() const {
  if (!is_number()) wrong_type("a number", type_);
  double value = 0;
  const auto error = std::from_chars(text_.data(), text_.data() + text_.size(), value).ec;
  if (error == std::errc::result_out_of_range) {  // from_chars leaves the value alone: too small, or too large
    const std::size_t exponent = text_.find_first_of("eE");
    const bool tiny = exponent != std::string::npos ? text_.find('-', exponent) != std::string::npos
                                                    : text_.find_first_of("123456789") > text_.find('.');
    value = tiny ? 0.0 : HUGE_VAL;
    if (text_[0] == '-') value = -value;
  }
  return value;
}

const std::string& Json::as_string() const {
  if (type_ != Type::string) wrong_type("a string", type_);
  return text_;
}

const std::string& Json::number_text() const {
  if (!is_number()) wrong_type("a number", type_);
  return text_;
}

const Json* Json::find(std::string_view key) const noexcept {
  const auto found = std::find(keys_.begin(), keys_.end(), key);
  return found == keys_.end() ? nullptr : &values_[static_cast<std::size_t>(found - keys_.begin())];
}

const Json& Json::at(std::string_view key) const {
  if (type_ != Type::object) wrong_type("an object", type_);
  const Json* const member = find(key);
  GEMMA4_CHECK(member != nullptr, ErrorCode::invalid_argument, "JSON: expected a member \"", key, "\", found none");
  return *member;
}

void Json::set(std::string key, Json value) {
  if (type_ == Type::null) type_ = Type::object;
  if (type_ != Type::object) wrong_type("an object", type_);
  const auto found = std::find(keys_.begin(), keys_.end(), key);
  if (found != keys_.end()) {
    values_[static_cast<std::size_t>(found - keys_.begin())] = std::move(value);
    return;
  }
  keys_.push_back(std::move(key));
  values_.push_back(std::move(value));
}

void Json::push_back(Json value) {
  if (type_ == Type::null) type_ = Type::array;
  if (type_ != Type::array) wrong_type("an array", type_);
  values_.push_back(std::move(value));
}

bool operator==(const Json& a, const Json& b) noexcept {
  if (a.type_ != b.type_ || a.boolean_ != b.boolean_ || a.text_ != b.text_) return false;
  if (!a.is_object()) return a.values_ == b.values_;
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const Json* const other = b.find(a.keys_[i]);
    if (other == nullptr || !(*other == a.values_[i])) return false;
  }
  return true;
}

}  // namespace gemma4
