#include "chat/reply_parser.h"

#include <algorithm>
#include <memory>

#include "chat/call_parser.h"
#include "chat/tools.h"

namespace gemma4::chat {
namespace {

constexpr std::string_view kThought = "thought\n", kCall = "call:";

bool begins(std::string_view text, std::string_view whole) noexcept { return whole.substr(0, text.size()) == text; }

enum class Opening { no, perhaps, yes };

// Whether `text` begins with "call:NAME{", NAME a declared tool.
Opening opens_call(std::string_view text, const std::vector<Json>& functions) {
  if (functions.empty()) return Opening::no;
  if (text.size() < kCall.size()) return begins(text, kCall) ? Opening::perhaps : Opening::no;
  if (!begins(kCall, text)) return Opening::no;
  constexpr std::size_t kLongestName = 256;
  std::size_t end = kCall.size();
  while (end < text.size() && is_name_character(text[end])) ++end;
  if (end == text.size()) return end < kLongestName ? Opening::perhaps : Opening::no;
  if (text[end] != '{') return Opening::no;
  const std::string name = call_name(text.substr(0, end + 1), functions);
  return find_function(functions, name) != nullptr ? Opening::yes : Opening::no;
}

}  // namespace

ReplyParserState::ReplyParserState(std::shared_ptr<const tokenizer::BpeTokenizer> tokenizer, ReplyRules rules)
    : tokenizer_(std::move(tokenizer)),
      markers_(*tokenizer_),
      rules_(std::move(rules)),
      decoder_(tokenizer_),
      state_(rules_.begins_in_thought ? State::thought_name : State::start) {}

void ReplyParserState::push(TokenId id, std::vector<ChatEvent>& events, std::optional<SampledToken> sample) {
  if (ended()) return;
  events_ = &events;
  const Marker which = markers_.of(id, *tokenizer_);
  if (which == Marker::none) {
    const std::string decoded = decoder_.push(id);
    came(decoded.size(), std::move(sample));
    text(decoded);
    return;
  }
  flush_decoder();
  if (which == Marker::quote) came(1, std::move(sample));
  if (which != Marker::other) {
    marker(which);
  } else if (in_call() && in_string_ && id >= 0 && id < tokenizer_->vocab_size()) {
    // A tool may be given any text. Should this be no call, the token leaves no trace: it stands between two marks.
    append_marker(Marker::other, buffer_);
    buffer_ += tokenizer_->id_to_token(id);
    append_marker(Marker::other, buffer_);
  }
}

// More of the stream of text, `bytes` of it, by a token.
void ReplyParserState::came(std::size_t bytes, std::optional<SampledToken> sample) {
  position_ += bytes;
  const bool whole = !decoder_.holds_back();
  if (whole) samples_.settle(position_);
  if (sample) samples_.add(std::move(*sample), whole ? position_ : TokenSamples::kUnknown);
}

void ReplyParserState::flush_decoder() {
  const std::string rest = decoder_.finish();
  came(rest.size(), std::nullopt);
  text(rest);
}

void ReplyParserState::finish(bool complete, std::vector<ChatEvent>& events) {
  if (ended()) return;
  events_ = &events;
  flush_decoder();
  while (in_call()) end_call(complete);  // one that turns out to be several leaves less each time
  decide_pending();
  state_ = State::ended;
  emit(ChatEvent::Type::content, content_.finish(), position_);
  if (!content_.begun() && n_calls_ == 0) emit(ChatEvent::Type::reasoning, std::move(dropped_), position_);
}

void ReplyParserState::text(std::string_view more) {
  std::string pending(more);
  while (!pending.empty()) {
    pending = take_in(std::move(pending));
    if (!again_.empty()) pending.insert(0, std::exchange(again_, {}));
  }
}

// Returns what belongs to the next state.
std::string ReplyParserState::take_in(std::string more) {
  switch (state_) {
    case State::start:
      buffer_ += more;
      return start_text();
    case State::content:
      content(more);
      break;
    case State::thought_name:
      buffer_ += more;
      thought_name_text();
      break;
    case State::thought:
      thought(more);
      break;
    case State::leaked_thought:
      buffer_ += more;
      break;
    case State::call:
      if (!marked_) return unmarked_call_text(more);
      buffer_ += more;
      announce_call();
      break;
    case State::ended:
      break;
  }
  return {};
}

// Where content may begin: with a call whose marker is missing, or (at the very start) with a thought whose marker is.
std::string ReplyParserState::start_text() {
  const std::size_t space = std::min(buffer_.find_first_not_of(" \t\r\n"), buffer_.size());
  const std::string_view shown = std::string_view(buffer_).substr(space);
  if (shown.empty()) return {};
  const Opening opening = opens_call(shown, rules_.functions);
  if (opening == Opening::yes) {
    std::string call = buffer_.substr(space);
    begin_call(false);
    return call;
  }
  const bool first = may_be_thought();
  if (first && begins(kThought, shown)) {
    state_ = State::leaked_thought;
    return {};
  }
  if (opening == Opening::perhaps || (first && begins(shown, kThought))) return {};
  state_ = State::content;
  content(std::exchange(buffer_, {}));
  return {};
}

// Drops the name of a thought's channel; another name is kept as text.
void ReplyParserState::thought_name_text() {
  if (buffer_.size() < kThought.size() && begins(buffer_, kThought)) return;
  const std::string pending = std::exchange(buffer_, {});
  state_ = State::thought;
  thought(begins(kThought, pending) ? std::string_view(pending).substr(kThought.size()) : std::string_view(pending));
}

void ReplyParserState::marker(Marker which) {
  if (in_call()) return marker_in_call(which);
  switch (which) {
    case Marker::quote:
      return text("\"");
    case Marker::call_open:
      end_of_stretch();
      return begin_call(true);
    case Marker::channel_open:
      end_of_stretch();
      state_ = State::thought_name;
      after_thought_ = true;
      return;
    case Marker::channel_close:
      if (state_ == State::leaked_thought) {
        const std::string pending = std::exchange(buffer_, {});
        state_ = State::thought;
        thought(std::string_view(pending).substr(pending.find(kThought) + kThought.size()));
      } else if (state_ == State::start && may_be_thought() && trim(buffer_) == kThought.substr(0, kThought.size() - 1)) {
        buffer_.clear();  // an empty one
      }
      end_of_stretch();
      state_ = content_.begun() ? State::content : State::start;
      return;
    case Marker::response_open:
    case Marker::end: {
      std::vector<ChatEvent>& events = *events_;
      return finish(true, events);
    }
    default:
      return;
  }
}

// Inside a string of the call everything is text, but what ends the reply.
void ReplyParserState::marker_in_call(Marker which) {
  if (which == Marker::quote) {
    in_string_ = !in_string_;
    return append_marker(which, buffer_);
  }
  const bool ends_reply = which == Marker::end || which == Marker::response_open;
  if (in_string_ && !ends_reply) return append_marker(which, buffer_);
  if (which == Marker::channel_close) return;
  end_call(true);
  if (in_call() || which != Marker::call_close) marker(which);
}

// What was held back for what might follow it.
void ReplyParserState::decide_pending() {
  const std::string pending = std::exchange(buffer_, {});
  if (state_ == State::start || state_ == State::leaked_thought) {
    content(pending);
  } else if (state_ == State::thought_name && pending != kThought.substr(0, kThought.size() - 1)) {
    thought(pending);
  }
}

// Markup comes.
void ReplyParserState::end_of_stretch() {
  decide_pending();
  content_.end_of_stretch();
  thought_.end_of_stretch();
}

void ReplyParserState::begin_call(bool marked) {
  state_ = State::call;
  buffer_.clear();
  marked_ = marked;
  announced_ = in_string_ = in_json_string_ = false;
  depth_ = 0;
}

// Without a marker, the brace that closes the first one ends the call.
std::string ReplyParserState::unmarked_call_text(std::string_view more) {
  for (std::size_t i = 0; i < more.size(); ++i) {
    const char c = more[i];
    const bool escaped = in_json_string_ && !buffer_.empty() && buffer_.back() == '\\';
    buffer_ += c;
    if (in_string_) continue;
    if (c == '"' && !escaped) in_json_string_ = !in_json_string_;
    if (in_json_string_) continue;
    if (c == '{') ++depth_;
    if (c == '}' && depth_ != 0 && --depth_ == 0) {
      announce_call();
      end_call(true);
      return std::string(more.substr(i + 1));
    }
  }
  announce_call();
  return {};
}

void ReplyParserState::announce_call() {
  constexpr std::size_t kLongestName = 1024;
  if (announced_ || buffer_.size() > kLongestName) return;
  std::string name = call_name(buffer_, rules_.functions);
  if (name.empty() || !may_be_called(name)) return;
  announced_ = true;
  ChatEvent event;
  event.type = ChatEvent::Type::tool_call_started;
  event.index = n_calls_;
  event.call.name = std::move(name);
  events_->push_back(std::move(event));
}

// Afterwards another call may be open: what stood behind this one is read again.
void ReplyParserState::end_call(bool complete) {
  const std::string encoded = std::exchange(buffer_, {});
  state_ = State::start;
  std::optional<ParsedCall> parsed = parse_strict_call(encoded, rules_.functions, rules_.held_calls && marked_);
  if (parsed && !may_be_called(parsed->call.name)) return show(without_markup(encoded));
  // A <tool_call|> inside a string ended the call after all when the whole cannot be read as it stands.
  const std::size_t inner = encoded.find(std::string{kMarker, static_cast<char>(Marker::call_close)});
  if (!parsed && inner != std::string::npos && splits_left_ > 0) {
    --splits_left_;
    parsed = parse_call(std::string_view(encoded).substr(0, inner), rules_.functions, true);
    if (parsed && may_be_called(parsed->call.name)) {
      emit_call(std::move(parsed->call));
      text(parsed->leftover);
      return read_again(std::string_view(encoded).substr(inner + 2));
    }
    parsed.reset();
  }
  if (!parsed) parsed = parse_call(encoded, rules_.functions, complete);
  if (!parsed || !may_be_called(parsed->call.name)) return not_a_call(encoded);
  emit_call(std::move(parsed->call));
  again_ = std::move(parsed->leftover);
  if (!again_.empty() && marked_) text(std::exchange(again_, {}));
}

// Its text is content. Markup that seemed to stand inside a string does what it does elsewhere.
void ReplyParserState::not_a_call(std::string_view encoded) {
  const std::size_t first = splits_left_ > 0 ? encoded.find(kMarker) : std::string_view::npos;
  if (first != std::string_view::npos) --splits_left_;
  show(without_markup(encoded.substr(0, first)));
  if (first != std::string_view::npos) read_again(encoded.substr(first));
}

// The text of what was taken for a call.
void ReplyParserState::show(std::string_view text) {
  content_.end_of_stretch();
  state_ = State::content;
  content(text);
}

bool ReplyParserState::may_be_called(std::string_view name) const noexcept {
  return !rules_.declared_only || find_function(rules_.functions, name) != nullptr;
}

void ReplyParserState::emit_call(ToolCall call) {
  if (!announced_) {
    ChatEvent started;
    started.type = ChatEvent::Type::tool_call_started;
    started.index = n_calls_;
    started.call.name = call.name;
    events_->push_back(std::move(started));
  }
  ChatEvent event;
  event.type = ChatEvent::Type::tool_call;
  event.index = n_calls_++;
  event.call = std::move(call);
  events_->push_back(std::move(event));
  content_.end_of_stretch();
}

// Text and markers that were taken for the inside of a string.
void ReplyParserState::read_again(std::string_view encoded) {
  while (!encoded.empty() && !ended()) {
    const std::size_t plain = std::min(encoded.find_first_of(std::string{kQuote, kMarker}), encoded.size());
    text(encoded.substr(0, plain));
    encoded.remove_prefix(plain);
    if (encoded.empty()) return;
    const Marker which = encoded[0] == kQuote ? Marker::quote : static_cast<Marker>(encoded[1]);
    if (which != Marker::other) {
      marker(which);
    } else if (in_call() && in_string_) {
      append_marker(which, buffer_);
    } else {
      encoded.remove_prefix(std::min(encoded.find(kMarker, 2), encoded.size() - 2));
    }
    encoded.remove_prefix(which == Marker::quote ? 1 : 2);
  }
}

void ReplyParserState::content(std::string_view more) {
  std::string shown = content_.push(more, n_calls_ != 0 || after_thought_);
  emit(ChatEvent::Type::content, std::move(shown), position_ - content_.held());
}

void ReplyParserState::thought(std::string_view more) {
  after_thought_ = true;
  std::string shown = thought_.push(more, false);
  if (rules_.show_thoughts) return emit(ChatEvent::Type::reasoning, std::move(shown), position_ - thought_.held());
  dropped_ += shown;
}

// @param end  where the text ends in the stream.
void ReplyParserState::emit(ChatEvent::Type type, std::string text, std::size_t end) {
  if (text.empty()) return;
  if (events_->empty() || events_->back().type != type) {
    events_->emplace_back();
    events_->back().type = type;
  }
  samples_.take(end - std::min(end, text.size()), end, events_->back().samples);
  events_->back().text += text;
}

}  // namespace gemma4::chat

namespace gemma4 {

const char* to_string(FinishReason reason) noexcept {
  static constexpr const char* kNames[] = {"stop", "tool_calls", "length", "cancelled", "loop"};
  return kNames[static_cast<std::size_t>(reason)];
}

const char* to_string(ChatEvent::Type type) noexcept {
  static constexpr const char* kNames[] = {"content", "reasoning", "tool_call_started", "tool_call"};
  return kNames[static_cast<std::size_t>(type)];
}

}  // namespace gemma4
