#include "grammar/terms.h"

#include <algorithm>

#include "base/check.h"

namespace gemma4::grammar {
namespace {

constexpr std::size_t kMaxList = 20000;         // alternatives of one term
constexpr std::size_t kMaxMade = std::size_t{64} << 20;  // bytes, when a grammar is made
constexpr std::uint64_t kMix = 0x9E3779B97F4A7C15;

std::uint64_t mix(std::uint64_t h, std::uint64_t value) noexcept {
  h = (h ^ value) * kMix;
  return h ^ h >> 29;
}

}  // namespace

Terms::Terms() : slots_(1024), set_slots_(256) {
  Node node;
  intern(node);
  node.kind = Kind::empty;
  node.nullable = true;
  intern(node);
  node.kind = Kind::all;
  intern(node);
  any_character_ = characters({{0, kLastCode}});
  Node star;
  star.kind = Kind::repeat;
  star.nullable = true;
  star.beyond_ascii = true;
  star.a = any_character_;
  star.max = kUnlimited;
  utf8_ = intern(star);
}

void Terms::look_for_cancel() const {
  GEMMA4_CHECK(cancel_ == nullptr || !cancel_->cancelled(), ErrorCode::cancelled, "grammar: cancelled");
}

void Terms::grow(std::size_t bytes) {
  constexpr std::uint32_t kLook = 1024;
  memory_ += bytes;
  if (++grown_ % kLook == 0 && !running_) look_for_cancel();
  GEMMA4_CHECK(running_ || memory_ <= kMaxMade, ErrorCode::unsupported,
               "grammar: expected patterns whose automaton takes at most ", kMaxMade >> 20, " MiB, got a larger one");
}

std::uint64_t Terms::hash(const Node& n) const noexcept {
  std::uint64_t h = mix(static_cast<std::uint64_t>(n.kind), n.a);
  h = mix(mix(mix(h, n.b), n.min), n.max);
  return h;
}

bool Terms::same(const Node& x, const Node& y) const noexcept {
  return x.kind == y.kind && x.a == y.a && x.b == y.b && x.min == y.min && x.max == y.max;
}

std::uint64_t Terms::hash_list(Kind kind, const TermId* terms, std::size_t n) noexcept {
  auto h = static_cast<std::uint64_t>(kind);
  for (std::size_t i = 0; i < n; ++i) h = mix(h, terms[i]);
  return h;
}

// Room for one expression more.
void Terms::reserve_slot() {
  if ((nodes_.size() + 1) * 2 <= slots_.size()) return;
  slots_.resize(slots_.size() * 2);
  fill_slots();
}

void Terms::fill_slots() {
  std::fill(slots_.begin(), slots_.end(), 0U);
  const std::size_t mask = slots_.size() - 1;
  for (std::uint32_t id = 0; id < nodes_.size(); ++id) {
    const Node& n = nodes_[id];
    const bool list = n.kind == Kind::either || n.kind == Kind::both;
    std::size_t at = (list ? hash_list(n.kind, list_.data() + n.a, n.b) : hash(n)) & mask;
    while (slots_[at] != 0) at = (at + 1) & mask;
    slots_[at] = id + 1;
  }
}

TermId Terms::add(const Node& node, std::size_t slot, std::size_t bytes) {
  grow(sizeof(Node) + 24 + bytes);
  const auto id = static_cast<TermId>(nodes_.size());
  nodes_.push_back(node);
  rows_.emplace_back();
  pruned_.push_back(0);
  live_.push_back(node.boolean ? -1 : node.kind == Kind::nothing ? 0 : 1);
  slots_[slot] = id + 1;
  return id;
}

TermId Terms::intern(Node node) {
  reserve_slot();
  const std::size_t mask = slots_.size() - 1;
  std::size_t at = hash(node) & mask;
  for (; slots_[at] != 0; at = (at + 1) & mask) {
    if (same(nodes_[slots_[at] - 1], node)) return slots_[at] - 1;
  }
  measure(node);
  return add(node, at, 0);
}

TermId Terms::intern_list(Kind kind, std::vector<TermId>& terms, bool nullable) {
  work_ += 7 * terms.size();
  GEMMA4_CHECK(running_ || terms.size() <= kMaxList, ErrorCode::unsupported,
               "grammar: expected patterns of at most ", kMaxList, " alternatives at a time, got more");
  reserve_slot();
  const std::size_t mask = slots_.size() - 1;
  std::size_t at = hash_list(kind, terms.data(), terms.size()) & mask;
  for (; slots_[at] != 0; at = (at + 1) & mask) {
    const Node& n = nodes_[slots_[at] - 1];
    if (n.kind == kind && n.b == terms.size() && std::equal(terms.begin(), terms.end(), list_.begin() + n.a)) {
      return slots_[at] - 1;
    }
  }
  Node node;
  node.kind = kind;
  node.a = static_cast<std::uint32_t>(list_.size());
  node.b = static_cast<std::uint32_t>(terms.size());
  node.nullable = nullable;
  node.boolean = kind == Kind::both;
  for (const TermId t : terms) {
    node.boolean = node.boolean || nodes_[t].boolean;
    node.beyond_ascii = node.beyond_ascii || nodes_[t].beyond_ascii;
    node.counted = node.counted || nodes_[t].counted;
  }
  list_.insert(list_.end(), terms.begin(), terms.end());
  measure(node);
  if (node.shortest > node.longest) {
    list_.resize(node.a);
    return kNothing;
  }
  return add(node, at, terms.size() * sizeof(TermId));
}

TermId Terms::set(const ByteSet& bytes) {
  if (bytes.empty()) return kNothing;
  if ((sets_.size() + 1) * 2 > set_slots_.size()) {
    std::vector<std::uint32_t> larger(set_slots_.size() * 2);
    for (std::uint32_t i = 0; i < sets_.size(); ++i) {
      std::uint64_t h = 0;
      for (const std::uint64_t w : sets_[i].words) h = mix(h, w);
      std::size_t at = h & (larger.size() - 1);
      while (larger[at] != 0) at = (at + 1) & (larger.size() - 1);
      larger[at] = i + 1;
    }
    set_slots_.swap(larger);
  }
  std::uint64_t h = 0;
  for (const std::uint64_t w : bytes.words) h = mix(h, w);
  const std::size_t mask = set_slots_.size() - 1;
  std::size_t at = h & mask;
  while (set_slots_[at] != 0 && !(sets_[set_slots_[at] - 1] == bytes)) at = (at + 1) & mask;
  if (set_slots_[at] == 0) {
    grow(sizeof(ByteSet) + 8);
    sets_.push_back(bytes);
    set_slots_[at] = static_cast<std::uint32_t>(sets_.size());
  }
  Node node;
  node.kind = Kind::set;
  node.a = set_slots_[at] - 1;
  node.beyond_ascii = (bytes.words[2] | bytes.words[3]) != 0;
  return intern(node);
}

TermId Terms::byte(unsigned char value) {
  ByteSet s;
  s.add(value);
  return set(s);
}

TermId Terms::literal(std::string_view text) {
  TermId t = kEmpty;
  for (std::size_t i = text.size(); i > 0; --i) t = cat(byte(static_cast<unsigned char>(text[i - 1])), t);
  return t;
}

TermId Terms::cat(TermId a, TermId b) {
  if (a == kNothing || b == kNothing) return kNothing;
  if (a == kEmpty) return b;
  if (b == kEmpty) return a;
  if (a == kAll && b == kAll) return kAll;
  // To the right: (x y) z = x (y z). The left spine is unwound without recursion.
  std::vector<TermId> firsts;
  while (nodes_[a].kind == Kind::cat) {
    firsts.push_back(nodes_[a].a);
    a = nodes_[a].b;
  }
  firsts.push_back(a);
  for (std::size_t i = firsts.size(); i > 0; --i) {
    Node node;
    node.kind = Kind::cat;
    node.a = firsts[i - 1];
    node.b = b;
    const Chain behind = chain_of(b);
    if (TermId joined = kNothing; join(node.a, behind.head, joined)) {
      if (behind.tail == kEmpty || joined == kAll) {
        b = cat(joined, behind.tail);
        continue;
      }
      node.a = joined;
      node.b = b = behind.tail;
    }
    node.nullable = nullable(node.a) && nullable(b);
    node.boolean = nodes_[node.a].boolean || nodes_[b].boolean;
    node.beyond_ascii = nodes_[node.a].beyond_ascii || nodes_[b].beyond_ascii;
    node.counted = nodes_[node.a].counted || nodes_[b].counted;
    b = node.a == kAll && b == kAll ? kAll : intern(node);
  }
  return b;
}

TermId Terms::either(std::vector<TermId> terms) {
  std::vector<TermId> flat;
  ByteSet bytes;
  work_ += 3 * terms.size();
  for (const TermId t : terms) {
    const Node& n = nodes_[t];
    if (t == kAll) return kAll;
    if (n.kind == Kind::either) {
      for (std::uint32_t i = 0; i < n.b; ++i) {
        const TermId child = list_[n.a + i];
        if (nodes_[child].kind == Kind::set) {
          bytes.add(sets_[nodes_[child].a]);
        } else {
          flat.push_back(child);
        }
      }
    } else if (n.kind == Kind::set) {
      bytes.add(sets_[n.a]);
    } else if (t != kNothing) {
      flat.push_back(t);
    }
  }
  if (!bytes.empty()) flat.push_back(set(bytes));
  std::sort(flat.begin(), flat.end());
  flat.erase(std::unique(flat.begin(), flat.end()), flat.end());
  leave_out_included(flat);
  bool null = false;
  for (const TermId t : flat) null = null || (t != kEmpty && nullable(t));
  if (null && !flat.empty() && flat.front() == kEmpty) flat.erase(flat.begin());
  if (flat.empty()) return kNothing;
  if (flat.size() == 1) return flat.front();
  for (const TermId t : flat) {  // x | ~x
    if (nodes_[t].kind == Kind::complement && std::binary_search(flat.begin(), flat.end(), nodes_[t].a)) return kAll;
  }
  return intern_list(Kind::either, flat, null || flat.front() == kEmpty);
}

TermId Terms::both(std::vector<TermId> terms) {
  std::vector<TermId> flat;
  bool has_set = false;
  ByteSet bytes;
  for (auto& word : bytes.words) word = ~std::uint64_t{0};
  for (const TermId t : terms) {
    const Node& n = nodes_[t];
    if (t == kNothing) return kNothing;
    const auto take = [&](TermId x) {
      if (nodes_[x].kind != Kind::set) return flat.push_back(x);
      has_set = true;
      for (std::size_t i = 0; i < 4; ++i) bytes.words[i] &= sets_[nodes_[x].a].words[i];
    };
    if (n.kind == Kind::both) {
      for (std::uint32_t i = 0; i < n.b; ++i) take(list_[n.a + i]);
    } else if (t != kAll) {
      take(t);
    }
  }
  if (has_set) {
    if (bytes.empty()) return kNothing;
    flat.push_back(set(bytes));
  }
  std::sort(flat.begin(), flat.end());
  flat.erase(std::unique(flat.begin(), flat.end()), flat.end());
  if (!join_bounds(flat) || !numbers_meet(flat)) return kNothing;
  if (flat.empty()) return kAll;
  if (flat.size() == 1) return flat.front();
  bool null = true;
  for (const TermId t : flat) null = null && nullable(t);
  if (flat.front() == kEmpty) return null ? kEmpty : kNothing;
  for (const TermId t : flat) {  // x & ~x
    if (nodes_[t].kind == Kind::complement && std::binary_search(flat.begin(), flat.end(), nodes_[t].a)) {
      return kNothing;
    }
  }
  return intern_list(Kind::both, flat, null);
}

// The bounds of numbers that begin here are one test: false when no number is within them.
bool Terms::join_bounds(std::vector<TermId>& terms) {
  const auto bounds = [&](TermId t) {
    const Node& n = nodes_[t];
    return n.kind == Kind::number && tests_[n.a].divisor == 0 && (n.b | n.min | n.max) == 0;
  };
  if (std::count_if(terms.begin(), terms.end(), bounds) < 2) return true;
  NumberTest within;
  for (const TermId t : terms) {
    if (bounds(t)) within = closer(within, tests_[nodes_[t].a]);
  }
  terms.erase(std::remove_if(terms.begin(), terms.end(), bounds), terms.end());
  if (within.empty()) return false;
  terms.push_back(number(within));
  std::sort(terms.begin(), terms.end());
  return true;
}

// False when the numbers among the terms, which have read the same text, cannot pass together.
bool Terms::numbers_meet(const std::vector<TermId>& terms) const {
  for (std::size_t i = 0; i < terms.size(); ++i) {
    const Node& a = nodes_[terms[i]];
    for (std::size_t j = 0; a.kind == Kind::number && j < i; ++j) {
      const Node& b = nodes_[terms[j]];
      if (b.kind != Kind::number) continue;
      if (!NumberText::may_pass_both(tests_[a.a], number_text(a), tests_[b.a], number_text(b))) return false;
    }
  }
  return true;
}

TermId Terms::complement(TermId a) {
  if (a == kNothing) return kAll;
  if (a == kAll || a == utf8_) return kNothing;
  if (nodes_[a].kind == Kind::complement) return nodes_[a].a;
  Node node;
  node.kind = Kind::complement;
  node.a = a;
  node.nullable = !nullable(a);
  node.boolean = true;
  node.beyond_ascii = nodes_[a].beyond_ascii;
  node.counted = nodes_[a].counted;
  return intern(node);
}

TermId Terms::repeat(TermId a, std::uint32_t min, std::uint32_t max) {
  if (max == 0 || a == kEmpty) return kEmpty;
  if (a == kNothing) return min == 0 ? kEmpty : kNothing;
  if (min == 1 && max == 1) return a;
  if (a == kAll) return kAll;
  const Node child = nodes_[a];
  if (a != utf8_ && flatten(child, min, max)) return repeat(child.a, min, max);
  if (a == any_character_ && min == 0 && max == kUnlimited) return kAll;
  Node node;
  node.kind = Kind::repeat;
  node.a = a;
  node.min = child.nullable ? 0 : min;  // x nullable: fewer rounds are the same with some of them empty
  node.max = max;
  node.nullable = node.min == 0;
  node.boolean = child.boolean;
  node.beyond_ascii = child.beyond_ascii;
  node.counted = child.counted || node.min > 1 || (max > 1 && max != kUnlimited);
  return intern(node);
}

TermId Terms::multiple(std::uint32_t m, std::uint32_t r) {
  Node node;
  node.kind = Kind::multiple;
  node.a = m;
  node.b = r;
  node.nullable = r == 0;
  return intern(node);
}

TermId Terms::number(const NumberTest& test) {
  tests_.push_back(test);
  grow(sizeof(NumberTest) + 64);
  return number(static_cast<std::uint32_t>(tests_.size() - 1), NumberText{});
}

TermId Terms::number(std::uint32_t test, const NumberText& text) {
  const NumberText::Packed packed = text.pack();
  Node node;
  node.kind = Kind::number;
  node.a = test;
  node.b = packed.a;
  node.min = packed.b;
  node.max = packed.c;
  node.nullable = text.passes(tests_[test]);
  node.effort = node.nullable ? 0 : text.effort();
  return intern(node);
}

TermId Terms::trie(const std::vector<std::string_view>& texts, std::size_t begin, std::size_t end, std::size_t depth) {
  if (end - begin == 1) return literal(texts[begin].substr(depth));
  std::vector<TermId> branches;
  if (texts[begin].size() == depth) {
    branches.push_back(kEmpty);
    ++begin;
  }
  while (begin < end) {
    const char c = texts[begin][depth];
    std::size_t next = begin + 1;
    while (next < end && texts[next][depth] == c) ++next;
    // What they share is one chain, so that the depth of this recursion is that of the branches.
    std::size_t common = depth + 1;
    while (texts[begin].size() > common && texts[next - 1].size() > common &&
           texts[begin][common] == texts[next - 1][common]) {
      ++common;
    }
    GEMMA4_CHECK(depth < 4000, ErrorCode::unsupported,
                 "grammar: expected texts that share their first 4000 bytes to be equal, got others");
    branches.push_back(cat(literal(texts[begin].substr(depth, common - depth)), trie(texts, begin, next, common)));
    begin = next;
  }
  return either(std::move(branches));
}

TermId Terms::one_of(std::vector<std::string_view> texts) {
  std::sort(texts.begin(), texts.end());
  texts.erase(std::unique(texts.begin(), texts.end()), texts.end());
  return texts.empty() ? kNothing : trie(texts, 0, texts.size(), 0);
}

}  // namespace gemma4::grammar
