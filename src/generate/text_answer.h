// TextAnswer: plain generation. Tokens to text, stop strings, and pieces that hold whole characters.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gemma4/options.h"
#include "gemma4/types.h"
#include "generate/answer.h"
#include "generate/stop_strings.h"
#include "tokenizer/tokenizer.h"

namespace gemma4::generation {

/// Text is let go of once no stop string can take it back; a token comes with the piece that has the end of its text.
class TextAnswer final : public Answer {
 public:
  /// @param ends     the model's end tokens
  /// @param samples  pieces carry SampledTokens
  /// Throws Error invalid_argument: stop strings that are empty or not UTF-8.
  TextAnswer(std::shared_ptr<const tokenizer::BpeTokenizer> tokenizer, std::vector<TokenId> ends,
             const GenerateOptions& options, bool samples);

  TokenConstraint* constraint() override { return options_.constraint.get(); }
  bool ends(TokenId token) const noexcept override;
  std::optional<StopReason> take(SampledToken token) override;
  StopReason finish(StopReason reason) override;

  /// What has become final since the last call.
  Piece piece();
  /// The stop string that ended it, else empty.
  const std::string& stop() const noexcept { return stop_; }

 private:
  // A token whose text is not out yet.
  struct Waiting {
    SampledToken sampled;
    std::size_t end = 0;  ///< Where its text ends, in bytes of the decoded text; kUnknown while the decoder holds it.
  };

  bool pass_on(const std::string& decoded);
  void release_tokens(std::size_t decided);

  const GenerateOptions options_;
  const std::vector<TokenId> ends_;
  const bool samples_;
  tokenizer::StreamDecoder decoder_;
  StopStrings stops_;
  std::size_t decoded_ = 0;  ///< Bytes the decoder has given.
  std::size_t passed_ = 0;   ///< Bytes of those that are out.
  std::vector<Waiting> waiting_;
  Piece piece_;
  std::string stop_;
};

}  // namespace gemma4::generation
