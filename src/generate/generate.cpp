#include "generate/generate.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "base/check.h"
#include "base/timer.h"

namespace gemma4::generation {
namespace {

constexpr std::size_t kUnknown = std::numeric_limits<std::size_t>::max();

}  // namespace

Loop::Loop(std::shared_ptr<session::SessionState> session, Span<const TokenId> prompt, sampling::SamplerState& sampler,
           const GenerateOptions& options)
    : session_(std::move(session)),
      sampler_(sampler),
      options_(options),
      prompt_(prompt.begin(), prompt.end()),
      decoder_(session_->model().tokenizer(), !options.show_special),
      stops_(options.stop) {
  const int vocab_size = session_->model().config().vocab_size;
  GEMMA4_CHECK(options_.max_tokens >= -1, ErrorCode::invalid_argument,
               "GenerateOptions::max_tokens: expected -1 (until the context is full) or more, got ",
               options_.max_tokens);
  for (std::size_t i = 0; i < prompt_.size(); ++i) {
    GEMMA4_CHECK(prompt_[i] >= 0 && prompt_[i] < vocab_size, ErrorCode::token_out_of_range, "generate: prompt token ",
                 i, ": expected an id from 0 to ", vocab_size - 1, ", got ", prompt_[i]);
  }
  const std::size_t room = session_->context_length() - session_->position();
  GEMMA4_CHECK(prompt_.size() <= room, ErrorCode::context_full, "generate: expected a prompt of at most ", room,
               " tokens (context_length ", session_->context_length(), ", of which ", session_->position(),
               " are taken), got ", prompt_.size());
  GEMMA4_CHECK(!prompt_.empty() || !session_->last_logits().empty(), ErrorCode::invalid_argument,
               "generate: expected a prompt, or a session whose last call left logits to go on from; got neither");
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
  if (ended_) return std::nullopt;
  Piece piece;
  try {
    take_step(piece);
  } catch (...) {
    ended_ = true;
    throw;
  }
  note_uses();
  if (ended_ && piece.text.empty() && piece.token_ids.empty()) return std::nullopt;
  result_.text += piece.text;
  result_.token_ids.insert(result_.token_ids.end(), piece.token_ids.begin(), piece.token_ids.end());
  return piece;
}

void Loop::cancel() noexcept {
  if (ended_) return;
  ended_ = true;
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

// Feeds what is due and returns the logits of the next token.
Span<const float> Loop::advance() {
  const CancelToken* cancel = options_.cancel ? &*options_.cancel : nullptr;
  if (started_) {
    const base::Timer timer(result_.decode_seconds);
    if (due_.size() == 1) return session_->decode(due_.front(), cancel);
    PrefillOptions several;
    several.cancel = options_.cancel;
    return session_->prefill(due_, several);
  }
  started_ = true;
  if (prompt_.empty()) return session_->last_logits();

  const base::Timer timer(result_.prefill_seconds);
  PrefillOptions prefill;
  prefill.cancel = options_.cancel;
  prefill.progress = options_.prefill_progress;
  const Span<const float> logits = session_->prefill(prompt_, prefill);
  sampler_.observe(prompt_);
  return logits;
}

void Loop::take_step(Piece& piece) {
  if (options_.cancel && options_.cancel->cancelled()) return end(StopReason::cancelled, piece);
  check_alone();
  Span<const float> logits;
  try {
    logits = advance();
  } catch (const Error& error) {
    if (error.code() != ErrorCode::cancelled) throw;
    return end(StopReason::cancelled, piece);
  }
  due_.clear();
  if (options_.max_tokens == 0) return end(StopReason::max_tokens, piece);
  if (options_.constraint && options_.constraint->finished()) return end(StopReason::end_of_turn, piece);

  SampledToken sampled;
  {
    const base::Timer timer(result_.decode_seconds);
    sampled = sampler_.sample(logits, mask());
  }
  if (is_end_token(sampled.token)) return end(StopReason::end_of_turn, piece);
  if (options_.constraint) {
    GEMMA4_CHECK(options_.constraint->accept(sampled.token), ErrorCode::internal,
                 "generate: the constraint refused token ", sampled.token, ", which its mask allowed");
  }
  if (add(std::move(sampled), piece) && options_.constraint) jump_ahead(piece);
}

// The tokens that may come next; empty: all.
Span<const std::uint32_t> Loop::mask() {
  if (!options_.constraint) return {};
  allowed_.resize(mask_words(static_cast<std::size_t>(session_->model().config().vocab_size)));
  if (!options_.constraint->mask(allowed_)) return {};
  if (options_.stop_at_eos && options_.constraint->may_stop()) {
    for (const TokenId token : session_->model().config().eos_token_ids) {
      const auto id = static_cast<std::size_t>(token);
      if (id / 32 < allowed_.size()) allowed_[id / 32] |= std::uint32_t{1} << id % 32;
    }
  }
  return allowed_;
}

// One more token of the answer; false when it ends the generation.
bool Loop::add(SampledToken sampled, Piece& piece) {
  due_.push_back(sampled.token);
  ++generated_;
  take(std::move(sampled), piece);
  if (ended_) return false;
  if (options_.constraint && options_.constraint->finished()) {
    end(StopReason::end_of_turn, piece);
  } else if (options_.max_tokens > 0 && generated_ == static_cast<std::size_t>(options_.max_tokens)) {
    end(StopReason::max_tokens, piece);
  } else if (session_->position() + due_.size() > session_->context_length()) {
    end(StopReason::context_full, piece);
  }
  return !ended_;
}

// Adds what the constraint forces. Log-probabilities take a step for each token, so then there are no jumps.
void Loop::jump_ahead(Piece& piece) {
  if (sampler_.options().logprobs || sampler_.options().top_logprobs > 0) return;
  for (const TokenId token : options_.constraint->forced()) {
    GEMMA4_CHECK(options_.constraint->accept(token), ErrorCode::internal, "generate: the constraint refused token ",
                 token, ", which it forced");
    sampler_.observe(Span<const TokenId>(&token, 1));
    SampledToken forced;
    forced.token = token;
    if (!add(std::move(forced), piece)) return;
  }
}

// Decodes one more token and moves what has become final to `piece`.
void Loop::take(SampledToken sampled, Piece& piece) {
  const std::string decoded = decoder_.push(sampled.token);
  waiting_.push_back({std::move(sampled), kUnknown});
  if (pass_on(decoded, piece)) return;
  if (!decoder_.holds_back()) {
    for (auto it = waiting_.rbegin(); it != waiting_.rend() && it->end == kUnknown; ++it) it->end = decoded_;
  }
  release_tokens(passed_, piece);
}

// Passes text through the stop strings; ends the generation and returns true when one is complete.
bool Loop::pass_on(const std::string& decoded, Piece& piece) {
  decoded_ += decoded.size();
  const std::size_t before = piece.text.size();
  const bool stopped = stops_.push(decoded, piece.text);
  passed_ += piece.text.size() - before;
  if (!stopped) return false;
  ended_ = true;
  result_.reason = StopReason::stop_sequence;
  result_.stop = options_.stop[stops_.matched()];
  release_tokens(kUnknown, piece);
  return true;
}

// Moves the tokens whose text ends at or before `decided` to `piece`; kUnknown: all.
void Loop::release_tokens(std::size_t decided, Piece& piece) {
  const bool samples = sampler_.options().logprobs || sampler_.options().top_logprobs > 0;
  std::size_t n = 0;
  while (n < waiting_.size() && (decided == kUnknown || waiting_[n].end <= decided)) {
    piece.token_ids.push_back(waiting_[n].sampled.token);
    if (samples) piece.samples.push_back(std::move(waiting_[n].sampled));
    ++n;
  }
  waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(n));
}

void Loop::end(StopReason reason, Piece& piece) {
  // What the decoder held back may still complete a stop string, which then is not shown.
  if (pass_on(decoder_.finish(), piece)) {
    if (reason == StopReason::cancelled) result_.reason = reason;
    return;
  }
  stops_.finish(piece.text);
  release_tokens(kUnknown, piece);
  ended_ = true;
  result_.reason = reason;
}

bool Loop::is_end_token(TokenId token) const noexcept {
  const std::vector<TokenId>& ends = session_->model().config().eos_token_ids;
  return options_.stop_at_eos && std::find(ends.begin(), ends.end(), token) != ends.end();
}

}  // namespace gemma4::generation
