// gemma4 quantize: a model as a GGUF file of smaller element types.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <map>
#include <memory>

#include "commands.h"
#include "common.h"
#include "gemma4/quantize.h"
#include "interrupt.h"

namespace cli {
namespace {

struct Arguments {
  std::string in, out, type;
  std::vector<std::string> tensor_types;
  std::string imatrix;
  int threads = -1;
  bool verbose = false;
};

std::string shape_text(const std::vector<std::int64_t>& shape) {
  std::string text;
  for (const std::int64_t n : shape) text += (text.empty() ? "" : ", ") + std::to_string(n);
  return "[" + text + "]";
}

void print(const gemma4::QuantizeResult& result, bool verbose, double seconds) {
  std::map<std::string, std::pair<int, std::uint64_t>> by_type;
  std::uint64_t weights = 0, bytes = 0;
  for (const gemma4::QuantizedTensor& tensor : result.tensors) {
    auto& [count, sum] = by_type[tensor.to];
    ++count;
    sum += tensor.bytes;
    bytes += tensor.bytes;
    std::uint64_t elements = 1;
    for (const std::int64_t n : tensor.shape) elements *= static_cast<std::uint64_t>(n);
    weights += elements;
    if (verbose) {
      std::printf("%-40s %-6s -> %-6s %s\n", tensor.name.c_str(), tensor.from.c_str(), tensor.to.c_str(),
                  shape_text(tensor.shape).c_str());
    }
  }
  for (const auto& [type, sum] : by_type) {
    std::printf("%-8s %5d tensors  %10s\n", type.c_str(), sum.first, format_bytes(sum.second).c_str());
  }
  std::printf("%s of weights became %s, %.2f bits a weight\n", format_bytes(result.source_bytes).c_str(),
              format_bytes(bytes).c_str(), 8.0 * static_cast<double>(bytes) / static_cast<double>(weights));
  if (!result.dropped.empty()) {
    std::printf("%zu tensors left out: no part of the text decoder (vision, audio)\n", result.dropped.size());
    for (const std::string& name : result.dropped) {
      if (verbose) std::printf("  %s\n", name.c_str());
    }
  }
  std::fprintf(stderr, "%llu weights in %.1f s (%.1f million a second)\n", static_cast<unsigned long long>(weights),
               seconds, static_cast<double>(weights) / seconds * 1e-6);
}

void run(const Arguments& arguments) {
  gemma4::QuantizeOptions options;
  options.threads = arguments.threads;
  options.imatrix = arguments.imatrix;
  for (const std::string& text : arguments.tensor_types) {
    const std::size_t equals = text.find('=');
    if (equals == std::string::npos) throw UsageError("--tensor-type: expected PATTERN=TYPE, got \"" + text + "\"");
    options.tensor_types.emplace_back(text.substr(0, equals), text.substr(equals + 1));
  }
  const Interrupt interrupt(Interrupt::On::any_end);
  options.cancel = interrupt.token();
  Progress progress("quantizing");
  options.progress = [&progress](const gemma4::QuantizeProgress& at) { progress.show(at.done, at.total); };
  const double start = now();
  const gemma4::QuantizeResult result = gemma4::quantize(arguments.in, arguments.out, arguments.type, options);
  progress.clear();
  print(result, arguments.verbose, now() - start);
}

}  // namespace

void add_quantize(CLI::App& app) {
  CLI::App* const command = app.add_subcommand("quantize", "Write a model as a GGUF file of smaller element types");
  const auto arguments = std::make_shared<Arguments>();
  std::string recipes, types;
  for (const std::string& name : gemma4::quantize_recipes()) recipes += (recipes.empty() ? "" : ", ") + name;
  for (const std::string& name : gemma4::quantize_tensor_types()) types += (types.empty() ? "" : ", ") + name;
  command->add_option("IN", arguments->in, "Hugging Face folder or GGUF file")->required();
  command->add_option("OUT", arguments->out, "GGUF file; appears when it is complete")->required();
  command->add_option("TYPE", arguments->type, "One of " + recipes)->required();
  command->add_option("--tensor-type", arguments->tensor_types,
                      "PATTERN=TYPE for tensors whose name has PATTERN in it (* and ? allowed); the first that matches "
                      "counts; TYPE one of " +
                          types);
  command->add_option("--imatrix", arguments->imatrix, "Importance matrix of llama.cpp's imatrix (GGUF or .dat)");
  command->add_option("--threads", arguments->threads, "Threads; -1: one per physical core");
  command->add_flag("--verbose", arguments->verbose, "List every tensor");
  command->callback([arguments] { run(*arguments); });
}

}  // namespace cli
