// What every entry of the C interface goes through: exceptions become statuses, arguments are checked, outputs written.
#pragma once

#include <cxxabi.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

#include "gemma4/error.h"
#include "gemma4/types.h"
#include "gemma4_c/base.h"

namespace gemma4::capi {

/// Remembers the text for gemma4_last_error() of this thread and returns the status. Allocates nothing.
gemma4_status remember(gemma4_status status, std::string_view text) noexcept;

/// Of the exception that is being handled.
gemma4_status status_of_exception() noexcept;

/// Runs the body of an entry. A thread that is being cancelled (pthread_cancel) unwinds through it.
template <class Body>
gemma4_status guard(Body&& body) {
  try {
    body();
    return GEMMA4_OK;
#ifdef __GLIBCXX__
  } catch (const abi::__forced_unwind&) {
    throw;
#endif
  } catch (...) {
    return status_of_exception();
  }
}

[[noreturn]] void refuse(const std::string& what);

/// An output that must be there.
template <class T>
T& required(T* pointer, const char* name) {
  if (pointer == nullptr) refuse(std::string(name) + ": expected a pointer, got NULL");
  return *pointer;
}

/// An array that came in. Lengths that cannot be are refused before anything is read.
template <class T>
Span<const T> array(const T* data, std::size_t size, const char* name) {
  if (data == nullptr && size != 0)
    refuse(std::string(name) + ": expected " + std::to_string(size) + " items, got NULL");
  if (size > static_cast<std::size_t>(PTRDIFF_MAX) / sizeof(T)) {
    refuse(std::string(name) + ": no array has " + std::to_string(size) + " items");
  }
  return {data, size};
}

inline std::string_view text(const char* data, std::size_t size, const char* name) {
  const Span<const char> bytes = array(data, size, name);
  return data == nullptr ? std::string_view() : std::string_view(bytes.data(), bytes.size());
}

/// A name that the system will see: without zero bytes.
std::string path(const char* data, std::size_t size, const char* name);

/// A text that ends an answer: not empty, valid UTF-8.
std::string stop_text(const char* data, std::size_t size);

/// One of an enumeration's numbers from 0 to `last`.
template <class Enum>
Enum one_of(std::int32_t value, std::int32_t last, const char* name) {
  if (value < 0 || value > last) {
    refuse(std::string(name) + ": expected a number from 0 to " + std::to_string(last) + ", got " +
           std::to_string(value));
  }
  return static_cast<Enum>(value);
}

/// The outputs of convention 4: asked for only, or written whole, or refused.
template <class T>
void write_array(Span<const T> items, T* out, std::size_t capacity, std::size_t* out_count, const char* name) {
  required(out_count, "out_count") = items.size();
  if (out == nullptr && capacity == 0) return;
  required(out, name);
  if (capacity < items.size()) {
    refuse(std::string(name) + ": expected a capacity of " + std::to_string(items.size()) + " or more, got " +
           std::to_string(capacity));
  }
  if (!items.empty()) std::memcpy(out, items.data(), items.size() * sizeof(T));
}
void write_text(std::string_view text, char* buffer, std::size_t capacity, std::size_t* out_length);

}  // namespace gemma4::capi
