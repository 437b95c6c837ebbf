#include "sampling/repeats.h"

#include <algorithm>
#include <limits>

namespace gemma4::sampling {

void find_repeats(Span<const TokenId> text, std::size_t limit, std::size_t allowed, std::vector<std::size_t>& lengths,
                  std::vector<Repeat>& repeats) {
  repeats.clear();
  const std::size_t n = text.size();
  if (n < 2 || limit < allowed) return;
  const auto from_end = [&](std::size_t i) { return text[n - 1 - i]; };
  // The Z function of the reversed text: lengths[k] tokens before the last k are as the last ones of all.
  // from_end [left, right) is the match that reaches furthest; within it the work was done at its beginning.
  lengths.assign(n, 0);
  std::size_t left = 0, right = 0;
  for (std::size_t k = 1; k < n; ++k) {
    std::size_t length = k < right ? std::min(lengths[k - left], right - k) : 0;
    while (k + length < n && from_end(length) == from_end(k + length)) ++length;
    lengths[k] = length;
    if (k + length > right) {
      left = k;
      right = k + length;
    }
  }
  for (std::size_t k = 1; k < n; ++k) {
    const std::size_t length = std::min(lengths[k], limit);
    if (length >= allowed) repeats.push_back({from_end(k - 1), length});
  }
  std::sort(repeats.begin(), repeats.end(), [](const Repeat& a, const Repeat& b) {
    return a.token != b.token ? a.token < b.token : a.length > b.length;
  });
  const auto same = [](const Repeat& a, const Repeat& b) { return a.token == b.token; };
  repeats.erase(std::unique(repeats.begin(), repeats.end(), same), repeats.end());
}

float repeat_penalty(float multiplier, float base, std::size_t exponent) noexcept {
  constexpr double kLargest = static_cast<double>(std::numeric_limits<float>::max());
  double result = static_cast<double>(multiplier), square = static_cast<double>(base);
  for (; exponent != 0; exponent >>= 1U) {
    if ((exponent & 1U) != 0) result = std::min(result * square, kLargest);
    square = std::min(square * square, kLargest);
  }
  return static_cast<float>(result);
}

void find_repeated_ngrams(Span<const TokenId> text, std::size_t n, std::vector<TokenId>& banned) {
  banned.clear();
  const std::size_t size = text.size();
  if (size < n) return;
  const TokenId* const end = text.end();
  const std::size_t before = n - 1;  // tokens that decide
  for (std::size_t i = before; i < size; ++i) {
    if (before > 0 && text[i - 1] != end[-1]) continue;
    if (std::equal(text.begin() + i - before, text.begin() + i, end - before)) banned.push_back(text[i]);
  }
  std::sort(banned.begin(), banned.end());
  banned.erase(std::unique(banned.begin(), banned.end()), banned.end());
}

}  // namespace gemma4::sampling
