#include "limits/limits.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <new>
#include <thread>

#include "limits/memory.h"

namespace limits {

extern const PeakTable kPeaks_baseline;
#ifdef GEMMA4_HAVE_PEAK_AVX2
extern const PeakTable kPeaks_avx2;
extern const PeakTable kPeaks_avxvnni;
extern const PeakTable kPeaks_avx512;
extern const PeakTable kPeaks_avx512_bf16;
extern const PeakTable kPeaks_avx512_vnni;
#endif

namespace {

/// The tables this CPU can run, widest vectors last.
std::vector<const PeakTable*> tables() {
  std::vector<const PeakTable*> list = {&kPeaks_baseline};
#ifdef GEMMA4_HAVE_PEAK_AVX2
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) list.push_back(&kPeaks_avx2);
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("avxvnni")) list.push_back(&kPeaks_avxvnni);
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl")) {
    list.push_back(&kPeaks_avx512);
    if (__builtin_cpu_supports("avx512bf16")) list.push_back(&kPeaks_avx512_bf16);
    if (__builtin_cpu_supports("avx512vnni")) list.push_back(&kPeaks_avx512_vnni);
  }
#endif
  return list;
}

/// Seconds until `threads` threads have each done fn(index).
template <class Fn>
double seconds_of(int threads, Fn&& fn) {
  const auto start = std::chrono::steady_clock::now();
  std::vector<std::thread> team;
  for (int i = 0; i < threads; ++i) team.emplace_back([&fn, i] { fn(i); });
  for (std::thread& thread : team) thread.join();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// The best of some runs by one thread and by all; more of them while somebody else seems to use a part of the CPU.
/// @param amount  what each thread does, in units of 1e9 per second
template <class Fn>
Rate best_rate(const Options& options, double amount, Fn&& fn) {
  const auto best = [&](int threads, double hoped_for) {
    double rate = 0.0;
    for (int run = 0; run < options.runs || (run < 4 * options.runs && rate < hoped_for); ++run) {
      rate = std::max(rate, threads * amount / seconds_of(threads, fn) * 1e-9);
    }
    return rate;
  };
  const double one = best(1, 0.0);
  return {one, options.threads == 1 ? one : best(options.threads, options.quick ? 0.0 : 0.9 * options.threads * one)};
}

constexpr std::size_t kHugePage = std::size_t{2} << 20;

/// Not so much that the machine would drop a model's file from its memory for it.
std::size_t buffer_bytes(const Options& options) {
  constexpr std::uint64_t kLeast = std::uint64_t{64} << 20;
  const std::uint64_t available = available_memory();
  const std::uint64_t bytes = available != 0 ? std::min(options.bytes, available / 4) : options.bytes;
  return std::max(bytes, kLeast) / kHugePage * kHugePage;
}

}  // namespace

Rate read_bandwidth(const Options& options) {
  constexpr std::size_t kPage = 4096, kStep = kPage / sizeof(std::uint64_t);
  const std::size_t bytes = buffer_bytes(options);
  const std::unique_ptr<void, void (*)(void*)> memory(std::aligned_alloc(kHugePage, bytes), &std::free);
  if (!memory) throw std::bad_alloc();
  auto* data = static_cast<std::uint64_t*>(memory.get());
  const std::size_t n = bytes / sizeof(std::uint64_t);
  for (std::size_t i = 0; i < n; i += kStep) data[i] = i;  // pages of zeros might all be the same one

  const auto sum = tables().back()->sum;
  std::vector<std::uint64_t> sums(static_cast<std::size_t>(options.threads));
  Rate best;
  const auto measure = [&](int threads, double& rate) {
    const std::size_t each = n / static_cast<std::size_t>(threads) / kStep * kStep;
    const double seconds = seconds_of(threads, [&](int i) {
      sums[static_cast<std::size_t>(i)] = sum(data + static_cast<std::size_t>(i) * each, each);
    });
    const auto read = static_cast<double>(each * static_cast<std::size_t>(threads) * sizeof(std::uint64_t));
    rate = std::max(rate, read / seconds * 1e-9);
  };
  for (int run = 0; run < options.runs; ++run) {
    measure(1, best.one);
    measure(options.threads, best.all);
  }
  return best;
}

std::vector<PeakRate> arithmetic_peaks(const Options& options) {
  const long steps = options.quick ? 1'000'000 : 30'000'000;
  std::vector<PeakRate> rates;
  for (const PeakTable* table : tables()) {
    for (std::size_t i = 0; i < table->n; ++i) {
      const Peak& peak = table->peaks[i];
      const double amount = peak.operations * static_cast<double>(steps);
      rates.push_back({peak.name, peak.kind, best_rate(options, amount, [&](int) { peak.run(steps); })});
    }
  }
  return rates;
}

int hardware_threads() { return std::max(1, static_cast<int>(std::thread::hardware_concurrency())); }

const char* to_string(Kind kind) {
  switch (kind) {
    case Kind::f32: return "f32";
    case Kind::bf16: return "bf16";
    case Kind::int8: return "int8";
    case Kind::int4: return "4-bit";
  }
  return "unknown";
}

const PeakRate* fastest(const std::vector<PeakRate>& peaks, Kind kind, const std::string& isa) {
  const auto has = [](const std::string& text, const char* part) { return text.find(part) != std::string::npos; };
  const auto usable = [&](const std::string& name) {
    if (has(name, "vnni") && !has(isa, "vnni")) return false;
    if (has(name, "bf16") && !has(isa, "bf16")) return false;
    if (has(name, "avx512")) return has(isa, "avx512");
    return has(name, "baseline") || has(isa, "avx");
  };
  const PeakRate* best = nullptr;
  for (const PeakRate& peak : peaks) {
    if (peak.kind == kind && usable(peak.name) && (best == nullptr || peak.rate.all > best->rate.all)) best = &peak;
  }
  return best;
}

}  // namespace limits
