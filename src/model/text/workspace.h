// Workspace: every buffer a step of the text decoder needs. One per model, lent with the pool's turn.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/aligned_buffer.h"
#include "gemma4/config.h"
#include "gemma4/types.h"
#include "matmul/product.h"
#include "model/graph/attend.h"
#include "model/graph/rows.h"

namespace gemma4::model {

/// A buffer of rows; views of it are as long as the step.
struct RowBuffer {
  RowBuffer() = default;
  RowBuffer(std::size_t rows, std::size_t row_width) : values(rows * row_width, "activations"), width(row_width) {}

  graph::Rows first(std::size_t n) noexcept { return {values.data(), n, width}; }
  /// The same memory as rows of another width, of a layer that is narrower than the widest.
  graph::Rows first(std::size_t n, std::size_t row_width) noexcept { return {values.data(), n, row_width}; }

  base::AlignedBuffer<float> values;
  std::size_t width = 0;
};

/// cos and sin of the turning pairs for the rows of a step, [rows, pairs].
struct RotaryRows {
  RowBuffer cos, sin;

  graph::Rotation view() const noexcept { return {cos.width, cos.values.data(), sin.values.data()}; }
};

/// Where each row of a step stands: [rows] each.
struct RowPlaces {
  std::vector<TokenId> token;                                  ///< as embedded
  std::vector<std::int32_t> sequence;                          ///< number of its sequence in the step
  std::vector<std::int64_t> position;
  std::vector<graph::KeyRange> visible_sliding, visible_full;  ///< what it sees, by kind of layer
};

/// The buffers of the experts of a step.
struct MoeWorkspace {
  RowBuffer router_logits;                    ///< [rows, experts]
  RowBuffer in, out;                          ///< [rows * top_k, hidden_size]
  RowBuffer gate, up;                         ///< [rows * top_k, expert width]
  RowBuffer sum;                              ///< [rows, hidden_size]
  std::vector<float> weight;                  ///< [rows * top_k]
  std::vector<std::int32_t> index;            ///< [rows * top_k]
  std::vector<std::int32_t> place;            ///< [rows * top_k] row of `in` that holds this choice
  std::vector<std::int32_t> begin;            ///< [experts + 1]
  std::vector<matmul::Product> products;      ///< of the current call
};

/// For steps of at most `rows` rows. d = hidden_size. Belongs to whoever holds the pool.
struct Workspace {
  Workspace(const ModelConfig& config, std::size_t max_rows, int workers);

  std::size_t rows;
  RowBuffer x;                  ///< [rows, d] residual stream
  RowBuffer normed;             ///< [rows, d] input of the current block
  RowBuffer branch;             ///< [rows, d] output of the current block
  RowBuffer q, attended;        ///< [rows, heads * head_dim]
  RowBuffer k, v;               ///< [rows, kv heads * head_dim]
  RowBuffer gate, up;           ///< [rows, intermediate]
  RowBuffer per_layer_inputs;   ///< [rows, layers * width]
  RowBuffer per_layer_gate;     ///< [rows, width]
  RotaryRows rope_sliding, rope_full;
  MoeWorkspace moe;             ///< empty without experts

  std::vector<graph::AttentionScratch> attention;  ///< one per worker
  RowPlaces places;
  std::vector<std::int32_t> kept;                  ///< [rows] the rows of the step that are kept
  std::vector<TokenId> kept_tokens;                ///< [rows]
  std::vector<graph::SequenceRows> sequences;      ///< of the current step

  std::uint64_t bytes() const noexcept;
  /// bytes() of a workspace that nobody makes.
  static std::uint64_t bytes_for(const ModelConfig& config, std::size_t rows, int workers);
};

}  // namespace gemma4::model
