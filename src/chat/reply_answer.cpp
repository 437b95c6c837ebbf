#include "chat/reply_answer.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/check.h"

namespace gemma4::chat {
namespace {

FinishReason finish_reason(StopReason reason, bool calls) noexcept {
  switch (reason) {
    case StopReason::cancelled:
      return FinishReason::cancelled;
    case StopReason::loop:
      return FinishReason::loop;
    case StopReason::max_tokens:
    case StopReason::context_full:
      return calls ? FinishReason::tool_calls : FinishReason::length;
    default:
      return calls ? FinishReason::tool_calls : FinishReason::stop;
  }
}

}  // namespace

ReplyAnswer::ReplyAnswer(std::shared_ptr<const tokenizer::BpeTokenizer> tokenizer, std::vector<TokenId> ends,
                         ReplySetup setup, const SendOptions& options)
    : ends_(std::move(ends)),
      setup_(std::move(setup)),
      options_(options),
      parser_(tokenizer, {setup_.functions, true, setup_.held_calls, setup_.thinking.enabled, setup_.begins_in_thought}),
      thoughts_(tokenizer, setup_.thinking, setup_.begins_in_thought),
      loops_(setup_.loop_tokens),
      stops_(options.stop),
      call_token_(tokenizer->token_to_id("<|tool_call>")) {
  reply_.warnings = setup_.warnings;
}

TokenConstraint* ReplyAnswer::constraint() {
  return parser_.in_thought() ? nullptr : options_.constraint.get();
}

// A thought may come before what is held; none comes inside another, nor where the reply has had its own.
void ReplyAnswer::adjust(generation::TokenMask& mask) {
  if (thinks()) mask.allow(thoughts_.open_token());
  if (thoughts_.closed() || parser_.in_thought()) mask.forbid(thoughts_.open_token());
  if (options_.tool_choice.mode == ToolChoice::Mode::none) mask.forbid(call_token_);
}

bool ReplyAnswer::ends(TokenId token) const noexcept {
  return std::find(ends_.begin(), ends_.end(), token) != ends_.end();
}

// A turn that ends inside a thought has not answered yet.
TokenId ReplyAnswer::instead_of_end() {
  if (!parser_.in_thought() || thoughts_.closed()) return -1;
  thoughts_.cut();
  return thoughts_.forced(parser_);
}

bool ReplyAnswer::outside_constraint(TokenId token) const noexcept {
  return thinks() && token == thoughts_.open_token();
}

std::optional<StopReason> ReplyAnswer::take(SampledToken sampled) {
  const TokenId token = sampled.token;
  if (constraint() != nullptr && !outside_constraint(token)) held_to_ = true;
  ++reply_.usage.completion_tokens;
  const bool was_in_thought = parser_.in_thought_text();
  std::vector<ChatEvent> parsed;
  parser_.push(token, parsed, setup_.samples ? std::optional<SampledToken>(std::move(sampled)) : std::nullopt);
  thoughts_.accept(token, was_in_thought, parser_);
  reply_.usage.reasoning_tokens = thoughts_.tokens();
  pass_on(std::move(parsed));
  if (stopped_) return StopReason::stop_sequence;
  if (parser_.ended() || (held_to_ && options_.constraint->finished())) return StopReason::end_of_turn;
  if (!loops_.push(token)) return std::nullopt;
  if (!parser_.in_thought() || thoughts_.closed()) return StopReason::loop;
  // A thought that goes round in circles is closed; the answer may still be one.
  thoughts_.cut();
  loops_ = LoopDetector(setup_.loop_tokens);
  return std::nullopt;
}

// Content goes through the stop strings.
void ReplyAnswer::pass_on(std::vector<ChatEvent> parsed) {
  for (ChatEvent& event : parsed) {
    if (stopped_) return;
    if (event.type != ChatEvent::Type::content) {
      let_go();
      add(std::move(event));
      continue;
    }
    content_ += event.text.size();
    for (SampledToken& sample : event.samples) content_samples_.add(std::move(sample), content_);
    event.samples.clear();
    std::string shown;
    stopped_ = stops_.push(event.text, shown);
    if (stopped_) reply_.stop = options_.stop[stops_.matched()];
    event.text = std::move(shown);
    shown_ += event.text.size();
    content_samples_.take(0, stopped_ ? content_ : shown_, event.samples);
    add(std::move(event));
  }
}

// What the stop strings hold back.
void ReplyAnswer::let_go() {
  ChatEvent held;
  stops_.finish(held.text);
  shown_ = content_;
  content_samples_.take_all(held.samples);
  add(std::move(held));
}

void ReplyAnswer::add(ChatEvent event) {
  switch (event.type) {
    case ChatEvent::Type::content:
      if (event.text.empty() && event.samples.empty()) return;
      reply_.text += event.text;
      reply_.samples.insert(reply_.samples.end(), event.samples.begin(), event.samples.end());
      break;
    case ChatEvent::Type::reasoning:
      reply_.reasoning += event.text;
      break;
    case ChatEvent::Type::tool_call:
      event.call.id = base::concat("call_", setup_.first_id + reply_.tool_calls.size() + 1);
      reply_.tool_calls.push_back(event.call);
      break;
    case ChatEvent::Type::tool_call_started:
      break;
  }
  events_.push_back(std::move(event));
}

StopReason ReplyAnswer::finish(StopReason reason) {
  if (!stopped_) {
    std::vector<ChatEvent> parsed;
    parser_.finish(reason == StopReason::end_of_turn, parsed);
    pass_on(std::move(parsed));
    if (!stopped_) let_go();
    if (stopped_ && reason == StopReason::end_of_turn) reason = StopReason::stop_sequence;
  }
  reply_.stop_reason = reason;
  reply_.finish_reason = finish_reason(reason, !reply_.tool_calls.empty());
  return reason;
}

void ReplyAnswer::take_events(std::vector<ChatEvent>& events) {
  events.insert(events.end(), std::make_move_iterator(events_.begin()), std::make_move_iterator(events_.end()));
  events_.clear();
}

}  // namespace gemma4::chat
