// The report as JSON: everything that was measured, in bytes, seconds, and units of 1e9 per second.
#include "bench_report.h"
#include "json_writer.h"

namespace cli {
namespace {

void add_rate(JsonWriter& json, const limits::Rate& rate) {
  json.value("one_thread", rate.one).value("all_threads", rate.all);
}

void add_limits(JsonWriter& json, const char* key, const MeasuredLimits& found) {
  json.open(key, '{').open("read", '{');
  add_rate(json, found.read);
  json.close('}').open("peaks", '[');
  for (const limits::PeakRate& peak : found.peaks) {
    json.open(nullptr, '{').value("name", peak.name).value("kind", std::string(limits::to_string(peak.kind)));
    add_rate(json, peak.rate);
    json.close('}');
  }
  json.close(']').close('}');
}

void add_memory(JsonWriter& json, const char* key, const limits::Resident& memory) {
  json.open(key, '{').value("resident_bytes", memory.now).value("anonymous_bytes", memory.anonymous);
  json.value("peak_bytes", memory.peak).close('}');
}

double share(double part, double whole) { return whole > 0.0 ? part / whole : 0.0; }

void add_result(JsonWriter& json, const BenchReport& report, const BenchResult& t) {
  const double read = (t.weight_bytes() + t.cache_bytes()) * t.median_rate() * 1e-9;
  const double arithmetic = t.operations() * t.median_rate() * 1e-9;
  json.open(nullptr, '{').value("test", t.test).value("tokens", t.tokens).value("depth", t.depth);
  json.value("repeat", t.runs);
  json.value("median_seconds", t.median_seconds).value("best_seconds", t.best_seconds);
  json.value("median_tokens_per_second", t.median_rate()).value("best_tokens_per_second", t.best_rate());
  json.value("weight_bytes_per_token", t.weight_bytes()).value("cache_bytes_per_token", t.cache_bytes());
  json.value("operations_per_token", t.operations());
  json.value("read_gb_per_second", read).value("read_limit", t.read_limit);
  json.value("share_of_read_limit", share(read, t.read_limit));
  json.value("gop_per_second", arithmetic).value("share_of_peak", share(arithmetic, report.peak()));
  json.open("ops", '[');
  double rest = t.all_seconds;
  for (std::size_t i = 0; i < gemma4::kOps; ++i) {
    const gemma4::OpCost& cost = t.profile.ops[i];
    rest -= cost.seconds;
    if (cost.calls == 0) continue;
    json.open(nullptr, '{').value("op", std::string(gemma4::to_string(static_cast<gemma4::Op>(i))));
    json.value("calls", cost.calls).value("seconds", cost.seconds).value("bytes", cost.bytes);
    json.value("operations", cost.operations).close('}');
  }
  json.close(']').value("other_seconds", rest).close('}');
}

}  // namespace

std::string limits_json(const std::string& cpu, int threads, const MeasuredLimits& found) {
  JsonWriter json;
  json.open(nullptr, '{').value("cpu", cpu).value("threads", threads);
  add_limits(json, "limits", found);
  return json.close('}').text();
}

std::string report_json(const BenchReport& r) {
  JsonWriter json;
  json.open(nullptr, '{').value("model", r.model).value("cpu", r.cpu).value("isa", r.isa).value("threads", r.threads);
  json.value("compute", r.compute).value("load_seconds", r.load_seconds).value("load_disk_faults", r.disk_faults);
  json.value("weight_bytes", r.weight_bytes).value("session_bytes", r.session_bytes);
  add_memory(json, "memory_after_load", r.after_load);
  add_memory(json, "memory_after_run", r.after_run);
  add_limits(json, "limits_start", r.start);
  add_limits(json, "limits_end", r.end);
  json.value("peak_kind", std::string(limits::to_string(r.kind))).value("peak", r.peak());
  json.open("results", '[');
  for (const BenchResult& result : r.results) add_result(json, r, result);
  return json.close(']').close('}').text();
}

}  // namespace cli
