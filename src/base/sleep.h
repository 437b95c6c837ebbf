// Sleeping until an atomic number changes.
#pragma once

#include <atomic>
#include <cstdint>

namespace gemma4::base {

/// Sleeps while the value is `old`. May return early: look again.
/// Not std::atomic::wait, because libstdc++ yields the CPU several times before that sleeps, and on a busy machine each
/// yield lasts a time slice.
void sleep_while(const std::atomic<std::uint32_t>& value, std::uint32_t old) noexcept;

/// Wakes all who sleep on the value; call it after changing it.
void wake_all(std::atomic<std::uint32_t>& value) noexcept;

}  // namespace gemma4::base
