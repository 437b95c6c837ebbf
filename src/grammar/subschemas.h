// Where a JSON Schema holds others: what takes schemas apart or changes them all walks along here.
#pragma once

#include <string_view>

#include "gemma4/json.h"

namespace gemma4::grammar {

/// How many schemas the value of a schema's keyword is: itself one, an array or object of them, or no schema.
enum class Holds { none, one, several };
Holds schemas_in(std::string_view key, const Json& value) noexcept;

/// The schema with fn(subschema) in the place of each subschema directly inside it. What is no object comes back as it is.
template <class Fn>
Json with_subschemas(const Json& schema, Fn&& fn) {
  if (!schema.is_object()) return schema;
  Json result = Json::object();
  for (std::size_t i = 0; i < schema.size(); ++i) {
    const std::string& key = schema.keys()[i];
    const Json& value = schema[i];
    switch (schemas_in(key, value)) {
      case Holds::none:
        result.set(key, value);
        break;
      case Holds::one:
        result.set(key, fn(value));
        break;
      case Holds::several: {
        Json inner = value.is_array() ? Json::array() : Json::object();
        for (std::size_t j = 0; j < value.size(); ++j) {
          if (value.is_array()) {
            inner.push_back(fn(value[j]));
          } else {
            inner.set(value.keys()[j], fn(value[j]));
          }
        }
        result.set(key, std::move(inner));
        break;
      }
    }
  }
  return result;
}

}  // namespace gemma4::grammar
