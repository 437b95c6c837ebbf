// ThoughtFilter: tells the thoughts in a streamed answer from the answer.
#pragma once

#include <string>
#include <string_view>

namespace cli {

/// Fed with pieces that show control tokens (GenerateOptions::show_special). A control token's text comes within one
/// piece, so no marker is ever cut.
class ThoughtFilter {
 public:
  /// Calls show(text, is_thought) for every stretch; markers and the channel's name are left out.
  template <class Show>
  void push(std::string_view piece, const Show& show) {
    while (!piece.empty()) {
      const std::string_view marker = thinking_ ? kClose : kOpen;
      const std::size_t at = piece.find(marker);
      stretch(piece.substr(0, at), show);
      if (at == std::string_view::npos) return;
      piece.remove_prefix(at + marker.size());
      thinking_ = !thinking_;
      skip_ = thinking_ ? kName : kBreaks;
    }
  }

 private:
  static constexpr std::string_view kOpen = "<|channel>";
  static constexpr std::string_view kClose = "<channel|>";
  enum Skip { kNothing, kName, kBreaks };

  template <class Show>
  void stretch(std::string_view text, const Show& show) {
    if (skip_ == kName) {  // "thought\n", to the line's end
      const std::size_t end = text.find('\n');
      if (end == std::string_view::npos) return;
      text.remove_prefix(end + 1);
      skip_ = kNothing;
    } else if (skip_ == kBreaks) {
      const std::size_t first = text.find_first_not_of(" \n");
      if (first == std::string_view::npos) return;
      text.remove_prefix(first);
      skip_ = kNothing;
    }
    if (!text.empty()) show(text, thinking_);
  }

  bool thinking_ = false;
  Skip skip_ = kNothing;
};

}  // namespace cli
