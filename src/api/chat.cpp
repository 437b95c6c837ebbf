// Bodies of gemma4/chat.h.
#include "gemma4/chat.h"

#include "chat/messages.h"
#include "chat/render.h"
#include "chat/reply_parser.h"
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

ReplyParser::ReplyParser(const Tokenizer& tokenizer, const ReplyParserOptions& options)
    : impl_(std::make_unique<chat::ReplyParserState>(tokenizer.impl(), chat::parse_tools(options.tools),
                                                     options.show_thoughts, options.begins_in_thought)) {}
ReplyParser::ReplyParser(ReplyParser&&) noexcept = default;
ReplyParser& ReplyParser::operator=(ReplyParser&&) noexcept = default;
ReplyParser::~ReplyParser() = default;

std::vector<ChatEvent> ReplyParser::push(TokenId id) {
  std::vector<ChatEvent> events;
  impl_->push(id, events);
  return events;
}

std::vector<ChatEvent> ReplyParser::push(Span<const TokenId> ids) {
  std::vector<ChatEvent> events;
  for (const TokenId id : ids) impl_->push(id, events);
  return events;
}

std::vector<ChatEvent> ReplyParser::finish(bool complete) {
  std::vector<ChatEvent> events;
  impl_->finish(complete, events);
  return events;
}

bool ReplyParser::ended() const noexcept { return impl_->ended(); }
bool ReplyParser::in_thought() const noexcept { return impl_->in_thought(); }

}  // namespace gemma4
