// HeldReply: a constraint that holds a reply to a format, its calls to their grammar, or both.
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

  /// The whole reply is of `whole`.
  HeldReply(Program whole, Tokenizer tokenizer);
  /// Where the model writes `open`, what follows is of `calls`. Without a format it may do so anywhere, and is free until
  /// then. With one, its first token decides: `open`, or a reply that is all of `format`.
  /// @param calls   null: what follows is free.
  /// @param format  null: none.
  HeldReply(Program calls, Tokenizer tokenizer, TokenId open, Program format = {});

  bool mask(Span<std::uint32_t> allowed) override;
  bool accept(TokenId token) override;
  bool may_stop() override { return !matcher_ || matcher_->may_stop(); }
  bool finished() override { return matcher_ && !(undecided() && open_ >= 0) && matcher_->finished(); }
  std::vector<TokenId> forced() override;
  void rollback(std::size_t n) override;
  std::unique_ptr<TokenConstraint> fork() const override { return std::make_unique<HeldReply>(*this); }

 private:
  bool undecided() const noexcept { return format_ && length_ == 0; }
  void begin();

  Program calls_, format_;                   // null where there are none
  Tokenizer tokenizer_;
  TokenId open_ = -1;
  std::optional<grammar::Matcher> matcher_;  // of what holds now
  std::size_t length_ = 0;                   // tokens accepted
};

}  // namespace gemma4::chat
