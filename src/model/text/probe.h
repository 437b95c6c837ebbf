// Probe: an optional tap on the residual stream, for parity tests.
#pragma once

#include <cstddef>
#include <functional>

namespace gemma4::model {

/// Called with layer -1 (scaled embeddings), 0 .. layers - 1 (after that layer), and layers (after the final norm);
/// values [rows, hidden_size] of the rows still in the step. From the session's thread.
using Probe = std::function<void(int layer, const float* values, std::size_t rows, std::size_t hidden_size)>;

}  // namespace gemma4::model
