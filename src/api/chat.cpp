// Bodies of gemma4/chat.h.
#include "gemma4/chat.h"

#include <utility>

#include "base/check.h"
#include "chat/conversation.h"
#include "chat/messages.h"
#include "chat/render.h"
#include "chat/reply_parser.h"
#include "chat/tools.h"
#include "gemma4/grammar.h"
#include "tokenizer/tokenizer.h"

namespace gemma4 {

std::vector<Message> parse_messages(const Json& messages) { return chat::parse_messages(messages); }

std::string render_chat(const std::vector<Message>& messages, const Json& tools, const RenderOptions& options) {
  chat::check_messages(messages);
  return chat::render(messages, chat::parse_tools(tools), options).str();
}

std::vector<TokenId> encode_chat(const Tokenizer& tokenizer, const std::vector<Message>& messages, const Json& tools,
                                 const RenderOptions& options) {
  const bool same_in_both = options.enable_thinking || !options.add_generation_prompt;
  GEMMA4_CHECK(options.form || same_in_both, ErrorCode::invalid_argument,
               "encode_chat: form: expected ChatForm::large or small, as Model::chat_form() gives it, found none; a tokenizer "
               "does not know it");
  chat::check_messages(messages);
  return chat::render_repaired(messages, chat::parse_tools(tools), options).encode(*tokenizer.impl());
}

std::vector<TokenId> encode_chat(const Model& model, const std::vector<Message>& messages, const Json& tools,
                                 const RenderOptions& options) {
  RenderOptions of_model = options;
  if (!of_model.form) of_model.form = model.chat_form();
  return encode_chat(model.tokenizer(), messages, tools, of_model);
}

namespace {

chat::ReplyRules rules_of(const ReplyParserOptions& options) {
  chat::ReplyRules rules;
  rules.functions = chat::parse_tools(options.tools);
  rules.declared_only = !rules.functions.empty();
  rules.show_thoughts = options.show_thoughts;
  rules.begins_in_thought = options.begins_in_thought;
  return rules;
}

}  // namespace

ReplyParser::ReplyParser(const Tokenizer& tokenizer, const ReplyParserOptions& options)
    : impl_(std::make_unique<chat::ReplyParserState>(tokenizer.impl(), rules_of(options))) {}
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

ChatForm Model::chat_form() const { return chat_template(*this).form; }

ChatTemplate chat_template(const Model& model) {
  chat::TemplateVerdict verdict = chat::judge_model(*model.impl());
  return {verdict.form, std::move(verdict.warning)};
}

ChatStream::ChatStream(std::shared_ptr<chat::Conversation> conversation, std::size_t number)
    : conversation_(std::move(conversation)), number_(number), its_reply_(conversation_->reply()) {}
ChatStream::ChatStream(ChatStream&&) noexcept = default;
ChatStream& ChatStream::operator=(ChatStream&& other) noexcept {
  std::swap(conversation_, other.conversation_);
  std::swap(number_, other.number_);
  std::swap(ready_, other.ready_);
  std::swap(given_, other.given_);
  std::swap(over_, other.over_);
  std::swap(its_reply_, other.its_reply_);
  std::swap(reply_, other.reply_);
  return *this;
}
ChatStream::~ChatStream() {
  if (!conversation_ || over_) return;
  try {
    conversation_->cancel(number_);
  } catch (const std::exception&) {  // out of memory, at worst
  }
}

std::optional<ChatEvent> ChatStream::next() {
  while (!ready() && advance()) {
  }
  if (!ready()) return std::nullopt;
  return std::move(ready_[given_++]);
}

bool ChatStream::advance() {
  if (over_) return false;
  if (!ready()) {
    ready_.clear();
    given_ = 0;
  }
  try {
    over_ = !conversation_->next(number_, ready_);
  } catch (...) {
    over_ = true;
    throw;
  }
  if (over_) reply_ = *its_reply_;
  return !over_;
}

Chat::Chat(const Model& model, const ChatOptions& options)
    : impl_(std::make_shared<chat::Conversation>(model.impl(), options)) {}
Chat::Chat(std::shared_ptr<chat::Conversation> impl) noexcept : impl_(std::move(impl)) {}
Chat::Chat(Chat&&) noexcept = default;
Chat& Chat::operator=(Chat&&) noexcept = default;
Chat::~Chat() = default;

namespace {

using To = chat::Conversation::To;

chat::Conversation::Format format_of(const SendOptions& options) {
  return options.response_format ? options.response_format->impl() : nullptr;
}

Reply to_the_end(chat::Conversation& conversation, std::size_t turn, const ChatCallback& on_event) {
  for (std::vector<ChatEvent> events; conversation.next(turn, events); events.clear()) {
    for (const ChatEvent& event : events) {
      if (!on_event || on_event(event) != StreamAction::cancel) continue;
      conversation.cancel(turn);
      break;
    }
  }
  return *conversation.reply();
}

}  // namespace

Reply Chat::send(const std::string& text, const SendOptions& options, const ChatCallback& on_event) {
  return send(std::vector<Message>{Message::user(text)}, options, on_event);
}

Reply Chat::send(std::vector<Message> messages, const SendOptions& options, const ChatCallback& on_event) {
  return to_the_end(*impl_, impl_->begin(To::more, std::move(messages), options, format_of(options)), on_event);
}

ChatStream Chat::stream(const std::string& text, const SendOptions& options) {
  return stream(std::vector<Message>{Message::user(text)}, options);
}

ChatStream Chat::stream(std::vector<Message> messages, const SendOptions& options) {
  return ChatStream(impl_, impl_->begin(To::more, std::move(messages), options, format_of(options)));
}

Reply Chat::reply(std::vector<Message> messages, const SendOptions& options, const ChatCallback& on_event) {
  return to_the_end(*impl_, impl_->begin(To::whole, std::move(messages), options, format_of(options)), on_event);
}

ChatStream Chat::stream_reply(std::vector<Message> messages, const SendOptions& options) {
  return ChatStream(impl_, impl_->begin(To::whole, std::move(messages), options, format_of(options)));
}

Reply Chat::regenerate(const SendOptions& options, const ChatCallback& on_event) {
  return to_the_end(*impl_, impl_->begin(To::again, {}, options, format_of(options)), on_event);
}

ChatStream Chat::stream_regenerate(const SendOptions& options) {
  return ChatStream(impl_, impl_->begin(To::again, {}, options, format_of(options)));
}

std::vector<Reply> Chat::alternatives(std::vector<Message> messages, int n, const SendOptions& options) {
  GEMMA4_CHECK(n >= 1, ErrorCode::invalid_argument, "alternatives: n: expected at least 1, got ", n);
  GEMMA4_CHECK(n == 1 || !options.constraint, ErrorCode::invalid_argument,
               "alternatives: expected no SendOptions::constraint, which one reply uses up; response_format is for many");
  std::vector<Reply> replies = {reply(std::move(messages), options)};
  std::optional<Chat> beside;
  for (SendOptions next = options; static_cast<int>(replies.size()) < n && replies.back().finish_reason != FinishReason::cancelled;) {
    if (!beside) beside.emplace(fork());
    if (next.sampler && next.sampler->seed) ++*next.sampler->seed;
    replies.push_back(beside->regenerate(next));
  }
  return replies;
}

Chat Chat::fork() const { return Chat(impl_->fork()); }
void Chat::rewind(std::size_t n) { impl_->rewind(n); }
const std::vector<Message>& Chat::messages() const noexcept { return impl_->messages(); }
void Chat::reset() { impl_->reset(); }
const std::string& Chat::warning() const noexcept { return impl_->verdict().warning; }
std::size_t Chat::position() const noexcept { return impl_->session().position(); }
std::size_t Chat::context_length() const noexcept { return impl_->session().context_length(); }
Span<const TokenId> Chat::tokens() const noexcept { return impl_->session().tokens(); }
Span<const float> Chat::last_logits() const noexcept { return impl_->session().last_logits(); }
std::uint64_t Chat::memory_bytes() const noexcept { return impl_->session().memory_bytes(); }
std::uint64_t Chat::seed() const noexcept { return impl_->sampler().seed(); }

}  // namespace gemma4
