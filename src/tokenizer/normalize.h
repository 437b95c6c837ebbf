// Gemma's normalizer.
#pragma once

#include <string>
#include <string_view>

namespace gemma4::tokenizer {

/// `text` with U+2581 for every space, and nothing else changed.
inline std::string normalize(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  for (const char c : text) {
    if (c == ' ') {
      result.append("\xE2\x96\x81");
    } else {
      result.push_back(c);
    }
  }
  return result;
}

}  // namespace gemma4::tokenizer
