// Session: one sequence of tokens, its KV cache, and the logits of its last step.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "gemma4/model.h"
#include "gemma4/profile.h"

namespace gemma4 {

namespace session {
class SessionState;
}

/// What a model and one session over it take, in bytes. Exact: memory_plan() and Session::memory_bytes() agree.
/// A further session of these options, or a fork, takes session_bytes().
struct MemoryPlan {
  std::vector<ModelPart> weights;      ///< As Model::parts(): of the mapped file, read when they are first used.
  std::uint64_t weight_bytes = 0;      ///< Their sum.
  std::uint64_t kv_cache_bytes = 0;    ///< Keys and values of context_length tokens; committed when the session is made.
  std::uint64_t state_bytes = 0;       ///< Logits and the history of tokens; committed then too.
  std::uint64_t workspace_bytes = 0;   ///< Activations of a step, once per model however many sessions it has: committed
                                       ///< when the first of them is made, and again when one has longer steps.
  std::uint64_t checkpoint_bytes = 0;  ///< What Session::checkpoint() may take on top, at most.

  /// Session::memory_bytes() of a session that has just been made.
  std::uint64_t session_bytes() const noexcept { return kv_cache_bytes + state_bytes; }
  /// Weights, workspace and one session; without checkpoints.
  std::uint64_t total_bytes() const noexcept { return weight_bytes + workspace_bytes + session_bytes(); }
};

/// The plan of a session with these options; makes none. Any thread. Throws Error invalid_argument as Session does.
MemoryPlan memory_plan(const Model& model, const SessionOptions& options = {});

/// The state of one sequence over a model. One thread at a time; different sessions may run in different threads (they
/// share the model's pool and take turns on it). Movable, not copyable: see fork().
class Session {
 public:
  /// Reserves and commits every byte the session will ever need.
  /// Throws Error: invalid_argument (context_length or prefill_chunk < 1), out_of_memory.
  explicit Session(const Model& model, const SessionOptions& options = {});
  Session(Session&&) noexcept;
  Session& operator=(Session&&) noexcept;
  ~Session();

  /// Appends tokens and returns what `options.want` names, row-major F32, valid until the next call on this session.
  /// Throws Error: token_out_of_range and context_full before anything is computed; cancelled, after which the session
  /// is at its last completed chunk (see position()); non_finite, likewise; invalid_argument for no tokens or bad rows.
  Span<const float> prefill(Span<const TokenId> tokens, const PrefillOptions& options = {});

  /// Appends one token and returns its logits, [vocab_size] F32, valid until the next call on this session. Allocates
  /// nothing. Throws Error: token_out_of_range, context_full, cancelled, non_finite; the session is then unchanged.
  Span<const float> decode(TokenId token);
  /// The same; cancelled between two layers when `cancel` is.
  Span<const float> decode(TokenId token, const CancelToken& cancel);

  /// Hands over the memory of what the last prefill returned, where that was rows, all logits or hidden states: it lives as
  /// long as the pointer does, and the session makes other memory when it needs it again. Null where there is none. For
  /// bindings that would copy it otherwise.
  std::shared_ptr<float> take_rows();

  /// Tokens held.
  std::size_t position() const noexcept;
  /// Tokens the session can hold.
  std::size_t context_length() const noexcept;
  /// The tokens held, oldest first; valid until the next call on this session.
  Span<const TokenId> tokens() const noexcept;

  /// Keeps the first n tokens; position() becomes n. Exact: what follows is as if the rest had never been.
  /// Any n while no sliding layer's ring has wrapped; later n = 0, at least one chunk back (less after a cancelled
  /// prefill, whose chunk has used the room), or a checkpoint's position.
  /// Throws Error invalid_argument otherwise (naming the smallest n that is possible); the session is then unchanged.
  void truncate(std::size_t n);

  /// Remembers the sliding layers' keys and values at this position, so that truncate(position()) stays possible for
  /// ever. Costs their window's bytes, within SessionOptions::checkpoint_bytes; older checkpoints make room.
  /// Returns false when one alone does not fit.
  bool checkpoint();

  /// A second session with the same tokens; both go on independently, each to the bits that the same calls would have given
  /// without the fork. Throws Error out_of_memory.
  Session fork() const;

  /// Adds what every later step costs to *profile, which must outlive them; null: no longer. Forks do not inherit it.
  void set_profile(Profile* profile) noexcept;

  /// The model it was made over; valid as long as the session.
  const Model& model() const noexcept;
  /// Bytes of KV cache, logits and history committed by this session. (The workspace is the model's: memory_plan().)
  std::uint64_t memory_bytes() const noexcept;

  const std::shared_ptr<session::SessionState>& impl() const noexcept { return impl_; }

 private:
  Session(Model model, std::shared_ptr<session::SessionState> impl);
  Model model_;
  std::shared_ptr<session::SessionState> impl_;
};

/// How likely the model finds `continuation` after what the session holds: for each of its tokens the natural log of its
/// probability (softmax over the raw logits) after all tokens before it, [continuation.size()]. Worked out on a fork: the
/// session is untouched. A sum over them scores an answer. Throws Error: token_out_of_range, context_full,
/// invalid_argument for a session that holds nothing, cancelled, non_finite, out_of_memory.
std::vector<float> score(const Session& session, Span<const TokenId> continuation,
                         const std::optional<CancelToken>& cancel = std::nullopt);

}  // namespace gemma4
