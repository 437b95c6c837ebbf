// Loop: the step that joins session, sampler and stop rules; the body of the public Generation.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gemma4/options.h"
#include "gemma4/types.h"
#include "generate/stop_strings.h"
#include "sampling/sampler.h"
#include "session/session.h"
#include "tokenizer/tokenizer.h"

namespace gemma4::generation {

/// One generation. A step feeds the token sampled before and those a constraint forced behind it (the first: prefills
/// the prompt), samples the next, and lets go of the text that has become final. The last token is therefore never fed.
class Loop {
 public:
  /// As Generation's constructor (include/gemma4/generate.h). The sampler must outlive the loop.
  Loop(std::shared_ptr<session::SessionState> session, Span<const TokenId> prompt, sampling::SamplerState& sampler,
       const GenerateOptions& options);

  /// As Generation::next and step. After an exception the generation has ended.
  std::optional<Piece> next();
  std::optional<Piece> step();
  /// Ends it now with StopReason::cancelled; text still held back is dropped. Nothing happens if it has ended already.
  void cancel() noexcept;
  const GenerateResult& result() const noexcept { return result_; }

 private:
  // A token whose text is not out yet.
  struct Waiting {
    SampledToken sampled;
    std::size_t end = 0;  ///< Where its text ends, in bytes of the decoded text; kUnknown while the decoder holds it.
  };

  void check_alone() const;
  void note_uses() noexcept;
  Span<const float> advance();
  void take_step(Piece& piece);
  Span<const std::uint32_t> mask();
  bool add(SampledToken sampled, Piece& piece);
  void jump_ahead(Piece& piece);
  void take(SampledToken sampled, Piece& piece);
  bool pass_on(const std::string& decoded, Piece& piece);
  void release_tokens(std::size_t decided, Piece& piece);
  void end(StopReason reason, Piece& piece);
  bool is_end_token(TokenId token) const noexcept;

  std::shared_ptr<session::SessionState> session_;
  sampling::SamplerState& sampler_;
  const GenerateOptions options_;
  std::vector<TokenId> prompt_;
  tokenizer::StreamDecoder decoder_;
  StopStrings stops_;

  std::uint64_t session_uses_ = 0;  ///< When the last step ended.
  std::uint64_t sampler_uses_ = 0;
  std::size_t position_ = 0;
  bool started_ = false;
  bool ended_ = false;
  std::size_t generated_ = 0;  ///< Tokens sampled, the end token not counted.
  std::vector<TokenId> due_;   ///< Chosen and not fed yet.
  std::vector<std::uint32_t> allowed_;  ///< The constraint's mask.
  std::size_t decoded_ = 0;    ///< Bytes the decoder has given.
  std::size_t passed_ = 0;     ///< Bytes of those that are out.
  std::vector<Waiting> waiting_;
  GenerateResult result_;
};

}  // namespace gemma4::generation
