// Options of Chat and of one reply.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gemma4/constraint.h"
#include "gemma4/json.h"
#include "gemma4/message.h"
#include "gemma4/options.h"
#include "gemma4/reply.h"
#include "gemma4/types.h"

namespace gemma4 {

class Grammar;

/// Options of Chat. What concerns a reply is a default: SendOptions may say otherwise for each.
struct ChatOptions {
  /// What every conversation begins with, as a message of the system; empty: nothing. Where the first message that is sent
  /// is one of the system (or of a developer), that takes its place.
  std::string system;
  /// A conversation to go on with, as Chat::reply()'s but for who speaks last. Nothing of it is computed until the first reply.
  std::vector<Message> messages;
  /// Functions the model may call, as render_chat()'s. Each has a name of its own of letters, digits and "_.:-/". What
  /// reads as a call of another function is text.
  Json tools;
  /// Calls are held to the tools' names and schemas while they are written: every call can be read and is valid. The model
  /// chooses whether to call (SendOptions::tool_choice says otherwise). Objects are closed
  /// (JsonSchemaOptions::closed_objects). A tool with a schema that nothing can be held to (uniqueItems, a key with ':')
  /// is held to its name and any object, and Reply::warnings says why. False: the model writes what it will; what can be
  /// repaired is.
  bool hold_calls = true;
  /// Off means off: the reply's text has no thought in it, also where the model begins one by itself: that is dropped,
  /// and closed after 512 tokens.
  Thinking thinking;
  PreserveThinking preserve_thinking;  ///< As RenderOptions::preserve_thinking.
  std::optional<ChatForm> form;    ///< Unset: chat_template(model).form.
  SessionOptions session;
  std::optional<SamplerOptions> sampler;  ///< Unset: Model::sampler_defaults().
  /// A reply ends with FinishReason::loop when it repeats a stretch of up to 256 tokens again and again, for this many
  /// tokens in all and at least six times. 0: never.
  int loop_tokens = 192;
};

/// Which tools a reply may call.
struct ToolChoice {
  enum class Mode : std::uint8_t {
    automatic,  ///< The model chooses.
    none,       ///< None.
    required,   ///< The reply, after its thought, is a call.
    named,      ///< The reply, after its thought, is a call of `name`.
  };
  Mode mode = Mode::automatic;
  std::string name;
};

/// Options of one reply.
struct SendOptions {
  // Instead of the chat's own, for this reply alone; unset: the chat's.

  std::optional<Json> tools;  ///< As ChatOptions::tools; null or an empty array: none.
  std::optional<bool> hold_calls;
  std::optional<Thinking> thinking;
  std::optional<PreserveThinking> preserve_thinking;
  /// A sampler of its own, which has seen the prompt; the chat's draws nothing.
  std::optional<SamplerOptions> sampler;
  std::optional<int> loop_tokens;

  int max_tokens = -1;            ///< Most tokens of the reply, its thought included; -1: until the context is full.
  std::vector<std::string> stop;  ///< Texts that end the reply's content (not its thought); none of their bytes comes.
  ToolChoice tool_choice;
  int max_calls = 16;             ///< Most calls of the reply, where they are held; 1: no parallel calls.
  /// What the answer behind the thought is one of: json_schema() (with JsonSchemaOptions::closed_objects, unless members that
  /// are not listed are welcome), regex(), gbnf(). Where tools may be called (ToolChoice::Mode::automatic) the reply is such
  /// an answer, or begins with a call.
  std::shared_ptr<const Grammar> response_format;
  /// Instead of a response_format or the tools' calls: what the reply is held to from its first token behind the thought;
  /// used by this reply alone.
  std::shared_ptr<TokenConstraint> constraint;
  std::optional<CancelToken> cancel;
  /// Progress of reading what is new in the conversation, as PrefillOptions::progress.
  std::function<void(std::size_t done, std::size_t total)> prefill_progress;
};

}  // namespace gemma4
