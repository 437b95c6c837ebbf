#include "base/thread_pool.h"

#include <algorithm>
#include <fstream>
#include <set>
#include <string>
#include <utility>

#if defined(__linux__)
#include <sched.h>
#endif

#include "base/check.h"
#include "base/sleep.h"

namespace gemma4::base {
namespace {

thread_local bool inside_region = false;

}  // namespace

int physical_cores() noexcept {
#if defined(__linux__)
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  if (sched_getaffinity(0, sizeof allowed, &allowed) == 0) {
    try {
      std::set<std::string> cores;  // hyper-threads of one core share this list
      for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
        if (!CPU_ISSET(cpu, &allowed)) continue;
        std::ifstream file("/sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/topology/thread_siblings_list");
        std::string siblings;
        if (!std::getline(file, siblings)) siblings = "cpu" + std::to_string(cpu);
        cores.insert(siblings);
      }
      return std::max(1, static_cast<int>(cores.size()));
    } catch (...) {
      return std::max(1, CPU_COUNT(&allowed));
    }
  }
#endif
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

void TurnLock::lock() noexcept {
  const std::uint32_t ticket = next_.fetch_add(1, std::memory_order_relaxed);
  for (std::uint32_t now; (now = serving_.load(std::memory_order_acquire)) != ticket;) sleep_while(serving_, now);
  holder_.store(std::this_thread::get_id(), std::memory_order_relaxed);
}

void TurnLock::unlock() noexcept {
  holder_.store(std::thread::id(), std::memory_order_relaxed);
  serving_.fetch_add(1, std::memory_order_release);
  wake_all(serving_);
}

ThreadPool::ThreadPool(int threads, Runner runner) : size_(threads), runner_(std::move(runner)) {
  GEMMA4_CHECK(threads >= 1 && threads <= 1024, ErrorCode::invalid_argument, "threads: expected 1 to 1024, got ", threads);
  failures_.resize(static_cast<std::size_t>(threads));
  if (runner_) {
    begun_ = std::vector<std::atomic<bool>>(static_cast<std::size_t>(threads));
    return;
  }
  threads_.reserve(static_cast<std::size_t>(threads - 1));
  try {
    for (int worker = 1; worker < threads; ++worker) threads_.emplace_back([this, worker] { work(worker); });
  } catch (const std::exception& error) {
    stop_ = true;
    epoch_.add(1);
    epoch_.wake();
    for (std::thread& thread : threads_) thread.join();
    fail(ErrorCode::out_of_memory, "could not start ", threads, " threads: ", error.what());
  }
}

ThreadPool::~ThreadPool() {
  stop_ = true;
  epoch_.add(1);
  epoch_.wake();
  for (std::thread& thread : threads_) thread.join();
}

std::unique_lock<TurnLock> ThreadPool::acquire() const {
  GEMMA4_CHECK(!turn_.held_here(), ErrorCode::invalid_argument,
               "the model is in the middle of a step of this thread: what is called from there must not begin another");
  return std::unique_lock<TurnLock>(turn_);
}

void ThreadPool::execute(int worker) const noexcept {
  const bool outside = std::exchange(inside_region, true);
  try {
    task_(context_, worker);
  } catch (...) {
    failures_[static_cast<std::size_t>(worker)] = std::current_exception();
  }
  inside_region = outside;
}

void ThreadPool::run_erased(Task task, void* context) const {
  if (inside_region || size_ == 1) {
    for (int worker = 0; worker < size_; ++worker) task(context, worker);
    return;
  }
  task_ = task;
  context_ = context;
  if (runner_) return run_elsewhere();
  pending_.set(static_cast<std::uint32_t>(size_ - 1));
  epoch_.add(1);
  epoch_.wake();
  execute(0);
  for (std::uint32_t left = pending_.load(); left != 0;) left = pending_.wait(left, caller_patience_);
  rethrow_first();
}

// The runner is not trusted to run every part once; one that throws may have left parts running, but none begins later.
void ThreadPool::run_elsewhere() const {
  for (std::atomic<bool>& begun : begun_) begun = false;
  for (std::exception_ptr& failure : failures_) failure = nullptr;  // of a runner that threw
  std::atomic<int> done{0};
  runner_(size_, [this, &done](int worker) {
    if (worker < 0 || worker >= size_ || begun_[static_cast<std::size_t>(worker)].exchange(true)) return;
    execute(worker);
    done.fetch_add(1, std::memory_order_release);
  });
  const int ran = done.load(std::memory_order_acquire);
  rethrow_first();
  GEMMA4_CHECK(ran == size_, ErrorCode::internal, "the runner returned with ", ran, " of ", size_, " parts done");
}

void ThreadPool::rethrow_first() const {
  std::exception_ptr first;
  for (std::exception_ptr& failure : failures_) {
    if (failure && !first) first = failure;
    failure = nullptr;
  }
  if (first) std::rethrow_exception(first);
}

void ThreadPool::work(int worker) {
  std::uint32_t seen = 0;
  Patience patience;
  while (true) {
    seen = epoch_.wait(seen, patience);
    if (stop_) return;
    execute(worker);
    if (pending_.add(~std::uint32_t{0}) == 1) pending_.wake();  // one less
  }
}

}  // namespace gemma4::base
