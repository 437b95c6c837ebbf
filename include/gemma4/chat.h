// Chat: a conversation with a model; and its parts: rendering messages, reading replies.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gemma4/chat_options.h"
#include "gemma4/json.h"
#include "gemma4/message.h"
#include "gemma4/model.h"
#include "gemma4/reply.h"
#include "gemma4/tokenizer.h"

namespace gemma4 {

namespace chat {
class Conversation;
class ReplyParserState;
}  // namespace chat

/// Messages from JSON in the form of the chat completions API: an array of {"role", "content", "tool_calls",
/// "tool_call_id", "name", "reasoning" or "reasoning_content", "tool_responses"}; other members are not looked at. The
/// arguments of a call are an object, or the text of one. An assistant's message needs no content, nor a tool's.
/// Throws Error invalid_argument, with the path into `messages`, for unknown roles, messages without content, arguments
/// that are no object's text, and values of a wrong type. (Contents, and results without a call, are checked where the
/// messages are used.)
std::vector<Message> parse_messages(const Json& messages);

/// The text that Gemma 4's chat template, revision r4 of 2026-07-09, makes of a conversation, byte for byte; for tests
/// and for the curious. It must not be encoded with parse_special: what users wrote would become control tokens, for
/// which there is encode_chat().
/// @param tools  an array of {"type":"function","function":{"name","description","parameters"}}, or of the functions
///               alone; null: none. "inputSchema" and "input_schema" are other names of "parameters". A schema of the
///               arguments under any other key is an error; other members are not looked at ("response", which the
///               template renders, apart; the "outputSchema" of MCP is not rendered).
/// Throws Error invalid_argument, with the path: parts of an unknown kind, a result without a call, text that is not
/// UTF-8, nesting beyond Json::kMaxDepth, tools that cannot be declared.
std::string render_chat(const std::vector<Message>& messages, const Json& tools = {}, const RenderOptions& options = {});

/// The tokens of a conversation: one "<bos>", control tokens where the template writes them, and nowhere else, whatever
/// the texts spell, in the model's form of the template (Model::chat_form) unless the options name one. Where r4 forgets to
/// open the model's turn (a last message with content, calls and results) it is opened. A medium is one placeholder token.
/// Any thread. Throws Error as render_chat(), and unsupported when the tokenizer lacks a control token.
std::vector<TokenId> encode_chat(const Model& model, const std::vector<Message>& messages, const Json& tools = {},
                                 const RenderOptions& options = {});
/// The same without a model: RenderOptions::form says which form its model wants. Throws Error invalid_argument where it is
/// not set and makes a difference: with a generation prompt and without thinking.
std::vector<TokenId> encode_chat(const Tokenizer& tokenizer, const std::vector<Message>& messages,
                                 const Json& tools = {}, const RenderOptions& options = {});

/// How ReplyParser reads.
struct ReplyParserOptions {
  /// As render_chat()'s: names and schemas to repair and coerce by. What reads as a call of another tool is text. Null, or an
  /// empty array: any name can be called.
  Json tools;
  bool show_thoughts = true;       ///< False: thoughts are left out, but where the reply holds nothing else.
  bool begins_in_thought = false;  ///< The prompt ended in an open thought ("<|channel>thought\n").
};

/// A model's tokens to content, thoughts and tool calls, while they come. Markup is known by its token ids: ordinary
/// tokens that spell "<|tool_call>" are content. Any tokens make a reply: what cannot be read as a call, repaired if
/// need be, comes as content, and no text is lost. One thread at a time.
///
/// White space around a thought or a call is dropped where nothing stands on its other side. Memory and time are
/// bounded by the text; a call's arguments nest to Json::kMaxDepth at most.
class ReplyParser {
 public:
  /// Throws Error invalid_argument for tools that are none.
  explicit ReplyParser(const Tokenizer& tokenizer, const ReplyParserOptions& options = {});
  ReplyParser(ReplyParser&&) noexcept;
  ReplyParser& operator=(ReplyParser&&) noexcept;
  ~ReplyParser();

  /// What the token completes; end tokens may be given too. Tokens behind an end token are not looked at.
  std::vector<ChatEvent> push(TokenId id);
  std::vector<ChatEvent> push(Span<const TokenId> ids);
  /// The reply is over. `complete` is false where a limit cut it short: a call that is missing its end is then content.
  std::vector<ChatEvent> finish(bool complete = true);

  /// An end token has come, or finish() was called.
  bool ended() const noexcept;
  bool in_thought() const noexcept;

 private:
  std::unique_ptr<chat::ReplyParserState> impl_;
};

/// The chat template of a model.
struct ChatTemplate {
  ChatForm form = ChatForm::large;
  std::string warning;  ///< Where the file's own template is not revision r4, which is used all the same; else empty.
};

/// The form that the model's own template has, where its file carries one; else small where the model has per-layer
/// inputs and large otherwise. Throws Error: io, bad_format (a tokenizer_config.json that is broken).
ChatTemplate chat_template(const Model& model);

/// Called with every event, from the calling thread.
using ChatCallback = std::function<StreamAction(const ChatEvent&)>;

/// A reply, pulled event by event. Belongs to its Chat, which it keeps alive; one thread at a time may use the two.
class ChatStream {
 public:
  ChatStream(ChatStream&&) noexcept;
  ChatStream& operator=(ChatStream&&) noexcept;
  ~ChatStream();  ///< Cancels a reply that is not over: what there is of it stays in the conversation.

  /// The next event; nothing when the reply is over. It is so when the chat has begun another, which cancels this one:
  /// reply() is then what there was of it. Throws Error non_finite: the message is then as if it had not been sent.
  std::optional<ChatEvent> next();
  /// The work of one token, whether it completes an event or not (next() would go on until one is). False when the
  /// reply is over. Throws as next(). For hosts that want to look up in between.
  bool advance();
  /// An event that is complete already.
  bool ready() const noexcept { return given_ != ready_.size(); }
  bool over() const noexcept { return over_; }
  /// Complete once the reply is over.
  const Reply& reply() const noexcept { return reply_; }

 private:
  friend class Chat;
  ChatStream(std::shared_ptr<chat::Conversation> conversation, std::size_t number);
  std::shared_ptr<chat::Conversation> conversation_;
  std::size_t number_;
  std::shared_ptr<const Reply> its_reply_;  // the conversation's, of this turn
  std::vector<ChatEvent> ready_;
  std::size_t given_ = 0;
  bool over_ = false;
  Reply reply_;
};

/// A conversation with a model: a history of messages, and a session that is kept in step with it. What two prompts
/// have in common is not computed again: thoughts go from the history once the user speaks again, so the session
/// remembers where each turn of the model began (Session::checkpoint) and goes back there. Usage::reused_tokens tells.
///
/// One thread at a time; different ones in parallel. Movable, not copyable. Keeps its model alive.
class Chat {
 public:
  /// Throws Error invalid_argument (tools that cannot be declared, with the path; options out of range), unsupported (a
  /// tokenizer without Gemma 4's markup), and as Session and Sampler do. A schema that calls cannot be held to is no error
  /// (ChatOptions::hold_calls).
  explicit Chat(const Model& model, const ChatOptions& options = {});
  Chat(Chat&&) noexcept;
  Chat& operator=(Chat&&) noexcept;
  ~Chat();

  /// Adds messages to the conversation and returns the model's reply, which joins it too. A text is a user's message.
  /// After calls, results are sent as messages of tools, one for each. Where somebody else speaks, calls without a result
  /// leave the conversation, and Reply::warnings says so. Throws Error invalid_argument, with the path into
  /// `messages`, as parse_messages() and where a message has no content, a result no call, or a call no result at the end;
  /// context_full; unsupported (media; a limit of the grammar that the reply is held to); non_finite. The conversation is then as it was. So it is
  /// when the message was cancelled while it was being read; a reply that is cancelled later stays as far as it came.
  Reply send(const std::string& text, const SendOptions& options = {}, const ChatCallback& on_event = {});
  Reply send(std::vector<Message> messages, const SendOptions& options = {}, const ChatCallback& on_event = {});
  /// The same, pulled event by event.
  ChatStream stream(const std::string& text, const SendOptions& options = {});
  ChatStream stream(std::vector<Message> messages, const SendOptions& options = {});

  /// The reply to a whole conversation, which takes the place of the one that there is: `messages` and the reply are then
  /// messages(). What its prompt begins with and the cache holds already is not computed again, so a server may give every
  /// request's history to any chat. Throws as send().
  Reply reply(std::vector<Message> messages, const SendOptions& options = {}, const ChatCallback& on_event = {});
  ChatStream stream_reply(std::vector<Message> messages, const SendOptions& options = {});

  /// Draws the last reply again: the new one takes the place of the message that messages() ends with, once it is there.
  /// The sampler goes on, so that it is another one, but for temperature 0. Throws as send(), and invalid_argument where
  /// the last message is not an assistant's.
  Reply regenerate(const SendOptions& options = {}, const ChatCallback& on_event = {});
  ChatStream stream_regenerate(const SendOptions& options = {});

  /// n >= 1 replies to a whole conversation, each drawn for itself; its prompt is read once. The first of them joins the
  /// conversation, as with reply(). Fewer where one is cancelled. A SendOptions::sampler with a seed counts on from it; a
  /// SendOptions::constraint is refused, for it is used by one reply alone. Throws as reply().
  std::vector<Reply> alternatives(std::vector<Message> messages, int n, const SendOptions& options = {});

  /// A conversation of its own that goes on from here as this one would: messages, cache and the sampler's state. A reply
  /// that is still running is no part of it. Throws Error out_of_memory.
  Chat fork() const;
  /// Keeps the first n messages and forgets the others; a reply that is still running is cancelled first. What stays is not
  /// computed again. Throws Error invalid_argument where there are fewer.
  void rewind(std::size_t n);

  /// The conversation so far.
  const std::vector<Message>& messages() const noexcept;
  /// Forgets it, that of ChatOptions::messages too, and restarts the sampler from seed().
  void reset();
  /// As ChatTemplate::warning.
  const std::string& warning() const noexcept;
  /// Tokens held, and how many can be.
  std::size_t position() const noexcept;
  std::size_t context_length() const noexcept;
  /// The tokens held, oldest first, and the logits that the next one would be chosen from ([vocab_size], empty where
  /// the last step left none); both valid until the next call.
  Span<const TokenId> tokens() const noexcept;
  Span<const float> last_logits() const noexcept;
  /// As Session::memory_bytes().
  std::uint64_t memory_bytes() const noexcept;
  /// As Sampler::seed: given to another chat, it repeats this one's replies.
  std::uint64_t seed() const noexcept;

 private:
  explicit Chat(std::shared_ptr<chat::Conversation> impl) noexcept;
  std::shared_ptr<chat::Conversation> impl_;
};

}  // namespace gemma4
