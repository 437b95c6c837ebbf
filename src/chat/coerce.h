// coerce: values brought to the types that a tool declares, where that loses nothing.
#pragma once

#include "gemma4/json.h"

namespace gemma4::chat {

/// Below an object schema, recursively: "5" becomes 5 where a number is declared, "true" becomes true where a boolean
/// is, 5 becomes "5" where a string is, 5.0 becomes 5 where an integer is, the text of a JSON object or array becomes
/// that where one is declared. Where the schema takes the value as it is, or says nothing, it stays. `schema` may be
/// null.
void coerce(Json& value, const Json* schema);

}  // namespace gemma4::chat
