#include "generate/generate.h"

#include <utility>

#include "base/check.h"

namespace gemma4::generation {
namespace {

/// What a constraint that may stop lets through.
std::vector<TokenId> ends(const session::SessionState& session, const GenerateOptions& options) {
  return options.stop_at_eos ? session.model().config().eos_token_ids : std::vector<TokenId>();
}

Machine::Limits limits(const session::SessionState& session, Span<const TokenId> prompt, const GenerateOptions& options) {
  const int vocab_size = session.model().config().vocab_size;
  GEMMA4_CHECK(options.max_tokens >= -1, ErrorCode::invalid_argument,
               "GenerateOptions::max_tokens: expected -1 (until the context is full) or more, got ", options.max_tokens);
  for (std::size_t i = 0; i < prompt.size(); ++i) {
    GEMMA4_CHECK(prompt[i] >= 0 && prompt[i] < vocab_size, ErrorCode::token_out_of_range, "generate: prompt token ", i,
                 ": expected an id from 0 to ", vocab_size - 1, ", got ", prompt[i]);
  }
  const std::size_t room = session.context_length() - session.position();
  GEMMA4_CHECK(prompt.size() <= room, ErrorCode::context_full, "generate: expected a prompt of at most ", room,
               " tokens (context_length ", session.context_length(), ", of which ", session.position(),
               " are taken), got ", prompt.size());
  GEMMA4_CHECK(!prompt.empty() || !session.last_logits().empty(), ErrorCode::invalid_argument,
               "generate: expected a prompt, or a session whose last call left logits to go on from; got neither");
  return {options.max_tokens, room - prompt.size(), static_cast<std::size_t>(vocab_size)};
}

}  // namespace

Loop::Loop(std::shared_ptr<session::SessionState> session, Span<const TokenId> prompt, sampling::SamplerState& sampler,
           const GenerateOptions& options)
    : session_(std::move(session)),
      sampler_(sampler),
      options_(options),
      prompt_(prompt.begin(), prompt.end()),
      answer_(session_->model().tokenizer(), session_->model().config().eos_token_ids, options_, sampler.reports()),
      machine_(sampler, answer_, ends(*session_, options_), limits(*session_, prompt, options_)),
      driver_(*session_, machine_, [this] { return read_prompt(); }, options_.cancel) {
  note_uses();
}

std::optional<Piece> Loop::next() {
  std::optional<Piece> piece;
  do {
    piece = step();
  } while (piece && piece->text.empty() && piece->token_ids.empty());
  return piece;
}

std::optional<Piece> Loop::step() {
  if (machine_.over()) return std::nullopt;
  try {
    if (!options_.cancel || !options_.cancel->cancelled()) check_alone();
    driver_.step();
  } catch (...) {
    machine_.abandon();
    throw;
  }
  note_uses();
  result_.prefill_seconds = driver_.prefill_seconds();
  result_.decode_seconds = driver_.decode_seconds();
  result_.time_to_first_token = driver_.time_to_first_token();
  Piece piece = answer_.piece();
  if (machine_.over()) {
    result_.reason = machine_.reason();
    result_.stop = answer_.stop();
    if (piece.text.empty() && piece.token_ids.empty()) return std::nullopt;
  }
  result_.text += piece.text;
  result_.token_ids.insert(result_.token_ids.end(), piece.token_ids.begin(), piece.token_ids.end());
  return piece;
}

void Loop::cancel() noexcept {
  if (machine_.over()) return;
  machine_.abandon();
  result_.reason = StopReason::cancelled;
}

// What the generation goes on from is what it left: text that mixes two would be nobody's.
void Loop::check_alone() const {
  GEMMA4_CHECK(session_->uses() == session_uses_, ErrorCode::invalid_argument,
               "generate: expected the session as this generation left it, at position ", position_,
               "; a prefill, a decode, a truncate or another generation has changed it since (it is at position ",
               session_->position(), "), so that this generation cannot go on; fork() makes a session of its own");
  GEMMA4_CHECK(sampler_.uses() == sampler_uses_, ErrorCode::invalid_argument,
               "generate: expected the sampler as this generation left it; somebody else has used it since, so that "
               "this generation cannot go on; a copy makes one of its own");
}

void Loop::note_uses() noexcept {
  session_uses_ = session_->uses();
  sampler_uses_ = sampler_.uses();
  position_ = session_->position();
}

Span<const float> Loop::read_prompt() {
  if (prompt_.empty()) return session_->last_logits();
  PrefillOptions prefill;
  prefill.cancel = options_.cancel;
  prefill.progress = options_.prefill_progress;
  const Span<const float> logits = session_->prefill(prompt_, prefill);
  sampler_.observe(prompt_);
  return logits;
}

}  // namespace gemma4::generation
