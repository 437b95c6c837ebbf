#include "base/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "base/allocation.h"
#include "base/check.h"

namespace gemma4::base {
namespace {

std::string reason(int error) { return std::generic_category().message(error); }

/// Closes a file descriptor at scope exit.
struct Descriptor {
  int fd;
  ~Descriptor() {
    if (fd >= 0) ::close(fd);
  }
};

void read_all(int fd, std::uint8_t* data, std::size_t size, const std::string& path) {
  std::size_t done = 0;
  while (done < size) {
    const ssize_t n = ::read(fd, data + done, size - done);
    if (n < 0 && errno == EINTR) continue;
    GEMMA4_CHECK(n >= 0, ErrorCode::io, path, ": ", reason(errno));
    GEMMA4_CHECK(n > 0, ErrorCode::io, path, ": ends after ", done, " of ", size, " bytes");
    done += static_cast<std::size_t>(n);
  }
}

}  // namespace

std::shared_ptr<const MappedFile> MappedFile::open(const std::string& path, bool use_mmap) {
  const Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (file.fd < 0) {
    const int error = errno;
    fail(error == ENOENT || error == ENOTDIR ? ErrorCode::not_found : ErrorCode::io, path, ": ", reason(error));
  }
  struct stat info = {};
  GEMMA4_CHECK(::fstat(file.fd, &info) == 0, ErrorCode::io, path, ": ", reason(errno));
  GEMMA4_CHECK(S_ISREG(info.st_mode), ErrorCode::io, path, ": expected a regular file");

  std::shared_ptr<MappedFile> result(new MappedFile);
  result->path_ = path;
  result->size_ = static_cast<std::size_t>(info.st_size);
  if (result->size_ == 0) return result;
  if (use_mmap) {
    void* data = ::mmap(nullptr, result->size_, PROT_READ, MAP_SHARED, file.fd, 0);
    GEMMA4_CHECK(data != MAP_FAILED, ErrorCode::io, path, ": mmap of ", result->size_, " bytes: ", reason(errno));
    result->data_ = static_cast<const std::uint8_t*>(data);
  } else {
    result->owned_.reset(static_cast<std::uint8_t*>(allocate(result->size_, 64)));
    GEMMA4_CHECK(result->owned_, ErrorCode::out_of_memory, path, ": could not reserve ", result->size_, " bytes");
    read_all(file.fd, result->owned_.get(), result->size_, path);
    result->data_ = result->owned_.get();
  }
  return result;
}

void MappedFile::release_memory(void* data) noexcept { base::release(data); }

void MappedFile::release(const void* data, std::size_t bytes) const noexcept {
  advise(data, bytes, MADV_DONTNEED, true);
}

void MappedFile::will_need(const void* data, std::size_t bytes) const noexcept {
  advise(data, bytes, MADV_WILLNEED, false);
}

/// @param inside  only pages that lie in the range as a whole; else every page that it touches.
void MappedFile::advise(const void* data, std::size_t bytes, int advice, bool inside) const noexcept {
  if (data_ == nullptr || owned_) return;
  const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  const auto file = reinterpret_cast<std::uintptr_t>(data_);
  std::uintptr_t begin = reinterpret_cast<std::uintptr_t>(data), end = begin + bytes;
  if (begin < file || end > file + size_ || end < begin) return;
  begin = (begin + (inside ? page - 1 : 0)) / page * page;
  end = (end + (inside ? 0 : page - 1)) / page * page;
  if (begin < end) ::madvise(reinterpret_cast<void*>(begin), end - begin, advice);
}

MappedFile::~MappedFile() {
  if (data_ != nullptr && !owned_) ::munmap(const_cast<std::uint8_t*>(data_), size_);
}

}  // namespace gemma4::base
