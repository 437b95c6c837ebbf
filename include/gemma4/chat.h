// Conversations: messages to the text and the tokens that Gemma 4's chat template makes of them.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "gemma4/json.h"
#include "gemma4/message.h"
#include "gemma4/reply.h"
#include "gemma4/tokenizer.h"

namespace gemma4 {

namespace chat {
class ReplyParserState;
}

/// Messages from JSON in the form of the chat completions API: an array of {"role", "content", "tool_calls",
/// "tool_call_id", "name", "reasoning" or "reasoning_content", "tool_responses"}; other members are not looked at.
/// Throws Error invalid_argument, with the path into `messages`, for unknown roles, arguments that are a string, a result
/// without a call, parts of an unknown kind, text that is not UTF-8, and nesting beyond Json::kMaxDepth.
std::vector<Message> parse_messages(const Json& messages);

/// The text that Gemma 4's chat template, revision r4 of 2026-07-09, makes of a conversation, byte for byte; for tests
/// and for the curious. It must not be encoded with parse_special: what users wrote would become control tokens, for
/// which there is encode_chat().
/// @param tools  an array of {"type":"function","function":{"name","description","parameters"}}, or of the functions
///               alone; null: none.
/// Throws Error invalid_argument, with the path, as parse_messages() and for tools that cannot be declared.
std::string render_chat(const std::vector<Message>& messages, const Json& tools = {}, const RenderOptions& options = {});

/// The tokens of a conversation: one <bos>, control tokens where the template writes them, and nowhere else, whatever the
/// texts spell. Where r4 forgets to open the model's turn (a last message with content, calls and results) it is opened.
/// A medium is one placeholder token. Any thread. Throws Error as render_chat(), and unsupported when the tokenizer lacks
/// a control token.
std::vector<TokenId> encode_chat(const Tokenizer& tokenizer, const std::vector<Message>& messages,
                                 const Json& tools = {}, const RenderOptions& options = {});

/// How ReplyParser reads.
struct ReplyParserOptions {
  Json tools;                      ///< As render_chat()'s: names and schemas to repair and coerce by. Null: none.
  bool show_thoughts = true;       ///< False: thoughts are left out, but where the reply holds nothing else.
  bool begins_in_thought = false;  ///< The prompt ended in an open thought ("<|channel>thought\n").
};

/// A model's tokens to content, thoughts and tool calls, while they come. Markup is known by its token ids: ordinary
/// tokens that spell "<|tool_call>" are content. Any tokens make a reply: what cannot be read as a call, repaired if need
/// be, comes as content, and no text is lost. One thread at a time.
///
/// White space around a thought or a call is dropped where nothing stands on its other side. Memory and time are bounded
/// by the text; a call's arguments nest to Json::kMaxDepth at most.
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

}  // namespace gemma4
