// Random: the generator behind every draw, the same on every platform.
//
// xoshiro256** 1.0 (Blackman and Vigna, https://prng.di.unimi.it/xoshiro256starstar.c), its four words of state filled
// by SplitMix64 from the seed, as its authors advise. Neither the C++ library's engines nor its distributions take
// part: the standard leaves the latter's algorithms open.
#pragma once

#include <cstdint>

namespace gemma4::sampling {

class Random {
 public:
  explicit Random(std::uint64_t seed) noexcept {
    for (std::uint64_t& word : state_) word = split_mix(seed);
  }

  std::uint64_t next() noexcept {
    const std::uint64_t result = rotate_left(state_[1] * 5, 7) * 9;
    const std::uint64_t t = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= t;
    state_[3] = rotate_left(state_[3], 45);
    return result;
  }

  /// Uniform in [0, 1): the upper 53 bits of next(), times 2^-53.
  double uniform() noexcept { return static_cast<double>(next() >> 11) * 0x1.0p-53; }

  /// One step of SplitMix64 (https://prng.di.unimi.it/splitmix64.c); advances `state`.
  static std::uint64_t split_mix(std::uint64_t& state) noexcept {
    state += 0x9E3779B97F4A7C15U;
    std::uint64_t z = state;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
    return z ^ (z >> 31);
  }

 private:
  static std::uint64_t rotate_left(std::uint64_t x, int bits) noexcept { return (x << bits) | (x >> (64 - bits)); }
  std::uint64_t state_[4];
};

}  // namespace gemma4::sampling
