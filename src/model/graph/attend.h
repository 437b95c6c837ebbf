// Softmax attention of the rows of a step over their sequences' caches.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/aligned_buffer.h"
#include "gemma4/types.h"
#include "kernels/kernels.h"
#include "model/graph/kit.h"
#include "model/graph/kv_view.h"

namespace gemma4::graph {

/// Positions [begin, end) of a sequence.
struct KeyRange {
  std::int64_t begin = 0, end = 0;
};

/// The rows [first, first + count) of a step that belong to one sequence, and the caches they read and write.
struct SequenceRows {
  std::size_t first = 0, count = 0;
  Span<const KvView> kv;  ///< one view per layer
};

/// cos and sin of the turning pairs of each row, [rows, pairs].
struct Rotation {
  std::size_t pairs = 0;
  const float* cos = nullptr;
  const float* sin = nullptr;

  const float* cos_row(std::size_t i) const noexcept { return cos + i * pairs; }
  const float* sin_row(std::size_t i) const noexcept { return sin + i * pairs; }
};

/// Query rows an attention task takes at most.
inline constexpr std::size_t kAttentionRows = kernels::kAttendRows;

/// Softmax and sums of the rows of one attention task over some of its keys.
struct AttentionSums {
  base::AlignedBuffer<float> sums;  ///< [kAttentionRows, head_dim]
  std::array<kernels::SoftmaxState, kAttentionRows> state{};
};

/// One worker's scratch. A task cut between workers leaves a part with each: a worker's first task may be one that
/// another began (`continued`); the last that it began itself may go on elsewhere (`begun`).
struct AttentionScratch {
  explicit AttentionScratch(std::size_t head_dim);

  base::AlignedBuffer<float> queries;  ///< [kAttentionRows, head_dim]
  AttentionSums begun, continued;

  std::uint64_t bytes() const noexcept { return queries.bytes() + begun.sums.bytes() + continued.sums.bytes(); }
};

/// What attend() is about. The scale is 1. The queries are left as they are.
struct Attention {
  std::size_t heads = 0, head_dim = 0;
  std::size_t layer = 0;                  ///< whose view of each sequence is read
  ConstRows queries;                      ///< [n, heads * head_dim], as projected
  const Vector* q_norm = nullptr;         ///< [head_dim]
  float eps = 0.0F;
  Rotation rotation;
  Span<const KeyRange> visible;           ///< [n] what each row sees; never empty, and held by its view
  Span<const SequenceRows> sequences;     ///< they cover the n rows, in order
  Span<AttentionScratch> scratch;         ///< one per worker
  Rows dst;                               ///< [n, heads * head_dim]
};

/// dst = softmax(rope(rms(queries, q_norm)) . keys) values. What a row sees is up to `visible` alone.
void attend(const Kit& kit, const Attention& attention);

}  // namespace gemma4::graph
