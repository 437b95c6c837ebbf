// Large blocks of memory: the one door to the host's allocator (gemma4/host.h) and to the system's.
#pragma once

#include <cstddef>

#include "gemma4/host.h"

namespace gemma4::base {

/// A block of `bytes` at a multiple of `alignment`, a power of two; content undefined; null when there is none. Blocks
/// of kLargeBlock and more come from the hook, where there is one, at a multiple of kHookAlignment at least.
void* allocate(std::size_t bytes, std::size_t alignment) noexcept;
/// Takes back what allocate() gave, or null.
void release(void* block) noexcept;

/// True while large blocks come from a hook.
bool hooked() noexcept;

/// No block of malloc's begins there but by chance: what does not is not looked for among the hook's.
inline constexpr std::size_t kHookAlignment = 4096;

/// Gives a block of the hook's back and returns true; false when `block` is none. For operator delete.
bool release_to_hook(void* block) noexcept;

}  // namespace gemma4::base
