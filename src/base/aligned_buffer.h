// Owning storage for tensors: 64-byte aligned, zeroed, committed when made. The only allocator of tensors.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <utility>

#include "base/check.h"
#include "gemma4/types.h"

namespace gemma4::base {

/// Zeroed pages that are really there (every page touched), or Error out_of_memory naming `what`.
/// Also refuses sizes beyond what the system says is available, so that the kernel need not kill the process later.
void* allocate_committed(std::size_t bytes, const char* what);
void free_committed(void* data, std::size_t bytes) noexcept;

/// A fixed array of T in committed memory. Movable, not copyable.
template <class T>
class AlignedBuffer {
 public:
  AlignedBuffer() noexcept = default;
  AlignedBuffer(std::size_t size, const char* what) : size_(size) {
    GEMMA4_CHECK(size <= std::numeric_limits<std::size_t>::max() / sizeof(T) / 2, ErrorCode::out_of_memory, what, ": ",
                 size, " elements do not fit the address space");
    if (size != 0) data_ = static_cast<T*>(allocate_committed(size * sizeof(T), what));
  }
  AlignedBuffer(AlignedBuffer&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  AlignedBuffer& operator=(AlignedBuffer&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~AlignedBuffer() {
    if (data_ != nullptr) free_committed(data_, size_ * sizeof(T));
  }

  T* data() noexcept { return data_; }
  const T* data() const noexcept { return data_; }
  std::size_t size() const noexcept { return size_; }
  std::size_t bytes() const noexcept { return size_ * sizeof(T); }
  T& operator[](std::size_t i) noexcept { return data_[i]; }
  const T& operator[](std::size_t i) const noexcept { return data_[i]; }
  Span<T> span() noexcept { return {data_, size_}; }
  Span<const T> span() const noexcept { return {data_, size_}; }

 private:
  T* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace gemma4::base
