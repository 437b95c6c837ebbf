// Steps of several sequences, straight at the decoder: what an engine will do.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "model/load/loaded_model.h"
#include "session/kv_cache.h"
#include "support/random_models.h"

namespace gemma4::test {

/// A sequence with a cache of its own.
struct RowSequence {
  RowSequence(const Model& model, std::size_t context, std::size_t rows, DType dtype)
      : cache(model.config(), context, rows, dtype) {}
  session::KvCache cache;
  std::vector<TokenId> tokens;  ///< those that are in the cache
};

/// What a step adds to a sequence. The logits of its last row are wanted.
struct RowPart {
  RowSequence* sequence;
  std::vector<TokenId> tokens;
};

/// One step; logits of each part's last row.
inline std::vector<Values> run_rows(const Model& model, const std::vector<RowPart>& parts, matmul::Arithmetic arithmetic) {
  const model::LoadedModel& loaded = *model.impl();
  std::vector<std::vector<model::Row>> rows(parts.size());
  std::vector<std::int32_t> keep;
  std::size_t n = 0;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    for (const TokenId token : parts[i].tokens) rows[i].push_back({token, nullptr});
    keep.push_back(static_cast<std::int32_t>(rows[i].size()) - 1);
    n += rows[i].size();
  }
  std::vector<model::SequenceStep> sequences;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    RowSequence& s = *parts[i].sequence;
    s.cache.will_write_to(s.tokens.size() + rows[i].size());
    sequences.push_back({rows[i], s.tokens.size(), s.cache.views(), {&keep[i], 1}, {}});
  }
  model::Step step;
  step.sequences = sequences;
  step.arithmetic = arithmetic;
  loaded.turns().reserve(n);
  const model::Turn turn = loaded.turns().take();
  if (!loaded.decoder().forward(step, turn.memory())) throw std::runtime_error("cancelled");
  const auto vocab = static_cast<std::size_t>(model.config().vocab_size);
  std::vector<float> logits(parts.size() * vocab);
  loaded.decoder().logits(turn.workspace().normed.first(parts.size()), arithmetic, turn.matmul(), logits.data());
  std::vector<Values> result;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    result.emplace_back(logits.begin() + static_cast<std::ptrdiff_t>(i * vocab),
                        logits.begin() + static_cast<std::ptrdiff_t>((i + 1) * vocab));
    RowSequence& s = *parts[i].sequence;
    s.tokens.insert(s.tokens.end(), parts[i].tokens.begin(), parts[i].tokens.end());
  }
  return result;
}

}  // namespace gemma4::test
