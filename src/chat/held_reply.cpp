#include "chat/held_reply.h"

#include <algorithm>

#include "base/check.h"

namespace gemma4::chat {

HeldReply::HeldReply(Program opened, Tokenizer tokenizer, TokenId open)
    : program_(std::move(opened)), tokenizer_(std::move(tokenizer)), open_(open) {}

HeldReply::HeldReply(Program whole, Tokenizer tokenizer) : program_(std::move(whole)), tokenizer_(std::move(tokenizer)) {
  matcher_.emplace(program_, tokenizer_);
}

bool HeldReply::mask(Span<std::uint32_t> allowed) {
  if (!matcher_) return false;
  matcher_->mask(allowed);
  return true;
}

bool HeldReply::accept(TokenId token) {
  if (matcher_) return matcher_->accept(token);
  ++free_;
  if (token == open_) matcher_.emplace(program_, tokenizer_);
  return true;
}

void HeldReply::rollback(std::size_t n) {
  const std::size_t held = matcher_ ? matcher_->length() : 0;
  GEMMA4_CHECK(n <= held + free_, ErrorCode::invalid_argument, "rollback: expected at most ", held + free_, " tokens, got ", n);
  if (n <= held) {
    if (matcher_) matcher_->rollback(n);
    return;
  }
  matcher_.reset();  // the token that began it goes too
  free_ -= n - held;
}

}  // namespace gemma4::chat
