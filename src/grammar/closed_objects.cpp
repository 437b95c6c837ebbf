#include "grammar/closed_objects.h"

#include <algorithm>
#include <initializer_list>
#include <string_view>

namespace gemma4::grammar {
namespace {

bool is_one_of(std::string_view text, std::initializer_list<std::string_view> all) noexcept {
  return std::find(all.begin(), all.end(), text) != all.end();
}

/// How many schemas a keyword's value holds.
enum class Holds { none, one, several };

Holds schemas_in(std::string_view key, const Json& value) noexcept {
  if (is_one_of(key, {"properties", "patternProperties", "$defs", "definitions"}) && value.is_object()) return Holds::several;
  if (is_one_of(key, {"allOf", "anyOf", "prefixItems", "items"}) && value.is_array()) return Holds::several;
  return is_one_of(key, {"items", "additionalItems", "additionalProperties", "propertyNames"}) ? Holds::one : Holds::none;
}

/// Whether instances are judged by schemas together, or by what a schema refuses.
bool combines(const Json& schema) noexcept {
  const bool lists = schema.find("properties") != nullptr;
  for (std::size_t i = 0; i < schema.keys().size(); ++i) {
    const std::string& key = schema.keys()[i];
    const Json& value = schema[i];
    if (is_one_of(key, {"oneOf", "not", "if", "dependentSchemas", "dependencies", "contains", "unevaluatedProperties",
                        "unevaluatedItems", "$dynamicRef", "$recursiveRef", "extends", "disallow"})) {
      return true;
    }
    if (lists && is_one_of(key, {"$ref", "allOf", "anyOf"})) return true;
    if (key == "allOf" && value.size() > 1) return true;
    const Holds holds = schemas_in(key, value);
    if (holds == Holds::one && combines(value)) return true;
    if (holds == Holds::several && std::any_of(value.values().begin(), value.values().end(), combines)) return true;
  }
  return false;
}

/// Lists members, and can do without others.
bool can_be_closed(const Json& schema) noexcept {
  const Json* const members = schema.find("properties");
  if (members == nullptr || !members->is_object()) return false;
  for (const std::string& key : schema.keys()) {
    if (is_one_of(key, {"additionalProperties", "patternProperties", "propertyNames", "minProperties"})) return false;
  }
  const Json* const required = schema.find("required");
  return required == nullptr || std::all_of(required->values().begin(), required->values().end(), [&](const Json& name) {
           return name.is_string() && members->find(name.as_string()) != nullptr;
         });
}

Json closed(const Json& schema) {
  if (!schema.is_object()) return schema;
  Json result = Json::object();
  for (std::size_t i = 0; i < schema.size(); ++i) {
    const std::string& key = schema.keys()[i];
    const Json& value = schema[i];
    const Holds holds = schemas_in(key, value);
    Json inner = holds == Holds::one ? closed(value) : holds == Holds::none ? value : value.is_array() ? Json::array() : Json::object();
    for (std::size_t j = 0; holds == Holds::several && j < value.size(); ++j) {
      if (value.is_array()) {
        inner.push_back(closed(value[j]));
      } else {
        inner.set(value.keys()[j], closed(value[j]));
      }
    }
    result.set(key, std::move(inner));
  }
  if (can_be_closed(schema)) result.set("additionalProperties", false);
  return result;
}

}  // namespace

Json close_objects(const Json& schema) { return combines(schema) ? schema : closed(schema); }

}  // namespace gemma4::grammar
