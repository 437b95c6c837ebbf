#include "chat/coerce.h"

#include <cmath>
#include <optional>
#include <string>
#include <vector>

#include "base/check.h"
#include "chat/call_values.h"
#include "chat/python_text.h"

namespace gemma4::chat {
namespace {

// Integers beyond this are not told apart by a double.
constexpr double kExact = 9007199254740992.0;

std::optional<Json> number_of(const std::string& text) {
  try {
    const std::string_view trimmed = trim(text);
    return Json::number(trimmed.substr(0, 1) == "+" ? trimmed.substr(1) : trimmed);
  } catch (const Error&) {
    return std::nullopt;
  }
}

std::optional<Json> integer_of(const Json& number) {
  if (number.type() == Json::Type::integer) return number;
  const double value = number.as_double();
  if (value != std::floor(value) || std::abs(value) > kExact) return std::nullopt;
  return Json(static_cast<std::int64_t>(value));
}

std::optional<Json> parsed(const std::string& text, Json::Type type) {
  try {
    Json value = Json::parse(text);
    if (value.type() == type) return value;
  } catch (const Error&) {
  }
  return std::nullopt;
}

std::optional<Json> from_text(const std::string& text, const Json* schema) {
  const bool integer = has_type(schema, "integer");
  if (integer || has_type(schema, "number")) {
    const std::optional<Json> number = number_of(text);
    if (number && has_type(schema, "number")) return number;
    return number ? integer_of(*number) : std::nullopt;
  }
  if (has_type(schema, "boolean")) {
    const std::string word = lower(trim(text));
    if (word == "true" || word == "false") return Json(word == "true");
  }
  if (has_type(schema, "object")) return parsed(text, Json::Type::object);
  if (has_type(schema, "array")) return parsed(text, Json::Type::array);
  return std::nullopt;
}

std::optional<Json> converted(const Json& value, const Json* schema) {
  if (value.is_string()) return has_type(schema, "string") ? std::nullopt : from_text(value.as_string(), schema);
  if (value.is_number()) {
    if (has_type(schema, "number")) return std::nullopt;
    if (has_type(schema, "integer")) return integer_of(value);
    if (has_type(schema, "string")) return Json(value.number_text());
  }
  if (value.is_bool() && has_type(schema, "string") && !has_type(schema, "boolean")) {
    return Json(value.as_bool() ? "true" : "false");
  }
  return std::nullopt;
}

}  // namespace

void coerce(Json& value, const Json* schema) {
  if (schema == nullptr || !schema->is_object()) return;
  if (std::optional<Json> better = converted(value, schema)) value = std::move(*better);
  if (value.is_array()) {
    std::vector<Json> elements = value.values();
    for (Json& element : elements) coerce(element, element_schema(schema));
    value = Json::array(std::move(elements));
  } else if (value.is_object()) {
    std::vector<std::pair<std::string, Json>> members;
    for (std::size_t i = 0; i < value.size(); ++i) {
      members.emplace_back(value.keys()[i], value[i]);
      coerce(members.back().second, member_schema(schema, members.back().first));
    }
    value = Json::object(std::move(members));
  }
}

}  // namespace gemma4::chat
