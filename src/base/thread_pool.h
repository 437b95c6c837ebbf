// A fixed pool of threads with a static split of work: equal thread counts give equal results, bit for bit.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <mutex>
#include <thread>
#include <type_traits>
#include <vector>

#include "base/signal.h"
#include "gemma4/options.h"

namespace gemma4::base {

/// Physical cores this process may run on, at least 1.
int physical_cores() noexcept;

/// A lock granted in the order it was asked for: a session that computes chunk after chunk lets the others in between,
/// where a std::mutex would let it take the lock again before they are awake.
class TurnLock {
 public:
  void lock() noexcept;
  void unlock() noexcept;
  /// True for the holder when others wait.
  bool awaited() const noexcept {
    return next_.load(std::memory_order_relaxed) - serving_.load(std::memory_order_relaxed) > 1;
  }
  /// True when this thread holds it, and would wait for itself.
  bool held_here() const noexcept { return holder_.load(std::memory_order_relaxed) == std::this_thread::get_id(); }

 private:
  std::atomic<std::thread::id> holder_{};
  std::atomic<std::uint32_t> next_{0};
  std::atomic<std::uint32_t> serving_{0};
};

/// Threads that run one parallel region at a time. The calling thread takes part as worker 0. Between regions the
/// others spin briefly, then sleep.
class ThreadPool {
 public:
  /// @param threads  workers in all, the caller included; >= 1.
  /// @param runner   threads of the host's, which then run the workers' parts; empty: the pool has its own.
  explicit ThreadPool(int threads, Runner runner = {});
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int size() const noexcept { return size_; }

  /// Holds the pool for one step of a session; others wait their turn. Throws Error invalid_argument where this thread
  /// holds it already: a host's function that is called in the middle of a step must not begin another.
  [[nodiscard]] std::unique_lock<TurnLock> acquire() const;

  /// fn(worker) once on every worker, 0 <= worker < size(). Returns when all are done; rethrows the first exception by
  /// worker number. Call it only while holding acquire(). A call from inside a region runs every worker's part inline.
  template <class Fn>
  void run(Fn&& fn) const {
    using F = std::remove_reference_t<Fn>;
    run_erased([](void* context, int worker) { (*static_cast<F*>(context))(worker); }, const_cast<std::remove_const_t<F>*>(&fn));
  }

  /// fn(begin, end, worker) over [0, n) cut into size() runs of whole multiples of `grain`, the same cut every time.
  template <class Fn>
  void parallel_for(std::size_t n, std::size_t grain, Fn&& fn) const {
    if (size_ == 1 || n <= grain) {
      if (n != 0) fn(std::size_t{0}, n, 0);
      return;
    }
    run([&](int worker) {
      const auto [begin, end] = slice(n, grain, worker, size_);
      if (begin < end) fn(begin, end, worker);
    });
  }

  struct Range {
    std::size_t begin, end;
  };
  /// The part of [0, n) that worker `index` of `count` gets, cut at multiples of `grain`.
  static Range slice(std::size_t n, std::size_t grain, int index, int count) noexcept {
    const std::size_t blocks = (n + grain - 1) / grain;
    const std::size_t begin = blocks * static_cast<std::size_t>(index) / static_cast<std::size_t>(count) * grain;
    const std::size_t end = blocks * static_cast<std::size_t>(index + 1) / static_cast<std::size_t>(count) * grain;
    return {begin < n ? begin : n, end < n ? end : n};
  }

 private:
  using Task = void (*)(void* context, int worker);
  void run_erased(Task task, void* context) const;
  void run_elsewhere() const;
  void rethrow_first() const;
  void work(int worker);
  void execute(int worker) const noexcept;

  const int size_;
  const Runner runner_;
  mutable std::vector<std::atomic<bool>> begun_;  // [size] with a runner: the parts it has begun
  mutable TurnLock turn_;
  // One region: written by the caller before the epoch moves, read by the workers after.
  mutable Task task_ = nullptr;
  mutable void* context_ = nullptr;
  mutable std::vector<std::exception_ptr> failures_;  // [size], one slot per worker
  mutable Patience caller_patience_;
  alignas(64) mutable Signal epoch_;
  alignas(64) mutable Signal pending_;
  std::atomic<bool> stop_{false};
  std::vector<std::thread> threads_;
};

}  // namespace gemma4::base
