// SHA-256 (FIPS 180-4) of a piece of memory, for tests that compare with recorded hashes.
#pragma once

#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>

namespace gemma4::test {

/// 64 hexadecimal digits.
inline std::string sha256(std::string_view data) {
  // The constants are the first 32 bits of the fractions of the roots of the first primes: square roots, cube roots.
  std::array<std::uint32_t, 8> h{};
  std::array<std::uint32_t, 64> k{};
  const auto fraction = [](long double x) { return static_cast<std::uint32_t>((x - std::floor(x)) * 0x1p32L); };
  for (std::size_t n = 0, p = 2; n < 64; ++p) {
    bool prime = true;
    for (std::size_t d = 2; d * d <= p; ++d) prime = prime && p % d != 0;
    if (!prime) continue;
    if (n < 8) h[n] = fraction(std::sqrt(static_cast<long double>(p)));
    k[n++] = fraction(std::cbrt(static_cast<long double>(p)));
  }

  std::string message(data);
  message += '\x80';
  message.append((120 - message.size() % 64) % 64, '\0');
  for (int i = 7; i >= 0; --i) message += static_cast<char>(static_cast<std::uint64_t>(data.size()) * 8 >> (8 * i));

  for (std::size_t begin = 0; begin < message.size(); begin += 64) {
    std::array<std::uint32_t, 64> w{};
    for (std::size_t i = 0; i < 64; ++i) {
      w[i / 4 % 16] = w[i / 4 % 16] << 8 | static_cast<unsigned char>(message[begin + i]);
    }
    for (std::size_t i = 16; i < 64; ++i) {
      const std::uint32_t a = w[i - 15], b = w[i - 2];
      w[i] = w[i - 16] + (std::rotr(a, 7) ^ std::rotr(a, 18) ^ a >> 3) + w[i - 7] +
             (std::rotr(b, 17) ^ std::rotr(b, 19) ^ b >> 10);
    }
    auto s = h;
    for (std::size_t i = 0; i < 64; ++i) {
      const std::uint32_t e = s[4], a = s[0];
      const std::uint32_t t1 = s[7] + (std::rotr(e, 6) ^ std::rotr(e, 11) ^ std::rotr(e, 25)) +
                               ((e & s[5]) ^ (~e & s[6])) + k[i] + w[i];
      const std::uint32_t t2 = (std::rotr(a, 2) ^ std::rotr(a, 13) ^ std::rotr(a, 22)) +
                               ((a & s[1]) ^ (a & s[2]) ^ (s[1] & s[2]));
      s = {t1 + t2, s[0], s[1], s[2], s[3] + t1, s[4], s[5], s[6]};
    }
    for (std::size_t i = 0; i < 8; ++i) h[i] += s[i];
  }

  std::string hex;
  for (const std::uint32_t word : h) {
    char digits[9];
    std::snprintf(digits, sizeof digits, "%08x", word);
    hex += digits;
  }
  return hex;
}

}  // namespace gemma4::test
