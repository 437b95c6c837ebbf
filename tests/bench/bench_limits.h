// The machine's limits as a benchmark quotes them, by all threads.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "limits/limits.h"

namespace gemma4::bench {

class Limits {
 public:
  /// @param isa  name of the kernels in use: what they could not run is no limit of theirs
  Limits(int threads, std::string isa) : isa_(std::move(isa)) {
    limits::Options options;
    options.threads = threads;
    options.bytes = std::uint64_t{256} << 20;
    read_ = limits::read_bandwidth(options).all;
    peaks_ = limits::arithmetic_peaks(options);
  }

  /// GB/s.
  double read() const { return read_; }
  /// 1e9 operations per second; 0 when these kernels have no instructions for it.
  double peak(limits::Kind kind) const {
    const limits::PeakRate* fastest = limits::fastest(peaks_, kind, isa_);
    return fastest != nullptr ? fastest->rate.all : 0.0;
  }

 private:
  std::string isa_;
  double read_;
  std::vector<limits::PeakRate> peaks_;
};

inline double percent(double part, double whole) { return whole > 0.0 ? 100.0 * part / whole : 0.0; }

}  // namespace gemma4::bench
