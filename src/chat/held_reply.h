// HeldReply: a constraint that holds a reply to a grammar, from its first token or from a certain one on.
#pragma once

#include <memory>
#include <optional>

#include "gemma4/constraint.h"
#include "grammar/matcher.h"

namespace gemma4::chat {

class HeldReply final : public TokenConstraint {
 public:
  using Program = std::shared_ptr<const grammar::Program>;
  using Tokenizer = std::shared_ptr<const tokenizer::BpeTokenizer>;

  /// Free until the model writes `open`; what follows it is of `opened`.
  HeldReply(Program opened, Tokenizer tokenizer, TokenId open);
  /// The whole reply is of `whole`.
  HeldReply(Program whole, Tokenizer tokenizer);

  bool mask(Span<std::uint32_t> allowed) override;
  bool accept(TokenId token) override;
  bool may_stop() override { return !matcher_ || matcher_->may_stop(); }
  bool finished() override { return matcher_ && matcher_->finished(); }
  std::vector<TokenId> forced() override { return matcher_ ? matcher_->forced() : std::vector<TokenId>(); }
  void rollback(std::size_t n) override;
  std::unique_ptr<TokenConstraint> fork() const override { return std::make_unique<HeldReply>(*this); }

 private:
  Program program_;
  Tokenizer tokenizer_;
  TokenId open_ = -1;                        // -1: held from the beginning
  std::optional<grammar::Matcher> matcher_;  // where it is held
  std::size_t free_ = 0;                     // tokens before that
};

}  // namespace gemma4::chat
