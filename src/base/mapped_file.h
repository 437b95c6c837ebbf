// A whole file, read-only: mapped, or read into memory on request.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace gemma4::base {

/// The bytes of a regular file for as long as the object lives. Immutable; any thread.
class MappedFile {
 public:
  /// @param use_mmap  false reads the file into owned memory, safe against files that shrink while in use.
  /// Throws Error: not_found, io (not a regular file, no permission), out_of_memory.
  static std::shared_ptr<const MappedFile> open(const std::string& path, bool use_mmap = true);

  const std::uint8_t* data() const noexcept { return data_; }
  std::size_t size() const noexcept { return size_; }
  const std::string& path() const noexcept { return path_; }

  /// Drops the whole pages inside [data, data + bytes) from this process's memory; they are read again when touched.
  /// Nothing happens to bytes outside the file, or to a file that was read into memory.
  void release(const void* data, std::size_t bytes) const noexcept;
  /// Lets the system read these bytes ahead.
  void will_need(const void* data, std::size_t bytes) const noexcept;

  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  ~MappedFile();

 private:
  MappedFile() = default;
  static void release_memory(void* data) noexcept;
  void advise(const void* data, std::size_t bytes, int advice, bool inside) const noexcept;
  std::string path_;
  const std::uint8_t* data_ = nullptr;
  std::size_t size_ = 0;
  std::unique_ptr<std::uint8_t[], void (*)(void*) noexcept> owned_{nullptr, &release_memory};
};

}  // namespace gemma4::base
