#include "conversation.h"

#include <algorithm>

#include "gemma4/error.h"

namespace cli {
namespace {

using gemma4::TokenId;

void append(std::vector<TokenId>& to, const std::vector<TokenId>& ids) { to.insert(to.end(), ids.begin(), ids.end()); }

}  // namespace

Conversation::Conversation(gemma4::Session& session, gemma4::Sampler& sampler, std::string system, bool think)
    : session_(session),
      sampler_(sampler),
      format_(session.model()),
      system_(std::move(system)),
      think_(think),
      history_(format_.begin(system_, think_)) {}

gemma4::GenerateResult Conversation::send(const std::string& text, const gemma4::GenerateOptions& options,
                                          const gemma4::PieceCallback& on_piece) {
  std::vector<TokenId> wanted = history_;
  append(wanted, format_.user_turn(text, think_));
  if (wanted.size() > session_.context_length()) {
    throw gemma4::Error(
        gemma4::ErrorCode::context_full,
        "the message needs " + std::to_string(wanted.size() - history_.size()) + " tokens, and " +
            std::to_string(session_.context_length() - std::min(session_.context_length(), history_.size())) +
            " are left");
  }
  const std::size_t held = rewind_to_common(wanted);
  session_.checkpoint();
  checkpoint_ = session_.position();
  const gemma4::Span<const TokenId> prompt(wanted.data() + held, wanted.size() - held);
  gemma4::GenerateResult result = gemma4::generate(session_, prompt, sampler_, options, on_piece);

  // A message whose prefill was cancelled has not been said.
  if (session_.position() < wanted.size()) return result;
  history_ = std::move(wanted);
  append(history_, format_.without_thoughts(result.token_ids));
  append(history_, format_.end_turn());
  return result;
}

void Conversation::reset() {
  session_.truncate(0);
  sampler_.reset();
  history_ = format_.begin(system_, think_);
  checkpoint_ = 0;
}

// Drops from the session what the conversation does not go on with (a thought, a message that was cancelled). Where
// that is not exactly possible it goes back to the turn's beginning or, failing that, to the start.
std::size_t Conversation::rewind_to_common(const std::vector<TokenId>& wanted) {
  const gemma4::Span<const TokenId> held = session_.tokens();
  const std::size_t limit = std::min(held.size(), wanted.size() - 1);
  std::size_t common = 0;
  while (common < limit && held[common] == wanted[common]) ++common;
  if (common == session_.position()) return common;
  for (const std::size_t n : {common, std::min(common, checkpoint_)}) {
    try {
      session_.truncate(n);
      return n;
    } catch (const gemma4::Error& error) {
      if (error.code() != gemma4::ErrorCode::invalid_argument) throw;
    }
  }
  session_.truncate(0);
  return 0;
}

}  // namespace cli
