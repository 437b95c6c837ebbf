// Where a text stops being JSON: for messages, after the fast parser has refused it.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace gemma4::formats {

struct JsonSyntaxError {
  std::size_t offset =
      0;  ///< Of the first byte that cannot be part of a JSON document; text.size() when it ends too early.
  const char* expected = "";  ///< "a value", "',' or '}'".
};

/// nullopt when the text is JSON after all. Numbers beyond the range of double (of 64 bits, for integers) count as
/// errors.
std::optional<JsonSyntaxError> find_syntax_error(std::string_view text, std::size_t max_depth);

}  // namespace gemma4::formats
