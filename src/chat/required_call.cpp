#include "chat/required_call.h"

#include <algorithm>
#include <string>

#include "base/check.h"

namespace gemma4::chat {

RequiredCall::RequiredCall(const tokenizer::BpeTokenizer& tokenizer, std::string_view name)
    : close_(tokenizer.token_to_id("<tool_call|>")) {
  const TokenId open = tokenizer.token_to_id("<|tool_call>");
  GEMMA4_CHECK(open >= 0 && close_ >= 0, ErrorCode::unsupported,
               "the model's tokenizer has no \"<|tool_call>\": it was not made for tool calls");
  opening_ = tokenizer.encode(name.empty() ? std::string("call:") : base::concat("call:", name, "{"), false, false);
  opening_.insert(opening_.begin(), open);
}

bool RequiredCall::mask(Span<std::uint32_t> allowed) {
  if (accepted_.size() >= opening_.size()) return false;
  std::fill(allowed.begin(), allowed.end(), 0U);
  const auto id = static_cast<std::size_t>(opening_[accepted_.size()]);
  allowed[id / 32] |= std::uint32_t{1} << id % 32;
  return true;
}

bool RequiredCall::accept(TokenId token) {
  if (accepted_.size() < opening_.size() && token != opening_[accepted_.size()]) return false;
  accepted_.push_back(token);
  if (token == close_) ++closes_;
  return true;
}

void RequiredCall::rollback(std::size_t n) {
  GEMMA4_CHECK(n <= accepted_.size(), ErrorCode::invalid_argument, "rollback: expected at most ", accepted_.size(),
               " tokens, got ", n);
  for (; n != 0; --n) {
    if (accepted_.back() == close_) --closes_;
    accepted_.pop_back();
  }
}

}  // namespace gemma4::chat
