// Conversation: the turns of a chat over one session, which keeps what it has computed from turn to turn.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "chat_format.h"
#include "gemma4/generate.h"

namespace cli {

class Conversation {
 public:
  Conversation(gemma4::Session& session, gemma4::Sampler& sampler, std::string system, bool think);

  /// Sends a message and streams the answer. Throws Error context_full when the message does not fit; the conversation
  /// is then as before.
  gemma4::GenerateResult send(const std::string& text, const gemma4::GenerateOptions& options,
                              const gemma4::PieceCallback& on_piece);
  void reset();
  /// Tokens of the conversation so far.
  std::size_t size() const noexcept { return history_.size(); }

 private:
  std::size_t rewind_to_common(const std::vector<gemma4::TokenId>& wanted);

  gemma4::Session& session_;
  gemma4::Sampler& sampler_;
  ChatFormat format_;
  std::string system_;
  bool think_;
  std::vector<gemma4::TokenId> history_;  ///< What the session should hold before the next turn.
  std::size_t checkpoint_ = 0;            ///< Where the last turn began, which truncate() can reach again.
};

}  // namespace cli
