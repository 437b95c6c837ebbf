// gemma4 bench: the machine's limits, time to load, speed of prefill and decode against those limits, memory.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <map>
#include <memory>

#include "bench_report.h"
#include "commands.h"
#include "common.h"

namespace cli {
namespace {

using gemma4::TokenId;

struct Arguments {
  ModelArguments model;
  std::vector<int> prefill = {32, 128, 512};
  std::vector<int> decode = {32};
  std::vector<int> depth = {0};
  int repeat = 3;
  int chunk = 512;
  int context_length = 0;
  bool only_limits = false;
  bool quick = false;
  bool ops = false;
  bool json = false;

  int threads() const { return model.threads > 0 ? model.threads : limits::hardware_threads(); }
};

constexpr std::uint64_t kProbeBytes = std::uint64_t{256} << 20;

MeasuredLimits measure_limits(const Arguments& arguments, int runs) {
  limits::Options options;
  options.threads = arguments.threads();
  options.runs = runs;
  options.quick = arguments.quick;
  if (arguments.quick) options.bytes = kProbeBytes;
  MeasuredLimits found;
  found.read = limits::read_bandwidth(options);
  found.peaks = limits::arithmetic_peaks(options);
  return found;
}

// Read bandwidth in the minute of a test. The memory it takes does not count as the model's.
class BandwidthProbe {
 public:
  explicit BandwidthProbe(const Arguments& arguments) {
    options_.threads = arguments.threads();
    options_.bytes = kProbeBytes;
  }

  double measure() {
    peak_ = std::max(peak_, limits::resident().peak);
    const double rate = limits::read_bandwidth(options_).all;
    limits::reset_peak();
    return rate;
  }

  limits::Resident resident() const {
    limits::Resident now = limits::resident();
    now.peak = std::max(now.peak, peak_);
    return now;
  }

 private:
  limits::Options options_;
  std::uint64_t peak_ = 0;
};

// The arithmetic that most of the weights could be multiplied with.
limits::Kind kind_of(const gemma4::Model& model) {
  std::map<limits::Kind, std::uint64_t> parameters;
  for (const gemma4::TensorInfo& tensor : model.tensors()) {
    if (tensor.shape.size() < 2 || tensor.name.find("embed_tokens") != std::string::npos) continue;
    std::uint64_t n = 1;
    for (const std::int64_t extent : tensor.shape) n *= static_cast<std::uint64_t>(extent);
    const bool plain = tensor.dtype == "F32" || tensor.dtype == "F16" || tensor.dtype == "BF16";
    const bool bf16 = tensor.dtype == "BF16" && model.compute() == gemma4::Compute::bf16;
    parameters[bf16 ? limits::Kind::bf16 : plain ? limits::Kind::f32 : limits::Kind::int8] += n;
  }
  if (model.compute() == gemma4::Compute::f32 || parameters.empty()) return limits::Kind::f32;
  return std::max_element(parameters.begin(), parameters.end(), [](const auto& a, const auto& b) {
    return a.second < b.second;
  })->first;
}

// Ids all over the vocabulary, the same in every run. What they are does not change the work.
std::vector<TokenId> some_tokens(int count, int vocab_size) {
  std::vector<TokenId> ids(static_cast<std::size_t>(count));
  std::uint32_t x = 12345;
  for (TokenId& id : ids) {
    x = x * 1664525U + 1013904223U;
    id = static_cast<TokenId>((x >> 8) % static_cast<std::uint32_t>(vocab_size));
  }
  return ids;
}

int greatest(const std::vector<int>& list) { return list.empty() ? 0 : *std::max_element(list.begin(), list.end()); }

// Room for every test.
gemma4::SessionOptions session_options(const Arguments& a) {
  const int needed = std::max({1, greatest(a.prefill), a.decode.empty() ? 0 : greatest(a.depth) + greatest(a.decode)});
  if (a.context_length != 0 && a.context_length < needed) {
    throw UsageError("--context " + std::to_string(a.context_length) + ": the tests need " + std::to_string(needed));
  }
  gemma4::SessionOptions options;
  options.context_length = std::max(needed, a.context_length);
  options.prefill_chunk = a.chunk;
  return options;
}

class Bench {
 public:
  Bench(const gemma4::Model& model, const Arguments& arguments, const gemma4::SessionOptions& options,
        BandwidthProbe& probe)
      : session_(model, options),
        probe_(probe),
        repeat_(arguments.repeat),
        ids_(some_tokens(static_cast<int>(session_.context_length()), model.config().vocab_size)) {
    const int warm_up = std::max(1, std::min(greatest(arguments.prefill), 32));
    session_.prefill({ids_.data(), static_cast<std::size_t>(warm_up)});  // pages in what it needs
    session_.truncate(0);
  }

  BenchResult prefill(int tokens) {
    return measure("prefill", tokens, 0, [&] { session_.prefill({ids_.data(), static_cast<std::size_t>(tokens)}); });
  }

  // Depths come in ascending order: what is in the context already stays there.
  BenchResult decode(int tokens, int depth) {
    reach(static_cast<std::size_t>(depth));
    return measure("decode", tokens, depth, [&] {
      for (int i = 0; i < tokens; ++i) session_.decode(ids_[static_cast<std::size_t>(i)]);
    });
  }

  std::uint64_t session_bytes() const { return session_.memory_bytes(); }

 private:
  void reach(std::size_t depth) {
    if (session_.position() > depth) session_.truncate(depth);
    if (session_.position() == depth) return;
    Progress progress("filling the context");
    gemma4::PrefillOptions options;
    options.want = gemma4::Want::nothing;
    options.progress = [&progress](std::size_t done, std::size_t total) { progress.show(done, total); };
    session_.prefill({ids_.data() + session_.position(), depth - session_.position()}, options);
    session_.checkpoint();
  }

  // Runs from this depth on, after one that touches the file's pages, with the read bandwidth measured before and after.
  template <class Run>
  BenchResult measure(const char* test, int tokens, int depth, Run&& run) {
    BenchResult result;
    result.test = test;
    result.tokens = tokens;
    result.depth = depth;
    result.runs = repeat_;
    result.read_limit = probe_.measure();
    run();
    std::vector<double> seconds;
    session_.set_profile(&result.profile);
    for (int i = 0; i < repeat_; ++i) {
      session_.truncate(static_cast<std::size_t>(depth));
      const double start = now();
      run();
      seconds.push_back(now() - start);
      result.all_seconds += seconds.back();
    }
    session_.set_profile(nullptr);
    session_.truncate(static_cast<std::size_t>(depth));
    result.read_limit = std::max(result.read_limit, probe_.measure());
    std::sort(seconds.begin(), seconds.end());
    const std::size_t n = seconds.size();
    result.median_seconds = n % 2 == 1 ? seconds[n / 2] : (seconds[n / 2 - 1] + seconds[n / 2]) / 2.0;
    result.best_seconds = seconds.front();
    return result;
  }

  gemma4::Session session_;
  BandwidthProbe& probe_;
  int repeat_;
  std::vector<TokenId> ids_;
};

void load(BenchReport& report, const Arguments& arguments, std::unique_ptr<gemma4::Model>& model) {
  const std::uint64_t faults = limits::disk_faults();
  const double start = now();
  model = std::make_unique<gemma4::Model>(arguments.model.load());
  report.load_seconds = now() - start;
  report.disk_faults = limits::disk_faults() - faults;
  report.after_load = limits::resident();
  report.model = arguments.model.path;
  report.isa = model->isa();
  report.compute = gemma4::to_string(model->compute());
  report.threads = model->threads();
  report.kind = kind_of(*model);
  for (const gemma4::ModelPart& part : model->parts()) report.weight_bytes += part.bytes;
}

void run_model(const Arguments& arguments) {
  const gemma4::SessionOptions options = session_options(arguments);
  BenchReport report;
  report.cpu = limits::cpu_name();
  report.start = measure_limits(arguments, arguments.repeat);
  limits::reset_peak();
  std::unique_ptr<gemma4::Model> model;
  load(report, arguments, model);
  {
    BandwidthProbe probe(arguments);
    Bench bench(*model, arguments, options, probe);
    Progress progress("measuring");
    const std::size_t tests = arguments.prefill.size() + arguments.decode.size() * arguments.depth.size();
    const auto add = [&](BenchResult result) {
      report.results.push_back(std::move(result));
      progress.show(report.results.size(), tests);
    };
    for (const int n : arguments.prefill) add(bench.prefill(n));
    for (const int depth : arguments.depth) {
      for (const int n : arguments.decode) add(bench.decode(n, depth));
    }
    report.session_bytes = bench.session_bytes();
    report.after_run = probe.resident();
  }
  report.end = measure_limits(arguments, arguments.repeat);
  arguments.json ? static_cast<void>(std::puts(report_json(report).c_str())) : print_report(report, arguments.ops);
}

void run(Arguments arguments) {
  if (arguments.only_limits) {
    const MeasuredLimits found = measure_limits(arguments, arguments.repeat);
    if (arguments.json) {
      std::puts(limits_json(limits::cpu_name(), arguments.threads(), found).c_str());
    } else {
      print_limits(limits::cpu_name(), arguments.threads(), found);
    }
    return;
  }
  if (arguments.model.path.empty()) throw UsageError("MODEL is required, unless only --limits are asked for");
  for (std::vector<int>* list : {&arguments.prefill, &arguments.decode}) {
    list->erase(std::remove(list->begin(), list->end(), 0), list->end());
  }
  std::sort(arguments.depth.begin(), arguments.depth.end());
  run_model(arguments);
}

}  // namespace

void add_bench(CLI::App& app) {
  CLI::App* const command = app.add_subcommand(
      "bench", "Measure loading, prefill and decode against the machine's limits");
  const auto a = std::make_shared<Arguments>();
  CLI::Option* const model = a->model.add_to(*command);
  model->required(false);
  const auto list = [&](const char* name, std::vector<int>& values, const char* what) {
    command->add_option(name, values, what)->delimiter(',')->check(CLI::NonNegativeNumber);
  };
  list("--prefill", a->prefill, "Prompt lengths, separated by commas; 0: none");
  list("--decode", a->decode, "Numbers of tokens to decode, separated by commas; 0: none");
  list("--depth", a->depth, "Tokens in the context before decoding, separated by commas");
  command->add_option("--repeat", a->repeat, "Runs of each test")->check(CLI::PositiveNumber);
  command->add_option("--chunk", a->chunk, "Tokens computed together in prefill")->check(CLI::PositiveNumber);
  command->add_option("--context", a->context_length, "Tokens the session can hold; 0: as the tests need")
      ->check(CLI::NonNegativeNumber);
  command->add_flag("--ops", a->ops, "Show time by kind of work");
  command->add_flag("--limits", a->only_limits, "Measure the machine's limits alone; needs no model")->excludes(model);
  command->add_flag("--quick", a->quick, "Measure the limits roughly, with little memory");
  command->add_flag("--json", a->json, "Print JSON");
  command->callback([a] { run(*a); });
}

}  // namespace cli
