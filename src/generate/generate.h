// Loop: a generation of plain text from one session; the body of the public Generation.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "gemma4/options.h"
#include "gemma4/types.h"
#include "generate/machine.h"
#include "generate/session_driver.h"
#include "generate/text_answer.h"
#include "sampling/sampler.h"
#include "session/session.h"

namespace gemma4::generation {

class Loop {
 public:
  /// As Generation's constructor (include/gemma4/generate.h). The sampler must outlive the loop.
  Loop(std::shared_ptr<session::SessionState> session, Span<const TokenId> prompt, sampling::SamplerState& sampler,
       const GenerateOptions& options);
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  /// As Generation::next and step. After an exception the generation has ended.
  std::optional<Piece> next();
  std::optional<Piece> step();
  /// Ends it now with StopReason::cancelled; text still held back is dropped. Nothing happens if it has ended already.
  void cancel() noexcept;
  const GenerateResult& result() const noexcept { return result_; }

 private:
  void check_alone() const;
  void note_uses() noexcept;
  Span<const float> read_prompt();

  std::shared_ptr<session::SessionState> session_;
  sampling::SamplerState& sampler_;
  const GenerateOptions options_;
  std::vector<TokenId> prompt_;
  TextAnswer answer_;
  Machine machine_;
  SessionDriver driver_;

  std::uint64_t session_uses_ = 0;  ///< When the last step ended.
  std::uint64_t sampler_uses_ = 0;
  std::size_t position_ = 0;
  GenerateResult result_;
};

}  // namespace gemma4::generation
