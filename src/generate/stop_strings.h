// StopStrings: finds the first of many stop strings in streamed text, and holds back what might begin one.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace gemma4::generation {

/// An Aho-Corasick automaton over the bytes of the text: its state is the longest end of the text that begins a stop
/// string, which is exactly what has to be held back. The result does not depend on how the text is cut into pieces.
///
/// The match that ends first wins; of several that end at the same byte, the longest. Time per byte does not grow with
/// the number of stop strings.
class StopStrings {
 public:
  /// Throws Error invalid_argument for an empty stop string and for one that is not UTF-8.
  explicit StopStrings(const std::vector<std::string>& stops);

  /// Takes more text and appends to `out` what can no longer be part of a match. True when a stop string is complete:
  /// `out` then ends just before it, the rest of `text` is dropped, and nothing more may be pushed.
  bool push(std::string_view text, std::string& out);
  /// The text is over: appends what was held back.
  void finish(std::string& out);
  /// Which stop string it was, after push() returned true: an index into the constructor's list.
  std::size_t matched() const noexcept { return static_cast<std::size_t>(matched_); }

 private:
  struct Node {
    std::int32_t first_child = -1;
    std::int32_t next_sibling = -1;
    std::int32_t fallback = 0;  ///< The node of the longest proper suffix that is in the tree.
    std::int32_t depth = 0;     ///< Bytes from the root.
    std::int32_t stop = -1;     ///< The longest stop string that ends here.
    unsigned char byte = 0;
  };

  void insert(const std::string& stop, std::int32_t index);
  void link();
  std::int32_t child(std::int32_t node, unsigned char byte) const noexcept;
  std::int32_t advance(std::int32_t node, unsigned char byte) const noexcept;

  std::vector<Node> nodes_;
  std::vector<std::size_t> lengths_;                   ///< Of the stop strings.
  std::array<std::int32_t, 256> roots_children_ = {};  ///< By byte; 0: none. The root has the most and the busiest.
  std::int32_t state_ = 0;
  std::int32_t matched_ = -1;
  std::string held_;  ///< The last nodes_[state_].depth bytes of the text.
};

}  // namespace gemma4::generation
