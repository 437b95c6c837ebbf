// Profile: where the time of a session's steps goes, by kind of work.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace gemma4 {

/// What a step is made of.
enum class Op : std::uint8_t {
  embed,      ///< Embedding rows, angles of the rotary embedding.
  norm,       ///< RMS norms, rotation, residual sums; keys and values rounded and stored.
  qkv,        ///< Projections to queries, keys and values.
  attention,  ///< Softmax attention over the cache.
  o_proj,     ///< Projection of what attention found.
  gate_up,    ///< First half of the dense MLP, its activation function included.
  down,       ///< Second half of the dense MLP.
  router,     ///< Choice of experts.
  experts,    ///< Both halves of the chosen experts, and their weighted sum.
  per_layer,  ///< Per-layer input: the table's rows, their projection, and their way into each layer.
  head,       ///< Logits, soft-capped.
};
inline constexpr std::size_t kOps = 11;

/// "qkv", "gate_up", ...; static storage.
const char* to_string(Op op) noexcept;

/// What one kind of work has cost.
struct OpCost {
  std::uint64_t calls = 0;
  double seconds = 0.0;          ///< As the session's thread saw them.
  std::uint64_t bytes = 0;       ///< Weights that had to be read, in the file's types; for attention keys and values.
  std::uint64_t operations = 0;  ///< Multiplications and additions that products and attention need.
};

/// Sums over the steps of a session: see Session::set_profile. To start anew, assign {}.
struct Profile {
  std::array<OpCost, kOps> ops;

  OpCost& operator[](Op op) noexcept { return ops[static_cast<std::size_t>(op)]; }
  const OpCost& operator[](Op op) const noexcept { return ops[static_cast<std::size_t>(op)]; }
};

}  // namespace gemma4
