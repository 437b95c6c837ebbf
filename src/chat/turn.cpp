#include "chat/turn.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace gemma4::chat {
namespace {

generation::Machine::Limits limits(const session::SessionState& session, std::size_t prompt, const SendOptions& options) {
  GEMMA4_CHECK(options.max_tokens >= -1, ErrorCode::invalid_argument,
               "SendOptions::max_tokens: expected -1 (until the context is full) or more, got ", options.max_tokens);
  GEMMA4_CHECK(prompt <= session.context_length(), ErrorCode::context_full, "the conversation has ", prompt,
               " tokens, and context_length is ", session.context_length());
  return {options.max_tokens, session.context_length() - prompt,
          static_cast<std::size_t>(session.model().config().vocab_size)};
}

ReplySetup reporting(ReplySetup setup, const sampling::SamplerState& sampler) {
  setup.samples = sampler.reports();
  return setup;
}

}  // namespace

Turn::Turn(session::SessionState& session, sampling::SamplerState& sampler, TurnSetup setup,
           const SendOptions& options)
    : session_(session),
      sampler_(sampler),
      prompt_(std::move(setup.prompt)),
      checkpoint_(setup.checkpoint),
      options_(options),
      answer_(session.model().tokenizer(), session.model().config().eos_token_ids,
              reporting(std::move(setup.reply), sampler), options_),
      machine_(sampler, answer_, session.model().config().eos_token_ids, limits(session, prompt_.size(), options_)),
      driver_(session, machine_, [this] { return read_prompt(); }, options_.cancel) {
  answer_.reply().usage.prompt_tokens = prompt_.size();
}

bool Turn::next(std::vector<ChatEvent>& events) {
  if (!driver_.step()) return false;
  Usage& usage = answer_.reply().usage;
  usage.prefill_seconds = driver_.prefill_seconds();
  usage.decode_seconds = driver_.decode_seconds();
  usage.time_to_first_token = driver_.time_to_first_token();
  answer_.take_events(events);
  return true;
}

void Turn::cancel() { machine_.end(StopReason::cancelled); }

// Rewinds the session to what it shares with the prompt, as far as that is exact, and reads the rest.
Span<const float> Turn::read_prompt() {
  const std::size_t n = prompt_.size();
  const std::size_t common = std::min(session_.history().common_prefix({prompt_, {}}), n - 1);
  session_.truncate(session_.nearest_resumable(common));
  answer_.reply().usage.reused_tokens = session_.position();
  sampler_.observe_anew(prompt_);
  if (checkpoint_ > session_.position() && checkpoint_ < n) {
    read(checkpoint_);
    session_.checkpoint();
  }
  read(n);
  if (checkpoint_ == n) session_.checkpoint();
  return session_.last_logits();
}

// Reads the prompt up to `end`; of all of it the last logits are wanted.
void Turn::read(std::size_t end) {
  const std::size_t begin = session_.position(), n = prompt_.size();
  PrefillOptions prefill;
  prefill.cancel = options_.cancel;
  prefill.want = end == n ? Want::last_logits : Want::nothing;
  if (options_.prefill_progress) {
    const std::size_t reused = answer_.reply().usage.reused_tokens;
    prefill.progress = [this, begin, n, reused](std::size_t done, std::size_t) {
      options_.prefill_progress(begin + done - reused, n - reused);
    };
  }
  session_.prefill(Span<const TokenId>(prompt_).subspan(begin, end - begin), prefill);
}

}  // namespace gemma4::chat
