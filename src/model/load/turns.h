// Turns: a model's threads and the memory its steps work in, lent to one thread after another.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <utility>

#include "base/thread_pool.h"
#include "model/text/decoder.h"

namespace gemma4::model {

class Turns;

/// The right to compute with a model, held for one step. Others wait for it in the order in which they asked.
class Turn {
 public:
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;
  ~Turn();

  StepMemory memory() const noexcept;
  matmul::MatMul& matmul() const noexcept { return memory().matmul; }
  Workspace& workspace() const noexcept { return *workspace_; }
  /// True when others wait for it.
  bool awaited() const noexcept { return lock_.mutex()->awaited(); }

  /// Runs fn() while others may take their turns, between two layers. The step's own workspace is kept for it.
  template <class Fn>
  void pause(Fn&& fn) {
    struct Resume {
      std::unique_lock<base::TurnLock>& lock;
      ~Resume() { lock.lock(); }
    };
    lock_.unlock();
    const Resume resume{lock_};
    fn();
  }

 private:
  friend class Turns;
  explicit Turn(Turns& turns);

  Turns& turns_;
  std::unique_lock<base::TurnLock> lock_;  // let go last
  std::unique_ptr<Workspace> workspace_;
};

/// Any thread. One per model: however many sessions there are, they share one workspace, which has room for the longest
/// step that any of them may make. Only who comes while another's step is paused gets a second one, for that long.
class Turns {
 public:
  Turns(const ModelConfig& config, const base::ThreadPool& pool, matmul::MatMul matmul)
      : config_(config), pool_(pool), matmul_(std::move(matmul)) {}

  /// Makes room for steps of `rows` rows. Throws Error out_of_memory, and has changed nothing then.
  void reserve(std::size_t rows);
  /// Waits for the turn. Call reserve() before. Throws Error invalid_argument where this thread holds it already, and
  /// out_of_memory where a paused step has the workspace and there is no room for another.
  [[nodiscard]] Turn take() { return Turn(*this); }

  /// Bytes of the workspace that steps of `rows` rows need, whether it is there or not.
  std::uint64_t bytes_for(std::size_t rows) const { return Workspace::bytes_for(config_, rows, pool_.size()); }

 private:
  friend class Turn;
  // Both while the turn is held.
  std::unique_ptr<Workspace> lend();
  void give_back(std::unique_ptr<Workspace> workspace) noexcept;

  const ModelConfig& config_;
  const base::ThreadPool& pool_;
  matmul::MatMul matmul_;
  std::size_t rows_ = 0;             // the most that were reserved
  std::unique_ptr<Workspace> free_;  // null until the first session, and while it is lent
};

inline StepMemory Turn::memory() const noexcept { return {turns_.matmul_, *workspace_}; }

}  // namespace gemma4::model
