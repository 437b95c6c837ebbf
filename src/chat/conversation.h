// Conversation: what the public Chat points to; history, session and sampler, kept in step.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "chat/call_grammar.h"
#include "chat/template_check.h"
#include "chat/turn.h"
#include "gemma4/chat_options.h"
#include "gemma4/message.h"
#include "gemma4/reply.h"
#include "model/load/loaded_model.h"

namespace gemma4::chat {

/// One thread at a time.
class Conversation {
 public:
  using Format = std::shared_ptr<const grammar::Program>;

  Conversation(std::shared_ptr<const model::LoadedModel> model, const ChatOptions& options);

  /// Says `messages` and begins a reply; one that is still running is cancelled first. Throws Error as Chat::send; the
  /// conversation is then as before.
  /// @param format  of SendOptions::response_format; may be null.
  /// @returns the turn's number, for next().
  std::size_t begin(std::vector<Message> messages, const SendOptions& options, const Format& format);
  /// The work of one token of turn `number`; false when it is over (or another has begun). Then the reply has joined
  /// the history.
  bool next(std::size_t number, std::vector<ChatEvent>& events);
  /// Ends the reply with FinishReason::cancelled, if it is that turn's and still runs.
  void cancel(std::size_t number);
  /// Of the turn that was begun last; complete once that is over, and not touched by later ones.
  std::shared_ptr<const Reply> reply() const noexcept { return reply_; }

  void reset();
  const std::vector<Message>& messages() const noexcept { return history_; }
  const TemplateVerdict& verdict() const noexcept { return verdict_; }
  session::SessionState& session() noexcept { return *session_; }
  const sampling::SamplerState& sampler() const noexcept { return sampler_; }
  const model::LoadedModel& model() const noexcept { return *model_; }

 private:
  TurnSetup setup(const std::vector<Message>& messages) const;
  bool hold(SendOptions& options, const Format& format);
  void close();

  std::shared_ptr<const model::LoadedModel> model_;
  const ChatOptions options_;
  const std::vector<Json> functions_;
  const TemplateVerdict verdict_;
  std::optional<CallGrammars> call_grammars_;  // where there are functions
  std::shared_ptr<session::SessionState> session_;
  sampling::SamplerState sampler_;
  std::vector<Message> history_;
  std::vector<Message> said_;  // the history with the running turn's messages
  std::optional<Turn> turn_;
  std::size_t n_turns_ = 0;
  std::size_t n_ids_ = 0;
  std::shared_ptr<Reply> reply_ = std::make_shared<Reply>();
};

/// What the model's file and shape say. Throws Error: io, bad_format.
TemplateVerdict judge_model(const model::LoadedModel& model);

}  // namespace gemma4::chat
