// What a host may bring for the whole process: memory, and a place for log lines. (Threads: ModelOptions::runner.)
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace gemma4 {

/// Where the library's large blocks come from. Functions, not closures: they live as long as any block does, and must
/// not throw.
struct MemoryHook {
  /// `bytes` at a multiple of `alignment` (a power of two, at least 64), of any content; null when there are none,
  /// which becomes Error out_of_memory. Called from any thread, several at once.
  void* (*allocate)(void* user_data, std::size_t bytes, std::size_t alignment) = nullptr;
  /// Takes a block back; what `allocate` returned, and its size. Called from any thread.
  void (*release)(void* user_data, void* block, std::size_t bytes) = nullptr;
  void* user_data = nullptr;
};

/// Blocks at least this large come from the hook.
inline constexpr std::size_t kLargeBlock = std::size_t{64} << 10;

/// From now on blocks of kLargeBlock bytes and more that hold weights read into memory, KV caches, activations and
/// scratch come from these functions; earlier ones go back where they came from. {} sets the system's allocator again.
/// What standard containers hold comes from operator new, which is the program's to replace. (libgemma4_c.so brings its
/// own, so that there everything large comes from the hook.) Any thread. Throws Error invalid_argument when one of the
/// two functions is missing.
void set_memory_hook(const MemoryHook& hook);

/// How grave a log line is.
enum class LogLevel : std::int32_t { debug = 0, info = 1, warning = 2 };

/// "debug", "info" or "warning"; static storage.
const char* to_string(LogLevel level) noexcept;

/// One line, without its end. From any thread, several at once; must not throw and not call set_log().
using LogCallback = std::function<void(LogLevel level, std::string_view line)>;

/// Where log lines of at least `level` go from now on; empty: nowhere, as at the beginning. When this returns no line
/// is on its way to the callback before. Any thread, but not from inside a callback.
void set_log(LogCallback callback, LogLevel level = LogLevel::info);

/// The instruction sets of this build's kernels that this CPU can run, best last.
std::vector<std::string> available_isas();
/// True when this build uses oneDNN and the system has one.
bool has_onednn() noexcept;

}  // namespace gemma4
