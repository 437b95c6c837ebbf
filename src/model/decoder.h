// Decoder: embeddings, layers, soft-capped logits. One graph, driven by the config.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "gemma4/config.h"
#include "gemma4/profile.h"
#include "gemma4/types.h"
#include "kernels/kernels.h"
#include "matmul/matmul.h"
#include "model/context.h"
#include "model/kv_view.h"
#include "model/probe.h"
#include "model/weights.h"
#include "model/workspace.h"

namespace gemma4::model {

/// One pass over consecutive tokens.
struct Step {
  Span<const TokenId> tokens;         ///< ids already checked; at most Workspace::rows of them
  std::size_t position = 0;           ///< of the first token
  Span<const std::int32_t> keep;      ///< rows whose hidden states are wanted, strictly ascending
  bool skip_shared_layers = true;     ///< the other rows stop where nobody reads them any more
  const CancelToken* cancel = nullptr;
  /// Called between two layers, with the rows times layers that are done, of those that the step runs. What it throws
  /// ends the step as a cancel does. Null: nothing is.
  const std::function<void(std::size_t done, std::size_t total)>* progress = nullptr;
  const Probe* probe = nullptr;
  Profile* profile = nullptr;
};

/// Immutable but for the scratch of its MatMul: calls need the pool held (ThreadPool::acquire).
class Decoder {
 public:
  Decoder(const ModelConfig& config, DecoderWeights weights, const kernels::KernelTable& kernels,
          const base::ThreadPool& pool, Compute compute);

  /// Runs the layers; keys and values go to `kv` (one view per layer, KV-shared layers holding their donor's). Leaves
  /// the kept rows' hidden states after the final norm in ws.normed [keep, hidden_size]. Returns false when cancelled;
  /// then only cache slots at and after step.position have changed.
  ///
  /// Rows not kept leave the step after the last layer that owns a cache has stored their keys and values: nothing
  /// reads what they would compute after that (text.md, section 8). Exact.
  bool forward(const Step& step, Span<const KvView> kv, Workspace& ws) const;

  /// logits [n, vocab_size] of hidden states [n, hidden_size], soft-capped. Returns false when one is not finite.
  /// @param profile  as Step::profile
  bool logits(const float* hidden, std::size_t n, float* dst, Profile* profile = nullptr) const;
  /// False when a value is not finite.
  bool all_finite(const float* values, std::size_t n) const;

  const DecoderWeights& weights() const noexcept { return weights_; }
  const kernels::KernelTable& kernels() const noexcept { return kernels_; }

 private:
  void embed(const Context& c, Span<const TokenId> tokens) const;
  void rotary(const Context& c, std::size_t position, std::size_t n) const;
  void feed_forward(const Context& c, const LayerWeights& layer, std::size_t n) const;

  const ModelConfig& config_;
  DecoderWeights weights_;
  const kernels::KernelTable& kernels_;
  const base::ThreadPool& pool_;
  mutable matmul::MatMul matmul_;
  std::vector<float> inverse_sliding_, inverse_full_;
};

}  // namespace gemma4::model
