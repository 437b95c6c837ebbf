// ThoughtControl: closes thoughts that nobody asked for, or that have spent their budget.
#pragma once

#include <memory>
#include <vector>

#include "chat/reply_parser.h"
#include "gemma4/reply.h"
#include "tokenizer/tokenizer.h"

namespace gemma4::chat {

/// With thinking off, a thought that the model begins all the same runs its course unseen, for kUnasked tokens at most:
/// a model whose thought is cut off may go on with it in its answer. It gets no second one.
class ThoughtControl {
 public:
  static constexpr int kUnasked = 512;

  ThoughtControl(std::shared_ptr<const tokenizer::BpeTokenizer> tokenizer, Thinking thinking,
                 bool begins_in_thought);

  /// The token that must come next, or -1. `parser` has seen every token so far.
  TokenId forced(const ReplyParserState& parser);
  /// A token was chosen. @param was_in_thought  ReplyParserState::in_thought_text() before it.
  void accept(TokenId token, bool was_in_thought, const ReplyParserState& parser);

  /// The running thought is closed before its budget is spent.
  void cut() noexcept { cut_ = true; }

  /// True when the reply may begin no further thought.
  bool closed() const noexcept { return closed_; }
  /// Tokens of thoughts so far.
  std::size_t tokens() const noexcept { return tokens_; }
  TokenId open_token() const noexcept { return open_; }

 private:
  bool ends_line(TokenId token) const;

  std::shared_ptr<const tokenizer::BpeTokenizer> tokenizer_;
  const TokenId open_, close_;
  const bool asked_;
  const int budget_;  // -1: none
  bool in_prompt_;    // the prompt opened the thought, name and all
  bool closed_ = false;
  bool cut_ = false;
  std::size_t tokens_ = 0;
  TokenId last_ = -1;
  std::vector<TokenId> due_;  // to be forced, the next one last
};

}  // namespace gemma4::chat
