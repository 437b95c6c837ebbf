#include "chat/thought_control.h"

#include <algorithm>

namespace gemma4::chat {

ThoughtControl::ThoughtControl(std::shared_ptr<const tokenizer::BpeTokenizer> tokenizer, Thinking thinking,
                               bool begins_in_thought)
    : tokenizer_(std::move(tokenizer)),
      open_(tokenizer_->token_to_id("<|channel>")),
      close_(tokenizer_->token_to_id("<channel|>")),
      asked_(thinking.enabled),
      budget_(thinking.enabled ? thinking.budget : kUnasked),
      in_prompt_(begins_in_thought) {}

TokenId ThoughtControl::forced(const ReplyParserState& parser) {
  if (due_.empty() && close_ >= 0 && parser.in_thought()) {
    const bool spent = cut_ || (budget_ >= 0 && tokens_ >= static_cast<std::size_t>(budget_));
    if (spent && (in_prompt_ || parser.in_thought_text() || budget_ == 0 || cut_)) {
      if (!in_prompt_ && !parser.in_thought_text()) {
        due_ = tokenizer_->encode("thought\n", false, false);
      } else if (parser.in_thought_text() && last_ >= 0 && !ends_line(last_)) {
        due_ = tokenizer_->encode("\n", false, false);
      }
      due_.push_back(close_);
      std::reverse(due_.begin(), due_.end());
      closed_ = true;
    }
  }
  return due_.empty() ? -1 : due_.back();
}

void ThoughtControl::accept(TokenId token, bool was_in_thought, const ReplyParserState& parser) {
  if (!due_.empty()) {
    due_.pop_back();
  } else if (was_in_thought && parser.in_thought_text()) {
    ++tokens_;
  }
  if (!parser.in_thought()) {
    if (token == close_ && !asked_) closed_ = true;
    in_prompt_ = false;
    due_.clear();
  }
  last_ = token;
}

bool ThoughtControl::ends_line(TokenId token) const {
  const std::string text = tokenizer_->decode({&token, 1}, false);
  return !text.empty() && text.back() == '\n';
}

}  // namespace gemma4::chat
