// Softmax attention of query rows over a layer's cache.
#pragma once

#include <cstddef>

#include "model/context.h"
#include "model/kv_view.h"
#include "model/weights.h"

namespace gemma4::model {

/// ws.attended = softmax(rope(rms(ws.q, q_norm)) . keys) values for n rows at ws.positions, which ascend. Scale is 1.
/// Visible to position p: all keys <= p (full), or the last sliding_window of them, p included (sliding).
/// ws.q is left as it is.
void attend(const Context& context, const LayerConfig& layer, const Vector& q_norm, const RotaryRows& rotary,
            const KvView& kv, std::size_t n);

}  // namespace gemma4::model
