// What `gemma4 bench` found, and how it is shown.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "gemma4/profile.h"
#include "limits/limits.h"
#include "limits/memory.h"

namespace cli {

/// The machine's limits, measured before and after everything else: a shared machine's change from minute to minute.
struct MeasuredLimits {
  limits::Rate read;
  std::vector<limits::PeakRate> peaks;
};

/// Prefill of `tokens`, or decoding that many one by one, with `depth` tokens already in the context.
struct BenchResult {
  std::string test;  ///< "prefill" or "decode"
  int tokens = 0, depth = 0, runs = 0;
  double median_seconds = 0.0, best_seconds = 0.0, all_seconds = 0.0;
  double read_limit = 0.0;   ///< GB/s by all threads, measured around this test
  gemma4::Profile profile;   ///< over all runs

  double median_rate() const { return tokens / median_seconds; }
  double best_rate() const { return tokens / best_seconds; }
  double tokens_run() const { return static_cast<double>(tokens) * runs; }
  /// Per token: weights that had to be read; keys and values; operations.
  double weight_bytes() const;
  double cache_bytes() const;
  double operations() const;
};

struct BenchReport {
  std::string cpu, model, isa, compute;
  int threads = 0;
  std::uint64_t weight_bytes = 0, session_bytes = 0, disk_faults = 0;
  double load_seconds = 0.0;
  limits::Resident after_load, after_run;
  limits::Kind kind = limits::Kind::f32;  ///< the arithmetic most of the weights' products could use
  MeasuredLimits start, end;
  std::vector<BenchResult> results;

  /// The better of both measurements, by all threads; 0 when this CPU has none for the kernels in use.
  double peak() const;
};

void print_limits(const std::string& cpu, int threads, const MeasuredLimits& found);
std::string limits_json(const std::string& cpu, int threads, const MeasuredLimits& found);

/// @param ops  also time by kind of work, for the longest prefill and the least and greatest depth of decode
void print_report(const BenchReport& report, bool ops);
std::string report_json(const BenchReport& report);

}  // namespace cli
