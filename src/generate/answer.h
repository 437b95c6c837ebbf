// Answer: what a generation is for. It says what may come next, and makes something of what came.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/token_bits.h"
#include "gemma4/constraint.h"
#include "gemma4/types.h"

namespace gemma4::generation {

/// The tokens that may come next. All of them, until one is forbidden or a constraint holds.
class TokenMask {
 public:
  /// @param vocab_size  the model's.
  explicit TokenMask(std::size_t vocab_size) : bits_(mask_words(vocab_size)) {}

  void allow_all() noexcept { restricted_ = false; }
  /// What the constraint lets through, and nothing else.
  void hold_to(TokenConstraint& constraint) { restricted_ = constraint.mask(bits_); }
  void allow(TokenId token) noexcept {
    if (restricted_) base::allow_token(bits_, token);
  }
  void forbid(TokenId token) noexcept {
    if (!restricted_) bits_.assign(bits_.size(), ~std::uint32_t{0});
    restricted_ = true;
    base::forbid_token(bits_, token);
  }
  bool restricted() const noexcept { return restricted_; }

  /// As Sampler::sample takes them; empty: all.
  Span<const std::uint32_t> bits() const noexcept { return restricted_ ? Span<const std::uint32_t>(bits_) : Span<const std::uint32_t>(); }

 private:
  std::vector<std::uint32_t> bits_;
  bool restricted_ = false;
};

/// One kind of generation: plain text (text_answer.h), a reply of a conversation (chat/reply_answer.h). The machine
/// (machine.h) asks it before each choice and tells it each token that it took; it knows neither model nor sampler.
class Answer {
 public:
  virtual ~Answer() = default;

  // What may come next

  /// What the next token is held to; null: nothing (there is no constraint, or it does not hold here).
  virtual TokenConstraint* constraint() = 0;
  /// Allows and forbids control tokens. The mask holds to the constraint, with the end tokens where that may stop.
  virtual void adjust(TokenMask& /*mask*/) {}
  /// A token that comes next whatever the logits say, or -1.
  virtual TokenId forced() { return -1; }
  /// True when the token ends the generation.
  virtual bool ends(TokenId token) const noexcept = 0;
  /// What comes instead of an end token that was chosen too early, or -1.
  virtual TokenId instead_of_end() { return -1; }

  // What came

  /// True when a chosen token is not the constraint's business.
  virtual bool outside_constraint(TokenId /*token*/) const noexcept { return false; }
  /// One more token. Returns why the generation is over, if this ended it.
  virtual std::optional<StopReason> take(SampledToken token) = 0;
  /// The generation is over; what was held back is decided. Returns the reason, another one where that completed a stop
  /// string.
  virtual StopReason finish(StopReason reason) = 0;
};

}  // namespace gemma4::generation
