// Masks: the tokens that may follow a place in a text.
//
// A token may follow a set of frames when it may follow one of them, so a mask is the union of the frames' masks. Most
// are short walks over the tree of tokens. Inside a string, where nearly every token may come, what does not depend on
// the frame's surroundings is worked out once for each state of the string's content (StringTokens) and copied; the few
// tokens that run past the closing quote are walked from there.
#pragma once

#include <functional>
#include <memory>
#include <unordered_map>
#include <vector>

#include "grammar/machine.h"
#include "grammar/token_table.h"

namespace gemma4::grammar {

/// One thread at a time.
class Masks {
 public:
  explicit Masks(Machine& machine) : machine_(machine) {}

  /// mask [table.words()]: bits of the tokens that may follow `frames`; every word is written. Where finding them all
  /// would take too long, those of one byte are all there, and of the longer ones some.
  void write(const Frames& frames, const std::shared_ptr<const TokenTable>& table, std::uint32_t* mask);
  std::size_t memory_bytes() const noexcept { return memory_ + cache_memory_; }
  /// Forgets all it has worked out: the machine has new numbers.
  void forget();

 private:
  /// Tokens from inside a string whose content goes on with a term.
  struct StringTokens {
    std::vector<std::uint32_t> stay;     ///< Bits: those that end inside the string.
    std::vector<std::uint64_t> closing;  ///< By index of TokenTable::quotes(): the content may end at the quote.
    std::vector<TokenId> late;           ///< Those that close the string after an escape.
  };
  void use(const std::shared_ptr<const TokenTable>& table);
  std::size_t work() const noexcept;
  bool spent() const noexcept { return work() > last_work_; }
  void add_and_keep(FrameId id, std::uint32_t* mask);
  void add_awaited(const Frames& frames, std::uint32_t* mask);
  void add(FrameId id, std::uint32_t* mask);
  void add_string(FrameId id, std::uint32_t* mask);
  void add_keys(const Frames& ids, std::uint32_t* mask);
  bool is_key(FrameId id) const;
  void add_term(FrameId id, std::uint32_t* mask);
  const StringTokens& tokens_of(TermId content);
  void walk_content(std::uint32_t node, TermId content, std::uint32_t* mask);
  void correct_content(std::uint32_t node, TermId content, std::uint32_t* mask);
  /// Whether a string's content goes on whatever usual characters come; and may end behind each of them.
  enum Going : std::uint8_t { kStops, kGoesOn, kEndsAnywhere };
  Going going(TermId content);
  const AsciiSet& loops(TermId content);
  void escapes_of(TermId content, StringTokens& tokens);
  template <class Accept>
  void walk(const ByteTrie& trie, std::uint32_t node, Frames frames, const Accept& accept);
  bool runs(FrameId id, std::string_view text);
  const ByteSet& first_bytes(FrameId id);

  Machine& machine_;
  std::shared_ptr<const TokenTable> table_;
  std::unordered_map<TermId, StringTokens> strings_;
  std::unordered_map<TermId, Going> going_;
  std::unordered_map<TermId, AsciiSet> loops_;
  std::unordered_map<FrameId, std::vector<std::uint32_t>> cached_;  // masks that were dear
  std::vector<std::unique_ptr<ByteSet>> first_;    // by frame
  std::vector<std::uint32_t> own_;                 // of one frame of several
  std::size_t nodes_seen_ = 0;
  std::size_t last_work_ = 0;                      // what work() may come to
  std::size_t cache_memory_ = 0;                   // of strings_ and cached_
  std::size_t memory_ = 0;
};

}  // namespace gemma4::grammar
