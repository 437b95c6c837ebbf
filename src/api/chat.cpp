// Bodies of gemma4/chat.h.
#include "gemma4/chat.h"

#include "chat/messages.h"
#include "chat/render.h"
#include "tokenizer/tokenizer.h"

namespace gemma4 {

std::vector<Message> parse_messages(const Json& messages) { return chat::parse_messages(messages); }

std::string render_chat(const std::vector<Message>& messages, const Json& tools, const RenderOptions& options) {
  chat::check_messages(messages);
  return chat::render(messages, chat::parse_tools(tools), options).str();
}

std::vector<TokenId> encode_chat(const Tokenizer& tokenizer, const std::vector<Message>& messages, const Json& tools,
                                 const RenderOptions& options) {
  chat::check_messages(messages);
  return chat::render_repaired(messages, chat::parse_tools(tools), options).encode(*tokenizer.impl());
}

}  // namespace gemma4
