// Counted repeats among Terms: one form for what is written in several ways, and alternatives that others include left
// out, so that the automaton has not a state for every combination of nested counters.
#include <algorithm>
#include <tuple>

#include "grammar/terms.h"

namespace gemma4::grammar {
namespace {

constexpr std::size_t kMaxCompared = 24;    // alternatives that are compared with one another
constexpr std::size_t kMaxProof = 150;      // steps of one proof
constexpr std::size_t kMaxProofs = 150;     // and of all that one list of alternatives is worth
constexpr std::size_t kMaxProofDepth = 40;
constexpr std::size_t kMaxProven = 20000;   // proofs that are kept
constexpr std::size_t kLook = 6, kStep = 20;  // of a proof, in units of work(): at two terms, and at their parts

std::uint64_t times(std::uint32_t a, std::uint32_t b) {
  return a == kUnlimited || b == kUnlimited ? kUnlimited : std::uint64_t{a} * b;
}
std::uint32_t plus(std::uint32_t a, std::uint32_t b) {
  return a == kUnlimited || b == kUnlimited ? kUnlimited : a + b;
}
std::uint32_t minus(std::uint32_t a, std::uint32_t b) { return a == kUnlimited ? a : a > b ? a - b : 0; }

/// Whether k times something of a to b, for k from c to d, is everything from ca to db: c times reach to where c + 1
/// begin.
bool touching(std::uint32_t a, std::uint32_t b, std::uint32_t c, std::uint32_t d) {
  return c == d || a <= 1 || (c > 0 && times(b, c) + 1 >= (std::uint64_t{c} + 1) * a);
}

}  // namespace

// (x{a,b}){c,d} is x{ca,db} where no number of rounds in between is left out.
bool Terms::flatten(const Node& inner, std::uint32_t& min, std::uint32_t& max) {
  if (inner.kind != Kind::repeat || max == 0) return false;
  const std::uint64_t low = times(inner.min, min), high = inner.max == 0 ? 0 : times(inner.max, max);
  const bool endless = inner.max == kUnlimited || max == kUnlimited;
  if (min == kUnlimited || low >= kUnlimited || (!endless && high >= kUnlimited)) return false;
  if (!touching(inner.min, inner.max, min, max)) return false;
  min = static_cast<std::uint32_t>(low);
  max = endless ? kUnlimited : static_cast<std::uint32_t>(high);
  return true;
}

Terms::Round Terms::round_of(TermId t) const {
  const Node& n = nodes_[t];
  if (n.kind == Kind::repeat && t != utf8_) return {n.a, n.min, n.max};
  return {t, 1, 1};
}

// x{a,b} x{c,d} is x{a+c,b+d}; false where they are not of one x, or none is counted.
bool Terms::join(TermId a, TermId b, TermId& joined) {
  if (nodes_[a].kind != Kind::repeat && nodes_[b].kind != Kind::repeat) return false;
  const Round x = round_of(a), y = round_of(b);
  if (x.term != y.term) return false;
  const std::uint64_t min = std::uint64_t{x.min} + y.min, max = std::uint64_t{x.max} + y.max;
  if (x.max != kUnlimited && y.max != kUnlimited && max >= kUnlimited) return false;
  if (min >= kUnlimited) return false;
  joined = repeat(x.term, static_cast<std::uint32_t>(min), plus(x.max, y.max));
  return true;
}

Terms::Chain Terms::chain_of(TermId t) const {
  const Node& n = nodes_[t];
  if (n.kind == Kind::cat) return {n.a, n.b};
  return {t, kEmpty};
}

// Alternatives x{a,b} rest, x{c,d} rest whose counts touch are one.
void Terms::join_counts(std::vector<TermId>& terms) {
  struct Counted {
    TermId rest, term;
    std::uint32_t min, max;
    bool operator<(const Counted& o) const {
      return std::tie(rest, term, min, max) < std::tie(o.rest, o.term, o.min, o.max);
    }
  };
  std::vector<Counted> counted;
  std::vector<TermId> others;
  for (const TermId t : terms) {
    const Chain chain = chain_of(t);
    if (nodes_[chain.head].kind != Kind::repeat || chain.head == utf8_) {
      others.push_back(t);
      continue;
    }
    const Round x = round_of(chain.head);
    counted.push_back({chain.tail, x.term, x.min, x.max});
  }
  if (counted.size() < 2) return;
  std::sort(counted.begin(), counted.end());
  bool changed = false;
  std::size_t last = 0;
  for (std::size_t i = 1; i < counted.size(); ++i) {
    Counted& into = counted[last];
    const Counted& from = counted[i];
    if (from.rest == into.rest && from.term == into.term && (into.max == kUnlimited || from.min <= into.max + 1)) {
      into.max = std::max(into.max, from.max);
      changed = true;
    } else {
      counted[++last] = from;
    }
  }
  if (!changed) return;
  counted.resize(last + 1);
  terms.swap(others);
  for (const Counted& c : counted) terms.push_back(cat(repeat(c.term, c.min, c.max), c.rest));
  std::sort(terms.begin(), terms.end());
  terms.erase(std::unique(terms.begin(), terms.end()), terms.end());
}

// `terms` without those that another one includes.
void Terms::leave_out_included(std::vector<TermId>& terms) {
  const auto counted = [&](TermId t) { return nodes_[t].counted; };
  if (std::count_if(terms.begin(), terms.end(), counted) < 2) return;
  join_counts(terms);
  if (terms.size() > kMaxCompared) return;
  std::vector<bool> out(terms.size());
  std::size_t steps = 0;
  for (std::size_t i = 0; i < terms.size(); ++i) {
    for (std::size_t j = 0; j < terms.size() && !out[i]; ++j) {
      if (i == j || out[j] || !counted(terms[i]) || !counted(terms[j]) || steps > kMaxProofs) continue;
      Proof proof;
      out[i] = proves(terms[j], terms[i], proof);
      steps += proof.steps;
    }
  }
  std::size_t kept = 0;
  for (std::size_t i = 0; i < terms.size(); ++i) {
    if (!out[i]) terms[kept++] = terms[i];
  }
  terms.resize(kept);
}

bool Terms::includes(TermId a, TermId b) {
  Proof proof;
  return proves(a, b, proof);
}

// A search for a proof by the forms of the terms. It is right where it finds one, and looks only so far.
bool Terms::proves(TermId a, TermId b, Proof& proof) {
  work_ += kLook;
  if (a == b || b == kNothing || a == kAll) return true;
  if (a == kNothing || b == kAll || a == kEmpty) return false;
  if (nullable(b) && !nullable(a)) return false;
  if (b == kEmpty) return true;
  if (!nodes_[b].boolean && (nodes_[a].shortest > nodes_[b].shortest || nodes_[a].longest < nodes_[b].longest)) {
    return false;  // b has texts of these lengths
  }
  const std::uint64_t key = std::uint64_t{a} << 32 | b;
  if (const std::uint32_t* const known = proven_.find(key)) return *known != 0;
  if (++proof.steps > kMaxProof || proof.depth >= kMaxProofDepth) return false;
  work_ += kStep;
  ++proof.depth;
  const bool found = proves_parts(a, b, proof) || proves_chains(a, b, proof);
  --proof.depth;
  // A part of a proof that is cut short tells nothing; of the whole, that it is not worth another try.
  if (found || proof.steps <= kMaxProof || proof.depth == 0) {
    if (proven_.size() >= kMaxProven) proven_.clear();
    proven_.set(key, found ? 1 : 0);
  }
  return found;
}

bool Terms::proves_parts(TermId a, TermId b, Proof& proof) {
  const Node x = nodes_[a], y = nodes_[b];
  const auto children = [&](const Node& n) {
    return std::vector<TermId>(list_.begin() + n.a, list_.begin() + n.a + n.b);
  };
  if (y.kind == Kind::either) {
    for (const TermId child : children(y)) {
      if (!proves(a, child, proof)) return false;
    }
    return true;
  }
  if (x.kind == Kind::both) {
    for (const TermId child : children(x)) {
      if (!proves(child, b, proof)) return false;
    }
    return true;
  }
  if (x.kind == Kind::set && y.kind == Kind::set) {
    for (std::size_t i = 0; i < 4; ++i) {
      if ((sets_[y.a].words[i] & ~sets_[x.a].words[i]) != 0) return false;
    }
    return true;
  }
  if (x.kind == Kind::either) {
    for (const TermId child : children(x)) {
      if (proves(child, b, proof)) return true;
    }
  }
  if (y.kind == Kind::both) {
    for (const TermId child : children(y)) {
      if (proves(a, child, proof)) return true;
    }
  }
  if (x.kind == Kind::complement && y.kind == Kind::complement) return proves(y.a, x.a, proof);
  return false;
}

// Of a = x a' and b = y b'.
bool Terms::proves_chains(TermId a, TermId b, Proof& proof) {
  const Chain x = chain_of(a), y = chain_of(b);
  const Node head = nodes_[x.head], other = nodes_[y.head];
  if (x.head == kAll && proves(a, y.tail, proof)) return true;
  if (x.tail != kEmpty || y.tail != kEmpty) {  // head by head
    if (proves(x.head, y.head, proof) && proves(x.tail, y.tail, proof)) return true;
  }
  const bool rounds = head.kind == Kind::repeat && x.head != utf8_;
  if (rounds) {  // what y takes of the rounds is taken from a's
    const Round theirs = round_of(y.head);
    if (theirs.max <= head.max && proves(head.a, theirs.term, proof)) {
      const TermId left = repeat(head.a, minus(head.min, theirs.min), minus(head.max, theirs.max));
      if (proves(cat(left, x.tail), y.tail, proof)) return true;
    }
  }
  if (nullable(x.head) && x.tail != kEmpty && proves(x.tail, b, proof)) return true;
  if (rounds) {  // one of them, opened
    const Kind inner = nodes_[head.a].kind;
    if (inner == Kind::cat || inner == Kind::either || inner == Kind::repeat || other.kind != Kind::repeat) {
      const TermId left = repeat(head.a, minus(head.min, 1), minus(head.max, 1));
      if (proves(cat(head.a, cat(left, x.tail)), b, proof)) return true;
    }
  }
  if (head.kind == Kind::either && x.tail != kEmpty) {
    for (std::uint32_t i = 0; i < head.b; ++i) {
      if (proves(cat(list_[head.a + i], x.tail), b, proof)) return true;
    }
  }
  if (other.kind == Kind::either && y.tail != kEmpty) {
    for (std::uint32_t i = 0; i < other.b; ++i) {
      if (!proves(a, cat(list_[other.a + i], y.tail), proof)) return false;
    }
    return true;
  }
  if (other.kind != Kind::repeat || other.max == 0 || y.head == utf8_) return false;
  if (other.min == 0) {  // b's head left out, and at least once
    return proves(a, y.tail, proof) && proves(a, cat(repeat(other.a, 1, other.max), y.tail), proof);
  }
  const TermId left = repeat(other.a, minus(other.min, 1), minus(other.max, 1));
  return proves(a, cat(other.a, cat(left, y.tail)), proof);
}

}  // namespace gemma4::grammar
