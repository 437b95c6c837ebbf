// History: what each row of a sequence's cache was computed from.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "gemma4/types.h"

namespace gemma4::session {

/// Rows of a medium (a picture, a stretch of sound): their embeddings are given, their token ids are placeholders.
struct MediumRows {
  std::size_t begin = 0, end = 0;     ///< of the input's rows
  const float* embeddings = nullptr;  ///< [end - begin, hidden_size], as they enter the first layer
  std::uint64_t content = 0;          ///< hash of what they were made of, and how; never 0
  bool block = false;                 ///< the rows see one another on sliding layers, and are computed in one step
};

/// Rows to append to a sequence.
struct InputRows {
  Span<const TokenId> tokens;      ///< [n] placeholders where media stand
  Span<const MediumRows> media;    ///< ascending, apart
};

/// One row: two rows are equal when all of this is. Token ids alone are not enough: all pictures have the same.
struct Entry {
  TokenId token = 0;
  std::uint32_t adapters = 0;  ///< the set of adapters it was computed with; 0: none
  std::uint64_t content = 0;   ///< of a medium's row: the medium's content and the row's place in it; else 0

  friend bool operator==(const Entry& a, const Entry& b) noexcept {
    return a.token == b.token && a.adapters == b.adapters && a.content == b.content;
  }
};

/// Appending within the reserved length allocates nothing.
class History {
 public:
  void reserve(std::size_t length);
  /// Appends rows [begin, end) of the input, which split no block.
  void append(const InputRows& input, std::size_t begin, std::size_t end);
  void truncate(std::size_t n) noexcept;

  std::size_t size() const noexcept { return tokens_.size(); }
  Span<const TokenId> tokens() const noexcept { return tokens_; }
  const Entry& operator[](std::size_t i) const noexcept { return entries_[i]; }

  /// Rows at the beginning that equal the input's.
  std::size_t common_prefix(const InputRows& input) const;
  /// The largest m <= n at which no block is cut: rows of a block have seen all of it.
  std::size_t nearest_cut(std::size_t n) const noexcept;

  std::uint64_t bytes() const noexcept { return bytes_for(entries_.capacity()); }
  static std::uint64_t bytes_for(std::size_t length) noexcept { return length * (sizeof(TokenId) + sizeof(Entry)); }

 private:
  struct Block {
    std::size_t begin, end;
  };

  std::vector<TokenId> tokens_;   // what the public Session shows
  std::vector<Entry> entries_;    // the same and the rest
  std::vector<Block> blocks_;     // ascending
};

}  // namespace gemma4::session
