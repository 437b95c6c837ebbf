// Terms: regular languages of bytes as expressions with complement and intersection, and the automaton of their
// derivatives, built as far as it is walked.
//
// An expression is a number; equal expressions have equal numbers, and the derivative of an expression by a byte is
// again one. So expressions are the states of a deterministic automaton, of which only what is asked for exists
// (J. Brzozowski, Derivatives of regular expressions, 1964; S. Owens et al., Regular-expression derivatives
// re-examined, 2009).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "gemma4/types.h"
#include "grammar/number_map.h"
#include "grammar/number_text.h"

namespace gemma4::grammar {

using TermId = std::uint32_t;

/// 256 bits, one for each byte.
struct ByteSet {
  std::array<std::uint64_t, 4> words = {};
  bool has(unsigned byte) const noexcept { return (words[byte >> 6] >> (byte & 63) & 1U) != 0; }
  void add(unsigned byte) noexcept { words[byte >> 6] |= std::uint64_t{1} << (byte & 63); }
  void add(unsigned first, unsigned last) noexcept {
    for (unsigned b = first; b <= last; ++b) add(b);
  }
  void add(const ByteSet& other) noexcept {
    for (std::size_t i = 0; i < 4; ++i) words[i] |= other.words[i];
  }
  bool empty() const noexcept { return (words[0] | words[1] | words[2] | words[3]) == 0; }
  friend bool operator==(const ByteSet&, const ByteSet&) = default;
};

/// A range of code points, both ends included.
struct CodeRange {
  std::uint32_t first = 0;
  std::uint32_t last = 0;
};
using CodeRanges = std::vector<CodeRange>;  ///< Ascending, apart.

constexpr std::uint32_t kLastCode = 0x10FFFF;
constexpr std::uint32_t kUnlimited = 0xFFFFFFFF;

class Terms {
 public:
  static constexpr TermId kNothing = 0;  ///< No text.
  static constexpr TermId kEmpty = 1;    ///< The empty text.
  static constexpr TermId kAll = 2;      ///< Every text.

  Terms();
  Terms(const Terms&) = delete;
  Terms& operator=(const Terms&) = delete;

  TermId set(const ByteSet& bytes);
  TermId byte(unsigned char value);
  TermId literal(std::string_view text);
  /// One character of the ranges, as UTF-8.
  TermId characters(const CodeRanges& ranges);
  /// One character, any.
  TermId any_character() const noexcept { return any_character_; }
  /// Every text of whole characters. (kAll stands for it wherever something else sees to UTF-8; a complement needs it.)
  TermId utf8() const noexcept { return utf8_; }
  TermId cat(TermId a, TermId b);
  TermId either(std::vector<TermId> terms);
  TermId either(TermId a, TermId b) { return either(std::vector<TermId>{a, b}); }
  TermId both(std::vector<TermId> terms);
  TermId both(TermId a, TermId b) { return both(std::vector<TermId>{a, b}); }
  TermId complement(TermId a);
  /// `a`, from min to max times (kUnlimited: no end).
  TermId repeat(TermId a, std::uint32_t min, std::uint32_t max);
  TermId optional(TermId a) { return repeat(a, 0, 1); }
  /// One of the texts.
  TermId one_of(std::vector<std::string_view> texts);
  /// Digits d1 d2 ... dn, n >= 0, whose number (r * 10^n + d) is a multiple of m; 0 <= r < m <= 10^9. A point among
  /// them counts as nothing.
  TermId multiple(std::uint32_t m, std::uint32_t r);
  /// JSON numbers, however written, whose value passes.
  TermId number(const NumberTest& test);

  /// True when the empty text is in it.
  bool nullable(TermId t) const noexcept { return nodes_[t].nullable; }
  /// False when no text is in it. When finding out takes too long: throws Error unsupported, or after set_running()
  /// answers true (what is accepted stays exact, but a mask may then lead to where nothing can follow).
  bool live(TermId t);
  /// From here on, finding that out may take as long as one step is worth (some milliseconds) once more.
  void begin_step() noexcept;
  /// How many texts are in it; kMany for that many or more, or when finding out takes too long.
  std::uint32_t count(TermId t);
  static constexpr std::uint32_t kMany = 1U << 20;
  /// The state after `byte`; kNothing when no text goes on so.
  TermId next(TermId t, unsigned char byte) { return row(t)[byte]; }
  /// next() for all bytes; valid as long as the Terms.
  const TermId* row(TermId t) { return pruned_[t] != 0 ? rows_[t].get() : prune_row(t); }
  /// True when a text that is not empty is in it.
  bool open(TermId t) {
    row(t);
    return pruned_[t] == 2;
  }
  TermId run(TermId t, std::string_view text);
  /// Whether a character between the two codes leads on from `t`.
  bool live_between(TermId t, std::uint32_t first, std::uint32_t last) { return between(t, first, last, false) != 0; }
  /// count() of the texts that begin with one.
  std::uint32_t count_between(TermId t, std::uint32_t first, std::uint32_t last) {
    return between(t, first, last, true);
  }
  /// True when every text leads on, whatever comes: the term's own form shows it.
  bool immortal(TermId t) const noexcept;

  /// True when it is `rest`, and of some and at most `max` characters: its form shows it.
  bool limited(TermId t, TermId& rest, std::uint32_t& max);
  /// True when its form shows that it has texts of every number of characters from `least` to the most.
  bool dense(TermId t, std::uint32_t& least) const noexcept {
    least = nodes_[t].full;
    return nodes_[t].dense;
  }

  /// True when it holds bytes above 0x7F.
  bool beyond_ascii(TermId t) const noexcept { return nodes_[t].beyond_ascii; }
  std::size_t memory_bytes() const noexcept { return memory_; }
  std::size_t size() const noexcept { return nodes_.size(); }
  /// A measure of the time taken so far, in some 10 ns.
  std::size_t work() const noexcept { return work_; }
  /// True only when every text of `b` is in `a`: a short search found why.
  bool includes(TermId a, TermId b);

  /// Looked at until set_running(), by whatever takes long: Error cancelled. May be null.
  void set_cancel(const CancelToken* cancel) noexcept { cancel_ = cancel; }
  void look_for_cancel() const;
  /// The grammar is made: from now on there is no limit to the memory, which forget() gives back.
  void set_running();
  /// Forgets the automaton, and the expressions made since set_running() that `keep` does not hold (bits by TermId; it
  /// grows to size()). Returns the new number of each. The numbers from before set_running() stay.
  std::vector<TermId> forget(std::vector<bool>& keep);

 private:
  enum class Kind : std::uint8_t { nothing, empty, all, set, cat, either, both, complement, repeat, multiple, number };
  struct Node {
    Kind kind = Kind::nothing;
    bool nullable = false;
    bool boolean = false;  // holds `both` or `complement`: may be without a text
    bool beyond_ascii = false;
    bool counted = false;  // holds a repeat with a count
    bool dense = false;    // has texts, of whole characters, of every length from `full` to `longest`
    std::uint32_t a = 0;  // child; index of the set; m; first of the children in list_; index of the test
    std::uint32_t b = 0;  // second child; number of children; r; with min and max a NumberText
    std::uint32_t min = 0;
    std::uint32_t max = 0;
    std::uint32_t shortest = 0;          // no text has fewer characters
    std::uint32_t longest = kUnlimited;  // and none has more
    std::uint32_t full = 0;
    std::uint32_t effort = 0;            // as `shortest`, but that parts of `both` are added up: what a search follows
  };

  /// A term as its first part and the rest; as rounds of one term.
  struct Chain {
    TermId head, tail;
  };
  struct Round {
    TermId term;
    std::uint32_t min, max;
  };
  struct Proof {
    std::size_t steps = 0, depth = 0;
  };
  Chain chain_of(TermId t) const;
  Round round_of(TermId t) const;
  bool join_bounds(std::vector<TermId>& terms);
  bool numbers_meet(const std::vector<TermId>& terms) const;
  bool flatten(const Node& inner, std::uint32_t& min, std::uint32_t& max);
  bool join(TermId a, TermId b, TermId& joined);
  void join_counts(std::vector<TermId>& terms);
  void leave_out_included(std::vector<TermId>& terms);
  bool proves(TermId a, TermId b, Proof& proof);
  bool proves_parts(TermId a, TermId b, Proof& proof);
  bool proves_chains(TermId a, TermId b, Proof& proof);

  TermId number(std::uint32_t test, const NumberText& text);
  NumberText number_text(const Node& node) const { return NumberText::unpack({node.b, node.min, node.max}); }
  void measure(Node& node) const;
  void measure_cat(Node& node) const;
  void measure_repeat(Node& node) const;
  void measure_either(Node& node) const;
  void measure_both(Node& node) const;
  TermId intern(Node node);
  TermId intern_list(Kind kind, std::vector<TermId>& terms, bool nullable);
  TermId add(const Node& node, std::size_t slot, std::size_t bytes);
  void reserve_slot();
  std::uint64_t hash(const Node& node) const noexcept;
  static std::uint64_t hash_list(Kind kind, const TermId* terms, std::size_t n) noexcept;
  bool same(const Node& x, const Node& y) const noexcept;
  TermId* raw_row(TermId t) { return rows_[t] ? rows_[t].get() : fill_row(t); }
  TermId* fill_row(TermId t);
  const TermId* prune_row(TermId t);
  void collect_sets(TermId t, std::vector<std::uint32_t>& sets);
  TermId derive(TermId t, unsigned char byte);
  bool search(TermId t);
  std::uint32_t count(TermId t, std::size_t& looked_at, std::size_t last_work);
  void fill_slots();
  std::uint32_t between(TermId t, std::uint32_t first, std::uint32_t last, bool all);
  std::uint32_t count_from(TermId t, std::uint32_t prefix, int tails, CodeRange range, bool all);
  TermId trie(const std::vector<std::string_view>& texts, std::size_t begin, std::size_t end, std::size_t depth);
  void grow(std::size_t bytes);

  std::vector<Node> nodes_;
  std::vector<std::uint32_t> list_;
  std::vector<ByteSet> sets_;
  std::vector<NumberTest> tests_;
  std::vector<std::unique_ptr<TermId[]>> rows_;  // [256] each
  std::vector<std::uint8_t> pruned_;             // 1: dead states have left the row; 2: and others remain
  std::vector<std::int8_t> live_;                // 1, 0; -1: not known yet
  std::vector<std::uint32_t> slots_;             // open addressing over nodes_, id + 1
  std::vector<std::uint32_t> set_slots_;
  NumberMap derivatives_;                        // by term and byte, of compound terms
  std::unordered_map<TermId, std::uint32_t> counts_;
  NumberMap proven_;                             // what includes() has found, 1 or 0, by both terms
  std::vector<std::uint32_t> seen_;                          // marks of collect_sets
  std::uint32_t mark_ = 0;
  std::size_t work_ = 0;
  std::size_t made_ = 0, made_lists_ = 0;                    // sizes at set_running()
  TermId any_character_ = 0;
  TermId utf8_ = 0;
  bool running_ = false;
  const CancelToken* cancel_ = nullptr;
  std::uint32_t grown_ = 0;                                  // calls of grow()
  std::size_t search_left_ = 0;
  std::size_t memory_ = 0;
};

/// `ranges` in order and merged.
CodeRanges normalized(CodeRanges ranges);
/// Every code point but these and the surrogates.
CodeRanges complement(const CodeRanges& ranges);
void append_utf8(std::uint32_t code, std::string& text);

}  // namespace gemma4::grammar
