// Hash functions and prefetch for the tokenizer's tables. The hashes are deterministic; not meant against chosen keys
// (tables are built from one file, and the caches that see user text are direct-mapped).
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

namespace gemma4::tokenizer {

constexpr std::uint64_t kHashFactor = 0x9E3779B97F4A7C15U;

inline std::uint64_t hash_mix(std::uint64_t hash, std::uint64_t value) noexcept {
  hash = (hash ^ value) * kHashFactor;
  return hash ^ (hash >> 29);
}

/// Of a pair of small integers. The high bits are the good ones.
inline std::uint64_t hash_pair(std::uint32_t a, std::uint32_t b) noexcept {
  const std::uint64_t key = (std::uint64_t{a} << 32 | b) * kHashFactor;
  return (key ^ (key >> 32)) * kHashFactor;
}

/// The high bits are the good ones.
inline std::uint64_t hash_text(std::string_view text) noexcept {
  const char* p = text.data();
  std::size_t n = text.size();
  std::uint64_t hash = n * 0xD6E8FEB86659FD93U;
  const auto load = [](const char* at, std::size_t bytes) {
    std::uint64_t value = 0;
    std::memcpy(&value, at, bytes);
    return value;
  };
  if (n >= 8) {
    for (; n > 8; n -= 8, p += 8) hash = hash_mix(hash, load(p, 8));
    return hash_mix(hash, load(p + n - 8, 8)) * kHashFactor;  // the last eight bytes, some of them again
  }
  std::uint64_t value = 0;
  if (n >= 4) {
    value = load(p, 4) | load(p + n - 4, 4) << 32;
  } else if (n > 0) {
    value = load(p, 1) | load(p + n / 2, 1) << 8 | load(p + n - 1, 1) << 16;
  }
  return hash_mix(hash, value) * kHashFactor;
}

/// Asks for the cache line of an address that will be read soon.
inline void prefetch([[maybe_unused]] const void* address) noexcept {
#if defined(__GNUC__)
  __builtin_prefetch(address);
#endif
}

}  // namespace gemma4::tokenizer
