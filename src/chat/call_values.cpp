#include "chat/call_values.h"

#include <algorithm>
#include <unordered_map>

#include "chat/call_strings.h"
#include "chat/python_text.h"
#include "gemma4/error.h"

namespace gemma4::chat {
namespace {

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
bool is_space(char c) noexcept { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

bool is_separator(char c) noexcept { return c == ':' || c == '='; }

bool declares(const Json* schema, std::string_view key) noexcept {
  const Json* const properties = schema != nullptr ? schema->find("properties") : nullptr;
  return properties != nullptr && properties->find(key) != nullptr;
}

// Looks like a key with a stray comma before it, or like one whose separator was the other one, with what follows.
bool holds_separators(std::string_view key) noexcept {
  if (key[0] == ',' || key[0] == ';' || is_separator(key.back())) return true;
  const std::size_t separator = key.find_first_of(":=");
  return separator != std::string_view::npos && key.find_first_of(",;", separator) != std::string_view::npos;
}

std::optional<Json> word_value(std::string_view word, bool of_python) {
  if (word == "true" || (of_python && (word == "True" || word == "TRUE"))) return Json(true);
  if (word == "false" || (of_python && (word == "False" || word == "FALSE"))) return Json(false);
  if (word == "null" || (of_python && (word == "None" || word == "nil" || word == "NULL"))) return Json();
  return std::nullopt;
}

}  // namespace

const Json* member_schema(const Json* schema, std::string_view key) noexcept {
  if (schema == nullptr) return nullptr;
  if (const Json* const properties = schema->find("properties")) {
    if (const Json* const property = properties->find(key)) return property;
  }
  const Json* const additional = schema->find("additionalProperties");
  return additional != nullptr && additional->is_object() ? additional : nullptr;
}

const Json* element_schema(const Json* schema) noexcept {
  const Json* const items = schema != nullptr ? schema->find("items") : nullptr;
  return items != nullptr && items->is_object() ? items : nullptr;
}

bool has_type(const Json* schema, std::string_view type) noexcept {
  const Json* const types = schema != nullptr ? schema->find("type") : nullptr;
  if (types == nullptr) return false;
  const auto same = [type](const Json& name) {
    return name.is_string() && std::equal(name.as_string().begin(), name.as_string().end(), type.begin(), type.end(),
                                          [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a + 32 : a) == b; });
  };
  return same(*types) || std::any_of(types->values().begin(), types->values().end(), same);
}

void CallValues::skip_space() noexcept {
  while (!at_end() && is_space(text_[position_])) ++position_;
}

bool CallValues::eat(char c) noexcept {
  if (at_end() || text_[position_] != c) return false;
  ++position_;
  return true;
}

// A comma, and something behind it.
bool CallValues::another(char close) noexcept {
  skip_space();
  if (!eat(',') && !(has(kSeparators) && eat(';'))) return false;
  skip_stray_commas();
  return !(has(kJsonStrings) && closes(close));
}

// White space, and commas (or semicolons) that stand where a key or a value should.
void CallValues::skip_stray_commas() noexcept {
  skip_space();
  while (has(kSeparators) && (eat(',') || eat(';'))) skip_space();
}

// The outermost bracket may be closed by the other kind.
bool CallValues::closes(char close) const noexcept {
  const bool other = has(kSeparators) && depth_ <= 1 && close != ']' && (peek() == '}' || peek() == ')');
  return peek() == close || other;
}

bool CallValues::eat_close(char close) noexcept {
  if (!closes(close)) return false;
  ++position_;
  return true;
}

// ':' or '=', whichever should stand here; of several in a row all.
bool CallValues::eat_separator(char separator) noexcept {
  if (!has(kSeparators)) return eat(separator);
  const std::size_t begin = position_;
  while (eat(':') || eat('=')) {
  }
  if (position_ != begin && text_[position_ - 1] == '=') eat('>');
  return position_ != begin;
}

std::optional<Json> CallValues::object(const Json* schema) {
  if (!eat('{') || ++depth_ > Json::kMaxDepth) return std::nullopt;
  Members members;
  skip_stray_commas();
  if (!eat_close('}')) {
    do {
      if (!pair(schema, ':', '}', members)) return std::nullopt;
    } while (another('}'));
    if (!eat_close('}')) return std::nullopt;
  }
  --depth_;
  return unique(std::move(members));
}

std::optional<Json> CallValues::keyword_arguments(const Json* schema) {
  Members members;
  skip_stray_commas();
  if (eat_close(')')) return unique(std::move(members));
  do {
    if (!pair(schema, '=', ')', members)) return std::nullopt;
  } while (another(')'));
  if (!eat_close(')')) return std::nullopt;
  return unique(std::move(members));
}

bool CallValues::pair(const Json* schema, char separator, char close, Members& members) {
  skip_space();
  std::optional<std::string> name = key(schema, separator, close);
  if (!name) return false;
  skip_space();
  if (!eat_separator(separator)) return false;
  skip_space();
  std::optional<Json> content = value(member_schema(schema, *name), schema, close);
  if (!content) return false;
  members.emplace_back(std::move(*name), std::move(*content));
  return true;
}

std::optional<std::string> CallValues::key(const Json* schema, char separator, char close) {
  if (peek() == kQuote) return delimited();
  if (peek() == '"') return json_string();
  if (peek() == '\'' && has(kSingleQuotes)) return single_quoted();
  if (has(kSeparators)) {
    if (std::optional<std::string> known = declared_key(schema)) return known;
  }
  const std::string ends = (has(kSeparators) ? ":=" : std::string{separator}) + close + kQuote + kMarker;
  const std::size_t end = text_.find_first_of(ends, position_);
  if (end == std::string_view::npos || !is_separator(text_[end])) return std::nullopt;
  const std::string_view name = trim(text_.substr(position_, end - position_));
  if (name.empty() || (has(kSeparators) && name.find_first_of(",;") != std::string_view::npos)) return std::nullopt;
  if (!has(kSeparators) && !declares(schema, name) && holds_separators(name)) doubtful_ = true;
  position_ = end;
  return std::string(name);
}

// The longest declared key that stands here, before a separator.
std::optional<std::string> CallValues::declared_key(const Json* schema) {
  const Json* const properties = schema != nullptr ? schema->find("properties") : nullptr;
  const std::string* found = nullptr;
  for (std::size_t i = 0; properties != nullptr && properties->is_object() && i < properties->size(); ++i) {
    const std::string& name = properties->keys()[i];
    if (name.empty() || rest().substr(0, name.size()) != name || (found != nullptr && found->size() >= name.size())) continue;
    std::size_t after = position_ + name.size();
    while (after < text_.size() && is_space(text_[after])) ++after;
    if (after < text_.size() && is_separator(text_[after])) found = &name;
  }
  if (found == nullptr) return std::nullopt;
  position_ += found->size();
  return *found;
}

std::optional<Json> CallValues::value(const Json* schema, const Json* siblings, char close) {
  if (values_left_ == 0) return std::nullopt;
  --values_left_;
  const std::size_t begin = position_;
  const std::size_t depth = depth_;
  const auto text = [](std::optional<std::string> string) -> std::optional<Json> {
    if (!string) return std::nullopt;
    return Json(std::move(*string));
  };
  std::optional<Json> result;
  switch (peek()) {
    case kQuote:
      return text(delimited());
    case '{':
      result = object(schema);
      break;
    case '[':
      result = array(schema);
      break;
    case '"':
      if (has(kJsonStrings)) result = text(json_string());
      break;
    case '\'':
      if (has(kSingleQuotes)) result = text(single_quoted());
      break;
    default:
      result = number_or_word();
  }
  if (result && ends_value(position_)) return result;
  const bool raw_allowed = has(kRawAnything) || (has(kRawStrings) && has_type(schema, "string"));
  if (!raw_allowed || raw_left_ == 0) return std::nullopt;
  --raw_left_;
  position_ = begin;
  depth_ = depth;
  return raw(siblings, close);
}

std::optional<Json> CallValues::array(const Json* schema) {
  if (!eat('[') || ++depth_ > Json::kMaxDepth) return std::nullopt;
  const Json* const items = element_schema(schema);
  Json result = Json::array();
  skip_stray_commas();
  if (!eat(']')) {
    do {
      skip_space();
      std::optional<Json> element = value(items, nullptr, ']');
      if (!element) return std::nullopt;
      result.push_back(std::move(*element));
    } while (another(']'));
    if (!eat(']')) return std::nullopt;
  }
  --depth_;
  return result;
}

// Between two <|"|>: no escapes.
std::optional<std::string> CallValues::delimited() {
  const std::size_t end = text_.find(kQuote, position_ + 1);
  if (end == std::string_view::npos) return std::nullopt;
  std::string result = spelled_out(text_.substr(position_ + 1, end - position_ - 1), "");
  position_ = end + 1;
  return result;
}

// Ends at a <|"|> too, where the value can end there.
std::optional<std::string> CallValues::json_string() {
  std::string result;
  for (std::size_t i = position_ + 1; i < text_.size();) {
    const char c = text_[i];
    if (c == '"') {
      position_ = i + 1;
      return result;
    }
    if (c == kQuote) {
      if (!has(kPythonWords) || !ends_value(i + 1)) return std::nullopt;
      position_ = i + 1;
      return result;
    }
    if (c == '\\') {
      i += unescape(text_.substr(i), result);
    } else if (c == kMarker && i + 1 < text_.size()) {
      result += spelled_out(text_.substr(i, 2), "");
      i += 2;
    } else {
      result += c;
      ++i;
    }
  }
  return std::nullopt;
}

// Ends at the first ' behind which the value can end, so that the one in "it's" does not.
std::optional<std::string> CallValues::single_quoted() {
  std::string result;
  for (std::size_t i = position_ + 1; i < text_.size();) {
    const char c = text_[i];
    if (c == '\'') {
      std::size_t after = i + 1;
      if (after < text_.size() && text_[after] == kQuote) ++after;
      std::size_t next = after;
      while (next < text_.size() && is_space(text_[next])) ++next;
      if (next == text_.size() || ends_value_at(text_[next]) || is_separator(text_[next])) {
        position_ = after;
        return result;
      }
      result += c;
      ++i;
    } else if (c == '\\') {
      i += unescape(text_.substr(i), result);
    } else if (c == kQuote || c == kMarker) {
      return std::nullopt;
    } else {
      result += c;
      ++i;
    }
  }
  return std::nullopt;
}

std::optional<Json> CallValues::number_or_word() {
  const std::size_t begin = position_;
  std::size_t end = begin;
  while (end < text_.size() && !is_space(text_[end]) && !ends_value_at(text_[end]) && text_[end] != kQuote &&
         text_[end] != kMarker) {
    ++end;
  }
  std::string_view token = text_.substr(begin, end - begin);
  position_ = end;
  if (std::optional<Json> word = word_value(token, has(kPythonWords))) return word;
  if (token.size() > 1 && token[0] == '+') token.remove_prefix(1);
  std::string number(token);
  const std::size_t sign = !number.empty() && number[0] == '-' ? 1 : 0;
  if (number.size() > sign && number[sign] == '.') number.insert(sign, 1, '0');
  if (number.empty() || !(is_digit(number[0]) || number[0] == '-')) return std::nullopt;
  try {
    return Json::number(number);
  } catch (const Error&) {
    return std::nullopt;
  }
}

// Text without quotes: to the comma before the next declared key, else to the end of what it stands in; of the last
// value of a call that is the last bracket there is.
std::optional<Json> CallValues::raw(const Json* siblings, char close) {
  std::size_t end = std::string_view::npos;
  const Json* const properties = siblings != nullptr ? siblings->find("properties") : nullptr;
  const std::size_t first_close = text_.find(close, position_);
  const std::string_view commas = has(kSeparators) ? ",;" : ",";
  for (std::size_t comma = text_.find_first_of(commas, position_);
       comma != std::string_view::npos && end == std::string_view::npos; comma = text_.find_first_of(commas, comma + 1)) {
    std::size_t begin = comma + 1;
    while (begin < text_.size() && is_space(text_[begin])) ++begin;
    const std::size_t stop = text_.find_first_of(":=,}])", begin);
    if (stop == std::string_view::npos || (text_[stop] != ':' && text_[stop] != '=')) {
      const bool between = properties == nullptr && text_[comma] == ',';
      if (between && (first_close == std::string_view::npos || comma < first_close)) end = comma;
      continue;
    }
    std::string_view name = trim(text_.substr(begin, stop - begin));
    if (name.size() > 1 && (name.front() == '"' || name.front() == kQuote)) name = name.substr(1, name.size() - 2);
    if (properties == nullptr || properties->find(name) != nullptr) end = comma;
  }
  if (end == std::string_view::npos) end = depth_ <= 1 && close != ']' ? text_.rfind(close) : first_close;
  if (end == std::string_view::npos || end < position_) return std::nullopt;
  const std::string_view text = trim(text_.substr(position_, end - position_));
  position_ = end;
  std::string result = spelled_out(text, "");
  if (result.empty()) return std::nullopt;
  return Json(std::move(result));
}

bool CallValues::ends_value(std::size_t at) const noexcept {
  while (at < text_.size() && is_space(text_[at])) ++at;
  return at == text_.size() || ends_value_at(text_[at]);
}

bool CallValues::ends_value_at(char c) const noexcept {
  return c == ',' || c == '}' || c == ']' || c == ')' || (c == ';' && has(kSeparators));
}

// A key that comes twice has its last value.
Json CallValues::unique(Members members) {
  std::unordered_map<std::string, std::size_t> places;
  Members kept;
  for (auto& [name, content] : members) {
    const auto [place, is_new] = places.emplace(name, kept.size());
    if (is_new) {
      kept.emplace_back(std::move(name), std::move(content));
    } else {
      kept[place->second].second = std::move(content);
    }
  }
  return Json::object(std::move(kept));
}

}  // namespace gemma4::chat
