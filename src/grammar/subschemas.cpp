#include "grammar/subschemas.h"

#include "base/words.h"

namespace gemma4::grammar {

Holds schemas_in(std::string_view key, const Json& value) noexcept {
  using base::is_one_of;
  if (value.is_object() && is_one_of(key, {"properties", "patternProperties", "$defs", "definitions", "dependentSchemas"})) {
    return Holds::several;
  }
  if (value.is_array() && is_one_of(key, {"allOf", "anyOf", "oneOf", "prefixItems", "items"})) return Holds::several;
  const bool one = is_one_of(key, {"items", "additionalItems", "additionalProperties", "unevaluatedProperties", "not", "if",
                                   "then", "else", "contains", "propertyNames"});
  return one ? Holds::one : Holds::none;
}

}  // namespace gemma4::grammar
