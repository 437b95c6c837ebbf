// Stopwatch: attributes a step's time to kinds of work, lap by lap.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <initializer_list>

#include "gemma4/profile.h"
#include "model/graph/linear.h"

namespace gemma4::graph {

/// Does nothing without a Profile. Each lap takes all the time since the one before: the laps add up to the step.
class Stopwatch {
 public:
  using Clock = std::chrono::steady_clock;

  explicit Stopwatch(Profile* profile) noexcept : profile_(profile) {
    if (profile_ != nullptr) last_ = Clock::now();
  }

  bool running() const noexcept { return profile_ != nullptr; }

  /// What came since the last lap was `op`. @param bytes, operations  as in OpCost
  void lap(Op op, std::uint64_t bytes = 0, std::uint64_t operations = 0) noexcept {
    if (profile_ == nullptr) return;
    const Clock::time_point now = Clock::now();
    OpCost& cost = (*profile_)[op];
    ++cost.calls;
    cost.seconds += std::chrono::duration<double>(now - last_).count();
    cost.bytes += bytes;
    cost.operations += operations;
    last_ = now;
  }

  /// What came since the last lap was no work.
  void skip() noexcept {
    if (profile_ != nullptr) last_ = Clock::now();
  }

  /// The same, for products of `rows` rows with each of these; null ones cost nothing.
  void lap(Op op, std::size_t rows, std::initializer_list<const Linear*> weights) noexcept {
    if (profile_ == nullptr) return;
    std::uint64_t bytes = 0, operations = 0;
    for (const Linear* w : weights) {
      if (w == nullptr) continue;
      bytes += w->matrix.bytes();
      operations += 2 * std::uint64_t{rows} * w->n() * w->k();
    }
    lap(op, bytes, operations);
  }

 private:
  Profile* profile_;
  Clock::time_point last_;
};

}  // namespace gemma4::graph
