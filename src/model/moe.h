// Mixture of experts, beside the dense MLP.
#pragma once

#include <cstddef>

#include "model/context.h"
#include "model/weights.h"

namespace gemma4::model {

/// ws.expert_sum = sum over the top_k experts e of w_e * down_e(gelu(gate_e z) * (up_e z)), z = rms(x) * pre_norm_2,
/// for the residual stream ws.x [n, d]. The router sees rms(x) * scale / sqrt(d) (no weight); its softmax runs over all
/// experts, the chosen ones are renormalised to 1 and then multiplied by per_expert_scale. Equal probabilities: the
/// lower expert wins. Uses ws.branch as scratch. Source: HF Gemma4TextRouter, Gemma4TextExperts.
void experts(const Context& context, const MoeWeights& weights, std::size_t n);

}  // namespace gemma4::model
