// Message and what is in it: a conversation as values.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gemma4/json.h"

namespace gemma4 {

/// Who a message is from.
enum class Role : std::uint8_t { system, developer, user, assistant, tool };

/// "system", "developer", "user", "assistant" or "tool"; static storage.
const char* to_string(Role role) noexcept;

/// A function that the model wants called.
struct ToolCall {
  std::optional<std::string> id;  ///< What the result refers to (Message::tool_call_id).
  std::string name;
  Json arguments = Json::object();  ///< An object; null counts as an empty one. (parse_messages() takes its text too.)
};

/// A result beside its call, in Gemma's own form: a mapping, or any other value.
struct ToolResponse {
  std::string name;  ///< Empty: "unknown".
  Json response;
};

/// One message of a conversation. All text is UTF-8.
struct Message {
  Role role = Role::user;
  /// A string; or an array of parts, {"type":"text","text":...}, {"type":"image"}, {"type":"audio"} or {"type":"video"}
  /// ("image_url" and "input_audio" are other names of these; what else a part holds is not looked at); or null. A
  /// tool's result may be any JSON value.
  Json content;
  std::string reasoning;                     ///< The thought before an assistant's content; empty: none.
  std::vector<ToolCall> tool_calls;          ///< Of an assistant.
  std::vector<ToolResponse> tool_responses;  ///< Of an assistant: results, in place of messages of tools.
  std::optional<std::string> tool_call_id;   ///< Of a tool: ToolCall::id.
  std::string name;                          ///< Of a tool: the function, where no id says so.

  static Message system(std::string text) { return of(Role::system, std::move(text)); }
  static Message user(std::string text) { return of(Role::user, std::move(text)); }
  static Message assistant(std::string text) { return of(Role::assistant, std::move(text)); }
  static Message tool(std::string tool_call_id, Json result) {
    Message message;
    message.role = Role::tool;
    message.content = std::move(result);
    message.tool_call_id = std::move(tool_call_id);
    return message;
  }

 private:
  static Message of(Role role, std::string text) {
    Message message;
    message.role = role;
    message.content = std::move(text);
    return message;
  }
};

/// {"id", "name", "arguments"}; "id" is null where there is none.
Json to_json(const ToolCall& call);
/// In the form of the chat completions API, but arguments stay an object: what parse_messages() reads back as the same.
Json to_json(const Message& message);
Json to_json(const std::vector<Message>& messages);

/// The two forms of Gemma 4's chat template. They differ in one place: where the model is to answer without thinking,
/// the large form (12B, 26B-A4B, 31B) writes an empty thought first, the small one (E2B, E4B) nothing.
enum class ChatForm : std::uint8_t { large, small };

/// "large" or "small"; static storage.
const char* to_string(ChatForm form) noexcept;

/// Which thoughts of earlier turns stay in the prompt. Those after the last message of a user always do. What goes makes the
/// prompt shorter; but each user's message then rewrites the turns before it, and the cache is of use only up to the first
/// of them. `true` is `calls`, `false` is `none`.
class PreserveThinking {
 public:
  enum Mode : std::uint8_t {
    none,   ///< No other: what the chat template does by itself.
    calls,  ///< Of messages with tool calls: an agent's cache stays of use from turn to turn.
    all,    ///< Every one: nothing is ever rewritten.
  };
  constexpr PreserveThinking(Mode mode = none) noexcept : mode_(mode) {}
  constexpr PreserveThinking(bool of_calls) noexcept : mode_(of_calls ? calls : none) {}
  constexpr operator Mode() const noexcept { return mode_; }

 private:
  Mode mode_;
};

/// "none", "calls" or "all"; static storage.
const char* to_string(PreserveThinking::Mode mode) noexcept;

/// What the chat template is asked for.
struct RenderOptions {
  /// Unset: the model's where one is given (encode_chat); of render_chat(), large. A tokenizer alone does not know it.
  std::optional<ChatForm> form;
  bool enable_thinking = false;        ///< Tells the model to think before it answers.
  bool add_generation_prompt = true;   ///< End where the model is to speak.
  PreserveThinking preserve_thinking;  ///< Thoughts of earlier turns.
};

}  // namespace gemma4
