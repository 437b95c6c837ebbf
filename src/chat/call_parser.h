// parse_call: a tool call from the model's text, with the repairs that models are known to need.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gemma4/json.h"
#include "gemma4/message.h"

namespace gemma4::chat {

/// What was read.
struct ParsedCall {
  ToolCall call;         ///< Without an id.
  std::string leftover;  ///< Text behind the call, if there was any.
};

/// Reads "call:NAME{...}" (call_text.h). Strictly first; then with these repairs, each on top of those before: strings
/// in JSON's quotes, in single quotes, Python's words; '=' for ':' and the other way round, ';' for ',', commas that
/// separate nothing; a missing last <|"|>; missing last brackets; strings without quotes where the schema says string;
/// call:NAME(key=value, ...); a JSON object with a name and arguments. A namespace before a declared tool's name is
/// dropped. Arguments are coerced by the tool's schema: text that is a number where a
/// number is declared, and the like. Nullopt: it cannot be read.
/// @param functions  the declared tools.
/// @param complete   false when the text was cut short by a limit: nothing that may be missing is then made up.
/// Time: linear in the text for each of some dozen attempts.
std::optional<ParsedCall> parse_call(std::string_view text, const std::vector<Json>& functions, bool complete);

/// As parse_call(), without any repair but one: a key that nobody declared and that begins with a comma, or holds '=' and a
/// comma (or ':' and one), is taken for several where it can be.
/// @param held  the text was held to the syntax while it was written: there is no doubt about its keys.
std::optional<ParsedCall> parse_strict_call(std::string_view text, const std::vector<Json>& functions, bool held = false);

/// The name as far as it can be told: what stands between "call:" and '{' or '(', resolved against the declared tools;
/// "" when neither bracket has come.
std::string call_name(std::string_view text, const std::vector<Json>& functions);

/// The declared tool, or null.
const Json* find_function(const std::vector<Json>& functions, std::string_view name) noexcept;

}  // namespace gemma4::chat
