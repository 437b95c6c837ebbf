// RequiredCall: a constraint that begins a reply with a tool call and ends it with the call.
#pragma once

#include <memory>
#include <vector>

#include "gemma4/constraint.h"
#include "tokenizer/tokenizer.h"

namespace gemma4::chat {

/// <|tool_call>call: [NAME{] is forced; then everything may come, but an end before <tool_call|>; then the reply is over.
class RequiredCall final : public TokenConstraint {
 public:
  /// @param name  of the tool; empty: any.
  /// Throws Error unsupported when the tokenizer has no such tokens.
  RequiredCall(const tokenizer::BpeTokenizer& tokenizer, std::string_view name);

  bool mask(Span<std::uint32_t> allowed) override;
  bool accept(TokenId token) override;
  bool may_stop() override { return finished(); }
  bool finished() override { return closes_ != 0; }
  void rollback(std::size_t n) override;
  std::unique_ptr<TokenConstraint> fork() const override { return std::make_unique<RequiredCall>(*this); }

 private:
  std::vector<TokenId> opening_;
  TokenId close_;
  std::vector<TokenId> accepted_;
  std::size_t closes_ = 0;  // <tool_call|> among them
};

}  // namespace gemma4::chat
