#include "base/log.h"

#include <pthread.h>

#include <atomic>
#include <limits>
#include <mutex>
#include <shared_mutex>

namespace gemma4 {
namespace {

constexpr std::int32_t kNobody = std::numeric_limits<std::int32_t>::max();

struct Listener {
  std::atomic<std::int32_t> level{kNobody};
  std::shared_mutex mutex;  // held shared while a line is on its way
  LogCallback callback;
};

Listener* the_listener = nullptr;

Listener& listener() {
  static Listener* const one = [] {
    the_listener = new Listener;  // never destroyed: threads may outlive main()
    // A child of fork() finds the lock free.
    ::pthread_atfork([] { the_listener->mutex.lock(); }, [] { the_listener->mutex.unlock(); },
                     [] { the_listener->mutex.unlock(); });
    return the_listener;
  }();
  return *one;
}

thread_local bool inside_callback = false;

}  // namespace

const char* to_string(LogLevel level) noexcept {
  switch (level) {
    case LogLevel::debug:
      return "debug";
    case LogLevel::info:
      return "info";
    case LogLevel::warning:
      return "warning";
  }
  return "unknown";
}

void set_log(LogCallback callback, LogLevel level) {
  GEMMA4_CHECK(!inside_callback, ErrorCode::invalid_argument, "set_log: called from inside a log callback");
  Listener& to = listener();
  const std::lock_guard<std::shared_mutex> lock(to.mutex);
  to.level = callback ? static_cast<std::int32_t>(level) : kNobody;
  to.callback = std::move(callback);
}

namespace base {

bool logs(LogLevel level) noexcept {
  return static_cast<std::int32_t>(level) >= listener().level.load(std::memory_order_relaxed);
}

void write_log(LogLevel level, const std::string& line) {
  if (inside_callback) return;  // a line about what the callback does would wait for itself
  Listener& to = listener();
  const std::shared_lock<std::shared_mutex> lock(to.mutex);
  if (!to.callback || !logs(level)) return;
  inside_callback = true;
  try {
    to.callback(level, line);
  } catch (...) {  // it was not to throw
  }
  inside_callback = false;
}

}  // namespace base
}  // namespace gemma4
