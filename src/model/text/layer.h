// One layer of the text decoder.
#pragma once

#include <cstddef>

#include "model/text/pass.h"
#include "model/text/per_layer_input.h"
#include "model/text/weights.h"

namespace gemma4::model {

/// x = layer(x) for the rows in the step:
///   a = rms(x) * input_layernorm;           x += rms(attention(a)) * post_attention_layernorm
///   z = rms(x) * pre_feedforward_layernorm; x += rms(feed_forward(z)) * post_feedforward_layernorm
///   x += per_layer_input(x), with PLE;      x *= layer_scalar
/// A layer that owns a cache stores the rows' keys and values in it first; with `stored`, they are there already.
/// Source: HF modeling_gemma4.py, Gemma4TextDecoderLayer.forward.
void layer(const Pass& pass, std::size_t index, const LayerWeights& weights, const StepInputs& inputs, bool stored);

/// What of a layer the later layers and the later steps need of a row: its keys and values.
void store_only(const Pass& pass, std::size_t index, const LayerWeights& weights);

}  // namespace gemma4::model
