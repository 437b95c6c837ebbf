// A file that appears under its name only when it is complete.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "gemma4/types.h"

namespace gemma4::base {

/// Written from front to back under a temporary name in the same folder. commit() gives it its own name, replacing the
/// regular file that was there (of a link the file that it leads to); without it the temporary goes away with the object.
/// One thread.
class OutputFile {
 public:
  /// Makes the temporary, ".NAME.PID.tmp". Throws Error io (no such folder, no permission, NAME is a folder,
  /// a pipe or a device).
  explicit OutputFile(const std::string& path);
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;
  ~OutputFile();

  /// Sets `bytes` aside on the disk where the file system can, so that a full disk is known at once. Throws Error io.
  void reserve(std::uint64_t bytes);
  /// Throws Error io; a full disk says so.
  void write(Span<const std::uint8_t> bytes);
  /// Flushes everything to the disk and renames. Throws Error io.
  void commit();

  std::uint64_t size() const noexcept { return size_; }

 private:
  [[noreturn]] void fail_io(const char* what, int error) const;

  std::string path_;
  std::string target_;  // path_ without links
  std::string temporary_;
  int fd_ = -1;
  std::uint64_t size_ = 0;
};

}  // namespace gemma4::base
