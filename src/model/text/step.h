// Step: rows of one or several sequences that go through the decoder together.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

#include "gemma4/profile.h"
#include "gemma4/types.h"
#include "matmul/arithmetic.h"
#include "model/graph/kv_view.h"
#include "model/text/probe.h"

namespace gemma4::model {

/// One position of a sequence.
struct Row {
  TokenId token = 0;                 ///< Already checked. Where an embedding is given it stands for the medium in the
                                     ///< per-layer inputs.
  const float* embedding = nullptr;  ///< [hidden_size] given in place of the token's own, already scaled; may be null.
};

/// Rows [begin, end) of a sequence's part in a step.
struct RowRange {
  std::int32_t begin = 0, end = 0;
};

/// The rows that one sequence has in a step, at consecutive positions.
struct SequenceStep {
  Span<const Row> rows;
  std::size_t position = 0;           ///< of the first row
  Span<const graph::KvView> kv;       ///< one view per layer; KV-shared layers have their donor's
  Span<const std::int32_t> keep;      ///< rows whose hidden states are wanted, strictly ascending
  /// Rows that see one another on the sliding layers (a picture's), ascending and apart. Each is whole.
  Span<const RowRange> blocks;
};

struct Step {
  Span<const SequenceStep> sequences;  ///< at most Workspace::sequences of them, with Workspace::rows rows in all
  matmul::Arithmetic arithmetic = matmul::Arithmetic::together();
  bool skip_shared_layers = true;      ///< rows not kept stop where nobody reads them any more
  const CancelToken* cancel = nullptr;
  /// Called between two layers with the rows times layers that are done, of those that the step runs. What it throws ends
  /// the step as a cancel does. May be null.
  const std::function<void(std::size_t done, std::size_t total)>* progress = nullptr;
  const Probe* probe = nullptr;
  Profile* profile = nullptr;
};

}  // namespace gemma4::model
