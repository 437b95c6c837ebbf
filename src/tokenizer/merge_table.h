// MergeTable: which two neighbouring tokens may be joined, into what, and which first.
#pragma once

#include <cstdint>
#include <vector>

#include "base/aligned_buffer.h"
#include "tokenizer/hash.h"
#include "tokenizer/vocabulary.h"

namespace gemma4::tokenizer {

/// A merge as one number: its rank (from 1; the smallest is applied first) in the upper half, the resulting id in the
/// lower.
using Merge = std::uint64_t;
constexpr Merge kNoMerge = ~Merge{0};
constexpr std::uint32_t merge_rank(Merge merge) noexcept { return static_cast<std::uint32_t>(merge >> 32); }
constexpr TokenId merge_result(Merge merge) noexcept { return static_cast<TokenId>(merge & 0xFFFFFFFFU); }

/// Constant after construction; any thread.
class MergeTable {
 public:
  /// Merges that touch special tokens are left out: no ordinary text may become markup.
  /// Throws Error bad_format (a text that is no token), unsupported (byte tokens that merge).
  MergeTable(const formats::TokenizerFile& file, const Vocabulary& vocabulary);

  /// The merge of two neighbours, or kNoMerge.
  Merge find(TokenId left, TokenId right) const noexcept {
    const auto a = static_cast<std::uint32_t>(left);
    const auto b = static_cast<std::uint32_t>(right);
    for (std::size_t i = first_slot(left, right);; i = (i + 1) & (slots_.size() - 1)) {
      const Slot& slot = slots_[i];
      if (slot.merge == 0) return kNoMerge;
      if (slot.left == a && slot.right == b) return slot.merge;
    }
  }

  /// Ids that some merge results in; [vocab_size].
  const std::vector<bool>& results() const noexcept { return results_; }

 private:
  struct Slot {
    std::uint32_t left, right;
    Merge merge;  // 0: free
  };
  std::size_t first_slot(TokenId left, TokenId right) const noexcept {
    return hash_pair(static_cast<std::uint32_t>(left), static_cast<std::uint32_t>(right)) >> shift_;
  }
  void insert(TokenId left, TokenId right, Merge merge) noexcept;

  base::AlignedBuffer<Slot> slots_;  // open addressing, a power of two, at most half full; zeroed, on huge pages
  int shift_ = 0;                    // hash >> shift_ is the first slot
  std::vector<bool> results_;
};

}  // namespace gemma4::tokenizer
