// TokenConstraint: what may come next in a generation, as a mask over the vocabulary.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "gemma4/types.h"

namespace gemma4 {

/// Words of a mask over `vocab_size` tokens: bit (id % 32) of word (id / 32) stands for token `id`.
constexpr std::size_t mask_words(std::size_t vocab_size) noexcept { return (vocab_size + 31) / 32; }

/// Holds a generation to something (GenerateOptions::constraint). The generation asks for a mask before each token it
/// samples and tells which token it took. Constraints compose: one that begins after a thought, or after a certain
/// token, answers "everything may come" until then and hands on to another from there.
///
/// The model's end tokens are not the constraint's business: the generation allows them where may_stop() says so, and
/// where a mask names them itself. One thread at a time.
class TokenConstraint {
 public:
  virtual ~TokenConstraint() = default;

  /// Writes the tokens that may come next; allowed [mask_words(n)], every word is written, and n, the model's
  /// vocab_size, may be above the tokenizer's (bits that stand for no token are 0). Returns false, and may leave
  /// `allowed` as it was, when every token may come, end tokens among them. Throws Error unsupported when a documented
  /// limit is reached.
  virtual bool mask(Span<std::uint32_t> allowed) = 0;

  /// One token more. Returns false, and has then changed nothing, when it may not come here.
  virtual bool accept(TokenId token) = 0;

  /// True when the tokens so far are complete: the answer may end here.
  virtual bool may_stop() = 0;

  /// True when they are complete and nothing can follow: the generation ends here by itself.
  virtual bool finished() = 0;

  /// Tokens that must come next, as the tokenizer would write the text that is forced; empty when there is a choice, or
  /// where it is not known. Each is one that the masks on the way allow. The generation reads them in one go.
  virtual std::vector<TokenId> forced() { return {}; }

  /// Takes the last n accepted tokens back. Throws Error invalid_argument when there are fewer.
  virtual void rollback(std::size_t n) = 0;

  /// An independent constraint in the same state.
  virtual std::unique_ptr<TokenConstraint> fork() const = 0;
};

}  // namespace gemma4
