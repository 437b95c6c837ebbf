// How tokens were chosen, as arrays of the host's.
#pragma once

#include <vector>

#include "gemma4/types.h"
#include "guard.h"

namespace gemma4::capi {

using Samples = std::vector<SampledToken>;

inline void write_tokens(const Samples& samples, std::int32_t* tokens, std::size_t capacity, std::size_t* out_count) {
  std::vector<std::int32_t> ids;
  for (const SampledToken& sample : samples) ids.push_back(sample.token);
  write_array<std::int32_t>(ids, tokens, capacity, out_count, "tokens");
}

inline void write_logprobs(const Samples& samples, float* logprobs, std::size_t capacity, std::size_t* out_count) {
  std::vector<float> values;
  for (const SampledToken& sample : samples) values.push_back(sample.logprob);
  write_array<float>(values, logprobs, capacity, out_count, "logprobs");
}

/// Two arrays of one capacity.
inline void write_top(const SampledToken& sample, std::int32_t* tokens, float* logprobs, std::size_t capacity,
                      std::size_t* out_count) {
  std::vector<std::int32_t> ids;
  std::vector<float> values;
  for (const TokenProbability& one : sample.top) {
    ids.push_back(one.token);
    values.push_back(one.logprob);
  }
  write_array<std::int32_t>(ids, tokens, capacity, out_count, "tokens");
  write_array<float>(values, logprobs, capacity, out_count, "logprobs");
}

}  // namespace gemma4::capi
