// Bpe: ordinary text (no markup) to ids, exactly as merging the whole text at once would.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string_view>
#include <vector>

#include "tokenizer/characters.h"
#include "tokenizer/merge_table.h"
#include "tokenizer/word_cache.h"

namespace gemma4::tokenizer {

/// What one encoding works with; kept for the next one. One thread at a time.
struct Workspace {
  WordCache cache;
  std::vector<TokenId> symbols;
};

/// Workspaces not in use. Any thread.
class WorkspacePool {
 public:
  std::unique_ptr<Workspace> take();
  void give_back(std::unique_ptr<Workspace> workspace) noexcept;

 private:
  std::mutex mutex_;
  std::vector<std::unique_ptr<Workspace>> free_;
};

/// Byte pair encoding over code points: of all neighbours that may merge, the pair of the lowest rank does, the
/// leftmost on ties, until none may. Characters without an entry, and bytes of invalid UTF-8, become byte tokens.
/// Constant after construction; any thread. The vocabulary must outlive it.
class Bpe {
 public:
  Bpe(const formats::TokenizerFile& file, const Vocabulary& vocabulary);

  /// Appends the ids of `text`. O(n log n) for any text.
  void encode(std::string_view text, Workspace& workspace, std::vector<TokenId>& ids) const;

 private:
  void encode_piece(std::string_view piece, Workspace& workspace, std::vector<TokenId>& ids) const;
  void merge_piece(std::string_view piece, std::vector<TokenId>& symbols) const;
  void merge_short(std::vector<TokenId>& symbols) const;
  void merge_long(std::vector<TokenId>& symbols) const;

  const Vocabulary& vocabulary_;
  MergeTable merges_;
  CharacterMap characters_;
  JoinFilter joins_;
};

}  // namespace gemma4::tokenizer
