// operator new and delete of libgemma4_c.so, hidden inside it: everything large that its code takes, in whatever
// container, comes from the host's allocator (gemma4_set_allocator). The library holds a C++ runtime of its own for
// that, so that no string is grown by one runtime and freed by the other; what libraries beside it take and give back
// here is malloc's.
#include <cstdlib>
#include <new>

#include "base/allocation.h"

namespace {

void* take(std::size_t bytes, std::size_t alignment) noexcept {
  if (bytes >= gemma4::kLargeBlock || alignment > alignof(std::max_align_t)) {
    return gemma4::base::allocate(bytes != 0 ? bytes : 1, alignment);
  }
  return std::malloc(bytes != 0 ? bytes : 1);
}

void* take_or_throw(std::size_t bytes, std::size_t alignment) {
  void* const block = take(bytes, alignment);
  if (block == nullptr) throw std::bad_alloc();
  return block;
}

constexpr std::size_t kUsual = alignof(std::max_align_t);
std::size_t number(std::align_val_t alignment) noexcept { return static_cast<std::size_t>(alignment); }
void give_back(void* block) noexcept { gemma4::base::release(block); }

}  // namespace

void* operator new(std::size_t bytes) { return take_or_throw(bytes, kUsual); }
void* operator new[](std::size_t bytes) { return take_or_throw(bytes, kUsual); }
void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept { return take(bytes, kUsual); }
void* operator new[](std::size_t bytes, const std::nothrow_t&) noexcept { return take(bytes, kUsual); }
void* operator new(std::size_t bytes, std::align_val_t a) { return take_or_throw(bytes, number(a)); }
void* operator new[](std::size_t bytes, std::align_val_t a) { return take_or_throw(bytes, number(a)); }
void* operator new(std::size_t bytes, std::align_val_t a, const std::nothrow_t&) noexcept {
  return take(bytes, number(a));
}
void* operator new[](std::size_t bytes, std::align_val_t a, const std::nothrow_t&) noexcept {
  return take(bytes, number(a));
}

void operator delete(void* block) noexcept { give_back(block); }
void operator delete[](void* block) noexcept { give_back(block); }
void operator delete(void* block, std::size_t) noexcept { give_back(block); }
void operator delete[](void* block, std::size_t) noexcept { give_back(block); }
void operator delete(void* block, const std::nothrow_t&) noexcept { give_back(block); }
void operator delete[](void* block, const std::nothrow_t&) noexcept { give_back(block); }
void operator delete(void* block, std::align_val_t) noexcept { give_back(block); }
void operator delete[](void* block, std::align_val_t) noexcept { give_back(block); }
void operator delete(void* block, std::size_t, std::align_val_t) noexcept { give_back(block); }
void operator delete[](void* block, std::size_t, std::align_val_t) noexcept { give_back(block); }
void operator delete(void* block, std::align_val_t, const std::nothrow_t&) noexcept { give_back(block); }
void operator delete[](void* block, std::align_val_t, const std::nothrow_t&) noexcept { give_back(block); }
