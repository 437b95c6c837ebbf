#include "limits/memory.h"

#include <sys/resource.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <string_view>

namespace limits {
namespace {

/// "key: value" of a file such as /proc/meminfo; empty when it has none.
std::string value_of(const char* path, std::string_view key) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (line.compare(0, key.size(), key) != 0) continue;
    const std::size_t colon = line.find(':');
    const std::size_t begin = colon == std::string::npos ? colon : line.find_first_not_of(" \t", colon + 1);
    if (begin != std::string::npos) return line.substr(begin);
  }
  return {};
}

/// "1234 kB" in bytes.
std::uint64_t bytes_of(const char* path, std::string_view key) {
  return std::strtoull(value_of(path, key).c_str(), nullptr, 10) * 1024;
}

rusage usage() {
  rusage result = {};
  getrusage(RUSAGE_SELF, &result);
  return result;
}

}  // namespace

Resident resident() {
  constexpr const char* kStatus = "/proc/self/status";
  Resident result{bytes_of(kStatus, "VmRSS"), bytes_of(kStatus, "VmHWM"), bytes_of(kStatus, "RssAnon")};
  if (result.peak == 0) {
    constexpr std::uint64_t kUnit =
#if defined(__APPLE__)
        1;
#else
        1024;
#endif
    result.peak = static_cast<std::uint64_t>(usage().ru_maxrss) * kUnit;
  }
  result.peak = std::max(result.peak, result.now);  // the kernel counts the two apart, and roughly
  return result;
}

void reset_peak() { std::ofstream("/proc/self/clear_refs") << "5"; }

std::uint64_t available_memory() { return bytes_of("/proc/meminfo", "MemAvailable"); }

std::uint64_t disk_faults() { return static_cast<std::uint64_t>(usage().ru_majflt); }

std::string cpu_name() {
  const std::string name = value_of("/proc/cpuinfo", "model name");
  return name.empty() ? "unknown CPU" : name;
}

}  // namespace limits
