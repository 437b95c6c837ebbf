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

/// A running generation, pulled piece by piece. Uses the session and the sampler it was given: they must outlive it,
/// and nobody else may work with them meanwhile: where the session was prefilled, decoded, truncated or given to
/// another generation, or the sampler used, since this generation was made or took its last step, its next step throws.
/// One thread at a time.
class Generation {
 public:
  /// Checks the arguments; computes nothing yet. Throws Error: token_out_of_range, context_full (the prompt does not
  /// fit), invalid_argument (no prompt and no logits to go on from, max_tokens below -1, a stop string that is empty or
  /// not UTF-8).
  /// @param prompt  appended to the session, and shown to the sampler (Sampler::observe). May be empty only right after
  ///                a call that left logits in the session: its tokens the sampler has not seen.
  Generation(Session& session, Span<const TokenId> prompt, Sampler& sampler, const GenerateOptions& options = {});
  Generation(Generation&&) noexcept;
  Generation& operator=(Generation&&) noexcept;
  ~Generation();

  /// The next piece, or nothing when the generation has ended (result() then says how). The first call prefills. Throws
  /// Error non_finite, and invalid_argument where somebody else has worked with the session or the sampler; it has then
  /// ended. A cancelled generation ends, it does not throw.
  std::optional<Piece> next();

  /// As next(), but the work of one token at most: the piece may be empty. For hosts that want to look up in between.
  std::optional<Piece> step();

  /// Complete once next() has returned nothing.
  const GenerateResult& result() const noexcept;

 private:
  std::unique_ptr<generation::Loop> impl_;
};

/// Called with every piece, from the calling thread.
using PieceCallback = std::function<StreamAction(const Piece&)>;

/// Runs a generation to its end. Afterwards the session holds the prompt and every generated token that was fed back:
/// all of them after end_of_turn (the end token itself is not fed), all but the last (with a constraint: but the last
/// few) after max_tokens, stop_sequence, context_full and where the constraint is finished. After a cancel the session is
/// usable and Session::tokens() says where it stands; when the callback
/// asked for it, text and tokens that no piece had delivered yet are dropped.
GenerateResult generate(Session& session, Span<const TokenId> prompt, Sampler& sampler,
                        const GenerateOptions& options = {}, const PieceCallback& on_piece = {});

}  // namespace gemma4
