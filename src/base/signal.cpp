#include "base/signal.h"

#include <algorithm>
#include <chrono>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "base/sleep.h"

namespace gemma4::base {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kShortSpin = 32;                           // rounds, about a microsecond
constexpr auto kLongSpin = std::chrono::microseconds(100);  // longer than the caller works alone within a step
constexpr auto kInterrupted = std::chrono::microseconds(30);  // no short spin lasts as long on a CPU of its own
constexpr std::uint32_t kMaxFailures = 6;

void pause() noexcept {
#if defined(__x86_64__)
  _mm_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

}  // namespace

void Signal::wake() noexcept {
  if (sleepers_.load() != 0) wake_all(value_);
}

std::uint32_t Signal::wait(std::uint32_t old, Patience& patience) const noexcept {
  const auto spin_briefly = [&] {
    std::uint32_t now = load();
    for (int i = 0; now == old && i < kShortSpin; ++i) {
      pause();
      now = load();
    }
    return now;
  };
  if (patience.skip != 0) {
    --patience.skip;
    const std::uint32_t now = spin_briefly();
    return now != old ? now : sleep(old);
  }
  const Clock::time_point start = Clock::now();
  for (Clock::time_point before = start;;) {
    const std::uint32_t now = spin_briefly();
    if (now != old) {
      patience.failures /= 2;
      return now;
    }
    const Clock::time_point time = Clock::now();
    if (time - start > kLongSpin || time - before > kInterrupted) break;
    before = time;
  }
  // A first failure may have been a pause between two steps.
  patience.failures = std::min(patience.failures + 1, kMaxFailures);
  patience.skip = patience.failures > 1 ? std::uint32_t{1} << (patience.failures - 1) : 0;
  return sleep(old);
}

std::uint32_t Signal::sleep(std::uint32_t old) const noexcept {
  sleepers_.fetch_add(1);
  std::uint32_t now;
  while ((now = value_.load()) == old) sleep_while(value_, old);
  sleepers_.fetch_sub(1);
  return now;
}

}  // namespace gemma4::base
