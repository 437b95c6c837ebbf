// JsonWriter: objects and arrays, written value by value.
#pragma once

#include <cstdint>
#include <cstdio>
#include <string>

#include "common.h"

namespace cli {

/// Values of an object come with a key, those of an array with null. Braces are the caller's to balance.
class JsonWriter {
 public:
  JsonWriter& open(const char* key, char bracket) { return raw(key, std::string(1, bracket), ""); }
  JsonWriter& close(char bracket) {
    text_ += bracket;
    separator_ = ", ";
    return *this;
  }
  JsonWriter& value(const char* key, const std::string& v) { return raw(key, json_string(v), ", "); }
  JsonWriter& value(const char* key, std::uint64_t v) { return raw(key, std::to_string(v), ", "); }
  JsonWriter& value(const char* key, int v) { return raw(key, std::to_string(v), ", "); }
  JsonWriter& value(const char* key, double v) {
    char digits[40];
    std::snprintf(digits, sizeof digits, "%.6g", v);
    return raw(key, digits, ", ");
  }
  const std::string& text() const noexcept { return text_; }

 private:
  JsonWriter& raw(const char* key, const std::string& v, const char* separator) {
    text_ += separator_;
    if (key != nullptr) text_ += json_string(key) + ": ";
    text_ += v;
    separator_ = separator;
    return *this;
  }

  std::string text_;
  const char* separator_ = "";
};

}  // namespace cli
