// What this process and this machine have in memory.
#pragma once

#include <cstdint>
#include <string>

namespace limits {

/// Bytes of this process in memory. Mapped files count as far as they have been read.
struct Resident {
  std::uint64_t now = 0;
  std::uint64_t peak = 0;
  std::uint64_t anonymous = 0;  ///< the part of `now` that no file backs
};
Resident resident();

/// Forgets the peak so far, where the system can (Linux).
void reset_peak();

/// Bytes that could be allocated without swapping; 0 where unknown.
std::uint64_t available_memory();

/// Page faults of this process that had to wait for a disk.
std::uint64_t disk_faults();

/// The CPU's name as the system gives it, or "unknown CPU".
std::string cpu_name();

}  // namespace limits
