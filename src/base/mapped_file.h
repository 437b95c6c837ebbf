// A whole file, read-only: mapped, or read into memory on request; or what lies in memory and is like one.
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

  /// The same of an open descriptor, which stays the caller's and may be closed afterwards. Reads from the beginning of
  /// the file, wherever the descriptor stands. `name` is what messages call it. Throws Error: io, out_of_memory.
  static std::shared_ptr<const MappedFile> of_descriptor(int fd, const std::string& name, bool use_mmap = true);
  /// Bytes that somebody else owns, as if they were a file: they stay as long as the object lives.
  /// @param owner     kept as long as they are needed; may be null
  /// @param in_place  false copies them, and lets go of the owner
  static std::shared_ptr<const MappedFile> of_memory(const std::uint8_t* data, std::size_t size, const std::string& name,
                                                     std::shared_ptr<const void> owner, bool in_place = true);

  const std::uint8_t* data() const noexcept { return data_; }
  std::size_t size() const noexcept { return size_; }
  const std::string& path() const noexcept { return path_; }

  /// Drops the whole pages inside [data, data + bytes) from this process's memory; they are read again when touched.
  /// Nothing happens to bytes outside the file, or to bytes that are not mapped.
  void release(const void* data, std::size_t bytes) const noexcept;
  /// Lets the system read these bytes ahead.
  void will_need(const void* data, std::size_t bytes) const noexcept;

  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  ~MappedFile();

 private:
  MappedFile() = default;
  void take(int fd, bool use_mmap);
  void reserve_own();
  static void release_memory(void* data) noexcept;
  void advise(const void* data, std::size_t bytes, int advice, bool inside) const noexcept;
  std::string path_;
  const std::uint8_t* data_ = nullptr;
  std::size_t size_ = 0;
  bool mapped_ = false;
  std::shared_ptr<const void> owner_;
  std::unique_ptr<std::uint8_t[], void (*)(void*) noexcept> owned_{nullptr, &release_memory};
};

}  // namespace gemma4::base
