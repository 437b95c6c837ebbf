#include "model/text/place_rows.h"

#include <algorithm>
#include <cstring>

#include "model/graph/rope.h"

namespace gemma4::model {
namespace {

/// What the rows of one sequence see, by kind of layer.
void place_visible(const SequenceStep& sequence, std::int64_t window, graph::KeyRange* sliding, graph::KeyRange* full) {
  const auto first = static_cast<std::int64_t>(sequence.position);
  for (std::size_t i = 0; i < sequence.rows.size(); ++i) {
    const std::int64_t p = first + static_cast<std::int64_t>(i);
    full[i] = {0, p + 1};
    sliding[i] = {std::max<std::int64_t>(p - window + 1, 0), p + 1};
  }
  for (const RowRange& block : sequence.blocks) {
    for (std::int32_t i = block.begin; i < block.end; ++i) sliding[i].end = first + block.end;
  }
}

/// Moves the kept rows of a buffer to its front.
void keep_rows(graph::Rows rows, Span<const std::int32_t> kept) noexcept {
  if (rows.width == 0) return;  // no pair turns
  for (std::size_t i = 0; i < kept.size(); ++i) {
    const auto from = static_cast<std::size_t>(kept[i]);
    if (from != i) std::memcpy(rows.row(i), rows.row(from), rows.width * sizeof(float));
  }
}

template <class T>
void keep_values(std::vector<T>& values, Span<const std::int32_t> kept) noexcept {
  for (std::size_t i = 0; i < kept.size(); ++i) values[i] = values[static_cast<std::size_t>(kept[i])];
}

}  // namespace

std::size_t place_rows(const Pass& pass, const Step& step, const InverseFrequencies& inverse) {
  Workspace& ws = pass.ws;
  RowPlaces& places = ws.places;
  const std::vector<TokenId>& placeholders = pass.config.placeholder_token_ids;
  const TokenId pad = std::max(pass.config.pad_token_id, 0);
  ws.sequences.clear();
  std::size_t n = 0, n_kept = 0;
  for (const SequenceStep& sequence : step.sequences) {
    for (std::size_t i = 0; i < sequence.rows.size(); ++i) {
      const TokenId token = sequence.rows[i].token;
      const bool placeholder = std::find(placeholders.begin(), placeholders.end(), token) != placeholders.end();
      places.token[n + i] = placeholder ? pad : token;
      places.sequence[n + i] = static_cast<std::int32_t>(ws.sequences.size());
      places.position[n + i] = static_cast<std::int64_t>(sequence.position + i);
    }
    place_visible(sequence, pass.config.sliding_window, &places.visible_sliding[n], &places.visible_full[n]);
    for (const std::int32_t row : sequence.keep) ws.kept[n_kept++] = static_cast<std::int32_t>(n) + row;
    ws.sequences.push_back({n, sequence.rows.size(), sequence.kv});
    n += sequence.rows.size();
  }
  pass.kit.for_rows(n, [&](std::size_t i) {
    const auto turn = [&](const std::vector<float>& frequencies, RotaryRows& rows) {
      graph::rotary_row(frequencies, places.position[i], rows.cos.first(n).row(i), rows.sin.first(n).row(i));
    };
    turn(inverse.sliding, ws.rope_sliding);
    turn(inverse.full, ws.rope_full);
  });
  return n_kept;
}

void drop_other_rows(Pass& pass, Span<const std::int32_t> kept) noexcept {
  Workspace& ws = pass.ws;
  RowPlaces& places = ws.places;
  keep_rows(pass.x(), kept);
  for (RowBuffer* buffer : {&ws.rope_sliding.cos, &ws.rope_sliding.sin, &ws.rope_full.cos, &ws.rope_full.sin}) {
    keep_rows(buffer->first(pass.n), kept);
  }
  keep_values(places.token, kept);
  keep_values(places.sequence, kept);
  keep_values(places.position, kept);
  keep_values(places.visible_sliding, kept);
  keep_values(places.visible_full, kept);
  for (graph::SequenceRows& sequence : ws.sequences) sequence.first = sequence.count = 0;
  for (std::size_t i = 0; i < kept.size(); ++i) {
    graph::SequenceRows& sequence = ws.sequences[static_cast<std::size_t>(places.sequence[i])];
    if (sequence.count++ == 0) sequence.first = i;
  }
  pass.n = kept.size();
}

}  // namespace gemma4::model
