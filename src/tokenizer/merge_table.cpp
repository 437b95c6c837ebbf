#include "tokenizer/merge_table.h"

#include <algorithm>
#include <bit>
#include <string>

#include "base/check.h"

namespace gemma4::tokenizer {
namespace {

using FileMerge = formats::TokenizerFile::Merge;

/// Merges are looked up by the block, so that cache misses overlap: one by one they take most of the time to load.
constexpr std::size_t kBlock = 64;

/// Texts and ids of one block of merges.
class Block {
 public:
  explicit Block(const Vocabulary& vocabulary) : vocabulary_(vocabulary) {}

  /// Fills left, right and result; an id is -1 where the vocabulary lacks the text.
  void resolve(const FileMerge* merges, std::size_t n) {
    for (std::size_t i = 0; i < n; ++i) {
      const FileMerge& merge = merges[i];
      const std::size_t space = merge.right.empty() ? merge.left.find(' ', 1) : std::string_view::npos;
      texts_[i] = merge.left.substr(0, space);
      texts_[n + i] = space == std::string_view::npos ? merge.right : merge.left.substr(space + 1);
    }
    vocabulary_.find_all({texts_, 2 * n}, ids_);
    for (std::size_t i = 0; i < n; ++i) {
      left[i] = ids_[i];
      right[i] = ids_[n + i];
      if ((left[i] < 0 || right[i] < 0) && merges[i].right.empty()) split_elsewhere(merges[i].left, i);
    }
    find_results(n);
  }

  TokenId left[kBlock] = {};
  TokenId right[kBlock] = {};
  TokenId result[kBlock] = {};

 private:
  /// "a b c": the first space that leaves two tokens.
  void split_elsewhere(std::string_view both, std::size_t i) {
    for (std::size_t at = both.find(' ', 1); at != std::string_view::npos; at = both.find(' ', at + 1)) {
      left[i] = vocabulary_.find(both.substr(0, at));
      right[i] = vocabulary_.find(both.substr(at + 1));
      if (left[i] >= 0 && right[i] >= 0) return;
    }
  }

  /// The file lists all splits of a piece one after another, so most results equal the one before.
  void find_results(std::size_t n) {
    joined_.clear();
    std::size_t sizes[kBlock];
    std::size_t which[kBlock];
    std::size_t n_joined = 0;
    std::size_t last = 0;  // where the last joined text begins
    for (std::size_t i = 0; i < n; ++i) {
      result[i] = -1;
      if (left[i] < 0 || right[i] < 0) continue;
      const std::string_view a = vocabulary_.text(left[i]);
      const std::string_view b = vocabulary_.text(right[i]);
      const std::string_view before = std::string_view(joined_).substr(last);
      if (n_joined == 0 || before.size() != a.size() + b.size() || before.substr(0, a.size()) != a ||
          before.substr(a.size()) != b) {
        last = joined_.size();
        joined_.append(a).append(b);
        sizes[n_joined++] = joined_.size() - last;
      }
      which[i] = n_joined - 1;
    }
    std::size_t at = 0;
    for (std::size_t i = 0; i < n_joined; at += sizes[i++]) texts_[i] = std::string_view(joined_).substr(at, sizes[i]);
    vocabulary_.find_all({texts_, n_joined}, ids_);
    for (std::size_t i = 0; i < n; ++i) {
      if (left[i] >= 0 && right[i] >= 0) result[i] = ids_[which[i]];
    }
  }

  const Vocabulary& vocabulary_;
  std::string_view texts_[2 * kBlock];
  TokenId ids_[2 * kBlock] = {};
  std::string joined_;
};

/// Throws for a merge that cannot be meant; false for one that must never be applied.
bool is_usable(const Block& block, std::size_t i, const Vocabulary& vocabulary, const FileMerge& merge,
               const std::string& file, std::size_t index) {
  const auto where = [&] {
    return base::concat(file, ": merge ", index, " (\"", merge.left, merge.right.empty() ? "" : "\" \"", merge.right,
                        "\")");
  };
  GEMMA4_CHECK(block.left[i] >= 0 && block.right[i] >= 0, ErrorCode::bad_format, where(),
               ": expected two texts of the vocabulary");
  GEMMA4_CHECK(block.result[i] >= 0, ErrorCode::bad_format, where(), ": the vocabulary lacks the text they form");
  bool usable = true;
  for (const TokenId id : {block.left[i], block.right[i], block.result[i]}) {
    GEMMA4_CHECK(vocabulary.kind(id) != TokenKind::byte, ErrorCode::unsupported, where(),
                 ": a byte token takes part; expected bytes to stay single, as Gemma's do");
    usable = usable && vocabulary.kind(id) != TokenKind::special;
  }
  return usable;
}

}  // namespace

MergeTable::MergeTable(const formats::TokenizerFile& file, const Vocabulary& vocabulary) {
  const std::size_t n_merges = file.merges.size();
  GEMMA4_CHECK(n_merges < std::size_t{1} << 28, ErrorCode::bad_format, file.name, ": ", n_merges, " merges");
  const std::size_t n_slots = std::bit_ceil(std::max<std::size_t>(2 * n_merges, 16));
  shift_ = 64 - std::countr_zero(n_slots);
  slots_ = base::AlignedBuffer<Slot>(n_slots, "tokenizer merges");
  results_.resize(static_cast<std::size_t>(vocabulary.size()));
  Block block(vocabulary);
  for (std::size_t begin = 0; begin < n_merges; begin += kBlock) {
    const std::size_t n = std::min(kBlock, n_merges - begin);
    block.resolve(&file.merges[begin], n);
    for (std::size_t i = 0; i < n; ++i) prefetch(&slots_[first_slot(block.left[i], block.right[i])]);
    for (std::size_t i = 0; i < n; ++i) {
      if (!is_usable(block, i, vocabulary, file.merges[begin + i], file.name, begin + i)) continue;
      insert(block.left[i], block.right[i], Merge{begin + i + 1} << 32 | static_cast<std::uint32_t>(block.result[i]));
      results_[static_cast<std::size_t>(block.result[i])] = true;
    }
  }
}

/// Of a pair that stands twice the last rank counts, as in HF tokenizers.
void MergeTable::insert(TokenId left, TokenId right, Merge merge) noexcept {
  const auto a = static_cast<std::uint32_t>(left);
  const auto b = static_cast<std::uint32_t>(right);
  std::size_t i = first_slot(left, right);
  while (slots_[i].merge != 0 && (slots_[i].left != a || slots_[i].right != b)) i = (i + 1) & (slots_.size() - 1);
  slots_[i] = {a, b, merge};
}

}  // namespace gemma4::tokenizer
