#include "chat/loop_detector.h"

#include <algorithm>

namespace gemma4::chat {

LoopDetector::LoopDetector(int tokens)
    : tokens_(static_cast<std::size_t>(std::max(tokens, 0))), last_(kLongest), runs_(kLongest, 0) {}

bool LoopDetector::push(TokenId token) {
  if (tokens_ == 0) return false;
  bool found = false;
  for (std::size_t p = 1; p <= std::min(kLongest, n_); ++p) {
    std::size_t& run = runs_[p - 1];
    run = last_[(n_ - p) % kLongest] == token ? run + 1 : 0;
    found = found || run + p >= std::max(tokens_, kRepeats * p);
  }
  last_[n_ % kLongest] = token;
  ++n_;
  return found;
}

}  // namespace gemma4::chat
