#include "base/aligned_buffer.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <memory>
#include <new>

#if defined(__linux__)
#include <sys/mman.h>
#endif

#include "base/allocation.h"

namespace gemma4::base {
namespace {

constexpr std::size_t kAlignment = 64;
constexpr std::size_t kHugePage = std::size_t{2} << 20;

/// Bytes the system says a new allocation may take, or the maximum where it does not say.
std::size_t available_memory() noexcept {
#if defined(__linux__)
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen("/proc/meminfo", "re"), &std::fclose);
  if (!file) return std::numeric_limits<std::size_t>::max();
  char line[128];
  while (std::fgets(line, sizeof line, file.get()) != nullptr) {
    unsigned long long kib = 0;
    if (std::sscanf(line, "MemAvailable: %llu kB", &kib) == 1) return static_cast<std::size_t>(kib) << 10;
  }
#endif
  return std::numeric_limits<std::size_t>::max();
}

}  // namespace

void* allocate_committed(std::size_t bytes, const char* what) {
  constexpr std::size_t kLarge = std::size_t{16} << 20;  // below this the question costs more than the answer is worth
  if (bytes >= kLarge && !hooked()) {
    const std::size_t available = available_memory();
    GEMMA4_CHECK(bytes <= available, ErrorCode::out_of_memory, what, ": needs ", bytes >> 20, " MiB, ",
                 available >> 20, " MiB are available");
  }
  const std::size_t alignment = bytes >= kHugePage ? kHugePage : kAlignment;
  void* data = allocate(bytes, alignment);
  GEMMA4_CHECK(data != nullptr, ErrorCode::out_of_memory, what, ": could not reserve ", bytes, " bytes");
#if defined(__linux__) && defined(MADV_HUGEPAGE)
  if (bytes >= kHugePage) madvise(data, bytes, MADV_HUGEPAGE);
#endif
  std::memset(data, 0, bytes);
  return data;
}

void free_committed(void* data, std::size_t /*bytes*/) noexcept { release(data); }

}  // namespace gemma4::base
