// Raising Error with a message assembled from parts; the library's only way to fail.
#pragma once

#include <locale>
#include <sstream>
#include <string>

#include "gemma4/error.h"

namespace gemma4::base {

/// Parts streamed into one string, numbers always in the C locale.
template <class... Parts>
std::string concat(const Parts&... parts) {
  std::ostringstream out;
  out.imbue(std::locale::classic());
  (out << ... << parts);
  return out.str();
}

template <class... Parts>
[[noreturn]] void fail(ErrorCode code, const Parts&... parts) {
  throw Error(code, concat(parts...));
}

}  // namespace gemma4::base

/// GEMMA4_CHECK(condition, ErrorCode::x, "expected ", a, ", got ", b): throws Error unless the condition holds.
#define GEMMA4_CHECK(condition, code, ...)                            \
  do {                                                                \
    if (!(condition)) ::gemma4::base::fail((code), __VA_ARGS__);      \
  } while (false)

/// A broken invariant of our own; checked in debug builds, and even there an exception, never an abort.
#ifdef NDEBUG
#define GEMMA4_DCHECK(condition) static_cast<void>(0)
#else
#define GEMMA4_DCHECK(condition) \
  GEMMA4_CHECK(condition, ::gemma4::ErrorCode::internal, __FILE__, ":", __LINE__, ": broken invariant: " #condition)
#endif
