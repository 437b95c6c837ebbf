#include "chat/call_parser.h"

#include <algorithm>
#include <array>

#include "chat/call_text.h"
#include "chat/call_values.h"
#include "chat/coerce.h"
#include "chat/python_text.h"
#include "gemma4/error.h"

namespace gemma4::chat {
namespace {

constexpr std::string_view kPrefix = "call:";

bool is_name_character(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("_.:-/").find(c) != std::string_view::npos;
}

// "ns:name" and "ns.name" are the declared tool "name".
std::string resolve(std::string_view name, const std::vector<Json>& functions) {
  if (find_function(functions, name) != nullptr) return std::string(name);
  for (std::size_t i = 0; i < name.size(); ++i) {
    if (std::string_view(":./").find(name[i]) == std::string_view::npos) continue;
    if (find_function(functions, name.substr(i + 1)) != nullptr) return std::string(name.substr(i + 1));
  }
  return std::string(name);
}

const Json* parameters_of(const std::vector<Json>& functions, std::string_view name) {
  const Json* const function = find_function(functions, name);
  return function != nullptr ? function->find("parameters") : nullptr;
}

// The name before a bracket; "" when there is none. Moves behind it.
std::string_view read_name(CallValues& values) {
  values.skip_space();
  if (values.rest().substr(0, kPrefix.size()) == kPrefix) values.advance(kPrefix.size());
  values.skip_space();
  const std::string_view rest = values.rest();
  std::size_t n = 0;
  while (n < rest.size() && is_name_character(rest[n])) ++n;
  values.advance(n);
  values.skip_space();
  return values.peek() == '{' || values.peek() == '(' ? rest.substr(0, n) : std::string_view();
}

// {"name": ..., "arguments": {...}}, as other models write calls.
std::optional<ToolCall> from_json_form(const Json& object, const std::vector<Json>& functions) {
  const Json* const name = object.find("name");
  const Json* arguments = object.find("arguments");
  if (arguments == nullptr) arguments = object.find("parameters");
  if (name == nullptr || !name->is_string() || name->as_string().empty()) return std::nullopt;
  ToolCall call;
  call.name = resolve(name->as_string(), functions);
  if (arguments == nullptr) return call;
  call.arguments = *arguments;
  if (arguments->is_string()) {  // the JSON as a text
    try {
      call.arguments = Json::parse(arguments->as_string());
    } catch (const Error&) {
    }
  }
  if (!call.arguments.is_object()) return std::nullopt;
  return call;
}

struct Attempt {
  std::string_view text;
  const std::vector<Json>& functions;
  unsigned repairs;
};

// Brackets too many, and text behind the call.
bool accept_end(CallValues& values, unsigned repairs, std::string& leftover) {
  values.skip_space();
  if (values.at_end()) return true;
  if ((repairs & kTrailing) == 0) return false;
  while (values.eat('}') || values.eat(']') || values.eat(')') || values.eat(';') || values.eat(kQuote)) {
    values.skip_space();
  }
  leftover = std::string(trim(spelled_out(values.rest(), "\"")));
  if (leftover.size() > 1 && leftover[0] == ',' && trim(std::string_view(leftover).substr(1)).substr(0, kPrefix.size()) == kPrefix) {
    leftover.erase(0, 1);  // between calls
  }
  return true;
}

std::optional<ParsedCall> attempt(const Attempt& a) {
  CallValues values(a.text, a.repairs);
  const std::string_view name = read_name(values);
  ParsedCall result;
  if (name.empty()) {
    if (values.peek() != '{' || (a.repairs & kJsonStrings) == 0) return std::nullopt;
    const auto object = values.object(nullptr);
    std::optional<ToolCall> call = object ? from_json_form(*object, a.functions) : std::nullopt;
    if (!call || !accept_end(values, a.repairs, result.leftover)) return std::nullopt;
    result.call = std::move(*call);
    return result;
  }
  result.call.name = resolve(name, a.functions);
  const Json* const schema = parameters_of(a.functions, result.call.name);
  std::optional<Json> arguments;
  if (values.peek() == '{') {
    arguments = values.object(schema);
  } else if ((a.repairs & kJsonStrings) != 0) {
    values.eat('(');
    values.skip_space();
    const bool wrapped = values.peek() == '{';
    arguments = wrapped ? values.object(schema) : values.keyword_arguments(schema);
    values.skip_space();
    if (wrapped && !values.eat(')')) return std::nullopt;
  }
  if (!arguments || !accept_end(values, a.repairs, result.leftover)) return std::nullopt;
  result.call.arguments = std::move(*arguments);
  return result;
}

// The brackets that are open at the end, outside <|"|> strings, as the text that closes them.
std::string missing_brackets(std::string_view text) {
  std::string open;
  bool in_string = false;
  for (const char c : text) {
    if (c == kQuote) in_string = !in_string;
    if (in_string) continue;
    if (c == '{' || c == '[' || c == '(') open += c == '{' ? '}' : c == '[' ? ']' : ')';
    if (!open.empty() && c == open.back()) open.pop_back();
  }
  std::reverse(open.begin(), open.end());
  return open;
}

// The text with a last <|"|> where one is missing: before the last bracket, or the last two, ... or at the end.
std::vector<std::string> with_last_quote(std::string_view text) {
  constexpr std::size_t kMost = 16;
  std::vector<std::string> variants;
  if (std::count(text.begin(), text.end(), kQuote) % 2 == 0) return variants;
  std::size_t at = text.size();
  while (at > 0 && variants.size() < kMost) {
    const char c = text[at - 1];
    if (c == '}' || c == ']') {
      variants.push_back(std::string(text.substr(0, at - 1)) + kQuote + std::string(text.substr(at - 1)));
    } else if (c != ' ' && c != '\n') {
      break;
    }
    --at;
  }
  variants.push_back(std::string(text) + kQuote);
  return variants;
}

std::optional<ParsedCall> attempt_repairs(std::string_view text, const std::vector<Json>& functions, bool complete) {
  static constexpr std::array<unsigned, 4> kForgiving = {kStrict, kJsonStrings, kJsonStrings | kSingleQuotes,
                                                         kJsonStrings | kSingleQuotes | kPythonWords};
  for (const unsigned repairs : kForgiving) {
    if (auto call = attempt({text, functions, repairs})) return call;
  }
  std::vector<std::string> variants;
  if (complete) variants = with_last_quote(text);
  const std::size_t n_quoted = variants.size();
  if (complete) {
    for (std::size_t i = 0; i < n_quoted; ++i) variants.push_back(variants[i] + missing_brackets(variants[i]));
    variants.push_back(std::string(text) + missing_brackets(text));
  }
  constexpr unsigned kBase = kJsonStrings | kSingleQuotes | kPythonWords;
  for (const unsigned repairs : {kBase, kBase | kRawStrings}) {
    if (repairs != kBase) {
      if (auto call = attempt({text, functions, repairs})) return call;
    }
    for (const std::string& variant : variants) {
      if (auto call = attempt({variant, functions, repairs})) return call;
    }
  }
  for (const unsigned repairs : {kBase | kTrailing, kBase | kRawStrings | kRawAnything | kTrailing}) {
    if (auto call = attempt({text, functions, repairs})) return call;
    for (const std::string& variant : variants) {
      if (auto call = attempt({variant, functions, repairs})) return call;
    }
  }
  return std::nullopt;
}

}  // namespace

const Json* find_function(const std::vector<Json>& functions, std::string_view name) noexcept {
  for (const Json& function : functions) {
    const Json* const declared = function.find("name");
    if (declared != nullptr && declared->is_string() && declared->as_string() == name) return &function;
  }
  return nullptr;
}

std::string call_name(std::string_view text, const std::vector<Json>& functions) {
  CallValues values(text, kStrict);
  const std::string_view name = read_name(values);
  return name.empty() ? std::string() : resolve(name, functions);
}

std::optional<ParsedCall> parse_call(std::string_view text, const std::vector<Json>& functions, bool complete) {
  std::optional<ParsedCall> result = attempt_repairs(text, functions, complete);
  if (result) coerce(result->call.arguments, parameters_of(functions, result->call.name));
  return result;
}

std::optional<ParsedCall> parse_strict_call(std::string_view text, const std::vector<Json>& functions) {
  std::optional<ParsedCall> result = attempt({text, functions, kStrict});
  if (result) coerce(result->call.arguments, parameters_of(functions, result->call.name));
  return result;
}

}  // namespace gemma4::chat
