// ReplyParser: the model's tokens to events, while they come.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "chat/call_text.h"
#include "chat/held_text.h"
#include "chat/markers.h"
#include "chat/reply_text.h"
#include "chat/token_samples.h"
#include "gemma4/json.h"
#include "gemma4/reply.h"
#include "tokenizer/tokenizer.h"

namespace gemma4::chat {

/// How a reply is read.
struct ReplyRules {
  std::vector<Json> functions;     ///< The declared tools.
  bool declared_only = false;      ///< A call of another tool is text.
  bool held_calls = false;         ///< Calls were held to the syntax while they were written.
  bool show_thoughts = true;       ///< False: thoughts are dropped, unless there is nothing else.
  bool begins_in_thought = false;  ///< The prompt opened a thought.
};

/// As the public ReplyParser (include/gemma4/chat.h). A state machine on token ids: markup is known by its ids, so text
/// that merely spells it stays text.
class ReplyParserState {
 public:
  ReplyParserState(std::shared_ptr<const tokenizer::BpeTokenizer> tokenizer, ReplyRules rules);

  /// @param sample  how the token was chosen: the event with the text that it completes has it. None: nobody asked.
  void push(TokenId id, std::vector<ChatEvent>& events, std::optional<SampledToken> sample = std::nullopt);
  /// The reply is over. @param complete  false when a limit cut it short.
  void finish(bool complete, std::vector<ChatEvent>& events);

  bool ended() const noexcept { return state_ == State::ended; }
  bool in_thought() const noexcept { return state_ == State::thought || state_ == State::thought_name; }
  /// Behind the name of its channel.
  bool in_thought_text() const noexcept { return state_ == State::thought; }
  bool in_call() const noexcept { return state_ == State::call; }
  std::size_t n_calls() const noexcept { return n_calls_; }

 private:
  enum class State { start, content, thought_name, thought, leaked_thought, call, ended };

  void came(std::size_t bytes, std::optional<SampledToken> sample);
  void flush_decoder();
  void text(std::string_view more);
  std::string take_in(std::string more);
  void marker(Marker which);
  void marker_in_call(Marker which);
  std::string start_text();
  void thought_name_text();
  std::string unmarked_call_text(std::string_view more);
  void announce_call();
  void begin_call(bool marked);
  void end_call(bool complete);
  void not_a_call(std::string_view encoded);
  void show(std::string_view text);
  bool may_be_called(std::string_view name) const noexcept;
  void emit_call(ToolCall call);
  void read_again(std::string_view encoded);
  void decide_pending();
  /// Where a thought may begin whose marker is missing.
  bool may_be_thought() const noexcept { return !content_.begun() && n_calls_ == 0 && !after_thought_; }
  void end_of_stretch();
  void content(std::string_view more);
  void thought(std::string_view more);
  void emit(ChatEvent::Type type, std::string text, std::size_t end);

  std::shared_ptr<const tokenizer::BpeTokenizer> tokenizer_;
  const Markers markers_;
  const ReplyRules rules_;
  ReplyText decoder_;

  State state_ = State::start;
  std::string buffer_;      // of start, thought_name, leaked_thought and call
  bool marked_ = true;      // the call began with <|tool_call>
  bool announced_ = false;  // tool_call_started is out
  bool in_string_ = false;  // between two <|"|> of the call
  bool in_json_string_ = false;  // of an unmarked call, as are open braces
  std::size_t depth_ = 0;
  std::string again_;       // text behind a call, to be read next
  int splits_left_ = 64;    // calls that may end inside one of their strings
  bool after_thought_ = false;
  HeldText content_, thought_;
  std::string dropped_;     // thoughts that are not shown
  std::size_t n_calls_ = 0;
  std::size_t position_ = 0;  // bytes of text so far
  TokenSamples samples_;
  std::vector<ChatEvent>* events_ = nullptr;  // of the call being served
};

}  // namespace gemma4::chat
