// What independent rows cost: steps of several sequences in both arithmetics (matmul/arithmetic.h), by kind of work.
// usage: step_bench MODEL [threads [repeats]]
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <memory>
#include <vector>

#include "gemma4/gemma4.h"
#include "model/load/loaded_model.h"
#include "session/kv_cache.h"

using namespace gemma4;

namespace {

constexpr std::size_t kContext = 1024, kDepth = 64;

/// Some sequences of one length, and the steps that each gives the same number of rows to.
class Company {
 public:
  Company(const Model& model, std::size_t sequences, std::size_t rows) : model_(*model.impl()), rows_(rows) {
    for (std::size_t i = 0; i < sequences; ++i) {
      caches_.push_back(std::make_unique<session::KvCache>(model_.config(), kContext, rows, DType::f16));
    }
    model_.turns().reserve(std::max(sequences * rows, kDepth));
    for (auto& cache : caches_) cache->will_write_to(kDepth + rows);
    logits_.resize(sequences * static_cast<std::size_t>(model_.config().vocab_size));
  }

  /// Adds to the profile what one step costs, its last rows' logits included.
  void run(matmul::Arithmetic arithmetic, Profile* profile) {
    std::vector<model::Row> rows(rows_);
    for (std::size_t i = 0; i < rows_; ++i) rows[i].token = static_cast<TokenId>(100 + i * 37 % 1000);
    const auto last = static_cast<std::int32_t>(rows_ - 1);
    std::vector<model::SequenceStep> sequences;
    for (auto& cache : caches_) sequences.push_back({rows, kDepth, cache->views(), {&last, 1}, {}});
    model::Step step;
    step.sequences = sequences;
    step.arithmetic = arithmetic;
    step.profile = profile;
    const model::Turn turn = model_.turns().take();
    model_.decoder().forward(step, turn.memory());
    model_.decoder().logits(turn.workspace().normed.first(sequences.size()), arithmetic, turn.matmul(), logits_.data(), profile);
  }

 private:
  const model::LoadedModel& model_;
  std::size_t rows_;
  std::vector<std::unique_ptr<session::KvCache>> caches_;
  std::vector<float> logits_;
};

double seconds(const Profile& profile) {
  double sum = 0;
  for (const OpCost& cost : profile.ops) sum += cost.seconds;
  return sum;
}

void measure(const Model& model, std::size_t sequences, std::size_t rows, int repeats) {
  Company company(model, sequences, rows);
  Profile best[2];
  for (int i = 0; i < repeats + 1; ++i) {  // in turn; the first is not counted
    for (int k : {0, 1}) {
      Profile profile;
      company.run(k == 0 ? matmul::Arithmetic::together() : matmul::Arithmetic::independent(), &profile);
      if (i == 1 || (i > 1 && seconds(profile) < seconds(best[k]))) best[k] = profile;
    }
  }
  std::printf("%3zu x %3zu rows  together %8.1f ms  independent %8.1f ms  x %.2f :", sequences, rows, seconds(best[0]) * 1e3,
              seconds(best[1]) * 1e3, seconds(best[1]) / seconds(best[0]));
  for (std::size_t i = 0; i < kOps; ++i) {
    const double a = best[0].ops[i].seconds, b = best[1].ops[i].seconds;
    if (a > 0.02 * seconds(best[0])) std::printf(" %s %.2f", to_string(static_cast<Op>(i)), b / a);
  }
  std::printf("\n");
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc < 2) {
    std::fprintf(stderr, "usage: step_bench MODEL [threads [repeats]]\n");
    return 2;
  }
  ModelOptions options;
  options.threads = argc > 2 ? std::atoi(argv[2]) : -1;
  const int repeats = argc > 3 ? std::atoi(argv[3]) : 3;
  const Model model = Model::load(argv[1], options);
  for (const auto& [sequences, rows] : {std::pair<std::size_t, std::size_t>{1, 1}, {4, 1}, {8, 1}, {16, 1}, {64, 1}, {1, 64}, {8, 32}, {1, 512}}) {
    measure(model, sequences, rows, repeats);
  }
} catch (const std::exception& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
