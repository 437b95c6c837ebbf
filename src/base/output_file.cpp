#include "base/output_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <system_error>

#include "base/check.h"

namespace gemma4::base {
namespace {

namespace fs = std::filesystem;

constexpr int kMode = 0666;  // less the umask, as for any new file
constexpr int kMaxAttempts = 1000;

/// After a rename the name itself is on the disk only when its folder is.
void sync_folder(const std::string& path) noexcept {
  const int fd = ::open(path.empty() ? "." : path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return;
  ::fsync(fd);
  ::close(fd);
}

const char* name_of(fs::file_type type) noexcept {
  switch (type) {
    case fs::file_type::fifo: return "a pipe";
    case fs::file_type::socket: return "a socket";
    case fs::file_type::block:
    case fs::file_type::character: return "a device";
    default: return "something else";
  }
}

/// What `path` leads to, be it there or not: a rename would replace the link itself.
fs::path follow_links(fs::path path) {
  constexpr int kMaxLinks = 40;  // as the system's own limit
  std::error_code error;
  for (int i = 0; fs::is_symlink(path, error); ++i) {
    GEMMA4_CHECK(i < kMaxLinks, ErrorCode::io, path.string(), ": cannot be written: too many links");
    const fs::path to = fs::read_symlink(path, error);
    GEMMA4_CHECK(!error, ErrorCode::io, path.string(), ": cannot be read as a link: ", error.message());
    path = to.is_absolute() ? to : path.parent_path() / to;
  }
  return path;
}

}  // namespace

OutputFile::OutputFile(const std::string& path) : path_(path) {
  std::error_code error;
  const fs::file_type type = fs::status(path, error).type();
  GEMMA4_CHECK(type != fs::file_type::directory, ErrorCode::io, path, ": cannot be written: it is a folder");
  GEMMA4_CHECK(type == fs::file_type::regular || type == fs::file_type::not_found || type == fs::file_type::none,
               ErrorCode::io, path, ": cannot be written: expected a regular file or a new name, it is ", name_of(type));
  const fs::path target = follow_links(path);
  GEMMA4_CHECK(target.has_filename(), ErrorCode::io, path, ": expected the name of a file");
  target_ = target.string();
  for (int attempt = 0; attempt < kMaxAttempts; ++attempt) {
    const std::string suffix = attempt == 0 ? "" : concat(".", attempt);
    temporary_ =
        (target.parent_path() / concat(".", target.filename().string(), ".", ::getpid(), suffix, ".tmp")).string();
    fd_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, kMode);
    if (fd_ >= 0 || errno != EEXIST) break;
  }
  if (fd_ < 0) fail_io("cannot be written", errno);
}

OutputFile::~OutputFile() {
  if (fd_ < 0) return;
  ::close(fd_);
  ::unlink(temporary_.c_str());
}

void OutputFile::fail_io(const char* what, int error) const {
  const char* hint = error == ENOSPC || error == EDQUOT ? " (the disk is full)" : "";
  fail(ErrorCode::io, path_, ": ", what, ": ", std::generic_category().message(error), hint);
}

void OutputFile::reserve(std::uint64_t bytes) {
#ifdef __linux__
  if (bytes == 0 || ::fallocate(fd_, FALLOC_FL_KEEP_SIZE, 0, static_cast<off_t>(bytes)) == 0) return;
  if (errno == ENOSPC || errno == EDQUOT || errno == EFBIG) {
    fail_io(concat("no room for ", bytes, " bytes").c_str(), errno);
  }
#else
  static_cast<void>(bytes);
#endif
}

void OutputFile::write(Span<const std::uint8_t> bytes) {
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t n = ::write(fd_, bytes.data() + done, bytes.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail_io(concat("cannot be written at byte ", size_ + done).c_str(), errno);
    done += static_cast<std::size_t>(n);
  }
  size_ += bytes.size();
}

void OutputFile::commit() {
  if (::fsync(fd_) != 0) fail_io("cannot be flushed to the disk", errno);
  if (::close(fd_) != 0) {
    const int error = errno;
    fd_ = -1;
    ::unlink(temporary_.c_str());
    fail_io("cannot be closed", error);
  }
  fd_ = -1;
  if (std::rename(temporary_.c_str(), target_.c_str()) != 0) {
    const int error = errno;
    ::unlink(temporary_.c_str());
    fail_io("cannot be given its name", error);
  }
  sync_folder(fs::path(target_).parent_path().string());
}

}  // namespace gemma4::base
