// Pass: a step under way, as the blocks of the text decoder see it.
#pragma once

#include <cstddef>

#include "gemma4/config.h"
#include "model/graph/kit.h"
#include "model/text/workspace.h"

namespace gemma4::model {

/// Buffers hold the rows that are still in the step, side by side.
struct Pass {
  const graph::Kit& kit;
  const ModelConfig& config;
  Workspace& ws;
  std::size_t n = 0;  ///< rows still in the step

  float eps() const noexcept { return config.rms_norm_eps; }
  graph::Rows x() const noexcept { return ws.x.first(n); }
  graph::Rows normed() const noexcept { return ws.normed.first(n); }
  graph::Rows branch() const noexcept { return ws.branch.first(n); }
  graph::Activations feed_forward() const noexcept { return kit.arithmetic.feed_forward(n); }
};

}  // namespace gemma4::model
