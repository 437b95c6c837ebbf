// The gated feed-forward block.
#pragma once

#include "model/text/pass.h"
#include "model/text/weights.h"

namespace gemma4::model {

/// dst = W_down (gelu(W_gate z) * (W_up z)); z, dst [n, d]. Source: HF Gemma4TextMLP.
void mlp(const Pass& pass, const MlpWeights& weights, graph::ConstRows z, graph::Rows dst);

}  // namespace gemma4::model
