// generate(): session + sampler + stop rules + streaming.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "gemma4/sampler.h"
#include "gemma4/session.h"

namespace gemma4 {

namespace generation {
class Loop;
}

/// A running generation, pulled piece by piece. Keeps references to the session and the sampler it was given: they must
/// outlive it. One thread at a time.
class Generation {
 public:
  /// Checks the arguments; computes nothing yet. Throws Error: token_out_of_range, context_full (the prompt does not
  /// fit), invalid_argument (no prompt on an empty session, an empty stop string).
  /// @param prompt  appended to the session. May be empty only right after a prefill that left logits in the session.
  Generation(Session& session, Span<const TokenId> prompt, Sampler& sampler, const GenerateOptions& options = {});
  Generation(Generation&&) noexcept;
  Generation& operator=(Generation&&) noexcept;
  ~Generation();

  /// The next piece, or nothing when the generation has ended (result() then says how). The first call prefills.
  /// Throws Error non_finite; a cancelled generation ends, it does not throw.
  std::optional<Piece> next();

  /// Complete once next() has returned nothing.
  const GenerateResult& result() const noexcept;

 private:
  std::unique_ptr<generation::Loop> impl_;
};

/// Called with every piece, from the calling thread.
using PieceCallback = std::function<StreamAction(const Piece&)>;

/// Runs a generation to its end. Afterwards the session holds the prompt and every generated token that was fed back:
/// all of them after end_of_turn (the end token itself is not fed), all but the last after max_tokens.
/// After a cancel the session is usable and Session::position() says where it stands.
GenerateResult generate(Session& session, Span<const TokenId> prompt, Sampler& sampler,
                        const GenerateOptions& options = {}, const PieceCallback& on_piece = {});

}  // namespace gemma4
