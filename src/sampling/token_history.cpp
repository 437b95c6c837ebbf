#include "sampling/token_history.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace gemma4::sampling {

std::string TokenTexts::of(TokenId token) const {
  std::string text;
  if (vocabulary != nullptr) append(vocabulary.get(), token, text);
  return text;
}

TokenHistory::TokenHistory(int window, std::vector<std::string> breakers)
    : window_(window < 0 ? std::numeric_limits<std::size_t>::max() : static_cast<std::size_t>(window)),
      breakers_(std::move(breakers)) {
  for (const std::string& breaker : breakers_) longest_ = std::max(longest_, breaker.size());
}

void TokenHistory::set_texts(TokenTexts texts) {
  if (breakers_.empty() || texts.vocabulary == texts_.vocabulary) return;
  texts_ = std::move(texts);
  text_.clear();
  since_breaker_ = 0;
  for (const TokenId token : tokens()) look_for_breaker(token);
}

void TokenHistory::add(TokenId token) {
  if (window_ == 0) return;
  tokens_.push_back(token);
  if (tokens_.size() - begin_ > window_) ++begin_;
  if (begin_ > window_) {  // then the dead ones are more than those that live
    tokens_.erase(tokens_.begin(), tokens_.begin() + static_cast<std::ptrdiff_t>(begin_));
    begin_ = 0;
  }
  look_for_breaker(token);
}

void TokenHistory::clear() noexcept {
  tokens_.clear();
  begin_ = 0;
  since_breaker_ = 0;
  text_.clear();
}

std::size_t TokenHistory::since_breaker() const noexcept { return std::min(since_breaker_, tokens_.size() - begin_); }

bool TokenHistory::is_breaker(TokenId token) const {
  const std::string text = texts_.of(token);
  return std::any_of(breakers_.begin(), breakers_.end(),
                     [&](const std::string& breaker) { return text.find(breaker) != std::string::npos; });
}

void TokenHistory::look_for_breaker(TokenId token) {
  ++since_breaker_;
  if (breakers_.empty() || texts_.vocabulary == nullptr) return;
  const std::size_t before = text_.size();
  texts_.append(texts_.vocabulary.get(), token, text_);
  for (const std::string& breaker : breakers_) {
    // From the first place where it would end in this token's bytes.
    const std::size_t from = before + 1 > breaker.size() ? before + 1 - breaker.size() : 0;
    if (text_.find(breaker, from) != std::string::npos) since_breaker_ = 0;
  }
  if (text_.size() >= longest_) text_.erase(0, text_.size() - (longest_ - 1));
}

}  // namespace gemma4::sampling
