#include "base/allocation.h"

#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <mutex>

#include "base/check.h"

namespace gemma4 {
namespace {

/// Blocks that hooks gave, and what each goes back to: an open table by address, kept with malloc so that it never asks
/// itself for memory.
class Ledger {
 public:
  struct Entry {
    void* block = nullptr;
    std::size_t bytes = 0;
    MemoryHook hook;
  };

  void set(const MemoryHook& hook) {
    static const int registered = ::pthread_atfork(lock_ledger, unlock_ledger, unlock_ledger);
    GEMMA4_CHECK(registered == 0, ErrorCode::out_of_memory, "set_memory_hook: no memory for a fork handler");
    const std::lock_guard<std::mutex> lock(mutex_);
    hook_ = hook;
    active_ = hook.allocate != nullptr;
  }
  bool active() const noexcept { return active_.load(std::memory_order_acquire); }

  void* allocate(std::size_t bytes, std::size_t alignment) noexcept {
    MemoryHook hook;
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      if (hook_.allocate == nullptr || !make_room()) return nullptr;
      ++reserved_;
      hook = hook_;
    }
    void* const block = hook.allocate(hook.user_data, bytes, alignment);  // unlocked: it may be slow
    const bool usable = block != nullptr && reinterpret_cast<std::uintptr_t>(block) % alignment == 0;
    const std::lock_guard<std::mutex> lock(mutex_);
    --reserved_;
    if (usable) {
      insert({block, bytes, hook});
    } else if (block != nullptr) {
      hook.release(hook.user_data, block, bytes);
    }
    return usable ? block : nullptr;
  }

  /// Around fork(), so that a child finds the lock free.
  static void lock_ledger();
  static void unlock_ledger();

  bool release(void* block) noexcept {
    if (count_.load(std::memory_order_acquire) == 0) return false;
    Entry found;
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      if (!remove(block, found)) return false;
    }
    found.hook.release(found.hook.user_data, found.block, found.bytes);
    return true;
  }

 private:
  std::size_t place(const void* block) const noexcept {
    return static_cast<std::size_t>((reinterpret_cast<std::uintptr_t>(block) >> 12) * 0x9E3779B97F4A7C15U) &
           (capacity_ - 1);
  }

  /// Room for one block more, and those that are on their way: at most half of the table is taken.
  bool make_room() noexcept {
    if (2 * (count_ + reserved_ + 1) <= capacity_) return true;
    const std::size_t capacity = std::max<std::size_t>(64, 2 * capacity_);
    void* const memory = std::calloc(capacity, sizeof(Entry));  // all zero is an empty entry
    if (memory == nullptr) return false;
    Entry* const before = entries_;
    const std::size_t before_capacity = capacity_;
    entries_ = static_cast<Entry*>(memory);
    capacity_ = capacity;
    count_ = 0;
    for (std::size_t i = 0; i < before_capacity; ++i) {
      if (before[i].block != nullptr) insert(before[i]);
    }
    std::free(before);
    return true;
  }

  void insert(const Entry& entry) noexcept {
    std::size_t i = place(entry.block);
    while (entries_[i].block != nullptr) i = (i + 1) & (capacity_ - 1);
    entries_[i] = entry;
    ++count_;
  }

  bool remove(void* block, Entry& found) noexcept {
    if (capacity_ == 0) return false;
    std::size_t i = place(block);
    while (entries_[i].block != block) {
      if (entries_[i].block == nullptr) return false;
      i = (i + 1) & (capacity_ - 1);
    }
    found = entries_[i];
    for (std::size_t j = i;;) {  // close the gap: what follows without a break may have been pushed past it
      entries_[i] = {};
      for (;;) {
        j = (j + 1) & (capacity_ - 1);
        if (entries_[j].block == nullptr) {
          --count_;
          return true;
        }
        const std::size_t home = place(entries_[j].block);
        const bool stays = i <= j ? i < home && home <= j : i < home || home <= j;
        if (!stays) break;
      }
      entries_[i] = entries_[j];
      i = j;
    }
  }

  std::mutex mutex_;
  std::atomic<bool> active_{false};
  MemoryHook hook_;
  Entry* entries_ = nullptr;
  std::size_t capacity_ = 0;  // a power of two
  std::size_t reserved_ = 0;  // blocks that are being asked for
  std::atomic<std::size_t> count_{0};
};

constinit Ledger ledger;  // trivially destroyed, but for its memory, which stays

void Ledger::lock_ledger() { ledger.mutex_.lock(); }
void Ledger::unlock_ledger() { ledger.mutex_.unlock(); }

}  // namespace

void set_memory_hook(const MemoryHook& hook) {
  GEMMA4_CHECK((hook.allocate == nullptr) == (hook.release == nullptr), ErrorCode::invalid_argument,
               "set_memory_hook: expected both functions or neither, got one");
  ledger.set(hook);
}

namespace base {

void* allocate(std::size_t bytes, std::size_t alignment) noexcept {
  if (bytes >= kLargeBlock && ledger.active()) return ledger.allocate(bytes, std::max(alignment, kHookAlignment));
  if (bytes > SIZE_MAX / 2) return nullptr;
  return std::aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
}

bool hooked() noexcept { return ledger.active(); }

void release(void* block) noexcept {
  if (!release_to_hook(block)) std::free(block);
}

bool release_to_hook(void* block) noexcept {
  if (block == nullptr || reinterpret_cast<std::uintptr_t>(block) % kHookAlignment != 0) return false;
  return ledger.release(block);
}

}  // namespace base
}  // namespace gemma4
