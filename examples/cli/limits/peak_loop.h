// The loops of every peak_*.cpp: independent chains of one step, as many as hide its latency and stay in registers.
#pragma once

#include <cstddef>
#include <cstdint>

#include "limits/peak.h"

namespace limits {
namespace {

constexpr int kChains = 12;
constexpr int kFewChains = 8;  // where a step needs registers of its own

/// steps times: every chain becomes step(chain, i, j). Returns the chains, joined by `add`.
template <int chains, class Vector, class Step, class Add>
[[gnu::always_inline]] inline Vector run_chains(Vector start, long steps, Step step, Add add) noexcept {
  Vector chain[chains];
  for (Vector& c : chain) c = start;
  for (long i = 0; i < steps; ++i) {
#pragma GCC unroll 16
    for (int j = 0; j < chains; ++j) chain[j] = step(chain[j], i, j);
  }
  for (int j = 1; j < chains; ++j) chain[0] = add(chain[0], chain[j]);
  return chain[0];
}

/// Keeps a result that nobody needs, so that the loop behind it stays.
template <class Vector>
[[gnu::always_inline]] inline void keep(Vector value) noexcept {
  asm volatile("" : : "m"(value) : "memory");
}

/// Many independent sums, so that vectors of any width have enough of them.
[[gnu::always_inline]] inline std::uint64_t sum_lanes(const std::uint64_t* data, std::size_t n) noexcept {
  constexpr std::size_t kLanes = 32;
  std::uint64_t lanes[kLanes] = {};
  for (std::size_t i = 0; i < n; i += kLanes) {
    for (std::size_t j = 0; j < kLanes; ++j) lanes[j] += data[i + j];
  }
  std::uint64_t sum = 0;
  for (const std::uint64_t lane : lanes) sum += lane;
  return sum;
}

}  // namespace
}  // namespace limits
