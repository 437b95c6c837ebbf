// gemma4 bench: time to load, speed of prefill and decode, memory.
#include <sys/resource.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <memory>

#include "commands.h"
#include "common.h"

namespace cli {
namespace {

using gemma4::TokenId;

struct Arguments {
  ModelArguments model;
  std::vector<int> prefill = {128, 512};
  std::vector<int> decode = {32};
  int depth = 0;
  int repeat = 3;
  int chunk = 512;
  bool json = false;
};

struct Row {
  std::string test;
  int tokens = 0;
  double median_seconds = 0.0;
  double best_seconds = 0.0;
  double median_rate() const { return tokens / median_seconds; }
  double best_rate() const { return tokens / best_seconds; }
};

Row make_row(std::string test, int tokens, std::vector<double> seconds) {
  std::sort(seconds.begin(), seconds.end());
  const std::size_t n = seconds.size();
  const double median = n % 2 == 1 ? seconds[n / 2] : (seconds[n / 2 - 1] + seconds[n / 2]) / 2.0;
  return {std::move(test), tokens, median, seconds.front()};
}

// The most this process has had in memory, and what it has now. Mapped weights count as far as they have been read.
std::uint64_t peak_rss() {
  struct rusage usage = {};
  getrusage(RUSAGE_SELF, &usage);
#if defined(__APPLE__)
  return static_cast<std::uint64_t>(usage.ru_maxrss);
#else
  return static_cast<std::uint64_t>(usage.ru_maxrss) * 1024;
#endif
}

std::uint64_t current_rss() {
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen("/proc/self/statm", "r"), &std::fclose);
  unsigned long long pages = 0;
  if (!file || std::fscanf(file.get(), "%*u %llu", &pages) != 1) return 0;
  return pages * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
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

// A session that already holds `depth` tokens, brought back there before each run.
class Bench {
 public:
  Bench(const gemma4::Model& model, const Arguments& arguments)
      : session_(model, session_options(arguments)),
        repeat_(arguments.repeat),
        depth_(static_cast<std::size_t>(arguments.depth)),
        ids_(some_tokens(session_options(arguments).context_length, model.config().vocab_size)) {
    if (depth_ == 0) return;
    gemma4::PrefillOptions options;
    options.want = gemma4::Want::nothing;
    session_.prefill({ids_.data(), depth_}, options);
    session_.checkpoint();
  }

  Row prefill(int tokens) {
    std::vector<double> seconds;
    for (int i = 0; i < repeat_; ++i) {
      session_.truncate(depth_);
      const double start = now();
      session_.prefill({ids_.data(), static_cast<std::size_t>(tokens)});
      seconds.push_back(now() - start);
    }
    return make_row("prefill", tokens, seconds);
  }

  Row decode(int tokens) {
    std::vector<double> seconds;
    for (int i = 0; i < repeat_; ++i) {
      session_.truncate(depth_);
      session_.decode(ids_[0]);
      const double start = now();
      for (int j = 0; j < tokens; ++j) session_.decode(ids_[static_cast<std::size_t>(j) + 1]);
      seconds.push_back(now() - start);
    }
    return make_row("decode", tokens, seconds);
  }

  std::uint64_t session_bytes() const { return session_.memory_bytes(); }

 private:
  static gemma4::SessionOptions session_options(const Arguments& arguments) {
    gemma4::SessionOptions options;
    int most = 1;
    for (const int n : arguments.prefill) most = std::max(most, n);
    for (const int n : arguments.decode) most = std::max(most, n);
    options.context_length = arguments.depth + most + 1;
    options.prefill_chunk = arguments.chunk;
    return options;
  }

  gemma4::Session session_;
  int repeat_;
  std::size_t depth_;
  std::vector<TokenId> ids_;
};

struct Report {
  std::string model, isa, compute;
  int threads = 0;
  std::uint64_t weight_bytes = 0, session_bytes = 0, peak = 0, current = 0;
  double load_seconds = 0.0;
  std::vector<Row> rows;
};

void print_table(const Report& r, const Arguments& arguments) {
  std::printf("%s: %s, %d threads, compute %s\n", r.model.c_str(), r.isa.c_str(), r.threads, r.compute.c_str());
  std::printf("load %.3f s; weights %s, session %s; RSS %s, at most %s\n\n", r.load_seconds,
              format_bytes(r.weight_bytes).c_str(), format_bytes(r.session_bytes).c_str(),
              format_bytes(r.current).c_str(), format_bytes(r.peak).c_str());
  std::printf("%-10s %8s %8s %12s %14s %14s\n", "test", "tokens", "depth", "median s", "median tok/s", "best tok/s");
  for (const Row& row : r.rows) {
    std::printf("%-10s %8d %8d %12.4f %14.2f %14.2f\n", row.test.c_str(), row.tokens, arguments.depth,
                row.median_seconds, row.median_rate(), row.best_rate());
  }
}

void print_json(const Report& r, const Arguments& arguments) {
  std::printf(
      "{\"model\": %s, \"isa\": %s, \"threads\": %d, \"compute\": %s, \"load_seconds\": %.6f, "
      "\"weight_bytes\": %llu, \"session_bytes\": %llu, \"rss_bytes\": %llu, \"peak_rss_bytes\": %llu, "
      "\"results\": [",
      json_string(r.model).c_str(), json_string(r.isa).c_str(), r.threads, json_string(r.compute).c_str(),
      r.load_seconds, static_cast<unsigned long long>(r.weight_bytes), static_cast<unsigned long long>(r.session_bytes),
      static_cast<unsigned long long>(r.current), static_cast<unsigned long long>(r.peak));
  const char* separator = "";
  for (const Row& row : r.rows) {
    std::printf(
        "%s{\"test\": %s, \"tokens\": %d, \"depth\": %d, \"repeat\": %d, \"median_seconds\": %.6f, "
        "\"median_tokens_per_second\": %.3f, \"best_tokens_per_second\": %.3f}",
        separator, json_string(row.test).c_str(), row.tokens, arguments.depth, arguments.repeat, row.median_seconds,
        row.median_rate(), row.best_rate());
    separator = ", ";
  }
  std::printf("]}\n");
}

void run(const Arguments& arguments) {
  Report report;
  const double start = now();
  const gemma4::Model model = arguments.model.load();
  report.load_seconds = now() - start;
  report.model = arguments.model.path;
  report.isa = model.isa();
  report.compute = gemma4::to_string(model.compute());
  report.threads = model.threads();
  for (const gemma4::ModelPart& part : model.parts()) report.weight_bytes += part.bytes;

  Progress progress("measuring");
  const std::size_t tests = arguments.prefill.size() + arguments.decode.size();
  Bench bench(model, arguments);
  for (const int n : arguments.prefill) {
    progress.show(report.rows.size(), tests);
    report.rows.push_back(bench.prefill(n));
  }
  for (const int n : arguments.decode) {
    progress.show(report.rows.size(), tests);
    report.rows.push_back(bench.decode(n));
  }
  progress.clear();
  report.session_bytes = bench.session_bytes();
  report.current = current_rss();
  report.peak = std::max(peak_rss(), report.current);  // the kernel counts the two apart, and roughly
  arguments.json ? print_json(report, arguments) : print_table(report, arguments);
}

}  // namespace

void add_bench(CLI::App& app) {
  CLI::App* const command = app.add_subcommand("bench", "Measure loading, prefill and decode");
  const auto arguments = std::make_shared<Arguments>();
  arguments->model.add_to(*command);
  command->add_option("--prefill", arguments->prefill, "Prompt lengths, separated by commas")
      ->delimiter(',')
      ->check(CLI::PositiveNumber);
  command->add_option("--decode", arguments->decode, "Numbers of tokens to decode, separated by commas")
      ->delimiter(',')
      ->check(CLI::PositiveNumber);
  command->add_option("--depth", arguments->depth, "Tokens already in the context")->check(CLI::NonNegativeNumber);
  command->add_option("--repeat", arguments->repeat, "Runs of each test")->check(CLI::PositiveNumber);
  command->add_option("--chunk", arguments->chunk, "Tokens computed together in prefill")->check(CLI::PositiveNumber);
  command->add_flag("--json", arguments->json, "Print JSON");
  command->callback([arguments] { run(*arguments); });
}

}  // namespace cli
