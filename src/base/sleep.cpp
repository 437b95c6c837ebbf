#include "base/sleep.h"

#if defined(__linux__)
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <climits>
#endif

namespace gemma4::base {

#if defined(__linux__)

static_assert(sizeof(std::atomic<std::uint32_t>) == sizeof(std::uint32_t) && std::atomic<std::uint32_t>::is_always_lock_free);

void sleep_while(const std::atomic<std::uint32_t>& value, std::uint32_t old) noexcept {
  ::syscall(SYS_futex, &value, FUTEX_WAIT_PRIVATE, old, nullptr, nullptr, 0);
}
void wake_all(std::atomic<std::uint32_t>& value) noexcept {
  ::syscall(SYS_futex, &value, FUTEX_WAKE_PRIVATE, INT_MAX, nullptr, nullptr, 0);
}

#else

void sleep_while(const std::atomic<std::uint32_t>& value, std::uint32_t old) noexcept { value.wait(old, std::memory_order_acquire); }
void wake_all(std::atomic<std::uint32_t>& value) noexcept { value.notify_all(); }

#endif

}  // namespace gemma4::base
