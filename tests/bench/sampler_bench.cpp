// Microseconds per sample from 262,144 logits after 8,192 tokens, for several settings.
#include <chrono>
#include <cmath>
#include <cstdio>
#include <vector>

#include "gemma4/sampler.h"
#include "sampling/random.h"

namespace {

using gemma4::SamplerOptions;

constexpr std::size_t kVocab = 262144;

// Normal noise of the given spread; `peak` > 0 adds a handful of likely tokens, as a real model's logits have.
std::vector<float> make_logits(double spread, double peak, std::uint64_t seed) {
  gemma4::sampling::Random random(seed);
  std::vector<float> logits(kVocab);
  for (float& x : logits) {
    const double u = 1.0 - random.uniform();
    x = static_cast<float>(spread * std::sqrt(-2.0 * std::log(u)) * std::cos(6.283185307179586 * random.uniform()));
  }
  for (int i = 0; i < 20 && peak > 0.0; ++i) {
    logits[random.next() % kVocab] += static_cast<float>(peak * (1.0 - 0.04 * i));
  }
  return logits;
}

double best_microseconds(const SamplerOptions& options, const std::vector<std::vector<float>>& logits, double* mean) {
  gemma4::Sampler sampler(options);
  std::vector<gemma4::TokenId> text(8192);  // of 1,000 words
  gemma4::sampling::Random words(5);
  for (gemma4::TokenId& token : text) token = static_cast<gemma4::TokenId>(words.next() % 1000);
  sampler.observe(text);
  sampler.sample(logits[0]);
  double best = 1e9;
  double sum = 0.0;
  constexpr int kRuns = 100;
  for (int run = 0; run < kRuns; ++run) {
    const auto start = std::chrono::steady_clock::now();
    sampler.sample(logits[static_cast<std::size_t>(run) % logits.size()]);
    const std::chrono::duration<double, std::micro> took = std::chrono::steady_clock::now() - start;
    best = std::fmin(best, took.count());
    sum += took.count();
  }
  *mean = sum / kRuns;
  return best;
}

SamplerOptions with(float temperature, int top_k, float top_p, float min_p = 0.0F, float typical_p = 1.0F) {
  SamplerOptions o;
  o.seed = 0;
  o.temperature = temperature;
  o.top_k = top_k;
  o.top_p = top_p;
  o.min_p = min_p;
  o.typical_p = typical_p;
  return o;
}

}  // namespace

int main() {
  std::vector<std::vector<float>> peaked, flat;
  for (std::uint64_t i = 0; i < 8; ++i) {
    peaked.push_back(make_logits(2.0, 24.0, i));
    flat.push_back(make_logits(1.0, 0.0, 100 + i));
  }
  SamplerOptions everything = with(1.0F, 64, 0.95F, 0.05F, 0.9F);
  everything.repetition_penalty = 1.1F;
  everything.suppress = {1, 2};
  everything.top_logprobs = 5;
  SamplerOptions logprobs = with(1.0F, 64, 0.95F);
  logprobs.logprobs = true;
  SamplerOptions dry = with(1.0F, 64, 0.95F), ngrams = dry, xtc = dry;
  dry.dry_multiplier = 0.8F;
  dry.dry_sequence_breakers.clear();
  ngrams.no_repeat_ngram_size = 3;
  xtc.xtc_probability = 0.5F;
  const struct {
    const char* name;
    SamplerOptions options;
  } settings[] = {
      {"greedy", with(0.0F, 0, 1.0F)},
      {"top_k 64", with(1.0F, 64, 1.0F)},
      {"top_k 64, top_p 0.95", with(1.0F, 64, 0.95F)},
      {"the same, logprobs", logprobs},
      {"top_k 64, everything on", everything},
      {"top_k, top_p, DRY", dry},
      {"top_k, top_p, n-grams", ngrams},
      {"top_k, top_p, XTC", xtc},
      {"top_k 4096", with(1.0F, 4096, 1.0F)},
      {"top_k 100000", with(1.0F, 100000, 1.0F)},
      {"temperature only", with(1.0F, 0, 1.0F)},
      {"top_p 0.95", with(1.0F, 0, 0.95F)},
      {"min_p 0.05", with(1.0F, 0, 1.0F, 0.05F)},
      {"typical_p 0.9", with(1.0F, 0, 1.0F, 0.0F, 0.9F)},
  };
  std::printf("%-26s %12s %12s %12s %12s   (us per sample, %zu logits)\n", "", "peaked best", "mean", "flat best",
              "mean", kVocab);
  for (const auto& s : settings) {
    double peaked_mean = 0.0, flat_mean = 0.0;
    const double peaked_best = best_microseconds(s.options, peaked, &peaked_mean);
    const double flat_best = best_microseconds(s.options, flat, &flat_mean);
    std::printf("%-26s %12.1f %12.1f %12.1f %12.1f\n", s.name, peaked_best, peaked_mean, flat_best, flat_mean);
  }
}
