// What a host may bring: threads of its own, memory, a place for log lines.
#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <numeric>
#include <string>
#include <thread>
#include <vector>

#include "gemma4/gemma4.h"
#include "support/test_model.h"

using namespace gemma4;
using namespace gemma4::test;

namespace {

/// The logits of a prompt, and of a step after it.
std::vector<float> logits_of(const Model& model) {
  Session session(model);
  const std::vector<TokenId> prompt = model.tokenizer().encode("The quick brown fox jumps over the lazy dog. ", true);
  const Span<const float> read = session.prefill(prompt);
  std::vector<float> values(read.begin(), read.end());
  const Span<const float> step = session.decode(prompt.front());
  values.insert(values.end(), step.begin(), step.end());
  return values;
}

ModelOptions with_threads(int threads, Runner runner = {}) {
  ModelOptions options;
  options.threads = threads;
  options.runner = std::move(runner);
  return options;
}

std::atomic<long> blocks{0}, bytes{0};
void* take(void* /*user_data*/, std::size_t n, std::size_t alignment) {
  ++blocks;
  bytes += static_cast<long>(n);
  return std::aligned_alloc(alignment, (n + alignment - 1) / alignment * alignment);
}
void give(void* /*user_data*/, void* block, std::size_t n) {
  --blocks;
  bytes -= static_cast<long>(n);
  std::free(block);
}

}  // namespace

TEST_CASE("threads of the host: the same bits in any order, on any threads") {
  const std::vector<float> expected = logits_of(Model::load(nano_model_path(), with_threads(4)));
  unsigned state = 1;
  const Runner shuffled = [&](int count, const std::function<void(int)>& part) {
    std::vector<int> order(static_cast<std::size_t>(count));
    std::iota(order.begin(), order.end(), 0);
    for (std::size_t i = order.size(); i > 1; --i) {
      state = state * 1664525U + 1013904223U;
      std::swap(order[i - 1], order[state % i]);
    }
    for (const int index : order) part(index);
  };
  const Runner elsewhere = [](int count, const std::function<void(int)>& part) {
    std::vector<std::thread> threads;
    for (int i = 0; i < count; ++i) threads.emplace_back([&part, i] { part(i); });
    for (std::thread& thread : threads) thread.join();
  };
  CHECK(logits_of(Model::load(nano_model_path(), with_threads(4, shuffled))) == expected);
  CHECK(logits_of(Model::load(nano_model_path(), with_threads(4, elsewhere))) == expected);
}

TEST_CASE("threads of the host: a runner that throws or leaves parts out ends the step with an error") {
  int calls = 0;
  const Model forgetful = Model::load(nano_model_path(), with_threads(3, [](int, const auto& part) { part(1); }));
  const Model broken = Model::load(nano_model_path(), with_threads(3, [&](int count, const auto& part) {
    if (++calls == 5) throw Error(ErrorCode::cancelled, "the host's own");
    for (int i = 0; i < count; ++i) part(i);
  }));
  CHECK_THROWS_WITH_AS(logits_of(forgetful), doctest::Contains("1 of 3 parts"), Error);
  CHECK_THROWS_WITH_AS(logits_of(broken), doctest::Contains("the host's own"), Error);
  CHECK(logits_of(broken) == logits_of(Model::load(nano_model_path(), with_threads(3))));
}

TEST_CASE("memory of the host: large blocks come from the hook and go back to it") {
  CHECK_THROWS_AS(set_memory_hook({&take, nullptr, nullptr}), Error);
  set_memory_hook({&take, &give, nullptr});
  {
    ModelOptions owned = with_threads(1);
    owned.use_mmap = false;
    const Model model = Model::load(nano_model_path(), owned);
    const long of_the_weights = bytes;
    CHECK(of_the_weights > 1000000);
    const Session session(model);
    const MemoryPlan plan = memory_plan(model);
    const auto taken = static_cast<std::uint64_t>(bytes - of_the_weights);
    CHECK(taken > (plan.session_bytes() + plan.workspace_bytes) / 2);
    CHECK(taken < 2 * (plan.session_bytes() + plan.workspace_bytes));
    set_memory_hook({});
    const Session other(model);
    CHECK(static_cast<std::uint64_t>(bytes - of_the_weights) == taken);
  }
  CHECK(blocks == 0);
  CHECK(bytes == 0);
}

TEST_CASE("log lines: a session longer than the model was made for is a warning") {
  const Model model = Model::load(nano_model_path(), with_threads(1));
  std::vector<std::string> lines;
  set_log([&](LogLevel, std::string_view line) { lines.emplace_back(line); }, LogLevel::warning);
  const int most = model.config().max_position_embeddings;
  SessionOptions options;
  options.context_length = most;
  Session fits(model, options);
  CHECK(lines.empty());
  options.context_length = most + 1;
  Session longer(model, options);
  set_log({});
  CHECK(longer.context_length() == static_cast<std::size_t>(most) + 1);
  REQUIRE(lines.size() == 1);
  CHECK(lines[0].find("context_length " + std::to_string(most + 1)) != std::string::npos);
  CHECK(lines[0].find("max_position_embeddings, " + std::to_string(most)) != std::string::npos);
}

TEST_CASE("log lines: silent by default, then what was asked for") {
  std::vector<std::string> lines;
  set_log([&](LogLevel level, std::string_view line) {
    lines.push_back(std::string(to_string(level)) + ": " + std::string(line));
    CHECK_THROWS_AS(set_log({}), Error);
  });
  Model::load(nano_model_path(), with_threads(2));
  set_log({});
  Model::load(nano_model_path());
  REQUIRE(lines.size() == 1);
  CHECK(lines[0].find("info: ") == 0);
  CHECK(lines[0].find("2 threads") != std::string::npos);
}
