// Turn: one reply of the model, from reading what is new in the conversation to its last event.
#pragma once

#include <vector>

#include "chat/reply_answer.h"
#include "gemma4/chat_options.h"
#include "gemma4/reply.h"
#include "generate/machine.h"
#include "generate/session_driver.h"
#include "sampling/sampler.h"
#include "session/session.h"

namespace gemma4::chat {

/// What a turn begins with.
struct TurnSetup {
  std::vector<TokenId> prompt;  ///< Of the whole conversation.
  std::size_t checkpoint = 0;   ///< Where the model's turn begins in it: the prefix that later prompts will share.
  ReplySetup reply;
};

class Turn {
 public:
  /// Computes nothing yet. The session and the sampler outlive it. Throws Error: context_full, invalid_argument.
  Turn(session::SessionState& session, sampling::SamplerState& sampler, TurnSetup setup, const SendOptions& options);
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;

  /// The work of one choice; appends the events it completes. False when the reply is over. Throws Error non_finite, and
  /// is over.
  bool next(std::vector<ChatEvent>& events);
  void cancel();

  /// Complete when next() has returned false.
  const Reply& reply() const noexcept { return answer_.reply(); }
  bool over() const noexcept { return machine_.over(); }
  /// True when all of the prompt was read, so that the messages were said.
  bool was_read() const noexcept { return driver_.was_read(); }

 private:
  Span<const float> read_prompt();
  void read(std::size_t end);

  session::SessionState& session_;
  sampling::SamplerState& sampler_;
  const std::vector<TokenId> prompt_;
  const std::size_t checkpoint_;
  const SendOptions options_;
  ReplyAnswer answer_;
  generation::Machine machine_;
  generation::SessionDriver driver_;
};

}  // namespace gemma4::chat
