// A word among others.
#pragma once

#include <algorithm>
#include <initializer_list>
#include <string_view>

namespace gemma4::base {

inline bool is_one_of(std::string_view word, std::initializer_list<std::string_view> words) noexcept {
  return std::find(words.begin(), words.end(), word) != words.end();
}

}  // namespace gemma4::base
