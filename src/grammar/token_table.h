// TokenTable: a vocabulary sorted by bytes, for walks that leave out what cannot come, and what of it fits a JSON
// string.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/token_bits.h"
#include "gemma4/types.h"
#include "tokenizer/tokenizer.h"

namespace gemma4::grammar {

/// Texts as a tree of bytes in one array, depth first: a subtree is a range of nodes, and of items.
class ByteTrie {
 public:
  struct Node {
    std::uint32_t next;   ///< The node behind the subtree.
    std::uint32_t first;  ///< First item of the subtree.
    std::uint16_t own;    ///< Items whose text ends here; the first ones.
    std::uint8_t byte;
    std::uint8_t depth;
    std::uint32_t set = 0;  ///< TokenTable: what the texts below hold behind this place, for set(); 0: unknown.
  };
  ByteTrie() = default;
  /// Sorts `texts`, of at most 255 bytes each; item i is the number that came with the i-th text in order.
  explicit ByteTrie(std::vector<std::pair<std::string_view, std::uint32_t>> texts);

  /// [size]; node 0 is the root. nodes()[n].first, one past the last, is the number of items.
  const std::vector<Node>& nodes() const noexcept { return nodes_; }
  const std::vector<std::uint32_t>& items() const noexcept { return items_; }
  std::uint32_t end_of_items(std::uint32_t node) const noexcept { return nodes_[nodes_[node].next].first; }
  std::uint32_t size() const noexcept { return static_cast<std::uint32_t>(nodes_.size() - 1); }

 private:
  friend class TokenTable;
  std::vector<Node> nodes_;  // and a sentinel
  std::vector<std::uint32_t> items_;
};

/// Bytes of ASCII, and (bit 0) whether there are others.
struct AsciiSet {
  std::uint64_t low = 0, high = 0;
  void add(unsigned char b) noexcept {
    if (b >= 0x80) b = 0;
    (b < 64 ? low : high) |= std::uint64_t{1} << b % 64;
  }
  bool within(const AsciiSet& other) const noexcept { return (low & ~other.low) == 0 && (high & ~other.high) == 0; }
};

/// Immutable, any thread; about 100 bytes a token.
class TokenTable final : public tokenizer::Derived {
 public:
  explicit TokenTable(const tokenizer::BpeTokenizer& tokenizer);
  /// The table of a tokenizer, made at the first call for it; the tokenizer keeps it.
  static std::shared_ptr<const TokenTable> of(const tokenizer::BpeTokenizer& tokenizer);

  static constexpr std::uint32_t kMaxChars = 32;  ///< Longer tokens count as this long.

  /// A token that leaves the inside of a JSON string: at a quote, or for an escape.
  struct Exit {
    TokenId token;
    std::string_view before;  ///< Characters of the string.
    std::uint32_t chars;      ///< Of `before`.
    std::string_view after;   ///< Behind the quote or the backslash.
  };

  std::size_t vocab_size() const noexcept { return starts_.size() - 1; }
  std::size_t words() const noexcept { return (vocab_size() + 31) / 32; }
  /// The token's bytes; empty for control tokens and unused ids.
  std::string_view bytes(TokenId id) const noexcept {
    const auto i = static_cast<std::size_t>(id);
    return std::string_view(bytes_).substr(starts_[i], starts_[i + 1] - starts_[i]);
  }
  const ByteTrie& trie() const noexcept { return trie_; }
  /// By item of trie(): where the last byte that cannot stand inside a JSON string ends (0: nowhere, 255: the token
  /// does not begin with a character).
  std::uint8_t last_special(std::uint32_t item) const noexcept { return last_special_[item]; }
  /// Tokens that go on inside a JSON string, without escapes, by at most n characters (kMaxChars: any number). A
  /// character may be unfinished.
  const std::vector<std::uint32_t>& inside(std::uint32_t n) const noexcept { return inside_[n]; }
  /// The same for raw text, where every character may stand.
  const std::vector<std::uint32_t>& inside_raw(std::uint32_t n) const noexcept { return inside_raw_[n]; }
  /// Tokens of more than kMaxChars characters, with their number, and the most there are.
  const std::vector<std::pair<TokenId, std::uint32_t>>& longer() const noexcept { return longer_; }
  std::uint32_t max_chars() const noexcept { return max_chars_; }
  /// Tokens that go on inside a JSON string and hold white space of ECMA-262 beyond ASCII, which `.` and \S do not match
  /// all of: U+A0, U+1680, U+2000 to 200A, 2028, 2029, 202F, 205F, U+3000, U+FEFF. They are left out of AsciiSets.
  const std::vector<TokenId>& odd() const noexcept { return odd_; }
  /// Appends the tokens that `text` begins with.
  void prefixes_of(std::string_view text, std::vector<TokenId>& out) const;
  const AsciiSet& set(std::uint32_t index) const noexcept { return sets_[index]; }
  const std::vector<Exit>& quotes() const noexcept { return quotes_; }
  const std::vector<Exit>& escapes() const noexcept { return escapes_; }
  /// What stands behind the quotes; items are indices into quotes().
  const ByteTrie& behind_quotes() const noexcept { return behind_quotes_; }

 private:
  void classify(TokenId id, std::uint32_t item);
  void collect_sets();

  std::string bytes_;
  std::vector<std::uint32_t> starts_;
  ByteTrie trie_;
  std::vector<std::uint8_t> last_special_;
  std::array<std::vector<std::uint32_t>, kMaxChars + 1> inside_, inside_raw_;
  std::vector<std::pair<TokenId, std::uint32_t>> longer_;
  std::uint32_t max_chars_ = kMaxChars;
  std::vector<TokenId> odd_;
  std::vector<AsciiSet> sets_;
  std::vector<Exit> quotes_, escapes_;
  ByteTrie behind_quotes_;
};

/// next_utf8() without the characters of TokenTable::odd(). Its states are its own, but 0 and kNotUtf8.
std::uint8_t next_usual(std::uint8_t state, unsigned char b);

using base::clear_bit;
using base::has_bit;
using base::set_bit;

}  // namespace gemma4::grammar
