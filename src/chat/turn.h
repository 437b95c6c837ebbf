// Turn: one reply of the model, from reading what is new in the conversation to its last event.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "chat/loop_detector.h"
#include "chat/reply_parser.h"
#include "chat/thought_control.h"
#include "chat/token_samples.h"
#include "gemma4/chat_options.h"
#include "gemma4/reply.h"
#include "generate/stop_strings.h"
#include "sampling/sampler.h"
#include "session/session.h"

namespace gemma4::chat {

/// What a turn begins with.
struct TurnSetup {
  std::vector<TokenId> prompt;     ///< Of the whole conversation.
  std::size_t checkpoint = 0;      ///< Where the model's turn begins in it: the prefix that later prompts will share.
  bool begins_in_thought = false;  ///< The prompt opened a thought.
  std::vector<Json> functions;
  bool held_calls = false;         ///< The options' constraint holds calls to their syntax.
  Thinking thinking;
  int loop_tokens = 0;
  std::size_t first_id = 0;  ///< Ids given to calls so far.
  std::vector<std::string> warnings;
};

class Turn {
 public:
  /// Computes nothing yet. The session and the sampler outlive it. Throws Error: context_full, invalid_argument.
  Turn(session::SessionState& session, sampling::SamplerState& sampler, TurnSetup setup, const SendOptions& options);

  /// The work of one token; appends the events it completes. False when the reply is over. Throws Error non_finite, and
  /// is over.
  bool next(std::vector<ChatEvent>& events);
  void cancel();

  /// Complete when next() has returned false.
  const Reply& reply() const noexcept { return reply_; }
  bool over() const noexcept { return over_; }
  /// True when all of the prompt was read, so that the messages were said.
  bool was_read() const noexcept { return read_; }

 private:
  void step(std::vector<ChatEvent>& events);
  void read_prompt();
  void read(std::size_t end, const CancelToken* cancel);
  Span<const float> feed();
  SampledToken choose(Span<const float> logits);
  void chosen(SampledToken sampled, std::vector<ChatEvent>& events);
  Span<const std::uint32_t> mask();
  bool take(SampledToken sampled, std::vector<ChatEvent>& events);
  void pass_on(std::vector<ChatEvent> parsed, std::vector<ChatEvent>& events);
  void let_go(std::vector<ChatEvent>& events);
  void add(ChatEvent event, std::vector<ChatEvent>& events);
  void end(StopReason reason, std::vector<ChatEvent>& events);
  bool constrained() const noexcept { return options_.constraint && !parser_.in_thought(); }
  bool is_end_token(TokenId token) const noexcept;
  bool samples() const noexcept { return sampler_.options().logprobs || sampler_.options().top_logprobs > 0; }

  session::SessionState& session_;
  sampling::SamplerState& sampler_;
  const TurnSetup setup_;
  const SendOptions options_;
  ReplyParserState parser_;
  ThoughtControl thoughts_;
  LoopDetector loops_;
  generation::StopStrings stops_;
  const TokenId call_token_;

  bool read_ = false;
  bool over_ = false;
  bool stopped_ = false;      // a stop string is complete
  bool held_to_ = false;        // the constraint has taken a token
  std::vector<TokenId> unfed_;  // chosen and not fed yet
  std::vector<TokenId> due_;    // forced by the constraint, the next one last
  std::vector<std::uint32_t> allowed_;
  std::size_t content_ = 0;     // bytes given to the stop strings
  std::size_t shown_ = 0;       // bytes of those that are out
  TokenSamples content_samples_;
  Reply reply_;
};

}  // namespace gemma4::chat
