// ReplyAnswer: a reply of a conversation. Tokens to events, thoughts kept within bounds, stop strings, loops.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "chat/loop_detector.h"
#include "chat/reply_parser.h"
#include "chat/thought_control.h"
#include "gemma4/chat_options.h"
#include "gemma4/reply.h"
#include "generate/answer.h"
#include "generate/stop_strings.h"
#include "tokenizer/tokenizer.h"

namespace gemma4::chat {

/// How a reply is read and what holds for it, beside the options of the message.
struct ReplySetup {
  std::vector<Json> functions;     ///< that may be called
  bool held_calls = false;         ///< the options' constraint holds calls to their syntax
  bool begins_in_thought = false;  ///< the prompt opened a thought
  Thinking thinking;
  int loop_tokens = 0;
  std::size_t first_id = 0;        ///< ids given to calls so far
  std::vector<std::string> warnings;
  bool samples = false;            ///< events carry SampledTokens
};

/// A constraint holds what is said outside thoughts, from its first token on.
class ReplyAnswer final : public generation::Answer {
 public:
  /// @param ends  the model's end tokens
  /// Throws Error invalid_argument: stop strings that are empty or not UTF-8.
  ReplyAnswer(std::shared_ptr<const tokenizer::BpeTokenizer> tokenizer, std::vector<TokenId> ends, ReplySetup setup,
              const SendOptions& options);

  TokenConstraint* constraint() override;
  void adjust(generation::TokenMask& mask) override;
  TokenId forced() override { return thoughts_.forced(parser_); }
  bool ends(TokenId token) const noexcept override;
  TokenId instead_of_end() override;
  bool outside_constraint(TokenId token) const noexcept override;
  std::optional<StopReason> take(SampledToken token) override;
  StopReason finish(StopReason reason) override;

  /// Appends the events that are complete since the last call.
  void take_events(std::vector<ChatEvent>& events);
  Reply& reply() noexcept { return reply_; }
  const Reply& reply() const noexcept { return reply_; }

 private:
  bool thinks() const noexcept { return setup_.thinking.enabled && !held_to_; }
  void pass_on(std::vector<ChatEvent> parsed);
  void let_go();
  void add(ChatEvent event);

  const std::vector<TokenId> ends_;
  const ReplySetup setup_;
  const SendOptions options_;
  ReplyParserState parser_;
  ThoughtControl thoughts_;
  LoopDetector loops_;
  generation::StopStrings stops_;
  const TokenId call_token_;

  bool stopped_ = false;     // a stop string is complete
  bool held_to_ = false;     // the constraint has taken a token
  std::size_t content_ = 0;  // bytes given to the stop strings
  std::size_t shown_ = 0;    // bytes of those that are out
  TokenSamples content_samples_;
  std::vector<ChatEvent> events_;
  Reply reply_;
};

}  // namespace gemma4::chat
