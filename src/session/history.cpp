#include "session/history.h"

#include <algorithm>

namespace gemma4::session {
namespace {

/// Spreads a medium's hash over its rows. Source of the constants: splitmix64 (Steele, Lea, Flood 2014).
std::uint64_t content_of_row(std::uint64_t content, std::size_t row) noexcept {
  std::uint64_t z = content + (row + 1) * 0x9E3779B97F4A7C15ULL;
  z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9ULL;
  z = (z ^ z >> 27) * 0x94D049BB133111EBULL;
  z ^= z >> 31;
  return z != 0 ? z : 1;
}

/// fn(row, entry) for rows [begin, end) of an input, until fn returns false.
template <class Fn>
void for_entries(const InputRows& input, std::size_t begin, std::size_t end, Fn&& fn) {
  const MediumRows* medium = input.media.begin();
  for (std::size_t i = begin; i < end; ++i) {
    while (medium != input.media.end() && medium->end <= i) ++medium;
    Entry entry;
    entry.token = input.tokens[i];
    if (medium != input.media.end() && medium->begin <= i) entry.content = content_of_row(medium->content, i - medium->begin);
    if (!fn(i, entry)) return;
  }
}

}  // namespace

void History::reserve(std::size_t length) {
  tokens_.reserve(length);
  entries_.reserve(length);
}

void History::append(const InputRows& input, std::size_t begin, std::size_t end) {
  const std::size_t before = size();
  for (const MediumRows& medium : input.media) {
    if (!medium.block || medium.begin < begin || medium.end > end) continue;
    blocks_.push_back({before + medium.begin - begin, before + medium.end - begin});
  }
  tokens_.insert(tokens_.end(), input.tokens.begin() + begin, input.tokens.begin() + end);
  for_entries(input, begin, end, [&](std::size_t, const Entry& entry) {
    entries_.push_back(entry);
    return true;
  });
}

void History::truncate(std::size_t n) noexcept {
  tokens_.resize(n);
  entries_.resize(n);
  while (!blocks_.empty() && blocks_.back().end > n) blocks_.pop_back();
}

std::size_t History::common_prefix(const InputRows& input) const {
  std::size_t common = 0;
  for_entries(input, 0, std::min(size(), input.tokens.size()), [&](std::size_t i, const Entry& entry) {
    if (!(entries_[i] == entry)) return false;
    common = i + 1;
    return true;
  });
  return nearest_cut(common);
}

std::size_t History::nearest_cut(std::size_t n) const noexcept {
  const auto after = std::partition_point(blocks_.begin(), blocks_.end(), [n](const Block& b) { return b.end <= n; });
  return after != blocks_.end() && after->begin < n ? after->begin : n;
}

}  // namespace gemma4::session
