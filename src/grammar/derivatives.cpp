// The automaton of Terms: derivatives, rows of next states, characters as UTF-8.
#include <algorithm>
#include <bit>

#include "base/check.h"
#include "grammar/terms.h"

namespace gemma4::grammar {
namespace {

constexpr std::size_t kRow = 80, kSet = 5, kDerivative = 35;  // in units of work()

constexpr std::uint32_t kFirstSurrogate = 0xD800, kLastSurrogate = 0xDFFF;

/// Last code of each length of UTF-8.
constexpr std::uint32_t kLastOf[4] = {0x7F, 0x7FF, 0xFFFF, kLastCode};

void encode(std::uint32_t code, int length, unsigned char* bytes) {
  for (int i = length - 1; i > 0; --i) {
    bytes[i] = static_cast<unsigned char>(0x80 | (code & 0x3F));
    code >>= 6;
  }
  constexpr unsigned char kLead[5] = {0, 0, 0xC0, 0xE0, 0xF0};
  bytes[0] = static_cast<unsigned char>(kLead[length] | code);
}

}  // namespace

CodeRanges normalized(CodeRanges ranges) {
  std::sort(ranges.begin(), ranges.end(), [](CodeRange a, CodeRange b) { return a.first < b.first; });
  CodeRanges out;
  for (const CodeRange r : ranges) {
    if (!out.empty() && r.first <= out.back().last + 1) {
      out.back().last = std::max(out.back().last, r.last);
    } else {
      out.push_back(r);
    }
  }
  return out;
}

CodeRanges complement(const CodeRanges& ranges) {
  CodeRanges out;
  std::uint32_t next = 0;
  for (const CodeRange r : normalized(ranges)) {
    if (r.first > next) out.push_back({next, r.first - 1});
    next = r.last + 1;
  }
  if (next <= kLastCode) out.push_back({next, kLastCode});
  return out;
}

void append_utf8(std::uint32_t code, std::string& text) {
  const int length = code <= kLastOf[0] ? 1 : code <= kLastOf[1] ? 2 : code <= kLastOf[2] ? 3 : 4;
  unsigned char bytes[4];
  encode(code, length, bytes);
  if (length == 1) bytes[0] = static_cast<unsigned char>(code);
  text.append(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(length));
}

TermId Terms::characters(const CodeRanges& ranges) {
  std::vector<TermId> parts;
  // A range of one length, whose ends agree in their first bytes and take in all of the rest, is a chain of sets;
  // others are cut until they are.
  const auto add = [&](const auto& self, std::uint32_t first, std::uint32_t last, int length) -> void {
    for (int i = 1; i < length; ++i) {
      const std::uint32_t low = (1U << (6 * i)) - 1;
      if ((first & ~low) == (last & ~low)) continue;
      if ((first & low) != 0) {
        self(self, first, first | low, length);
        self(self, (first | low) + 1, last, length);
        return;
      }
      if ((last & low) != low) {
        self(self, first, (last & ~low) - 1, length);
        self(self, last & ~low, last, length);
        return;
      }
    }
    unsigned char from[4], to[4];
    encode(first, length, from);
    encode(last, length, to);
    if (length == 1) from[0] = static_cast<unsigned char>(first), to[0] = static_cast<unsigned char>(last);
    TermId t = kEmpty;
    for (int i = length - 1; i >= 0; --i) {
      ByteSet bytes;
      bytes.add(from[i], to[i]);
      t = cat(set(bytes), t);
    }
    parts.push_back(t);
  };
  const auto add_lengths = [&](std::uint32_t first, std::uint32_t last) {
    std::uint32_t start = 0;
    for (int length = 1; length <= 4; ++length) {
      const std::uint32_t a = std::max(first, start), b = std::min(last, kLastOf[length - 1]);
      if (a <= b) add(add, a, b, length);
      start = kLastOf[length - 1] + 1;
    }
  };
  for (const CodeRange r : normalized(ranges)) {
    if (r.first < kFirstSurrogate) add_lengths(r.first, std::min(r.last, kFirstSurrogate - 1));
    if (r.last > kLastSurrogate) add_lengths(std::max(r.first, kLastSurrogate + 1), std::min(r.last, kLastCode));
  }
  return either(std::move(parts));
}

void Terms::collect_sets(TermId t, std::vector<std::uint32_t>& sets) {
  if (seen_.size() < nodes_.size()) seen_.resize(nodes_.size() + 64);
  std::vector<TermId> stack = {t};
  while (!stack.empty()) {
    const TermId now = stack.back();
    stack.pop_back();
    if (seen_[now] == mark_) continue;
    seen_[now] = mark_;
    const Node& n = nodes_[now];
    switch (n.kind) {
      case Kind::nothing:
      case Kind::empty:
      case Kind::all:
        break;
      case Kind::set:
        sets.push_back(n.a);
        break;
      case Kind::cat:
        if (nodes_[n.a].nullable) stack.push_back(n.b);
        stack.push_back(n.a);
        break;
      case Kind::either:
      case Kind::both:
        for (std::uint32_t i = 0; i < n.b; ++i) stack.push_back(list_[n.a + i]);
        break;
      case Kind::complement:
      case Kind::repeat:
        stack.push_back(n.a);
        break;
      case Kind::multiple:
      case Kind::number: {
        const Kind kind = n.kind;  // byte() moves the nodes
        for (unsigned char d = '0'; d <= '9'; ++d) stack.push_back(byte(d));
        stack.push_back(byte('.'));
        if (kind == Kind::number) {
          stack.push_back(byte('-'));
          stack.push_back(byte('+'));
          stack.push_back(either(byte('e'), byte('E')));
        }
        if (seen_.size() < nodes_.size()) seen_.resize(nodes_.size() + 64);
        break;
      }
    }
  }
}

// Bytes that no set of the term tells apart have one derivative.
TermId* Terms::fill_row(TermId t) {
  grow(256 * sizeof(TermId));
  ++mark_;
  std::vector<std::uint32_t> sets;
  collect_sets(t, sets);
  work_ += kRow + kSet * sets.size();
  ByteSet all;
  for (auto& word : all.words) word = ~std::uint64_t{0};
  std::vector<ByteSet> groups = {all};
  for (const std::uint32_t s : sets) {
    const ByteSet bytes = sets_[s];
    for (std::size_t g = 0, n = groups.size(); g < n; ++g) {
      ByteSet in, out;
      for (std::size_t w = 0; w < 4; ++w) {
        in.words[w] = groups[g].words[w] & bytes.words[w];
        out.words[w] = groups[g].words[w] & ~bytes.words[w];
      }
      if (in.empty() || out.empty()) continue;
      groups[g] = in;
      groups.push_back(out);
    }
  }
  auto row = std::make_unique<TermId[]>(256);
  for (const ByteSet& group : groups) {
    TermId next = kNothing;
    bool known = false;
    for (std::size_t w = 0; w < 4; ++w) {
      for (std::uint64_t left = group.words[w]; left != 0; left &= left - 1) {
        const std::size_t b = w * 64 + static_cast<std::size_t>(std::countr_zero(left));
        if (!known) next = derive(t, static_cast<unsigned char>(b));
        known = true;
        row[b] = next;
      }
    }
  }
  rows_[t] = std::move(row);
  return rows_[t].get();
}

TermId Terms::derive(TermId t, unsigned char b) {
  const Node n = nodes_[t];
  switch (n.kind) {
    case Kind::nothing:
    case Kind::empty:
      return kNothing;
    case Kind::all:
      return kAll;
    case Kind::set:
      return sets_[n.a].has(b) ? kEmpty : kNothing;
    case Kind::multiple:
      if (b == '.') return t;
      if (b < '0' || b > '9') return kNothing;
      return multiple(n.a, static_cast<std::uint32_t>((std::uint64_t{n.b} * 10 + b - '0') % n.a));
    case Kind::number: {
      const auto text = number_text(n).next(tests_[n.a], b);
      return text ? number(n.a, *text) : static_cast<TermId>(kNothing);
    }
    default:
      break;
  }
  const std::uint64_t key = std::uint64_t{t} << 8 | b;
  if (const std::uint32_t* const known = derivatives_.find(key)) return *known;
  TermId out = kNothing;
  if (n.kind == Kind::cat) {
    out = cat(derive(n.a, b), n.b);
    if (nodes_[n.a].nullable) out = either(out, derive(n.b, b));
  } else if (n.kind == Kind::complement) {
    out = complement(derive(n.a, b));
  } else if (n.kind == Kind::repeat) {
    const TermId rest = repeat(n.a, n.min > 0 ? n.min - 1 : 0, n.max == kUnlimited ? kUnlimited : n.max - 1);
    // utf8() stays itself; repeat() would make it kAll.
    out = cat(derive(n.a, b), t == utf8_ ? utf8_ : rest);
  } else {
    std::vector<TermId> parts;
    for (std::uint32_t i = 0; i < n.b; ++i) {
      const TermId part = derive(list_[n.a + i], b);
      if (n.kind == Kind::both && part == kNothing) return kNothing;
      parts.push_back(part);
    }
    out = n.kind == Kind::either ? either(std::move(parts)) : both(std::move(parts));
  }
  grow(40);
  work_ += kDerivative;
  derivatives_.set(key, out);
  return out;
}

TermId Terms::run(TermId t, std::string_view text) {
  for (const char c : text) {
    if (t == kNothing || t == kAll) return t;
    t = next(t, static_cast<unsigned char>(c));
  }
  return t;
}

// Texts that begin with a character of the range; one is enough, but for `all`. `prefix`: the bits read so far, with
// `tails` bytes of six bits to come.
std::uint32_t Terms::count_from(TermId t, std::uint32_t prefix, int tails, CodeRange range, bool all) {
  if (t == kNothing) return 0;
  if (tails == 0) return all ? count(t) : live(t) ? 1 : 0;
  std::uint32_t n = 0;
  for (unsigned b = 0x80; b <= 0xBF && n < (all ? kMany : 1); ++b) {
    const std::uint32_t bits = prefix << 6 | (b & 0x3F);
    const std::uint32_t low = bits << (6 * (tails - 1)), high = low | ((1U << (6 * (tails - 1))) - 1);
    if (high < range.first || low > range.last) continue;
    n += count_from(next(t, static_cast<unsigned char>(b)), bits, tails - 1, range, all);
  }
  return n;
}

std::uint32_t Terms::between(TermId t, std::uint32_t first, std::uint32_t last, bool all) {
  if (t == kAll) return kMany;
  std::uint32_t n = 0;
  for (unsigned b = std::min(first, 0x80U); b < 0xF5 && n < (all ? kMany : 1); ++b) {
    if (b >= 0x80 && b < 0xC2) continue;
    const int tails = b < 0x80 ? 0 : b < 0xE0 ? 1 : b < 0xF0 ? 2 : 3;
    const std::uint32_t bits = tails == 0 ? b : b & (0x3FU >> tails);
    const std::uint32_t start = tails == 0 ? 0 : kLastOf[tails - 1] + 1;
    const std::uint32_t low = std::max(bits << (6 * tails), start);
    const std::uint32_t high = bits << (6 * tails) | ((1U << (6 * tails)) - 1);
    if (low > last) break;
    if (high < first) continue;
    n += count_from(next(t, static_cast<unsigned char>(b)), bits, tails, {std::max(first, low), last}, all);
  }
  return std::min(n, kMany);
}

}  // namespace gemma4::grammar
