#include "chat/call_parser.h"

#include <algorithm>
#include <array>

#include "chat/call_text.h"
#include "chat/call_values.h"
#include "chat/coerce.h"
#include "chat/python_text.h"
#include "chat/tools.h"
#include "gemma4/error.h"

namespace gemma4::chat {
namespace {

constexpr std::string_view kPrefix = "call:";

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
  if (leftover.find_first_not_of(",; ") == std::string::npos) leftover.clear();
  return true;
}

struct Attempt {
  ParsedCall parsed;
  bool doubtful = false;  // as CallValues::doubtful()
};

std::optional<Attempt> attempt(std::string_view text, const std::vector<Json>& functions, unsigned repairs) {
  CallValues values(text, repairs);
  const std::string_view name = read_name(values);
  Attempt result;
  ParsedCall& parsed = result.parsed;
  if (name.empty()) {
    if (values.peek() != '{' || (repairs & kJsonStrings) == 0) return std::nullopt;
    const auto object = values.object(nullptr);
    std::optional<ToolCall> call = object ? from_json_form(*object, functions) : std::nullopt;
    if (!call || !accept_end(values, repairs, parsed.leftover)) return std::nullopt;
    parsed.call = std::move(*call);
    return result;
  }
  parsed.call.name = resolve(name, functions);
  const Json* const schema = parameters_of(functions, parsed.call.name);
  std::optional<Json> arguments;
  if (values.peek() == '{') {
    arguments = values.object(schema);
  } else if ((repairs & kJsonStrings) != 0) {
    values.eat('(');
    values.skip_space();
    const bool wrapped = values.peek() == '{';
    arguments = wrapped ? values.object(schema) : values.keyword_arguments(schema);
    values.skip_space();
    if (wrapped && !values.eat(')')) return std::nullopt;
  }
  if (!arguments || !accept_end(values, repairs, parsed.leftover)) return std::nullopt;
  parsed.call.arguments = std::move(*arguments);
  result.doubtful = values.doubtful();
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

// The text as the model may have meant it where something is missing at its end.
std::vector<std::string> completed(std::string_view text) {
  std::vector<std::string> variants = with_last_quote(text);
  const std::size_t n_quoted = variants.size();
  for (std::size_t i = 0; i < n_quoted; ++i) variants.push_back(variants[i] + missing_brackets(variants[i]));
  variants.push_back(std::string(text) + missing_brackets(text));
  return variants;
}

constexpr unsigned kQuotesAndWords = kJsonStrings | kSingleQuotes | kPythonWords;

// One repair after the other. What is doubtful counts where nothing better is found.
class Repairs {
 public:
  Repairs(std::string_view text, const std::vector<Json>& functions) : text_(text), functions_(functions) {}

  std::optional<ParsedCall> run(bool complete) {
    for (const unsigned repairs : {unsigned{kStrict}, unsigned{kJsonStrings}, kJsonStrings | kSingleQuotes, kQuotesAndWords}) {
      if (whole(repairs)) return std::move(found_);
      if (fallback_) return separated();
    }
    if (whole(kQuotesAndWords | kSeparators)) return std::move(found_);
    if (complete) variants_ = completed(text_);
    if (variant(kQuotesAndWords) || variant(kQuotesAndWords | kSeparators)) return std::move(found_);
    for (const unsigned more : {unsigned{kRawStrings}, unsigned{kTrailing}, kRawStrings | kRawAnything | kTrailing}) {
      for (const unsigned separators : {0U, unsigned{kSeparators}}) {
        const unsigned repairs = kQuotesAndWords | more | separators;
        if (whole(repairs) || variant(repairs)) return std::move(found_);
      }
    }
    return std::move(fallback_);
  }

  // What is whole as it stands, but for a doubtful key.
  std::optional<ParsedCall> separated() {
    for (const unsigned more : {0U, unsigned{kRawStrings}, kRawStrings | kRawAnything}) {
      if (whole(kQuotesAndWords | kSeparators | more)) return std::move(found_);
    }
    return std::move(fallback_);
  }

 private:
  bool whole(unsigned repairs) { return read(text_, repairs); }
  bool variant(unsigned repairs) {
    for (const std::string& text : variants_) {
      if (read(text, repairs)) return true;
    }
    return false;
  }

  bool read(std::string_view text, unsigned repairs) {
    std::optional<Attempt> result = attempt(text, functions_, repairs);
    if (!result) return false;
    std::optional<ParsedCall>& place = result->doubtful ? fallback_ : found_;
    if (!place) place = std::move(result->parsed);
    return !result->doubtful;
  }

  const std::string_view text_;
  const std::vector<Json>& functions_;
  std::vector<std::string> variants_;
  std::optional<ParsedCall> found_, fallback_;
};

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
  std::optional<ParsedCall> result = Repairs(text, functions).run(complete);
  if (result) coerce(result->call.arguments, parameters_of(functions, result->call.name));
  return result;
}

std::optional<ParsedCall> parse_strict_call(std::string_view text, const std::vector<Json>& functions, bool held) {
  std::optional<Attempt> strict = attempt(text, functions, kStrict);
  if (!strict) return std::nullopt;
  std::optional<ParsedCall> result;
  if (strict->doubtful && !held) result = Repairs(text, functions).separated();
  if (!result) result = std::move(strict->parsed);
  coerce(result->call.arguments, parameters_of(functions, result->call.name));
  return result;
}

}  // namespace gemma4::chat
