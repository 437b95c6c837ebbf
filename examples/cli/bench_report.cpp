#include "bench_report.h"

#include <algorithm>
#include <cstdio>
#include <functional>

#include "common.h"

namespace cli {
namespace {

using gemma4::Op;
using gemma4::OpCost;

double giga(double value) { return value * 1e-9; }
double percent(double part, double whole) { return whole > 0.0 ? 100.0 * part / whole : 0.0; }
const char* unit_of(limits::Kind kind) {
  return kind == limits::Kind::f32 || kind == limits::Kind::bf16 ? "GFLOP/s" : "GOP/s";
}

void print_rate(const std::string& name, const limits::Rate& rate, const char* unit, const limits::Rate* later) {
  std::printf("  %-29s %9.1f %9.1f", name.c_str(), rate.one, rate.all);
  if (later != nullptr) std::printf(" %9.1f %9.1f", later->one, later->all);
  std::printf("  %s\n", unit);
}

void print_peaks(const BenchReport& r) {
  std::printf("%-31s %9s %9s %9s %9s\n", "limits: threads", "1", std::to_string(r.threads).c_str(), "later 1",
              std::to_string(r.threads).c_str());
  print_rate("read", r.start.read, "GB/s", &r.end.read);
  for (const limits::Kind kind : {limits::Kind::f32, limits::Kind::bf16, limits::Kind::int8, limits::Kind::int4}) {
    const limits::PeakRate* first = limits::fastest(r.start.peaks, kind, r.isa);
    if (first == nullptr || (kind == limits::Kind::int4 && r.isa.find("vnni") != std::string::npos)) continue;
    const auto again = std::find_if(r.end.peaks.begin(), r.end.peaks.end(),
                                    [&](const limits::PeakRate& peak) { return peak.name == first->name; });
    print_rate(first->name, first->rate, unit_of(kind), again != r.end.peaks.end() ? &again->rate : nullptr);
  }
}

void print_results(const BenchReport& r) {
  const std::string of_peak = std::string("of ") + limits::to_string(r.kind);
  std::printf("\n%-8s %7s %7s %13s %11s %11s %8s %11s %8s\n", "test", "tokens", "depth", "median tok/s", "best tok/s",
              "read GB/s", "of read", unit_of(r.kind), of_peak.c_str());
  for (const BenchResult& t : r.results) {
    const double read = giga((t.weight_bytes() + t.cache_bytes()) * t.median_rate());
    const double arithmetic = giga(t.operations() * t.median_rate());
    std::printf("%-8s %7d %7d %13.2f %11.2f %11.1f %6.0f %% %11.1f %6.0f %%\n", t.test.c_str(), t.tokens, t.depth,
                t.median_rate(), t.best_rate(), read, percent(read, t.read_limit), arithmetic,
                percent(arithmetic, r.peak()));
  }
}

/// The tests worth a column of their own in the table of operations.
std::vector<const BenchResult*> columns(const BenchReport& r) {
  const BenchResult *prefill = nullptr, *shallow = nullptr, *deep = nullptr;
  for (const BenchResult& t : r.results) {
    if (t.test == "prefill") {
      if (prefill == nullptr || t.tokens > prefill->tokens) prefill = &t;
    } else {
      if (shallow == nullptr || t.depth < shallow->depth) shallow = &t;
      if (deep == nullptr || t.depth > deep->depth) deep = &t;
    }
  }
  std::vector<const BenchResult*> list;
  for (const BenchResult* t : {prefill, shallow, deep}) {
    if (t != nullptr && (list.empty() || list.back() != t)) list.push_back(t);
  }
  return list;
}

/// Milliseconds (of one prefill, of one decoded token), their share of the test, and what limits: arithmetic in
/// prefill, reading in decode.
void print_cost(const BenchReport& r, const BenchResult& t, const OpCost& cost) {
  const bool prefill = t.test == "prefill";
  const double calls = prefill ? t.runs : t.tokens_run();
  std::printf(" | %9.3f %4.0f %%", cost.seconds / calls * 1e3, percent(cost.seconds, t.all_seconds));
  const double amount = static_cast<double>(prefill ? cost.operations : cost.bytes);
  if (amount == 0.0) {
    std::printf(" %8s %6s", "", "");
  } else {
    const double rate = giga(amount / cost.seconds);
    std::printf(" %8.1f %4.0f %%", rate, percent(rate, prefill ? r.peak() : t.read_limit));
  }
}

void print_ops(const BenchReport& r) {
  const std::vector<const BenchResult*> tests = columns(r);
  if (tests.empty()) return;
  std::printf("\n%-9s", "");
  for (const BenchResult* t : tests) {
    std::string name = t->test + " " + std::to_string(t->tokens);
    if (t->depth != 0) name += " at " + std::to_string(t->depth);
    std::printf(" | %-32s", name.c_str());
  }
  std::printf("\n%-9s", "op");
  for (const BenchResult* t : tests) {
    const bool prefill = t->test == "prefill";
    const std::string of = std::string("of ") + (prefill ? limits::to_string(r.kind) : "read");
    std::printf(" | %9s %6s %8s %6s", prefill ? "ms" : "ms/token", "time",
                prefill ? unit_of(r.kind) : "GB/s", of.c_str());
  }
  std::printf("\n");
  const auto line = [&](const char* name, const std::function<OpCost(const BenchResult&)>& cost) {
    std::printf("%-9s", name);
    for (const BenchResult* t : tests) print_cost(r, *t, cost(*t));
    std::printf("\n");
  };
  for (std::size_t i = 0; i < gemma4::kOps; ++i) {
    const auto op = static_cast<Op>(i);
    const auto used = [&](const BenchResult* t) { return t->profile[op].calls != 0; };
    if (std::none_of(tests.begin(), tests.end(), used)) continue;
    line(gemma4::to_string(op), [&](const BenchResult& t) { return t.profile[op]; });
  }
  line("other", [](const BenchResult& t) {
    OpCost rest;
    rest.seconds = t.all_seconds;
    for (const OpCost& cost : t.profile.ops) rest.seconds -= cost.seconds;
    return rest;
  });
}

}  // namespace

double BenchResult::weight_bytes() const {
  double sum = 0.0;
  for (const OpCost& cost : profile.ops) sum += static_cast<double>(cost.bytes);
  return sum / tokens_run() - cache_bytes();
}

double BenchResult::cache_bytes() const { return static_cast<double>(profile[Op::attention].bytes) / tokens_run(); }

double BenchResult::operations() const {
  double sum = 0.0;
  for (const OpCost& cost : profile.ops) sum += static_cast<double>(cost.operations);
  return sum / tokens_run();
}

double BenchReport::peak() const {
  double best = 0.0;
  for (const MeasuredLimits* found : {&start, &end}) {
    if (const limits::PeakRate* peak = limits::fastest(found->peaks, kind, isa)) best = std::max(best, peak->rate.all);
  }
  return best;
}

void print_limits(const std::string& cpu, int threads, const MeasuredLimits& found) {
  std::printf("%s\n%-31s %9s %9d\n", cpu.c_str(), "limits: threads", "1", threads);
  print_rate("read", found.read, "GB/s", nullptr);
  for (const limits::PeakRate& peak : found.peaks) print_rate(peak.name, peak.rate, unit_of(peak.kind), nullptr);
}

void print_report(const BenchReport& r, bool ops) {
  std::printf("%s: %s, kernels %s, %d threads, compute %s\n", r.model.c_str(), r.cpu.c_str(), r.isa.c_str(), r.threads,
              r.compute.c_str());
  std::printf("load %.3f s, %llu page faults waited for the disk; weights %s, session %s\n", r.load_seconds,
              static_cast<unsigned long long>(r.disk_faults), format_bytes(r.weight_bytes).c_str(),
              format_bytes(r.session_bytes).c_str());
  std::printf("resident after load %s, after the tests %s (%s of it not the file's), at most %s\n\n",
              format_bytes(r.after_load.now).c_str(), format_bytes(r.after_run.now).c_str(),
              format_bytes(r.after_run.anonymous).c_str(), format_bytes(r.after_run.peak).c_str());
  print_peaks(r);
  print_results(r);
  if (ops) print_ops(r);
}

}  // namespace cli
