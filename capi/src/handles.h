// Handles: numbers that stand for objects in one table. Whatever a host passes, only what is in the table is touched; a
// number is never used again; and an object lives as long as somebody works with it, whoever destroys its handle.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "guard.h"

namespace gemma4::capi {

/// What a handle stands for. A subclass names its C type (Handle, kName).
class Object {
 public:
  virtual ~Object() = default;

 private:
  template <class T>
  friend class Claim;
  std::atomic<bool> claimed_{false};
};

/// What tells the kinds of objects apart: one address for each.
template <class T>
const char* kind_of() noexcept {
  return T::kName;
}

/// Puts an object into the table and returns its handle.
std::uintptr_t insert(std::shared_ptr<Object> object, const char* kind);
/// The object; throws Error invalid_argument, saying what the handle is instead, or unsupported where it is from before
/// a fork().
std::shared_ptr<Object> find(std::uintptr_t handle, const char* kind);
/// Takes it out of the table. As find(), but what is from before a fork() is left alone (its threads are not here).
void erase(std::uintptr_t handle, const char* kind);

/// Makes a T and sets *out to its handle; *out is NULL when that fails.
template <class T, class... Arguments>
void create(typename T::Handle** out, const char* name, Arguments&&... arguments) {
  required(out, name) = nullptr;
  const std::uintptr_t handle = insert(std::make_shared<T>(std::forward<Arguments>(arguments)...), kind_of<T>());
  *out = reinterpret_cast<typename T::Handle*>(handle);
}

/// An immutable object, for any number of threads.
template <class T>
std::shared_ptr<T> shared(const typename T::Handle* handle) {
  return std::static_pointer_cast<T>(find(reinterpret_cast<std::uintptr_t>(handle), kind_of<T>()));
}

/// An object that is one thread's while this lives. Throws Error invalid_argument when it is another's.
template <class T>
class Claim {
 public:
  explicit Claim(const typename T::Handle* handle) : object_(shared<T>(handle)) { claim(); }
  Claim(Claim&& other) noexcept = default;
  Claim& operator=(Claim&&) = delete;
  ~Claim() { release(); }

  T* operator->() const noexcept { return object_.get(); }
  T& operator*() const noexcept { return *object_; }
  /// Lets others use it; no further use of this.
  void release() noexcept {
    if (object_) object_->claimed_.store(false, std::memory_order_release);
    object_ = nullptr;
  }

 private:
  void claim() {
    if (!object_->claimed_.exchange(true, std::memory_order_acquire)) return;
    object_ = nullptr;
    refuse(std::string(T::kName) +
           ": in use, by another thread, a generation or stream, or the call that runs this callback");
  }
  std::shared_ptr<T> object_;
};

template <class T>
gemma4_status destroy(typename T::Handle* handle) {
  return guard([&] {
    if (handle != nullptr) erase(reinterpret_cast<std::uintptr_t>(handle), kind_of<T>());
  });
}

}  // namespace gemma4::capi
