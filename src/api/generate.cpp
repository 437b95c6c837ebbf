// Bodies of gemma4/generate.h.
#include "gemma4/generate.h"

#include "generate/generate.h"

namespace gemma4 {

Generation::Generation(Session& session, Span<const TokenId> prompt, Sampler& sampler, const GenerateOptions& options)
    : impl_(std::make_unique<generation::Loop>(session.impl(), prompt, sampler.impl(), options)) {}
Generation::Generation(Generation&&) noexcept = default;
Generation& Generation::operator=(Generation&&) noexcept = default;
Generation::~Generation() = default;

std::optional<Piece> Generation::next() { return impl_->next(); }
std::optional<Piece> Generation::step() { return impl_->step(); }
const GenerateResult& Generation::result() const noexcept { return impl_->result(); }

GenerateResult generate(Session& session, Span<const TokenId> prompt, Sampler& sampler, const GenerateOptions& options,
                        const PieceCallback& on_piece) {
  generation::Loop loop(session.impl(), prompt, sampler.impl(), options);
  while (const std::optional<Piece> piece = loop.next()) {
    if (on_piece && on_piece(*piece) == StreamAction::cancel) loop.cancel();
  }
  return loop.result();
}

}  // namespace gemma4
