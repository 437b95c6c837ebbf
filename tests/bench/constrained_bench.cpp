// What a grammar costs a generation: tokens a second with one and without, in alternating runs.
//
//   constrained_bench MODEL [--tokens N] [--repeat N] [--threads N]
//
// Both sample at temperature 1 with the model's top-k and top-p and read the same prompt. The schema forces next to
// nothing and never ends, so that both runs decode token by token; where text is forced, a grammar is faster.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <memory>
#include <string>
#include <vector>

#include "gemma4/gemma4.h"

using namespace gemma4;

namespace {

const char* const kSchema = R"({"type":"array","minItems":1000000,"items":{"anyOf":[{"type":"string","maxLength":60},
  {"type":"number"},{"type":"boolean"},{"type":"object","additionalProperties":{"type":"string"}}]}})";

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

struct Run {
  double seconds = 0;
  double cpu = 0;         // seconds of all threads, prefill included: what neighbours do not change
  std::size_t tokens = 0;
  std::size_t steps = 0;  // pieces of the answer; forced tokens come with others
};

Run run(const Model& model, const std::vector<TokenId>& prompt, const Grammar* grammar, int tokens,
        std::uint64_t seed) {
  SessionOptions session_options;
  session_options.context_length = static_cast<int>(prompt.size()) + tokens + 1;
  Session session(model, session_options);
  SamplerOptions sampling = model.sampler_defaults();
  sampling.temperature = 1.0F;
  sampling.seed = seed;
  Sampler sampler(sampling);
  GenerateOptions options;
  options.max_tokens = tokens;
  options.stop_at_eos = false;
  if (grammar != nullptr) options.constraint = std::make_shared<GrammarMatcher>(*grammar, model.tokenizer());
  Run out;
  const std::clock_t cpu = std::clock();
  const auto begin = std::chrono::steady_clock::now();
  const GenerateResult result = generate(session, prompt, sampler, options, [&](const Piece&) {
    ++out.steps;
    return StreamAction::proceed;
  });
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  out.seconds = took.count() - result.prefill_seconds;
  out.cpu = static_cast<double>(std::clock() - cpu) / CLOCKS_PER_SEC;
  out.tokens = result.token_ids.size();
  return out;
}

}  // namespace

int main(int argc, char** argv) try {
  int tokens = 200, repeat = 7;
  ModelOptions model_options;
  for (int i = 2; i + 1 < argc; i += 2) {
    if (std::strcmp(argv[i], "--tokens") == 0) tokens = std::stoi(argv[i + 1]);
    if (std::strcmp(argv[i], "--repeat") == 0) repeat = std::stoi(argv[i + 1]);
    if (std::strcmp(argv[i], "--threads") == 0) model_options.threads = std::stoi(argv[i + 1]);
  }
  if (argc < 2) {
    std::printf("constrained_bench MODEL [--tokens N] [--repeat N] [--threads N]\n");
    return 2;
  }
  const Model model = Model::load(argv[1], model_options);
  const Grammar grammar = json_schema(kSchema);
  const char* const question = "<bos><|turn>user\nWrite JSON.<turn|>\n<|turn>model\n";
  const std::vector<TokenId> prompt = model.tokenizer().encode(question, false, true);
  std::vector<double> free, held, free_cpu, held_cpu;
  std::size_t forced = 0;
  for (int r = -1; r < repeat; ++r) {  // the first pair only warms up
    const auto seed = static_cast<std::uint64_t>(r + 10);
    const Run a = run(model, prompt, nullptr, tokens, seed), b = run(model, prompt, &grammar, tokens, seed);
    if (r < 0) continue;
    free.push_back(static_cast<double>(a.tokens) / a.seconds);
    held.push_back(static_cast<double>(b.tokens) / b.seconds);
    free_cpu.push_back(1e6 * a.cpu / static_cast<double>(a.tokens));
    held_cpu.push_back(1e6 * b.cpu / static_cast<double>(b.tokens));
    forced += b.tokens - std::min(b.tokens, b.steps);
  }
  const double without = median(free), with = median(held);
  std::printf("vocabulary of %d tokens; medians of %d alternating runs of %d tokens; %zu tokens were forced\n",
              model.tokenizer().vocab_size(), repeat, tokens, forced);
  std::printf("without a grammar %9.1f tokens/s\n", without);
  std::printf("with a grammar    %9.1f tokens/s  (%+.2f %%, %+.1f us a token)\n", with, 100.0 * (with / without - 1.0),
              1e6 / with - 1e6 / without);
  const double cpu = median(free_cpu), cpu_held = median(held_cpu);
  std::printf("CPU time: %.1f and %.1f us a token (%+.2f %%)\n", cpu, cpu_held, 100.0 * (cpu_held / cpu - 1.0));
  return 0;
} catch (const std::exception& error) {
  std::printf("%s\n", error.what());
  return 1;
}
