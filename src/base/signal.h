// Signal: a number that one thread changes while others wait for it, spinning where that pays.
#pragma once

#include <atomic>
#include <cstdint>

namespace gemma4::base {

/// One waiting thread's experience. Spinning is worth its while where the other thread runs on a CPU of its own; on a busy
/// machine it takes the CPU from the one it waits for. So a thread that has spun in vain several times in a row sleeps at
/// once for a while, then tries again.
struct Patience {
  std::uint32_t failures = 0;  ///< in a row, less half of them for each success
  std::uint32_t skip = 0;      ///< waits that will not spin
};

class Signal {
 public:
  std::uint32_t load() const noexcept { return value_.load(std::memory_order_acquire); }
  /// While nobody waits; made visible by a later add() of another Signal.
  void set(std::uint32_t value) noexcept { value_.store(value, std::memory_order_relaxed); }
  /// What was written before is seen by those who see the sum. Returns the number before.
  std::uint32_t add(std::uint32_t delta) noexcept { return value_.fetch_add(delta); }
  /// Wakes those who sleep; costs a load when nobody does. After add().
  void wake() noexcept;
  /// Returns the number once it is not `old`.
  std::uint32_t wait(std::uint32_t old, Patience& patience) const noexcept;

 private:
  std::uint32_t sleep(std::uint32_t old) const noexcept;

  // Either the one who sleeps sees the new value, or the one who wakes sees the sleeper: both orders are sequential.
  std::atomic<std::uint32_t> value_{0};
  mutable std::atomic<std::uint32_t> sleepers_{0};
};

}  // namespace gemma4::base
