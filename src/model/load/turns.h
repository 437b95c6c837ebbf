// Turns: a model's threads and the memory its steps work in, lent to one thread after another.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>

#include "base/thread_pool.h"
#include "model/text/decoder.h"

namespace gemma4::model {

/// The right to compute with a model, held for one step. Others wait for it in the order in which they asked.
class Turn {
 public:
  StepMemory memory() const noexcept { return memory_; }
  matmul::MatMul& matmul() const noexcept { return memory_.matmul; }
  Workspace& workspace() const noexcept { return memory_.workspace; }
  /// True when others wait for it.
  bool awaited() const noexcept { return lock_.mutex()->awaited(); }

 private:
  friend class Turns;
  Turn(std::unique_lock<base::TurnLock> lock, StepMemory memory) noexcept : lock_(std::move(lock)), memory_(memory) {}
  std::unique_lock<base::TurnLock> lock_;
  StepMemory memory_;
};

/// Any thread. One per model: however many sessions there are, they share one workspace, which has room for the longest
/// step that any of them may make.
class Turns {
 public:
  Turns(const ModelConfig& config, const base::ThreadPool& pool, matmul::MatMul matmul)
      : config_(config), pool_(pool), matmul_(std::move(matmul)) {}

  /// Makes room for steps of `rows` rows. Throws Error out_of_memory, and has changed nothing then.
  void reserve(std::size_t rows);
  /// Waits for the turn. Call reserve() before.
  [[nodiscard]] Turn take();

  /// Bytes of the workspace that steps of `rows` rows need, whether it is there or not.
  std::uint64_t bytes_for(std::size_t rows) const { return Workspace::bytes_for(config_, rows, pool_.size()); }

 private:
  const ModelConfig& config_;
  const base::ThreadPool& pool_;
  matmul::MatMul matmul_;
  std::unique_ptr<Workspace> workspace_;  // null until the first session
};

}  // namespace gemma4::model
