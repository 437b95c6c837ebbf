// Decoder: embeddings, layers, soft-capped logits. One graph, driven by the config.
#pragma once

#include <cstddef>
#include <cstdint>

#include "gemma4/config.h"
#include "gemma4/options.h"
#include "gemma4/profile.h"
#include "kernels/kernels.h"
#include "matmul/matmul.h"
#include "model/text/place_rows.h"
#include "model/text/step.h"
#include "model/text/weights.h"
#include "model/text/workspace.h"

namespace gemma4::model {

/// What a step works in; lent to one thread at a time, with the pool (load/turn.h).
struct StepMemory {
  matmul::MatMul& matmul;
  Workspace& workspace;
};

/// Immutable. A call needs memory of its own and the pool held.
class Decoder {
 public:
  Decoder(const ModelConfig& config, DecoderWeights weights, const kernels::KernelTable& kernels,
          const base::ThreadPool& pool);

  /// The products of this decoder, with room for what a step of few rows needs: such steps allocate nothing.
  matmul::MatMul make_products(Compute compute) const;

  /// Runs the layers; keys and values go to the sequences' views. Leaves the kept rows' hidden states after the final
  /// norm, sequence by sequence, in workspace.normed [kept, hidden_size]. Returns false when cancelled; then only cache
  /// slots at and after the sequences' positions have changed.
  ///
  /// Rows not kept leave the step after the last layer that owns a cache has stored their keys and values: nothing
  /// reads what they would compute after that (text.md, section 8). Exact.
  bool forward(const Step& step, StepMemory memory) const;

  /// logits [n, vocab_size] of hidden states [n, hidden_size], soft-capped. Returns false when one is not finite.
  /// @param profile  as Step::profile
  bool logits(graph::ConstRows hidden, matmul::Arithmetic arithmetic, matmul::MatMul& matmul, float* dst,
              Profile* profile = nullptr) const;

  const ModelConfig& config() const noexcept { return config_; }
  const DecoderWeights& weights() const noexcept { return weights_; }
  const kernels::KernelTable& kernels() const noexcept { return kernels_; }

 private:
  void embed(const Pass& pass, const Step& step) const;

  const ModelConfig& config_;
  const DecoderWeights weights_;
  const kernels::KernelTable& kernels_;
  const base::ThreadPool& pool_;
  const InverseFrequencies inverse_;
};

/// False when a value is not finite.
bool all_finite(Span<const float> values) noexcept;

}  // namespace gemma4::model
