// Machine: the pushdown automaton that runs Rules byte by byte.
//
// A place in a text is a set of frames, one for each way to read the text so far. A frame says what is being read and,
// by its parent, where that goes on; equal frames have equal numbers, so ways that come together are one, and where
// many differ only in their parents, they become one with all of these (a graph-structured stack: M. Tomita, Efficient
// Parsing for Natural Language, 1985). Frames are never changed, so going back and forking cost nothing. Object frames
// know the keys seen: any order, each key once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "grammar/rules.h"
#include "grammar/text_cursor.h"

namespace gemma4::grammar {

using FrameId = std::uint32_t;
using Frames = std::vector<FrameId>;

struct Frame {
  enum class Kind : std::uint8_t {
    done,    ///< The text is complete.
    term,    ///< A term, raw.
    string,  ///< Inside a string value.
    names,   ///< Inside a key, of the entries of an object.
    key,     ///< Inside a key that no entry names.
    value,   ///< Before a JSON value.
    object, array,
    sequence, repeat,  ///< Only as parents.
    several,           ///< The same, of frames of any kind.
    token,
  };
  Kind kind = Kind::done;
  std::uint8_t phase = 0;   ///< TextCursor::phase; of objects and arrays: Place.
  std::uint8_t utf8 = 0;
  std::uint8_t detail = 0;  ///< key: class; object, array: white space so far.
  std::uint32_t a = 0;      ///< Goal, object, array or rule; several: of which.
  TermId term = 0;          ///< Content still to come; names: bytes read; object: goal of the value to come.
  std::uint32_t x = 0;      ///< string: characters needed; names: first entry; key: its text; others: items, rounds.
  std::uint32_t y = 0;      ///< string: characters allowed; names: end of entries; array: counts.
  std::uint32_t seen = 0;   ///< Keys seen.
  std::uint32_t hex = 0;    ///< TextCursor::hex.
  FrameId parent = 0;
  friend bool operator==(const Frame&, const Frame&) = default;
};

class Machine {
 public:
  explicit Machine(Rules& rules);

  /// The beginning.
  Frames start();
  /// What a byte leads to from `n` frames; `out` is settled.
  void step(const FrameId* frames, std::size_t n, unsigned char byte, Frames& out);
  void step(const Frames& frames, unsigned char byte, Frames& out) { step(frames.data(), frames.size(), byte, out); }
  void step_token(const Frames& frames, TokenId token, Frames& out);
  /// What a frame's parent goes on with.
  Frames after(FrameId parent);
  /// Beyond kMaxFrames ways to read a text, or kMaxResumed (kMaxExact) places that one byte leads on to: Error
  /// unsupported (exact), or some are given up.
  void set_exact(bool exact) noexcept { exact_ = exact; }
  static constexpr std::size_t kMaxFrames = 2000, kMaxResumed = 4000, kMaxExact = 100000;
  /// `any`: every way to write a string's characters and a number leads on. `plain`: those that a generation may write:
  /// characters as themselves where they can be (TextCursor::needed()), numbers in Numbers' forms.
  enum class Spelling : std::uint8_t { plain, any };
  void set_spelling(Spelling spelling) noexcept { plain_ = spelling == Spelling::plain; }

  const Frame& frame(FrameId id) const { return frames_[id]; }
  bool complete(const Frames& frames) const;
  /// Bytes that may lead on from a frame; where bits are set that do not, step() finds out.
  ByteSet first_bytes(FrameId id);
  /// Tokens (not texts) that the frame waits for, appended.
  void awaited_tokens(FrameId id, std::vector<TokenId>& out) const;
  FrameId intern(const Frame& frame);
  /// What the keys that no entry names may still become, of all classes, behind the text that `frame` (key) has read.
  TermId key_content(const Frame& frame);
  /// Whether the string content that `frame` (string or key) reads may end here.
  bool content_may_end(const Frame& frame) const;
  /// Whether the texts that the key of `frame` may become are so few that those seen may be all of them.
  bool few_keys(const Frame& frame) { return terms().count(frame.term) < Terms::kMany; }
  /// What the keys seen that begin as `frame` (key) does go on with.
  std::vector<std::string> seen_behind(const Frame& frame) const { return seen_behind(seen_[frame.seen], frame.x); }

  /// Forgets all but what `frames` and the rules need. Returns the new number of each frame; those of `frames` remain.
  std::vector<FrameId> forget(const std::vector<bool>& frames);

  Rules& rules() noexcept { return rules_; }
  Terms& terms() noexcept { return rules_.terms; }
  std::size_t memory_bytes() const noexcept;
  /// A measure of the time taken so far, in some 10 ns.
  std::size_t work() const noexcept { return work_ + rules_.terms.work(); }

 private:
  enum Place : std::uint8_t { kOpen, kNext, kColon, kValue, kAfter };
  struct Seen {
    std::vector<std::uint64_t> entries;  // a bit each
    std::uint32_t count = 0;
    std::uint32_t marks = 0;
    std::uint32_t keys = 0;              // that no entry names: a KeyList
    bool has(std::size_t i) const { return i / 64 < entries.size() && (entries[i / 64] >> i % 64 & 1U) != 0; }
  };

  struct KeyList {
    std::uint32_t text = 0;
    std::uint32_t before = 0;  // the rest of the list
  };

  void begin(RuleId rule, FrameId parent, Frames& out);
  void resume(FrameId parent, Frames& out);
  void step(FrameId id, unsigned char byte, Frames& out);
  void step_token(FrameId id, TokenId token, Frames& out);
  void next_place();
  void settle(Frames& frames);
  void merge(Frames& frames);
  FrameId several(const Frames& frames);
  bool leads_wherever(FrameId id, FrameId other, int depth) const;
  void leave_out_covered(Frames& frames);
  void begin_choices(Frames& out);
  void step_term(const Frame& f, unsigned char b, Frames& out);
  void step_string(const Frame& f, unsigned char b, Frames& out);
  void step_names(const Frame& f, unsigned char b, Frames& out);
  void step_key(const Frame& f, unsigned char b, Frames& out);
  void step_value(const Frame& f, unsigned char b, Frames& out);
  void step_object(const Frame& f, unsigned char b, Frames& out);
  void step_array(const Frame& f, unsigned char b, Frames& out);
  void begin_key(const Frame& object, unsigned char b, Frames& out);
  void begin_string(const Goal& goal, FrameId parent, Frames& out);
  void end_key(const Frame& f, const std::vector<Variant>& variants, const Seen& seen, Frames& out);
  void begin_item(const Frame& array, std::optional<unsigned char> b, Frames& out);
  bool space(const Frame& f, unsigned char b, Frames& out);
  template <class CanBefore, class CanAfter>
  bool may_write(const Frame& before, unsigned char b, const TextCursor::Step& step, const TextCursor& after,
                 const CanBefore& can_before, const CanAfter& can_after) const {
    if (!plain_ || rules_.style.call) return true;
    return written_plainly({before.phase, before.utf8, before.hex}, b, step, after, can_before, can_after);
  }
  bool live_among(TermId content, const CodeRanges& codes);
  bool narrow(const ObjectRule& o, Frame& f, const TextCursor::Step& step) const;
  bool names_left(const ObjectRule& o, const Frame& f, const Seen& seen) const;
  bool names_among(const ObjectRule& o, const Frame& f, const Seen& seen, const CodeRanges& codes) const;

  bool may_add(const ObjectRule& o, const Seen& seen, std::size_t entry) const;
  bool has_room(const ObjectRule& o, const Seen& seen, std::size_t entry) const;
  bool may_add_any(const ObjectRule& o, const Seen& seen) const;
  bool may_close(const ObjectRule& o, const Seen& seen) const;
  bool items_suffice(const ArrayRule& a, const Frame& f) const;
  bool key_left(const Seen& seen, TermId content, std::uint32_t text, const CodeRange* range = nullptr) const;
  bool key_among(const Frame& f, const CodeRanges& codes) const;
  std::vector<std::string> seen_behind(const Seen& seen, std::uint32_t text) const;
  std::uint32_t intern_seen(Seen seen);
  std::uint32_t first_seen(std::uint32_t object);
  std::uint32_t append(std::uint32_t text, unsigned char byte);
  std::string text_of(std::uint32_t text) const;

  Rules& rules_;
  std::vector<Frame> frames_;
  std::vector<std::uint32_t> slots_;
  std::deque<Seen> seen_;  // which stay where they are
  std::unordered_map<std::string, std::uint32_t> seen_ids_;
  std::vector<std::uint32_t> first_seen_;               // by object; kUnlimited: not made yet
  std::vector<std::pair<std::uint32_t, unsigned char>> texts_;  // of keys: all but the last byte, the last byte
  std::unordered_map<std::uint64_t, std::uint32_t> text_ids_;
  std::vector<KeyList> key_lists_;
  std::unordered_map<std::uint64_t, std::uint32_t> key_list_ids_;
  std::vector<Frames> several_;
  std::map<Frames, std::uint32_t> several_ids_;
  // What has been resumed and begun at this place in the text: once is enough.
  std::uint32_t place_ = 0;
  std::vector<std::uint32_t> resumed_;                  // by frame: the last place
  std::size_t resumed_here_ = 0;                        // how many
  std::unordered_set<std::uint64_t> begun_;             // choices, with their parents
  std::vector<std::pair<RuleId, FrameId>> choices_;     // still to begin
  bool exact_ = true;
  bool plain_ = false;
  std::size_t memory_ = 0;
  std::size_t work_ = 0;
};

}  // namespace gemma4::grammar
