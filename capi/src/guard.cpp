#include "guard.h"

#include <algorithm>
#include <new>

#include "base/utf8.h"

namespace gemma4::capi {
namespace {

// In the thread's own storage and without a destructor: there is always room to say what went wrong.
constexpr std::size_t kLongest = 4095;
thread_local char last_error[kLongest + 1];

/// The longest beginning of `text` that fits and does not end within a character.
std::size_t fitting(std::string_view text) noexcept {
  if (text.size() <= kLongest) return text.size();
  std::size_t end = kLongest;
  while (end > kLongest - 4 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
  return end;
}

}  // namespace

gemma4_status remember(gemma4_status status, std::string_view text) noexcept {
  const std::size_t size = fitting(text);
  std::memmove(last_error, text.data(), size);
  last_error[size] = '\0';
  return status;
}

gemma4_status status_of_exception() noexcept {
  try {
    throw;
  } catch (const Error& error) {
    return remember(static_cast<gemma4_status>(error.code()), error.what());
  } catch (const std::bad_alloc&) {
    return remember(GEMMA4_ERROR_OUT_OF_MEMORY, "no memory was left");
  } catch (const std::length_error&) {
    return remember(GEMMA4_ERROR_OUT_OF_MEMORY, "more memory was asked for than there can be");
  } catch (const std::exception& error) {
    return remember(GEMMA4_ERROR_INTERNAL, error.what());
  } catch (...) {
    return remember(GEMMA4_ERROR_INTERNAL, "an exception that is none of the library's");
  }
}

void refuse(const std::string& what) { throw Error(ErrorCode::invalid_argument, what); }

std::string path(const char* data, std::size_t size, const char* name) {
  const std::string_view view = text(data, size, name);
  if (view.find('\0') != std::string_view::npos) refuse(std::string(name) + ": expected a path without zero bytes");
  return std::string(view);
}

std::string stop_text(const char* data, std::size_t size) {
  const std::string_view view = text(data, size, "text");
  if (view.empty()) refuse("text: expected a stop text of at least one byte, got none");
  if (!base::is_utf8(view)) refuse("text: expected a stop text in valid UTF-8");
  return std::string(view);
}

void write_text(std::string_view text, char* buffer, std::size_t capacity, std::size_t* out_length) {
  required(out_length, "out_length") = text.size();
  if (buffer == nullptr && capacity == 0) return;
  required(buffer, "buffer");
  if (capacity <= text.size()) {
    refuse("buffer: expected a capacity of " + std::to_string(text.size() + 1) + " or more, got " +
           std::to_string(capacity));
  }
  if (!text.empty()) std::memcpy(buffer, text.data(), text.size());
  buffer[text.size()] = '\0';
}

}  // namespace gemma4::capi

const char* gemma4_last_error(void) { return gemma4::capi::last_error; }
