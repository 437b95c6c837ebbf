// Where the rows of a step stand: their tokens, positions, angles, what each sees; and how some of them leave it.
#pragma once

#include <cstddef>
#include <vector>

#include "model/text/pass.h"
#include "model/text/step.h"

namespace gemma4::model {

/// rope_theta^(-2i / head_dim) of the turning pairs, by kind of layer.
struct InverseFrequencies {
  std::vector<float> sliding, full;
};

/// Fills ws.places, ws.sequences, ws.kept, and the angles of both kinds of layer. Returns how many rows are kept.
///
/// A full layer sees every position up to the row's own; a sliding layer the last sliding_window of those, and the rows
/// behind it in its block. The window is one-sided (text.md, section 7).
/// Placeholders of media that are not there are embedded as the pad token.
std::size_t place_rows(const Pass& pass, const Step& step, const InverseFrequencies& inverse);

/// The step consists of the kept rows alone from here on: moves their residual stream and all that place_rows() made to
/// the front.
void drop_other_rows(Pass& pass, Span<const std::int32_t> kept) noexcept;

}  // namespace gemma4::model
