// Workspace: every activation buffer of one sequence, sized once.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/aligned_buffer.h"
#include "gemma4/config.h"
#include "matmul/product.h"
#include "kernels/kernels.h"

namespace gemma4::model {

/// Query rows an attention task takes at most.
inline constexpr std::size_t kAttentionRows = kernels::kAttendRows;

/// cos and sin of the turning pairs for the rows of a step, [rows, pairs].
struct RotaryRows {
  std::size_t pairs = 0;
  base::AlignedBuffer<float> cos, sin;
};

/// Softmax and sums of the rows of one attention task over some of its keys.
struct AttentionSums {
  base::AlignedBuffer<float> sums;  ///< [kAttentionRows, head_dim]
  std::array<kernels::SoftmaxState, kAttentionRows> state{};
};

/// One worker's scratch in attention. A task cut between workers leaves a part with each: a worker's first task may be
/// one that another began (`continued`); the last that it began itself may go on elsewhere (`begun`).
struct AttentionScratch {
  base::AlignedBuffer<float> queries;  ///< [kAttentionRows, head_dim]
  AttentionSums begun, continued;
};

/// Buffers of a step of at most `rows` tokens. Sizes in comments are floats; d = hidden_size.
struct Workspace {
  Workspace(const ModelConfig& config, std::size_t rows, int workers);

  std::size_t rows;
  base::AlignedBuffer<float> x;        ///< [rows, d] residual stream
  base::AlignedBuffer<float> normed;   ///< [rows, d] input of the current block
  base::AlignedBuffer<float> branch;   ///< [rows, d] output of the current block
  base::AlignedBuffer<float> q;        ///< [rows, heads * head_dim]
  base::AlignedBuffer<float> attended; ///< [rows, heads * head_dim]
  base::AlignedBuffer<float> k, v;     ///< [rows, kv heads * head_dim]
  base::AlignedBuffer<float> gate, up; ///< [rows, intermediate]
  base::AlignedBuffer<float> per_layer_inputs;  ///< [rows, layers * width]
  base::AlignedBuffer<float> per_layer_gate;    ///< [rows, width]
  RotaryRows rope_sliding, rope_full;

  // Mixture of experts
  base::AlignedBuffer<float> router_logits;   ///< [rows, experts]
  base::AlignedBuffer<float> expert_in;       ///< [rows * top_k, d]
  base::AlignedBuffer<float> expert_out;      ///< [rows * top_k, d]
  base::AlignedBuffer<float> expert_gate, expert_up;  ///< [rows * top_k, expert width]
  base::AlignedBuffer<float> expert_sum;      ///< [rows, d]
  std::vector<float> expert_weight;           ///< [rows * top_k]
  std::vector<std::int32_t> expert_index;     ///< [rows * top_k]
  std::vector<std::int32_t> expert_place;     ///< [rows * top_k] row of expert_in that holds this choice
  std::vector<std::int32_t> expert_begin;     ///< [experts + 1]
  std::vector<matmul::Product> expert_products;  ///< of the current call

  std::vector<AttentionScratch> attention;    ///< one per worker
  std::vector<std::int64_t> positions;        ///< [rows]
  std::vector<TokenId> ids;                   ///< [rows] as embedded
  std::vector<TokenId> kept_ids;              ///< [rows] those of the kept rows

  std::uint64_t bytes() const noexcept;
  /// bytes() of a workspace that nobody makes.
  static std::uint64_t bytes_for(const ModelConfig& config, std::size_t rows, int workers);
};

}  // namespace gemma4::model
