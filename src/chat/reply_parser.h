// ReplyParser: the model's tokens to events, while they come.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "chat/call_text.h"
#include "chat/held_text.h"
#include "chat/reply_text.h"
#include "gemma4/json.h"
#include "gemma4/reply.h"
#include "tokenizer/tokenizer.h"

namespace gemma4::chat {

/// Which control token an id is.
class Markers {
 public:
  explicit Markers(const tokenizer::BpeTokenizer& tokenizer);
  Marker of(TokenId id, const tokenizer::BpeTokenizer& tokenizer) const;

 private:
  std::unordered_map<TokenId, Marker> by_id_;
};

/// As the public ReplyParser (include/gemma4/chat.h). A state machine on token ids: markup is known by its ids, so text
/// that merely spells it stays text.
class ReplyParserState {
 public:
  /// @param functions         the declared tools.
  /// @param show_thoughts     false: thoughts are dropped, unless there is nothing else.
  /// @param begins_in_thought true when the prompt opened a thought.
  ReplyParserState(std::shared_ptr<const tokenizer::BpeTokenizer> tokenizer, std::vector<Json> functions,
                   bool show_thoughts, bool begins_in_thought);

  void push(TokenId id, std::vector<ChatEvent>& events);
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
  void emit_call(ToolCall call);
  void read_again(std::string_view encoded);
  void decide_pending();
  /// Where a thought may begin whose marker is missing.
  bool may_be_thought() const noexcept { return !content_.begun() && n_calls_ == 0 && !after_thought_; }
  void end_of_stretch();
  void content(std::string_view more);
  void thought(std::string_view more);
  void emit(ChatEvent::Type type, std::string text);

  std::shared_ptr<const tokenizer::BpeTokenizer> tokenizer_;
  const Markers markers_;
  const std::vector<Json> functions_;
  const bool show_thoughts_;
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
  std::vector<ChatEvent>* events_ = nullptr;  // of the call being served
};

}  // namespace gemma4::chat
