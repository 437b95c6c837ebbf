// gemma4_c/host.h: memory and log lines.
#include "objects.h"

namespace capi = gemma4::capi;
using capi::guard;

gemma4_status gemma4_set_log(gemma4_log_callback callback, void* user_data, int32_t level) {
  return guard([&] {
    const auto least = capi::one_of<gemma4::LogLevel>(level, GEMMA4_LOG_WARNING, "level");
    if (callback == nullptr) return gemma4::set_log({});
    gemma4::set_log(
        [callback, user_data](gemma4::LogLevel of, std::string_view line) {
          callback(user_data, static_cast<int32_t>(of), line.data(), line.size());
        },
        least);
  });
}

gemma4_status gemma4_set_allocator(gemma4_allocate allocate, gemma4_release release, void* user_data) {
  return guard([&] { gemma4::set_memory_hook({allocate, release, user_data}); });
}
