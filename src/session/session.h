// SessionState: one sequence over a model; what the public Session points to (same promises, include/gemma4/session.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "gemma4/options.h"
#include "gemma4/profile.h"
#include "gemma4/types.h"
#include "model/load/loaded_model.h"
#include "session/history.h"
#include "session/kv_cache.h"

namespace gemma4::session {

/// What a chunk of a prefill leaves of the rows that were asked for, of many with wide logits a part; gone when the call that gets it returns.
struct KeptRows {
  Span<const std::int32_t> rows;  ///< indices into the input, ascending
  graph::ConstRows hidden;        ///< [rows, hidden_size] after the final norm
  graph::ConstRows logits;        ///< [rows, vocab_size]; no rows where none are wanted
};
/// Takes them chunk by chunk or in smaller parts, so that nobody needs room for all. It is called while the model is held: it must not use it.
using RowSink = std::function<void(const KeptRows&)>;

class SessionState {
 public:
  SessionState(std::shared_ptr<const model::LoadedModel> model, const SessionOptions& options);

  Span<const float> prefill(Span<const TokenId> tokens, const PrefillOptions& options) { return prefill({tokens, {}}, options); }
  /// The same for media among the tokens. A block is computed in one step, which may be longer than prefill_chunk.
  /// Throws Error invalid_argument too: media out of order or of the input's bounds, a block beyond longest_block.
  Span<const float> prefill(const InputRows& input, const PrefillOptions& options);
  /// Hidden states and, with `with_logits`, logits of `rows` (strictly ascending), together.
  void prefill(const InputRows& input, Span<const std::int32_t> rows, bool with_logits, const RowSink& sink,
               const std::optional<CancelToken>& cancel = std::nullopt);
  Span<const float> decode(TokenId token, const CancelToken* cancel);  ///< cancel may be null
  /// Logits of the last token when the last call left them ([vocab_size]), else empty.
  Span<const float> last_logits() const noexcept { return has_logits_ ? logits_.span() : Span<const float>(); }

  std::size_t position() const noexcept { return history_.size(); }
  std::size_t context_length() const noexcept { return context_length_; }
  Span<const TokenId> tokens() const noexcept { return history_.tokens(); }
  const History& history() const noexcept { return history_; }
  void truncate(std::size_t n);
  /// Grows with every call that changes what comes next: who works with the session in between is noticed.
  std::uint64_t uses() const noexcept { return uses_; }
  /// The largest m <= n that truncate(m) allows. Precondition: n <= position().
  std::size_t nearest_resumable(std::size_t n) const noexcept;
  bool checkpoint();
  std::shared_ptr<SessionState> fork() const;
  std::shared_ptr<float> take_rows();
  std::uint64_t memory_bytes() const noexcept;

  /// memory_bytes() of a new session, in two parts, without making one; and what its model's workspace takes.
  struct Bytes {
    std::uint64_t cache = 0, rest = 0, workspace = 0;
  };
  static Bytes bytes_for(const model::LoadedModel& model, const SessionOptions& options);
  const model::LoadedModel& model() const noexcept { return *model_; }

  /// Taps every later step; for tests.
  void set_probe(model::Probe probe) { probe_ = std::move(probe); }
  void set_profile(Profile* profile) noexcept { profile_ = profile; }

 private:
  class ChunkProgress;

  using Progress = std::function<void(std::size_t done, std::size_t total)>;
  /// A chunk was run: its rows [begin, end) of the input, and which of them the workspace has kept.
  using ChunkDone = std::function<void(const model::Turn& turn, std::size_t begin, std::size_t end, Span<const std::int32_t> kept)>;

  void check_input(const InputRows& input) const;
  /// Where the chunk that begins at row `begin` of the input ends: at most a step's rows on, never inside a block.
  std::size_t chunk_end(const InputRows& input, std::size_t begin) const;
  /// Runs rows [begin, end) of the input. `keep` are the rows whose hidden states end in the workspace;
  /// progress may be null.
  void run_chunk(const model::Turn& turn, const InputRows& input, std::size_t begin, std::size_t end,
                 Span<const std::int32_t> keep, const CancelToken* cancel, const Progress* progress);
  bool logits(const model::Turn& turn, graph::ConstRows hidden, float* dst) const;
  /// Runs the input chunk by chunk. `rows` are those whose hidden states are kept, as indices into the input.
  void run(const InputRows& input, Span<const std::int32_t> rows, const CancelToken* cancel, const Progress& told,
           const ChunkDone& done);
  void give(const model::Turn& turn, Want want, std::size_t n, std::size_t kept, float* dst) const;
  Progress guarded(const Progress& told) const;

  std::shared_ptr<const model::LoadedModel> model_;
  SessionOptions options_;
  std::size_t context_length_;
  std::size_t step_rows_;              // of a step at most
  KvCache cache_;
  base::AlignedBuffer<float> logits_;  // [vocab_size] of the last token, when has_logits_
  bool has_logits_ = false;
  base::AlignedBuffer<float> rows_;    // what the last prefill returned if it was not the last logits
  History history_;                    // context_length reserved: appending never allocates
  std::vector<model::Row> chunk_;      // [step_rows_] of the current step
  std::vector<model::RowRange> blocks_;
  std::vector<std::shared_ptr<const KvSnapshot>> checkpoints_;  // ascending positions
  std::uint64_t uses_ = 0;
  model::Probe probe_;
  Profile* profile_ = nullptr;
};

}  // namespace gemma4::session
