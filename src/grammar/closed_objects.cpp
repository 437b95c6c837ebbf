#include "grammar/closed_objects.h"

#include <algorithm>

#include "base/words.h"
#include "grammar/subschemas.h"

namespace gemma4::grammar {
namespace {

using base::is_one_of;

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
  Json result = with_subschemas(schema, closed);
  if (can_be_closed(schema)) result.set("additionalProperties", false);
  return result;
}

}  // namespace

Json close_objects(const Json& schema) { return combines(schema) ? schema : closed(schema); }

}  // namespace gemma4::grammar
