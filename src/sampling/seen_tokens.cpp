#include "sampling/seen_tokens.h"

#include <algorithm>

namespace gemma4::sampling {
namespace {

auto find(std::vector<TokenCount>& counts, TokenId token) {
  return std::lower_bound(counts.begin(), counts.end(), token,
                          [](const TokenCount& entry, TokenId id) { return entry.token < id; });
}

}  // namespace

SeenTokens::SeenTokens(int window) : window_(window) {
  constexpr int kSmall = 1024;
  const auto expected = static_cast<std::size_t>(std::clamp(window, 0, kSmall));
  ring_.reserve(expected);
  counts_.reserve(expected);
}

void SeenTokens::add(TokenId token) {
  if (window_ == 0) return;
  if (window_ > 0) {
    if (ring_.size() < static_cast<std::size_t>(window_)) {
      ring_.push_back(token);
    } else {
      forget(ring_[oldest_]);
      ring_[oldest_] = token;
      oldest_ = (oldest_ + 1) % ring_.size();
    }
  }
  const auto entry = find(counts_, token);
  if (entry != counts_.end() && entry->token == token) {
    ++entry->count;
  } else {
    counts_.insert(entry, {token, 1});
  }
}

void SeenTokens::clear() noexcept {
  ring_.clear();
  oldest_ = 0;
  counts_.clear();
}

void SeenTokens::forget(TokenId token) {
  const auto entry = find(counts_, token);
  if (--entry->count == 0) counts_.erase(entry);
}

}  // namespace gemma4::sampling
