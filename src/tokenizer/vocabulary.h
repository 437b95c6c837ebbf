// Vocabulary: ids and their texts.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "formats/tokenizer_file.h"
#include "gemma4/types.h"

namespace gemma4::tokenizer {

using formats::TokenKind;

/// Constant after construction; any thread.
class Vocabulary {
 public:
  /// Throws Error bad_format (a text twice), unsupported (no byte tokens, no U+2581).
  /// @param n_ids  ids of the model that it belongs to, where those are more than the file has texts for.
  explicit Vocabulary(const formats::TokenizerFile& file, int n_ids = 0);

  int size() const noexcept { return static_cast<int>(kinds_.size()); }
  bool contains(TokenId id) const noexcept { return id >= 0 && id < size(); }
  /// An id of the model's that has no text: its table is padded to a round number.
  bool is_padding(TokenId id) const noexcept { return id >= size() && id < n_ids_; }
  /// The number of ids that may come: the model's, or the file's own.
  int n_ids() const noexcept { return std::max(size(), n_ids_); }

  /// The id of a text, or -1.
  TokenId find(std::string_view text) const noexcept;
  /// find() of many texts; ids [texts.size()]. Several times faster than one by one: their cache misses overlap.
  void find_all(Span<const std::string_view> texts, TokenId* ids) const noexcept;
  /// "" for an unused id. Precondition of these two: contains(id).
  std::string_view text(TokenId id) const noexcept {
    const auto i = static_cast<std::size_t>(id);
    return {texts_.data() + starts_[i], starts_[i + 1] - starts_[i]};
  }
  TokenKind kind(TokenId id) const noexcept { return kinds_[static_cast<std::size_t>(id)]; }

  /// The token of one byte, "<0xE2>".
  TokenId byte_token(std::uint8_t byte) const noexcept { return bytes_[byte]; }

 private:
  struct Slot {
    std::uint32_t tag;  // of the text's hash
    TokenId id;         // -1: free
  };
  void index(const std::string& name);
  TokenId find(std::string_view text, std::uint64_t hash) const noexcept;

  std::string texts_;                  // one after another, in order of id
  std::vector<std::uint32_t> starts_;  // [size + 1]
  std::vector<TokenKind> kinds_;       // [size]
  int n_ids_;
  std::vector<Slot> slots_;            // open addressing, a power of two, at most half full
  int shift_ = 0;                      // hash >> shift_ is the first slot
  std::array<TokenId, 256> bytes_ = {};
};

}  // namespace gemma4::tokenizer
