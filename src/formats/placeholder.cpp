#include "formats/placeholder.h"

#include <algorithm>

#include "base/check.h"

namespace gemma4::formats {
namespace {

/// `prefix` in small letters.
bool starts_with_any_case(std::string_view text, std::string_view prefix) noexcept {
  const auto same = [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a - 'A' + 'a' : a) == b; };
  return text.size() >= prefix.size() && std::equal(prefix.begin(), prefix.end(), text.begin(),
                                                    [&](char b, char a) { return same(a, b); });
}

}  // namespace

void refuse_placeholder(std::string_view bytes, const std::string& name) {
  GEMMA4_CHECK(!bytes.starts_with("version https://git-lfs.github.com/spec/"), ErrorCode::bad_format, name,
               ": expected the file itself, got a git-lfs pointer to it (\"git lfs pull\" in its folder fetches it)");
  const std::size_t begin = std::min(bytes.find_first_not_of(" \t\r\n"), bytes.size());
  const std::string_view text = bytes.substr(begin);
  GEMMA4_CHECK(!starts_with_any_case(text, "<!doctype html") && !starts_with_any_case(text, "<html"),
               ErrorCode::bad_format, name,
               ": expected the file itself, got an HTML page (a download that ended at a web page; download it again)");
}

}  // namespace gemma4::formats
