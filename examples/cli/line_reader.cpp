#include "line_reader.h"

#include <poll.h>
#include <unistd.h>

#include <cerrno>

namespace cli {

std::optional<std::string> LineReader::next(const Interrupt& interrupt) {
  while (true) {
    const std::size_t end = buffer_.find('\n');
    if (end != std::string::npos) return take(end, end + 1);
    if (interrupt.happened()) return std::nullopt;
    struct pollfd input = {STDIN_FILENO, POLLIN, 0};
    // The timeout is for a signal that comes between the check and the wait.
    if (::poll(&input, 1, 200) <= 0) continue;
    char chunk[4096];
    const ssize_t n = ::read(STDIN_FILENO, chunk, sizeof chunk);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return buffer_.empty() ? std::nullopt : take(buffer_.size(), buffer_.size());
    buffer_.append(chunk, static_cast<std::size_t>(n));
  }
}

std::optional<std::string> LineReader::take(std::size_t length, std::size_t consumed) {
  std::string line = buffer_.substr(0, length);
  buffer_.erase(0, consumed);
  if (!line.empty() && line.back() == '\r') line.pop_back();
  return line;
}

}  // namespace cli
