#include "base/thread_pool.h"

#include <algorithm>
#include <fstream>
#include <set>
#include <string>

#if defined(__linux__)
#include <sched.h>
#endif
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "base/check.h"
#include "base/sleep.h"

namespace gemma4::base {
namespace {

constexpr int kMinSpins = 32;
constexpr int kMaxSpins = 4096;  // some tens of microseconds: longer than the gap between two operations of a step

thread_local bool inside_region = false;

void pause() noexcept {
#if defined(__x86_64__)
  _mm_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

/// Spins at most `spins` times, then sleeps, until the value differs from `old`. Adapts `spins`: long where that is
/// enough; short on a busy machine, where a spinning thread takes the CPU from the one it waits for (two threads beside
/// a load of 7 on two cores: 25 us a region instead of 600).
std::uint32_t wait_while(const std::atomic<std::uint32_t>& value, std::uint32_t old, int& spins) noexcept {
  for (int i = 0; i < spins; ++i) {
    const std::uint32_t now = value.load(std::memory_order_acquire);
    if (now != old) {
      spins = std::min(kMaxSpins, spins + spins / 8 + 1);
      return now;
    }
    pause();
  }
  spins = std::max(kMinSpins, spins / 2);
  while (true) {
    const std::uint32_t now = value.load(std::memory_order_acquire);
    if (now != old) return now;
    sleep_while(value, old);
  }
}

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
}

void TurnLock::unlock() noexcept {
  serving_.fetch_add(1, std::memory_order_release);
  wake_all(serving_);
}

ThreadPool::ThreadPool(int threads) : size_(threads) {
  GEMMA4_CHECK(threads >= 1 && threads <= 1024, ErrorCode::invalid_argument, "threads: expected 1 to 1024, got ", threads);
  failures_.resize(static_cast<std::size_t>(threads));
  threads_.reserve(static_cast<std::size_t>(threads - 1));
  try {
    for (int worker = 1; worker < threads; ++worker) threads_.emplace_back([this, worker] { work(worker); });
  } catch (const std::exception& error) {
    stop_ = true;
    epoch_.fetch_add(1, std::memory_order_release);
    wake_all(epoch_);
    for (std::thread& thread : threads_) thread.join();
    fail(ErrorCode::out_of_memory, "could not start ", threads, " threads: ", error.what());
  }
}

ThreadPool::~ThreadPool() {
  stop_ = true;
  epoch_.fetch_add(1, std::memory_order_release);
  wake_all(epoch_);
  for (std::thread& thread : threads_) thread.join();
}

void ThreadPool::execute(int worker) const noexcept {
  inside_region = true;
  try {
    task_(context_, worker);
  } catch (...) {
    failures_[static_cast<std::size_t>(worker)] = std::current_exception();
  }
  inside_region = false;
}

void ThreadPool::run_erased(Task task, void* context) const {
  if (inside_region || size_ == 1) {
    for (int worker = 0; worker < size_; ++worker) task(context, worker);
    return;
  }
  task_ = task;
  context_ = context;
  pending_.store(static_cast<std::uint32_t>(size_ - 1), std::memory_order_relaxed);
  epoch_.fetch_add(1, std::memory_order_release);
  wake_all(epoch_);
  execute(0);
  for (std::uint32_t left = pending_.load(std::memory_order_acquire); left != 0;) left = wait_while(pending_, left, caller_spins_);
  std::exception_ptr first;
  for (std::exception_ptr& failure : failures_) {
    if (failure && !first) first = failure;
    failure = nullptr;
  }
  if (first) std::rethrow_exception(first);
}

void ThreadPool::work(int worker) {
  std::uint32_t seen = 0;
  int spins = kMaxSpins;
  while (true) {
    seen = wait_while(epoch_, seen, spins);
    if (stop_) return;
    execute(worker);
    if (pending_.fetch_sub(1, std::memory_order_acq_rel) == 1) wake_all(pending_);
  }
}

}  // namespace gemma4::base
