#include "base/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

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
    const ssize_t n = ::pread(fd, data + done, size - done, static_cast<off_t>(done));
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
  std::shared_ptr<MappedFile> result(new MappedFile);
  result->path_ = path;
  result->take(file.fd, use_mmap);
  return result;
}

std::shared_ptr<const MappedFile> MappedFile::of_descriptor(int fd, const std::string& name, bool use_mmap) {
  std::shared_ptr<MappedFile> result(new MappedFile);
  result->path_ = name;
  result->take(fd, use_mmap);
  return result;
}

std::shared_ptr<const MappedFile> MappedFile::of_memory(const std::uint8_t* data, std::size_t size,
                                                        const std::string& name, std::shared_ptr<const void> owner,
                                                        bool in_place) {
  std::shared_ptr<MappedFile> result(new MappedFile);
  result->path_ = name;
  result->size_ = size;
  if (in_place) {
    result->data_ = data;
    result->owner_ = std::move(owner);
  } else if (size > 0) {
    result->reserve_own();
    std::memcpy(result->owned_.get(), data, size);
  }
  return result;
}

void MappedFile::take(int fd, bool use_mmap) {
  struct stat info = {};
  GEMMA4_CHECK(::fstat(fd, &info) == 0, ErrorCode::io, path_, ": ", reason(errno));
  GEMMA4_CHECK(S_ISREG(info.st_mode), ErrorCode::io, path_, ": expected a regular file");
  size_ = static_cast<std::size_t>(info.st_size);
  if (size_ == 0) return;
  if (use_mmap) {
    void* data = ::mmap(nullptr, size_, PROT_READ, MAP_SHARED, fd, 0);
    GEMMA4_CHECK(data != MAP_FAILED, ErrorCode::io, path_, ": mmap of ", size_, " bytes: ", reason(errno));
    data_ = static_cast<const std::uint8_t*>(data);
    mapped_ = true;
  } else {
    reserve_own();
    read_all(fd, owned_.get(), size_, path_);
  }
}

void MappedFile::reserve_own() {
  owned_.reset(static_cast<std::uint8_t*>(allocate(size_, 64)));
  GEMMA4_CHECK(owned_, ErrorCode::out_of_memory, path_, ": could not reserve ", size_, " bytes");
  data_ = owned_.get();
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
  if (!mapped_) return;
  const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  const auto file = reinterpret_cast<std::uintptr_t>(data_);
  std::uintptr_t begin = reinterpret_cast<std::uintptr_t>(data), end = begin + bytes;
  if (begin < file || end > file + size_ || end < begin) return;
  begin = (begin + (inside ? page - 1 : 0)) / page * page;
  end = (end + (inside ? 0 : page - 1)) / page * page;
  if (begin < end) ::madvise(reinterpret_cast<void*>(begin), end - begin, advice);
}

MappedFile::~MappedFile() {
  if (mapped_) ::munmap(const_cast<std::uint8_t*>(data_), size_);
}

}  // namespace gemma4::base
