#include "handles.h"

#include <pthread.h>

#include <mutex>
#include <string>
#include <unordered_map>

namespace gemma4::capi {
namespace {

struct Entry {
  std::shared_ptr<Object> object;
  const char* kind = nullptr;
  std::uint32_t process = 0;  // Table::process when it was made
};

struct Table {
  std::mutex mutex;
  std::unordered_map<std::uintptr_t, Entry> entries;
  std::uintptr_t next = kFirst;
  std::uint32_t process = 0;  // counts the fork()s that led to this process

  static constexpr std::uintptr_t kFirst = 0x10010;  // beyond what languages take for small integers
  static constexpr std::uintptr_t kStep = 16;        // aligned, as they may expect of a pointer
};

Table* the_table = nullptr;

// A child inherits the table as it was, unlocked.
void before_fork() { the_table->mutex.lock(); }
void after_fork_in_parent() { the_table->mutex.unlock(); }
void after_fork_in_child() {
  ++the_table->process;
  the_table->mutex.unlock();
}

Table& table() {
  // Never destroyed: threads may outlive main(), and the library stays in memory (-z nodelete).
  static Table* const one = [] {
    the_table = new Table;
    if (::pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child) != 0) throw std::bad_alloc();
    return the_table;
  }();
  return *one;
}

/// The entry, with the table locked.
std::unordered_map<std::uintptr_t, Entry>::iterator look_up(Table& table, std::uintptr_t handle, const char* kind) {
  if (handle == 0) refuse(std::string(kind) + ": expected a handle, got NULL");
  const auto found = table.entries.find(handle);
  if (found == table.entries.end()) {
    const bool was = handle >= Table::kFirst && handle < table.next && (handle - Table::kFirst) % Table::kStep == 0;
    refuse(std::string(kind) +
           (was ? ": expected a handle, got one that was destroyed" : ": expected a handle, got what never was one"));
  }
  if (found->second.kind != kind) {
    refuse(std::string(kind) + ": expected a handle of this kind, got a " + found->second.kind);
  }
  return found;
}

}  // namespace

std::uintptr_t insert(std::shared_ptr<Object> object, const char* kind) {
  Table& to = table();
  const std::lock_guard<std::mutex> lock(to.mutex);
  const std::uintptr_t handle = to.next;
  to.entries.emplace(handle, Entry{std::move(object), kind, to.process});
  to.next += Table::kStep;
  return handle;
}

std::shared_ptr<Object> find(std::uintptr_t handle, const char* kind) {
  Table& in = table();
  const std::lock_guard<std::mutex> lock(in.mutex);
  const Entry& entry = look_up(in, handle, kind)->second;
  if (entry.process != in.process) {
    throw Error(ErrorCode::unsupported,
                std::string(kind) + ": made before a fork(), whose threads are not in this process");
  }
  return entry.object;
}

void erase(std::uintptr_t handle, const char* kind) {
  Table& from = table();
  std::shared_ptr<Object> last;  // destroyed when the table is unlocked again: that may take long
  const std::lock_guard<std::mutex> lock(from.mutex);
  const auto found = look_up(from, handle, kind);
  if (found->second.process != from.process) return;
  last = std::move(found->second.object);
  from.entries.erase(found);
}

}  // namespace gemma4::capi
