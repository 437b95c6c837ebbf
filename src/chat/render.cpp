#include "chat/render.h"

#include <optional>
#include <string_view>

#include "base/check.h"
#include "chat/messages.h"
#include "chat/python_text.h"
#include "chat/tool_text.h"

namespace gemma4::chat {
namespace {

bool is_system(const Message& message) noexcept {
  return message.role == Role::system || message.role == Role::developer;
}

// The template's strip_thinking: what stands between thought markers, spelled out in an assistant's content, goes.
std::string without_thoughts(std::string_view text) {
  constexpr std::string_view kOpen = "<|channel>", kClose = "<channel|>";
  std::string result;
  while (true) {
    const std::size_t close = text.find(kClose);
    const std::string_view piece = text.substr(0, close);
    result += piece.substr(0, piece.find(kOpen));
    if (close == std::string_view::npos) break;
    text.remove_prefix(close + kClose.size());
  }
  return std::string(trim(result));
}

Markup content_of(const Message& message) {
  const auto shown = [&](const std::string& text) {
    return message.role == Role::assistant ? without_thoughts(text) : std::string(trim(text));
  };
  Markup out;
  if (message.content.is_string()) out.text(shown(message.content.as_string()));
  if (!message.content.is_array()) return out;
  for (const Json& part : message.content.values()) {
    if (const char* const placeholder = part_placeholder(part)) {
      out.control(placeholder);
    } else {
      out.text(shown(*part_text(part)));
    }
  }
  return out;
}

// The call whose id is the result's; two missing ids are equal, and the last match wins.
std::string function_name(const Message& caller, const Message& result) {
  std::string name = result.name.empty() ? "unknown" : result.name;
  for (const ToolCall& call : caller.tool_calls) {
    if (call.id == result.tool_call_id) name = call.name;
  }
  return name;
}

void write_result(const Message& caller, const Message& result, Markup& out) {
  const std::string name = function_name(caller, result);
  if (!result.content.is_array()) return write_response(name, result.content, out);
  std::string text;
  Markup media;
  for (const Json& part : result.content.values()) {
    if (const char* const placeholder = part_placeholder(part)) {
      media.control(placeholder);
    } else {
      text += *part_text(part);
    }
  }
  write_response(name, text, out);
  out.append(media);
}

class Renderer {
 public:
  Renderer(const std::vector<Message>& messages, const std::vector<Json>& functions, const RenderOptions& options,
           bool repair)
      : messages_(messages), functions_(functions), options_(options), repair_(repair) {}

  Markup run() {
    out_.control("<bos>");
    const bool has_system = !messages_.empty() && is_system(messages_[0]);
    if (options_.enable_thinking || !functions_.empty() || has_system) system_turn(has_system);
    const std::size_t first = has_system ? 1 : 0;
    for (std::size_t i = first; i < messages_.size(); ++i) {
      if (messages_[i].role == Role::user) last_user_ = i;
    }
    for (std::size_t i = first; i < messages_.size(); ++i) {
      if (messages_[i].role != Role::tool) turn(i);
    }
    if (options_.add_generation_prompt) generation_prompt();
    return std::move(out_);
  }

 private:
  enum class Last { nothing, call, response };

  void system_turn(bool has_system) {
    out_.control("<|turn>").text("system\n");
    if (options_.enable_thinking) out_.control("<|think|>").text("\n");
    if (has_system) system_content(messages_[0].content);
    for (std::size_t i = 0; i < functions_.size(); ++i) {
      write_declaration(functions_[i], base::concat("tools[", i, "].function"), out_);
    }
    out_.control("<turn|>").text("\n");
  }

  void system_content(const Json& content) {
    if (content.is_string()) out_.text(trim(content.as_string()));
    if (!content.is_array()) return;
    for (std::size_t i = 0; i < content.size(); ++i) {
      GEMMA4_CHECK(part_placeholder(content[i]) == nullptr, ErrorCode::invalid_argument, "messages[0].content[", i,
                   "]: the first system message holds text only");
      out_.text(trim(*part_text(content[i]))).text(" ");
    }
  }

  void turn(std::size_t i) {
    const Message& message = messages_[i];
    const bool model = message.role == Role::assistant;
    last_ = Last::nothing;
    if (!model || before_ != Role::assistant) {
      out_.control("<|turn>").text(model ? "model" : to_string(message.role)).text("\n");
    }
    if (!message.reasoning.empty() && keeps_thought(i)) {
      out_.control("<|channel>").text("thought\n").text(message.reasoning).text("\n").control("<channel|>");
    }
    for (const ToolCall& call : message.tool_calls) write_call(call, out_);
    if (!message.tool_calls.empty()) last_ = Last::call;
    const bool answered = results(i);
    const Markup content = content_of(message);
    out_.append(content);
    close(i, answered, !content.empty());
    before_ = message.role;
  }

  bool keeps_thought(std::size_t i) const noexcept {
    if (!last_user_ || i > *last_user_) return true;
    switch (options_.preserve_thinking) {
      case PreserveThinking::none: return false;
      case PreserveThinking::calls: return !messages_[i].tool_calls.empty();
      default: return true;
    }
  }

  // True when there are any.
  bool results(std::size_t i) {
    const Message& message = messages_[i];
    for (const ToolResponse& response : message.tool_responses) {
      write_response(response.name.empty() ? "unknown" : response.name, response.response, out_);
    }
    bool answered = !message.tool_responses.empty();
    if (!answered && !message.tool_calls.empty()) {
      for (std::size_t k = i + 1; k < messages_.size() && messages_[k].role == Role::tool; ++k) {
        write_result(message, messages_[k], out_);
        answered = true;
      }
    }
    if (answered) last_ = Last::response;
    return answered;
  }

  void close(std::size_t i, bool answered, bool has_content) {
    std::optional<Role> next;
    for (std::size_t k = i + 1; k < messages_.size() && !next; ++k) {
      if (messages_[k].role != Role::tool) next = messages_[k].role;
    }
    const bool calls = !messages_[i].tool_calls.empty();
    const bool continues =
        messages_[i].role == Role::assistant && next == Role::assistant && (!calls || answered);
    if (last_ == Last::call && !answered) {
      out_.control("<|tool_response>");
    } else if (!continues && !(answered && !has_content && !next)) {
      out_.control("<turn|>").text("\n");
    }
  }

  void generation_prompt() {
    if (repair_ && last_ == Last::response && out_.ends_with("<turn|>", "\n")) out_.control("<|turn>").text("model\n");
    if (last_ == Last::nothing) {
      out_.control("<|turn>").text("model\n");
      if (options_.form.value_or(ChatForm::large) == ChatForm::large && !options_.enable_thinking) {
        out_.control("<|channel>").text("thought\n").control("<channel|>");
      }
    } else if (last_ == Last::response && options_.enable_thinking) {
      out_.control("<|channel>").text("thought\n");
    }
  }

  const std::vector<Message>& messages_;
  const std::vector<Json>& functions_;
  const RenderOptions& options_;
  const bool repair_;
  Markup out_;
  std::optional<std::size_t> last_user_;
  std::optional<Role> before_;  // of the last message that was not a tool's
  Last last_ = Last::nothing;
};

}  // namespace

Markup render(const std::vector<Message>& messages, const std::vector<Json>& functions, const RenderOptions& options) {
  return Renderer(messages, functions, options, false).run();
}

Markup render_repaired(const std::vector<Message>& messages, const std::vector<Json>& functions,
                       const RenderOptions& options) {
  return Renderer(messages, functions, options, true).run();
}

}  // namespace gemma4::chat
