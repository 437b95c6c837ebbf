// Conversation: what the public Chat points to; history, session and sampler, kept in step.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "chat/call_grammar.h"
#include "chat/template_check.h"
#include "chat/turn.h"
#include "gemma4/chat_options.h"
#include "gemma4/message.h"
#include "gemma4/reply.h"
#include "model/load/loaded_model.h"

namespace gemma4::chat {

/// Functions that replies may call, and the grammars of their calls.
struct ToolSet {
  /// Throws Error invalid_argument with the path, unsupported.
  ToolSet(const Json& tools, const tokenizer::BpeTokenizer& tokenizer, bool hold_calls);

  std::vector<Json> functions;
  bool hold_calls;
  std::optional<CallGrammars> grammars;  // where there are functions
};

/// One thread at a time.
class Conversation {
 public:
  using Format = std::shared_ptr<const grammar::Program>;

  /// What a reply answers.
  enum class To : std::uint8_t {
    more,   ///< the conversation so far, and the messages
    whole,  ///< the messages, which take its place
    again,  ///< what the last reply answered
  };

  Conversation(std::shared_ptr<const model::LoadedModel> model, const ChatOptions& options);

  /// Begins a reply; one that is still running is cancelled first. Throws Error as Chat::send; the conversation is then as
  /// before.
  /// @param messages  none with To::again.
  /// @param format  of SendOptions::response_format; may be null.
  /// @returns the turn's number, for next().
  std::size_t begin(To to, std::vector<Message> messages, const SendOptions& options, const Format& format);
  /// The work of one token of turn `number`; false when it is over (or another has begun). Then the reply has joined
  /// the history.
  bool next(std::size_t number, std::vector<ChatEvent>& events);
  /// Ends the reply with FinishReason::cancelled, if it is that turn's and still runs.
  void cancel(std::size_t number);
  /// Of the turn that was begun last; complete once that is over, and not touched by later ones.
  std::shared_ptr<const Reply> reply() const noexcept { return reply_; }

  std::shared_ptr<Conversation> fork() const;
  void rewind(std::size_t n);
  void reset();
  const std::vector<Message>& messages() const noexcept { return history_; }
  const TemplateVerdict& verdict() const noexcept { return verdict_; }
  session::SessionState& session() noexcept { return *session_; }
  const sampling::SamplerState& sampler() const noexcept { return sampler_; }
  const model::LoadedModel& model() const noexcept { return *model_; }

 private:
  Conversation(const Conversation& other);

  /// What is said, with what goes before it; `known` of these messages are good already.
  std::vector<Message> said(To to, std::vector<Message> messages, std::size_t& known) const;
  ToolSet& tools(const SendOptions& options);
  TurnSetup setup(const std::vector<Message>& messages, const std::vector<Json>& functions, const SendOptions& options) const;
  bool hold(ToolSet& tools, SendOptions& options, const Format& format) const;
  void close();

  std::shared_ptr<const model::LoadedModel> model_;
  const ChatOptions options_;
  const TemplateVerdict verdict_;
  ToolSet tools_;
  /// Of replies that had tools of their own, the latest last: their grammars are dear.
  std::vector<std::pair<Json, std::unique_ptr<ToolSet>>> other_tools_;
  std::shared_ptr<session::SessionState> session_;
  sampling::SamplerState sampler_;
  std::optional<sampling::SamplerState> its_sampler_;  // of a running turn that has its own
  std::vector<Message> history_;
  std::vector<Message> said_;  // the history with the running turn's messages
  std::optional<Turn> turn_;
  std::size_t n_turns_ = 0;
  std::shared_ptr<Reply> reply_ = std::make_shared<Reply>();
};

/// What the model's file and shape say. Throws Error: io, bad_format.
TemplateVerdict judge_model(const model::LoadedModel& model);

}  // namespace gemma4::chat
