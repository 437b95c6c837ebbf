#include "chat/held_reply.h"

#include "base/check.h"
#include "base/token_bits.h"

namespace gemma4::chat {

HeldReply::HeldReply(Program whole, Tokenizer tokenizer) : format_(std::move(whole)), tokenizer_(std::move(tokenizer)) {
  begin();
}

HeldReply::HeldReply(Program calls, Tokenizer tokenizer, TokenId open, Program format)
    : calls_(std::move(calls)), format_(std::move(format)), tokenizer_(std::move(tokenizer)), open_(open) {
  begin();
}

// As it is before the first token.
void HeldReply::begin() {
  matcher_.reset();
  if (format_) matcher_.emplace(format_, tokenizer_);
  length_ = 0;
}

bool HeldReply::mask(Span<std::uint32_t> allowed) {
  if (!matcher_) return false;
  matcher_->mask(allowed);
  if (undecided()) base::allow_token(allowed, open_);
  return true;
}

bool HeldReply::accept(TokenId token) {
  if (open_ >= 0 && token == open_ && (!matcher_ || undecided())) {
    matcher_.reset();
    if (calls_) matcher_.emplace(calls_, tokenizer_);
  } else if (matcher_ && !matcher_->accept(token)) {
    return false;
  }
  ++length_;
  return true;
}

std::vector<TokenId> HeldReply::forced() {
  const bool choice = !matcher_ || (undecided() && open_ >= 0);
  return choice ? std::vector<TokenId>() : matcher_->forced();
}

void HeldReply::rollback(std::size_t n) {
  GEMMA4_CHECK(n <= length_, ErrorCode::invalid_argument, "rollback: expected at most ", length_, " tokens, got ", n);
  const std::size_t held = matcher_ ? matcher_->length() : 0;
  const std::size_t left = length_ - n;
  if (n <= held) {
    if (matcher_ && n != 0) matcher_->rollback(n);
  } else if (left == 0 || !format_) {
    begin();  // the token that began the calls goes too: what was held before it is the format, or nothing
  }
  length_ = left;
}

}  // namespace gemma4::chat
