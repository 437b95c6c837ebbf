// How long the texts of a term are, in characters, by its form: whoever looks for a text follows that, and where lengths
// that are there meet lengths that are allowed, none needs to be looked for.
#include <algorithm>

#include "grammar/terms.h"

namespace gemma4::grammar {
namespace {

std::uint32_t limited(std::uint64_t value) {
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(value, kUnlimited));
}
std::uint32_t sum(std::uint32_t a, std::uint32_t b) { return limited(std::uint64_t{a} + b); }
std::uint32_t product(std::uint32_t a, std::uint32_t b) { return a == 0 || b == 0 ? 0 : limited(std::uint64_t{a} * b); }

}  // namespace

// Counts characters: bytes but those of UTF-8 that go on with one.
void Terms::measure(Node& n) const {
  constexpr std::size_t kTail = 2;  // the word of the bytes 0x80 to 0xBF
  switch (n.kind) {
    case Kind::empty:
      n.longest = 0;
      n.dense = true;
      break;
    case Kind::all:
      n.dense = true;
      break;
    case Kind::set: {
      const auto& words = sets_[n.a].words;
      n.shortest = n.effort = n.full = words[kTail] == 0 ? 1 : 0;
      n.longest = (words[0] | words[1] | words[3]) == 0 ? 0 : 1;
      n.dense = n.shortest == n.longest;
      break;
    }
    case Kind::cat: return measure_cat(n);
    case Kind::repeat: return measure_repeat(n);
    case Kind::either: return measure_either(n);
    case Kind::both: return measure_both(n);
    case Kind::nothing:
    case Kind::complement:
    case Kind::multiple:
    case Kind::number:
      break;
  }
}

void Terms::measure_cat(Node& n) const {
  const Node &a = nodes_[n.a], &b = nodes_[n.b];
  n.shortest = sum(a.shortest, b.shortest);
  n.longest = sum(a.longest, b.longest);
  n.effort = sum(a.effort, b.effort);
  n.dense = a.dense && b.dense;
  n.full = sum(a.full, b.full);
  // The shortest of one with all those of the other may reach up to where these begin.
  const auto lower = [&](std::uint32_t shortest, const Node& other) {
    const std::uint32_t first = sum(shortest, other.full), last = sum(shortest, other.longest);
    if (first < n.full && (last == kUnlimited || last + 1 >= n.full)) n.full = first;
  };
  lower(a.shortest, b);
  lower(b.shortest, a);
}

void Terms::measure_repeat(Node& n) const {
  const Node& a = nodes_[n.a];
  n.shortest = product(a.shortest, n.min);
  n.longest = product(a.longest, n.max);
  n.effort = product(a.effort, n.min);
  n.dense = a.dense;
  // k rounds have every length from k * full to k * longest; from some k on these touch.
  std::uint32_t k = std::max(n.min, a.full <= 1 ? 0U : 1U);
  if (a.full > 1 && a.longest != kUnlimited) {
    const std::uint32_t spread = a.longest - a.full;
    k = spread == 0 ? n.max : std::max(k, (a.full - 1 + spread - 1) / spread);
  }
  n.full = product(a.full, std::min(k, n.max));
  if (n.full == kUnlimited) n.dense = false;
}

void Terms::measure_either(Node& n) const {
  std::vector<std::pair<std::uint32_t, std::uint32_t>> lengths;
  n.effort = n.shortest = kUnlimited;
  n.dense = true;
  for (std::uint32_t i = 0; i < n.b; ++i) {
    const Node& child = nodes_[list_[n.a + i]];
    lengths.emplace_back(child.full, child.longest);
    n.effort = std::min(n.effort, child.effort);
    n.shortest = std::min(n.shortest, child.shortest);
    n.dense = n.dense && child.dense;
  }
  std::sort(lengths.begin(), lengths.end());
  n.full = lengths[0].first;
  n.longest = lengths[0].second;
  for (const auto& [full, longest] : lengths) {
    if (n.longest != kUnlimited && full > n.longest + 1) n.full = full;
    n.longest = std::max(n.longest, longest);
  }
}

void Terms::measure_both(Node& n) const {
  std::size_t others = 0;  // than any character, so many times
  n.dense = true;
  for (std::uint32_t i = 0; i < n.b; ++i) {
    const Node& child = nodes_[list_[n.a + i]];
    n.shortest = std::max(n.shortest, child.shortest);
    n.longest = std::min(n.longest, child.longest);
    n.full = std::max(n.full, child.full);
    n.effort = sum(n.effort, child.effort);
    n.dense = n.dense && child.dense;
    others += child.kind == Kind::repeat && child.a == any_character_ ? 0 : 1;
  }
  n.dense = n.dense && others <= 1 && n.full <= n.longest;
  n.boolean = !n.dense;  // there is a text of a length that all of them have
}

}  // namespace gemma4::grammar
