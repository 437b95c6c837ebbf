// Text as the chat template's language (Jinja, on Python's strings) treats it: trim, lower, upper, str, repr.
#pragma once

#include <string>
#include <string_view>

#include "gemma4/json.h"

namespace gemma4::chat {

/// Without white space at both ends: Unicode's, as str.strip().
std::string_view trim(std::string_view text) noexcept;

/// str.lower() and str.upper(), but for the final sigma, which is a sigma like any other here.
std::string lower(std::string_view text);
std::string upper(std::string_view text);

/// str(value) of what json.loads makes of it: "None", "True", "1e+20", "['a', 1]"; a string is itself.
std::string str(const Json& value);
/// A number as Python prints it: integers by their digits, 1.0, 1e-07. Appended to `out`.
void append_number(const Json& value, std::string& out);

/// bool(value): false for null, false, 0, "", [] and {}. A missing value (null pointer) is false too.
bool truthy(const Json* value) noexcept;

}  // namespace gemma4::chat
