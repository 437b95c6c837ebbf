// Matcher: the body of the public GrammarMatcher.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "grammar/program.h"
#include "grammar/token_table.h"
#include "tokenizer/tokenizer.h"

namespace gemma4::grammar {

/// One thread at a time. Copies go on independently; they share the engine.
class Matcher {
 public:
  Matcher(std::shared_ptr<const Program> program, std::shared_ptr<const tokenizer::BpeTokenizer> tokenizer);
  Matcher(const Matcher& other);
  Matcher(Matcher&& other) noexcept = default;
  Matcher& operator=(const Matcher&) = delete;
  Matcher& operator=(Matcher&&) = delete;
  ~Matcher();

  void mask(Span<std::uint32_t> allowed);
  bool accept(TokenId token);
  bool accept_text(std::string_view text);
  bool may_stop() const;
  bool finished() const;
  std::string forced_text();
  std::vector<TokenId> forced();
  void rollback(std::size_t n);
  std::size_t length() const noexcept { return history_->size() - 1; }

 private:
  /// Holds the engine for one call.
  class Use;
  bool advance(std::string_view bytes, Frames& frames);
  int only_byte(const Frames& frames);
  std::string forced_text(bool& ends);

  std::shared_ptr<const Program> program_;
  std::shared_ptr<const tokenizer::BpeTokenizer> tokenizer_;
  std::shared_ptr<const TokenTable> table_;
  std::shared_ptr<Engine> engine_;
  std::unique_ptr<History> history_;  // registered with the engine
};

}  // namespace gemma4::grammar
