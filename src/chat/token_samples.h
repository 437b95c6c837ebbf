// TokenSamples: which of the chosen tokens a text came from.
#pragma once

#include <algorithm>
#include <cstddef>
#include <limits>
#include <utility>
#include <vector>

#include "gemma4/types.h"

namespace gemma4::chat {

/// Samples wait here until the text that they end in is told. Places are bytes of the stream of text that the tokens make.
class TokenSamples {
 public:
  static constexpr std::size_t kUnknown = std::numeric_limits<std::size_t>::max();

  /// @param end  where the token's text ends; kUnknown while a part of it is held back.
  void add(SampledToken sample, std::size_t end) { waiting_.push_back({std::move(sample), end}); }
  /// What ended nobody knew where ends here.
  void settle(std::size_t end) noexcept {
    for (auto it = waiting_.rbegin(); it != waiting_.rend() && it->end == kUnknown; ++it) it->end = end;
  }
  /// The samples of the text from `begin` to `end`, appended to `out`. Those that end before it made no text that anybody
  /// saw (markup, a call, white space that was dropped), and go.
  void take(std::size_t begin, std::size_t end, std::vector<SampledToken>& out) {
    const auto last = std::find_if(waiting_.begin(), waiting_.end(), [end](const Waiting& w) { return w.end > end; });
    for (auto it = waiting_.begin(); it != last; ++it) {
      if (it->end > begin) out.push_back(std::move(it->sample));
    }
    waiting_.erase(waiting_.begin(), last);
  }
  /// Of all that wait.
  void take_all(std::vector<SampledToken>& out) {
    for (Waiting& waiting : waiting_) out.push_back(std::move(waiting.sample));
    waiting_.clear();
  }

 private:
  struct Waiting {
    SampledToken sample;
    std::size_t end;
  };
  std::vector<Waiting> waiting_;  // by their ends
};

}  // namespace gemma4::chat
