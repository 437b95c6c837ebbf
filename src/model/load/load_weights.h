// Checkpoint tensors to the decoder's weights: the one place that knows both tensor names and the graph.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "gemma4/config.h"
#include "gemma4/options.h"
#include "kernels/kernels.h"
#include "model/text/weights.h"
#include "weights/checkpoint.h"

namespace gemma4::model {

struct LoadedWeights {
  DecoderWeights weights;
  std::vector<std::string> ignored;  ///< tensors of the checkpoint that a text decoder does not use
};

/// Views over the checkpoint's memory for every matrix; F32 copies of norms, scalars and router weights.
/// Throws Error: bad_checkpoint (a tensor missing, unknown, or of another shape), unsupported (its element type).
LoadedWeights load_weights(std::shared_ptr<const weights::Checkpoint> checkpoint, const ModelConfig& config,
                           const kernels::KernelTable& kernels, const ModelOptions& options);

}  // namespace gemma4::model
