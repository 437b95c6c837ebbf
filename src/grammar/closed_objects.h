// Schemas whose objects have the members they list and no others.
#pragma once

#include "gemma4/json.h"

namespace gemma4::grammar {

/// The schema with "additionalProperties": false where an object lists its members and nothing speaks of others: what
/// people mean who write a schema for a function or an answer. Every instance of the result is one of `schema`. Where
/// schemas are combined so that this would not hold, or so that nothing might be left (allOf, oneOf, not, if and their
/// like), the schema as it is.
Json close_objects(const Json& schema);

}  // namespace gemma4::grammar
