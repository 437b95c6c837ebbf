#include "sampling/repetition.h"

#include <algorithm>

namespace gemma4::sampling {

const std::vector<Continuation>& Repetition::continuations(std::size_t least, int window,
                                                           const std::vector<TokenId>& breakers) {
  continuations_.clear();
  const std::size_t n = window < 0 ? text_.size() : std::min(text_.size(), static_cast<std::size_t>(window));
  const auto back = [&](std::size_t i) { return text_[text_.size() - 1 - i]; };  // i tokens before the last one
  const auto breaks = [&](TokenId token) { return std::find(breakers.begin(), breakers.end(), token) != breakers.end(); };
  std::size_t limit = 0;  // tokens at the end without a breaker
  while (limit < n && !breaks(back(limit))) ++limit;
  if (limit < least) return continuations_;

  // matches_[i]: how many tokens before and with the i-th from the end equal those at the end (the Z algorithm, backwards).
  matches_.assign(n, 0);
  std::size_t begin = 0, end = 0;  // the stretch found that reaches furthest
  for (std::size_t i = 1; i < n; ++i) {
    std::size_t length = i < end ? std::min(matches_[i - begin], end - i) : 0;
    while (i + length < n && back(length) == back(i + length)) ++length;
    matches_[i] = length;
    if (i + length > end) {
      begin = i;
      end = i + length;
    }
  }
  for (std::size_t i = 1; i < n; ++i) {
    const std::size_t length = std::min(matches_[i], limit);
    if (length >= least && !breaks(back(i - 1))) continuations_.push_back({back(i - 1), length});
  }
  std::sort(continuations_.begin(), continuations_.end(), [](const Continuation& a, const Continuation& b) {
    return a.token != b.token ? a.token < b.token : a.length > b.length;
  });
  const auto same = [](const Continuation& a, const Continuation& b) { return a.token == b.token; };
  continuations_.erase(std::unique(continuations_.begin(), continuations_.end(), same), continuations_.end());
  return continuations_;
}

const std::vector<TokenId>& Repetition::closing(std::size_t n) {
  closing_.clear();
  const std::size_t before = n - 1;
  if (text_.size() < n) return closing_;
  const auto tail = text_.end() - static_cast<std::ptrdiff_t>(before);
  for (std::size_t i = 0; i + before < text_.size(); ++i) {
    if (std::equal(tail, text_.end(), text_.begin() + static_cast<std::ptrdiff_t>(i))) closing_.push_back(text_[i + before]);
  }
  std::sort(closing_.begin(), closing_.end());
  closing_.erase(std::unique(closing_.begin(), closing_.end()), closing_.end());
  return closing_;
}

}  // namespace gemma4::sampling
