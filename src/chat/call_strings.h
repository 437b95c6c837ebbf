// The escapes of JSON's strings, as models write them.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace gemma4::chat {

/// Appends what the escape means that `text` begins with, a backslash; one that is no escape stays as it is. Half a
/// surrogate pair is U+FFFD. Returns the characters used.
std::size_t unescape(std::string_view text, std::string& out);

}  // namespace gemma4::chat
