// Mixture of experts, beside the dense MLP.
#pragma once

#include "model/text/pass.h"
#include "model/text/weights.h"

namespace gemma4::model {

/// sum = sum over the top_k experts e of w_e * down_e(gelu(gate_e z) * (up_e z)), z = rms(x) * pre_norm_2, for the
/// residual stream x [n, d]. The router sees rms(x) * scale / sqrt(d) (no weight); its softmax runs over all experts, the
/// chosen ones are renormalised to 1 and then multiplied by per_expert_scale. Equal probabilities: the lower expert wins.
/// @param scratch  [n, d]
/// Source: HF Gemma4TextRouter, Gemma4TextExperts.
void experts(const Pass& pass, const MoeWeights& weights, graph::ConstRows x, graph::Rows scratch, graph::Rows sum);

}  // namespace gemma4::model
