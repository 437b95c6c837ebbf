// The `format`s of JSON Schema that are held to, as regular expressions of the whole string.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace gemma4::grammar {

enum class FormatKind : unsigned char {
  supported,
  unsupported,  ///< Named by a draft of JSON Schema, and not held to here.
  unknown,      ///< Named by none: an annotation.
};

FormatKind format_kind(std::string_view name);
/// The pattern of a supported format.
std::string format_pattern(std::string_view name);

}  // namespace gemma4::grammar
