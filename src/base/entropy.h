// Numbers that nobody can foresee, from the operating system.
#pragma once

#include <cstdint>

namespace gemma4::base {

/// 64 random bits. Throws Error io where the system gives none. Any thread.
std::uint64_t random_bits();

}  // namespace gemma4::base
