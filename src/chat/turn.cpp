#include "chat/turn.h"

#include <algorithm>

#include "base/check.h"
#include "base/timer.h"

namespace gemma4::chat {
namespace {

void set_bit(std::vector<std::uint32_t>& bits, TokenId token, bool value) {
  const auto id = static_cast<std::size_t>(token);
  if (token < 0 || id / 32 >= bits.size()) return;
  const std::uint32_t bit = std::uint32_t{1} << id % 32;
  bits[id / 32] = value ? bits[id / 32] | bit : bits[id / 32] & ~bit;
}

std::size_t common_prefix(Span<const TokenId> a, Span<const TokenId> b) noexcept {
  const std::size_t n = std::min(a.size(), b.size());
  std::size_t i = 0;
  while (i < n && a[i] == b[i]) ++i;
  return i;
}

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

Turn::Turn(session::SessionState& session, sampling::SamplerState& sampler, TurnSetup setup,
           const SendOptions& options)
    : session_(session),
      sampler_(sampler),
      setup_(std::move(setup)),
      options_(options),
      parser_(session.model().tokenizer(), {setup_.functions, true, setup_.held_calls, setup_.thinking.enabled,
                                            setup_.begins_in_thought}),
      thoughts_(session.model().tokenizer(), setup_.thinking, setup_.begins_in_thought),
      loops_(setup_.loop_tokens),
      stops_(options.stop),
      call_token_(session.model().tokenizer()->token_to_id("<|tool_call>")) {
  GEMMA4_CHECK(options_.max_tokens >= -1, ErrorCode::invalid_argument,
               "SendOptions::max_tokens: expected -1 (until the context is full) or more, got ", options_.max_tokens);
  GEMMA4_CHECK(setup_.prompt.size() <= session_.context_length(), ErrorCode::context_full, "the conversation has ",
               setup_.prompt.size(), " tokens, and context_length is ", session_.context_length());
  allowed_.resize(mask_words(static_cast<std::size_t>(session_.model().config().vocab_size)));
  reply_.usage.prompt_tokens = setup_.prompt.size();
  reply_.warnings = setup_.warnings;
}

bool Turn::next(std::vector<ChatEvent>& events) {
  if (over_) return false;
  try {
    step(events);
  } catch (...) {
    over_ = true;
    throw;
  }
  return true;
}

void Turn::cancel() {
  std::vector<ChatEvent> dropped;
  if (!over_) end(StopReason::cancelled, dropped);
}

void Turn::step(std::vector<ChatEvent>& events) {
  if (options_.cancel && options_.cancel->cancelled()) return end(StopReason::cancelled, events);
  if (!due_.empty()) {
    const TokenId token = due_.back();
    due_.pop_back();
    sampler_.observe(Span<const TokenId>(&token, 1));
    return chosen({token, 0.0F, {}}, events);
  }
  Span<const float> logits;
  try {
    if (!read_) {
      const base::Timer timer(reply_.usage.prefill_seconds);
      read_prompt();
      logits = session_.last_logits();
    } else {
      const base::Timer timer(reply_.usage.decode_seconds);
      logits = feed();
    }
  } catch (const Error& error) {
    if (error.code() != ErrorCode::cancelled) throw;
    return end(StopReason::cancelled, events);
  }
  if (options_.max_tokens == 0) return end(StopReason::max_tokens, events);
  if (constrained() && options_.constraint->finished()) return end(StopReason::end_of_turn, events);

  SampledToken sampled;
  {
    const base::Timer timer(reply_.usage.decode_seconds);
    sampled = choose(logits);
    // A turn that ends inside a thought has not answered yet.
    if (is_end_token(sampled.token) && parser_.in_thought() && !thoughts_.closed()) {
      thoughts_.cut();
      if (const TokenId close = thoughts_.forced(parser_); close >= 0) sampled = {close, 0.0F, {}};
    }
  }
  if (is_end_token(sampled.token)) return end(StopReason::end_of_turn, events);
  chosen(std::move(sampled), events);
}

// What was chosen and not fed yet, in one go.
Span<const float> Turn::feed() {
  const CancelToken* const cancel = options_.cancel ? &*options_.cancel : nullptr;
  Span<const float> logits;
  if (unfed_.size() == 1) {
    logits = session_.decode(unfed_[0], cancel);
  } else {
    PrefillOptions prefill;
    prefill.want = Want::last_logits;
    if (cancel != nullptr) prefill.cancel = *cancel;
    logits = session_.prefill(unfed_, prefill);
  }
  unfed_.clear();
  return logits;
}

// A token that does not end the turn; behind it, those that the constraint forces. Log-probabilities take a step for each
// token, so then it forces none.
void Turn::chosen(SampledToken sampled, std::vector<ChatEvent>& events) {
  if (!take(std::move(sampled), events)) return;
  if (options_.max_tokens > 0 && reply_.usage.completion_tokens == static_cast<std::size_t>(options_.max_tokens)) {
    end(StopReason::max_tokens, events);
  } else if (session_.position() + unfed_.size() > session_.context_length()) {
    end(StopReason::context_full, events);
  } else if (due_.empty() && constrained() && held_to_ && !samples()) {
    due_ = options_.constraint->forced();
    std::reverse(due_.begin(), due_.end());
  }
}

// Rewinds the session to what it shares with the prompt, as far as that is exact, and reads the rest.
void Turn::read_prompt() {
  const std::size_t n = setup_.prompt.size();
  const std::size_t common = std::min(common_prefix(session_.tokens(), setup_.prompt), n - 1);
  session_.truncate(session_.nearest_resumable(common));
  reply_.usage.reused_tokens = session_.position();
  const CancelToken* const cancel = options_.cancel ? &*options_.cancel : nullptr;
  sampler_.observe(Span<const TokenId>(setup_.prompt).subspan(session_.position()));
  if (setup_.checkpoint > session_.position() && setup_.checkpoint < n) {
    read(setup_.checkpoint, cancel);
    session_.checkpoint();
  }
  read(n, cancel);
  if (setup_.checkpoint == n) session_.checkpoint();
  read_ = true;
}

// Reads the prompt up to `end`; of all of it the last logits are wanted.
void Turn::read(std::size_t end, const CancelToken* cancel) {
  const std::size_t begin = session_.position(), n = setup_.prompt.size();
  PrefillOptions prefill;
  if (cancel != nullptr) prefill.cancel = *cancel;
  prefill.want = end == n ? Want::last_logits : Want::nothing;
  if (options_.prefill_progress) {
    const std::size_t reused = reply_.usage.reused_tokens;
    prefill.progress = [this, begin, n, reused](std::size_t done, std::size_t) {
      options_.prefill_progress(begin + done - reused, n - reused);
    };
  }
  session_.prefill(Span<const TokenId>(setup_.prompt).subspan(begin, end - begin), prefill);
}

SampledToken Turn::choose(Span<const float> logits) {
  const TokenId forced = thoughts_.forced(parser_);
  if (forced < 0) return sampler_.sample(logits, mask());
  sampler_.observe(Span<const TokenId>(&forced, 1));
  return {forced, 0.0F, {}};
}

// The tokens that may come next; empty: all.
Span<const std::uint32_t> Turn::mask() {
  bool restricted = false;
  if (constrained() && options_.constraint->mask(allowed_)) {
    restricted = true;
    if (options_.constraint->may_stop()) {
      for (const TokenId token : session_.model().config().eos_token_ids) set_bit(allowed_, token, true);
    }
    if (setup_.thinking.enabled && !held_to_) set_bit(allowed_, thoughts_.open_token(), true);
  }
  const bool no_calls = options_.tool_choice.mode == ToolChoice::Mode::none;
  const bool no_thought = thoughts_.closed() || parser_.in_thought();  // none inside another
  if (!restricted && !no_thought && !no_calls) return {};
  if (!restricted) std::fill(allowed_.begin(), allowed_.end(), ~std::uint32_t{0});
  if (no_thought) set_bit(allowed_, thoughts_.open_token(), false);
  if (no_calls) set_bit(allowed_, call_token_, false);
  return allowed_;
}

// One more token of the reply; false when it ended it.
bool Turn::take(SampledToken sampled, std::vector<ChatEvent>& events) {
  const TokenId token = sampled.token;
  const bool thinks = token == thoughts_.open_token() && setup_.thinking.enabled && !held_to_;
  if (constrained() && !thinks) {
    GEMMA4_CHECK(options_.constraint->accept(token), ErrorCode::internal, "chat: the constraint refused token ", token,
                 ", which its mask allowed");
    held_to_ = true;
  }
  unfed_.push_back(token);
  ++reply_.usage.completion_tokens;
  const bool was_in_thought = parser_.in_thought_text();
  std::vector<ChatEvent> parsed;
  parser_.push(token, parsed, samples() ? std::optional<SampledToken>(std::move(sampled)) : std::nullopt);
  thoughts_.accept(token, was_in_thought, parser_);
  reply_.usage.reasoning_tokens = thoughts_.tokens();
  pass_on(std::move(parsed), events);
  if (stopped_) {
    end(StopReason::stop_sequence, events);
  } else if (parser_.ended() || (options_.constraint && held_to_ && options_.constraint->finished())) {
    end(StopReason::end_of_turn, events);
  } else if (loops_.push(token)) {
    // A thought that goes round in circles is closed; the answer may still be one.
    if (!parser_.in_thought() || thoughts_.closed()) {
      end(StopReason::loop, events);
    } else {
      thoughts_.cut();
      loops_ = LoopDetector(setup_.loop_tokens);
    }
  }
  return !over_;
}

// Content goes through the stop strings.
void Turn::pass_on(std::vector<ChatEvent> parsed, std::vector<ChatEvent>& events) {
  for (ChatEvent& event : parsed) {
    if (stopped_) return;
    if (event.type != ChatEvent::Type::content) {
      let_go(events);
      add(std::move(event), events);
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
    add(std::move(event), events);
  }
}

// What the stop strings hold back.
void Turn::let_go(std::vector<ChatEvent>& events) {
  ChatEvent held;
  stops_.finish(held.text);
  shown_ = content_;
  content_samples_.take_all(held.samples);
  add(std::move(held), events);
}

void Turn::add(ChatEvent event, std::vector<ChatEvent>& events) {
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
  events.push_back(std::move(event));
}

void Turn::end(StopReason reason, std::vector<ChatEvent>& events) {
  over_ = true;
  if (!stopped_) {
    std::vector<ChatEvent> parsed;
    parser_.finish(reason == StopReason::end_of_turn, parsed);
    pass_on(std::move(parsed), events);
    if (!stopped_) let_go(events);
    if (stopped_ && reason == StopReason::end_of_turn) reason = StopReason::stop_sequence;
  }
  reply_.stop_reason = reason;
  reply_.finish_reason = finish_reason(reason, !reply_.tool_calls.empty());
}

bool Turn::is_end_token(TokenId token) const noexcept {
  const std::vector<TokenId>& ends = session_.model().config().eos_token_ids;
  return std::find(ends.begin(), ends.end(), token) != ends.end();
}

}  // namespace gemma4::chat
