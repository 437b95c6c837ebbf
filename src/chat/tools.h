// Tools as hosts give them, in any of their spellings, as the functions that everything else works with.
#pragma once

#include <string_view>
#include <vector>

#include "gemma4/json.h"

namespace gemma4::chat {

/// Tools in the form {"type":"function","function":{"name":...}} or as the function alone, as a list of the functions. The
/// schema of the arguments, which MCP spells "inputSchema" and Anthropic "input_schema", is "parameters" in each.
/// Throws Error invalid_argument with the path ("tools[1].function.name"): for what no function is, and for a schema
/// under a key that is none of these. Null: no tools.
std::vector<Json> parse_tools(const Json& tools);

/// parse_tools(), and what a chat needs of them: names that the call syntax can hold, once each; a declaration that the
/// template can write, with a type (which its last brace goes with). Throws Error invalid_argument with the path.
std::vector<Json> declared_tools(const Json& tools);

/// A character that the names of tools are made of.
bool is_name_character(char c) noexcept;

}  // namespace gemma4::chat
