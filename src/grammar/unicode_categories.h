// General categories of Unicode, as \p{...} names them.
#pragma once

#include <optional>
#include <string_view>

#include "grammar/terms.h"

namespace gemma4::grammar {

/// The characters of a category or of a group of categories, by its short or long name ("Lu", "Uppercase_Letter", "L",
/// "General_Category=Letter"), and of "Any", "Assigned" and "ASCII"; nullopt for any other name.
std::optional<CodeRanges> unicode_property(std::string_view name);

}  // namespace gemma4::grammar
