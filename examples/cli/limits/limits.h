// What this machine can do at most: how fast it reads memory, how fast it multiplies.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "limits/peak.h"

namespace limits {

/// GB/s or operations per nanosecond (GFLOP/s, GOP/s), by one thread and by all.
struct Rate {
  double one = 0.0, all = 0.0;
};

struct PeakRate {
  std::string name;
  Kind kind = Kind::f32;
  Rate rate;
};

struct Options {
  int threads = 1;    ///< "all"
  int runs = 4;       ///< the best counts
  std::uint64_t bytes = std::uint64_t{1} << 30;  ///< to read; less is taken where memory is short
  bool quick = false;  ///< few steps: rough figures within a second
};

/// Sums memory that no cache holds, with vectors as wide as the CPU has. Frees it again.
Rate read_bandwidth(const Options& options);
/// Every loop that this CPU can run.
std::vector<PeakRate> arithmetic_peaks(const Options& options);
/// Threads that may run here at once.
int hardware_threads();

/// "f32", "bf16", "int8", "4-bit".
const char* to_string(Kind kind);

/// The fastest loop of a kind among those that kernels of this name ("avx2", "avx2_vnni", "avx512_vnni_bf16", ...) could
/// use; null if none.
const PeakRate* fastest(const std::vector<PeakRate>& peaks, Kind kind, const std::string& isa);

}  // namespace limits
