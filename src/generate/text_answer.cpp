#include "generate/text_answer.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace gemma4::generation {
namespace {

constexpr std::size_t kUnknown = std::numeric_limits<std::size_t>::max();

}  // namespace

TextAnswer::TextAnswer(std::shared_ptr<const tokenizer::BpeTokenizer> tokenizer, std::vector<TokenId> ends,
                       const GenerateOptions& options, bool samples)
    : options_(options),
      ends_(std::move(ends)),
      samples_(samples),
      decoder_(std::move(tokenizer), !options.show_special),
      stops_(options.stop) {}

bool TextAnswer::ends(TokenId token) const noexcept {
  return options_.stop_at_eos && std::find(ends_.begin(), ends_.end(), token) != ends_.end();
}

std::optional<StopReason> TextAnswer::take(SampledToken token) {
  const std::string decoded = decoder_.push(token.token);
  waiting_.push_back({std::move(token), kUnknown});
  if (pass_on(decoded)) return StopReason::stop_sequence;
  if (!decoder_.holds_back()) {
    for (auto it = waiting_.rbegin(); it != waiting_.rend() && it->end == kUnknown; ++it) it->end = decoded_;
  }
  release_tokens(passed_);
  return std::nullopt;
}

/// Passes text through the stop strings; true when one is complete.
bool TextAnswer::pass_on(const std::string& decoded) {
  decoded_ += decoded.size();
  const std::size_t before = piece_.text.size();
  const bool stopped = stops_.push(decoded, piece_.text);
  passed_ += piece_.text.size() - before;
  if (stopped) stop_ = options_.stop[stops_.matched()];
  return stopped;
}

/// Moves the tokens whose text ends at or before `decided` to the piece; kUnknown: all.
void TextAnswer::release_tokens(std::size_t decided) {
  std::size_t n = 0;
  while (n < waiting_.size() && (decided == kUnknown || waiting_[n].end <= decided)) {
    piece_.token_ids.push_back(waiting_[n].sampled.token);
    if (samples_) piece_.samples.push_back(std::move(waiting_[n].sampled));
    ++n;
  }
  waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(n));
}

StopReason TextAnswer::finish(StopReason reason) {
  if (stop_.empty()) {
    // What the decoder held back may still complete a stop string, which then is not shown.
    if (!pass_on(decoder_.finish())) {
      stops_.finish(piece_.text);
    } else if (reason != StopReason::cancelled) {
      reason = StopReason::stop_sequence;
    }
  }
  release_tokens(kUnknown);
  return reason;
}

Piece TextAnswer::piece() { return std::exchange(piece_, {}); }

}  // namespace gemma4::generation
