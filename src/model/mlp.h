// The gated feed-forward block.
#pragma once

#include <cstddef>

#include "model/context.h"
#include "model/weights.h"

namespace gemma4::model {

/// dst = W_down (gelu(W_gate z) * (W_up z)) for z = ws.normed [n, d]; dst [n, d]. Source: HF Gemma4TextMLP.
void mlp(const Context& context, const MlpWeights& weights, float* dst, std::size_t n);

}  // namespace gemma4::model
