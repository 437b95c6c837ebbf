// HeldText: a stream of text whose white space is held back until more text follows.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "chat/python_text.h"

namespace gemma4::chat {

/// Content and thoughts come in stretches, between which there is markup. White space at the beginning of the first
/// stretch is dropped where `skip_leading` says so; at the end of a stretch it is let go of only when another follows.
class HeldText {
 public:
  /// What of the text so far is certain now.
  std::string push(std::string_view more, bool skip_leading) {
    if (!begun_ && skip_leading) {
      const std::string_view shown = trim(more);
      if (shown.empty()) return {};
      more.remove_prefix(static_cast<std::size_t>(shown.data() - more.data()));
    }
    if (behind_markup_) {
      const std::string_view shown = trim(more);
      if (drop_space_ && shown.empty()) return {};
      if (drop_space_) more.remove_prefix(static_cast<std::size_t>(shown.data() - more.data()));
      if (!shown.empty()) behind_markup_ = false;
    }
    held_ += more;
    const std::string_view shown = trim(held_);
    if (shown.empty()) return {};
    begun_ = true;
    const auto end = static_cast<std::size_t>(shown.data() - held_.data()) + shown.size();
    std::string out = held_.substr(0, end);
    held_.erase(0, end);
    return out;
  }
  /// Markup comes.
  void end_of_stretch() noexcept {
    behind_markup_ = true;
    drop_space_ = !held_.empty();
  }
  /// The text is over: the white space at its end, unless markup came behind it.
  std::string finish() { return behind_markup_ ? std::string() : std::exchange(held_, {}); }
  /// Bytes that are held back, the last ones of the text.
  std::size_t held() const noexcept { return held_.size(); }
  bool begun() const noexcept { return begun_; }

 private:
  std::string held_;
  bool begun_ = false;
  bool behind_markup_ = false;  // and nothing has been written since
  bool drop_space_ = false;     // white space stood before the markup, so what comes behind it is one too many
};

}  // namespace gemma4::chat
