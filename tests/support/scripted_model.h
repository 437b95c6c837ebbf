// A model without weights, for the generation machine: which token it would choose next follows from how many it was fed.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gemma4/tokenizer.h"
#include "generate/machine.h"
#include "support/test_model.h"

namespace gemma4::test {

inline const Tokenizer& nano_tokenizer() {
  static const Tokenizer loaded = Tokenizer::load(nano_model_path());
  return loaded;
}

inline std::vector<TokenId> tokens_of(const std::string& text, bool with_markup = true) {
  return nano_tokenizer().encode(text, false, with_markup);
}

/// Ordinary text as one token per byte: every boundary of two bytes is one of two tokens.
inline std::vector<TokenId> byte_tokens_of(const std::string& text) {
  static constexpr char kDigits[] = "0123456789ABCDEF";
  std::vector<TokenId> ids;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    ids.push_back(nano_tokenizer().token_to_id(std::string("<0x") + kDigits[byte / 16] + kDigits[byte % 16] + ">"));
  }
  return ids;
}

/// Wishes for script[n] after n fed tokens, and for the last one for ever after; the token after it in the vocabulary
/// comes second, and so on.
class ScriptedModel {
 public:
  explicit ScriptedModel(std::vector<TokenId> script) : script_(std::move(script)) {}

  std::size_t vocab_size() const { return static_cast<std::size_t>(nano_tokenizer().vocab_size()); }

  /// The logits after all that was fed.
  Span<const float> logits() {
    const TokenId wish = script_[std::min(fed_.size(), script_.size() - 1)];
    const std::size_t n = vocab_size();
    values_.resize(n);
    for (std::size_t i = 0; i < n; ++i) {
      const std::size_t far = (i + n - static_cast<std::size_t>(wish)) % n;
      values_[i] = -static_cast<float>(far);
    }
    return values_;
  }
  void feed(Span<const TokenId> tokens) {
    largest_step_ = std::max(largest_step_, tokens.size());
    fed_.insert(fed_.end(), tokens.begin(), tokens.end());
  }

  const std::vector<TokenId>& fed() const noexcept { return fed_; }
  std::size_t largest_step() const noexcept { return largest_step_; }

 private:
  std::vector<TokenId> script_, fed_;
  std::vector<float> values_;
  std::size_t largest_step_ = 0;
};

/// Drives a machine to its end. `before` is called with the number of choices so far, and may end it.
inline void drive(generation::Machine& machine, ScriptedModel& model,
                  const std::function<void(std::size_t)>& before = {}) {
  for (std::size_t choices = 0;; ++choices) {
    if (before) before(choices);
    if (machine.over()) return;
    model.feed(machine.unfed());
    machine.take(model.logits());
  }
}

/// Holds an answer to one of some sequences of tokens.
class OneOf final : public TokenConstraint {
 public:
  explicit OneOf(std::vector<std::vector<TokenId>> sequences) : sequences_(std::move(sequences)) {}

  bool mask(Span<std::uint32_t> allowed) override {
    std::fill(allowed.begin(), allowed.end(), 0U);
    for (const TokenId token : next()) allowed[static_cast<std::size_t>(token) / 32] |= std::uint32_t{1} << (token % 32);
    return true;
  }
  bool accept(TokenId token) override {
    const std::vector<TokenId> may = next();
    if (std::find(may.begin(), may.end(), token) == may.end()) return false;
    taken_.push_back(token);
    return true;
  }
  bool may_stop() override { return std::find(sequences_.begin(), sequences_.end(), taken_) != sequences_.end(); }
  bool finished() override { return may_stop() && next().empty(); }
  std::vector<TokenId> forced() override {
    OneOf ahead(*this);
    std::vector<TokenId> tokens;
    for (std::vector<TokenId> may = ahead.next(); may.size() == 1 && !ahead.may_stop(); may = ahead.next()) {
      tokens.push_back(may[0]);
      ahead.taken_.push_back(may[0]);
    }
    return tokens;
  }
  void rollback(std::size_t n) override { taken_.resize(taken_.size() - n); }
  std::unique_ptr<TokenConstraint> fork() const override { return std::make_unique<OneOf>(*this); }

  const std::vector<TokenId>& taken() const noexcept { return taken_; }

 private:
  std::vector<TokenId> next() const {
    std::vector<TokenId> tokens;
    for (const std::vector<TokenId>& sequence : sequences_) {
      if (sequence.size() <= taken_.size() || !std::equal(taken_.begin(), taken_.end(), sequence.begin())) continue;
      const TokenId token = sequence[taken_.size()];
      if (std::find(tokens.begin(), tokens.end(), token) == tokens.end()) tokens.push_back(token);
    }
    return tokens;
  }

  std::vector<std::vector<TokenId>> sequences_;
  std::vector<TokenId> taken_;
};

}  // namespace gemma4::test
