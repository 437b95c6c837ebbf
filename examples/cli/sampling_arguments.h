// The sampler's options on the command line; those not given are the model's own.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "gemma4/model.h"
#include "gemma4/options.h"

namespace CLI {
class App;
}

namespace cli {

struct SamplingArguments {
  std::optional<float> temperature, top_p, min_p, typical_p;
  std::optional<float> repetition_penalty, presence_penalty, frequency_penalty;
  std::optional<float> dry_multiplier, dry_base, xtc_probability, xtc_threshold;
  std::optional<int> top_k, penalty_last_n, dry_allowed_length, dry_penalty_last_n, no_repeat_ngram_size;
  std::vector<std::string> dry_sequence_breakers;
  std::optional<std::uint64_t> seed;
  std::vector<std::string> logit_bias;  ///< "ID=VALUE"
  std::vector<int> suppress;

  void add_to(CLI::App& command);
  /// The model's defaults with these on top.
  gemma4::SamplerOptions options(const gemma4::Model& model) const;
};

}  // namespace cli
