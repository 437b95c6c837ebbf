// The random checkpoints as loaded models, and what property tests do with sessions over them.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "gemma4/gemma4.h"

namespace gemma4::test {

/// One checkpoint of tests/parity/checkpoints.py.
struct RandomModel {
  std::string name;  ///< "e2b-f32": case and weight type, and the arithmetic where it is not the default
  Model model;

  /// Largest difference allowed between logits of the same tokens that came in in other portions. F32: what parity allows
  /// (tests/parity/README.md). Otherwise a share of the largest logit. An F16 cache's rounding is the same both ways, except where
  /// F32 sums of another order fall to its other side (1.1e-4 seen over 400 prompts of every shape). In bf16 a prefill rounds its
  /// activations and up to kGemvRows rows do not: one way has the whole error of that rounding, the other less of it (3.0e-3 seen on
  /// the nets below, the same 2^-9 per activation on every CPU; how products are summed, by AMX or otherwise, is F32's own).
  double tolerance(Span<const float> expected) const {
    if (model.compute() == Compute::f32) return 5e-5;
    float largest = 0;
    for (float value : expected) largest = std::max(largest, std::abs(value));
    return (model.compute() == Compute::bf16 ? 1e-2 : 5e-4) * largest;
  }
  int window() const { return model.config().sliding_window; }
};

inline std::string checkpoint_folder(const std::string& name) {
  return std::string(GEMMA4_BINARY_DIR) + "/parity/" + name;
}

inline Model load_random(const std::string& name, int threads = 2, Compute compute = Compute::automatic) {
  ModelOptions options;
  options.threads = threads;
  options.compute = compute;
  return Model::load(checkpoint_folder(name), options);
}

/// Checkpoints of these names in their default arithmetic, or in bf16 where " bf16" follows. One thread each: thread counts have
/// tests of their own.
inline std::vector<RandomModel> load_random_models(const std::vector<std::string>& names) {
  std::vector<RandomModel> list;
  for (const std::string& name : names) {
    const std::size_t end = name.find(' ');
    list.push_back({name, load_random(name.substr(0, end), 1, end == std::string::npos ? Compute::automatic : Compute::bf16)});
  }
  return list;
}

/// Every shape in F32, and BF16 weights in both arithmetics; loaded once. Whatever way tokens come in, these are `close`.
inline const std::vector<RandomModel>& random_models() {
  static const std::vector<RandomModel> models = load_random_models({"e2b-f32", "e4b-f32", "dense-f32", "moe-f32", "odd-f32", "bare-f32",
                                                                     "e4b-bf16", "e2b-bf16 bf16", "bare-bf16 bf16"});
  return models;
}

/// Experts in rounded arithmetic. Where two of them tie but for rounding, a router takes either, by how many tokens are read at
/// a time, and the token becomes another one (3 % of random prompts in bf16): equal calls give equal bits, no other calls compare.
inline const std::vector<RandomModel>& rounded_mixtures() {
  static const std::vector<RandomModel> models = load_random_models({"odd-bf16", "odd-bf16 bf16"});
  return models;
}
inline std::vector<RandomModel> random_models_and_rounded_mixtures() {
  std::vector<RandomModel> all = random_models();
  all.insert(all.end(), rounded_mixtures().begin(), rounded_mixtures().end());
  return all;
}

inline const RandomModel& random_model(const std::string& name) {
  for (const auto* models : {&random_models(), &rounded_mixtures()}) {
    for (const RandomModel& m : *models) {
      if (m.name == name) return m;
    }
  }
  throw std::runtime_error("no such model: " + name);
}

inline SessionOptions sized(int context_length, int prefill_chunk) {
  SessionOptions options;
  options.context_length = context_length;
  options.prefill_chunk = prefill_chunk;
  return options;
}
inline PrefillOptions wanting(Want want) {
  PrefillOptions options;
  options.want = want;
  return options;
}

/// A seeded source of small numbers and tokens, the same everywhere.
class Random {
 public:
  explicit Random(std::uint64_t seed) : engine_(seed) {}
  std::size_t below(std::size_t n) { return static_cast<std::size_t>(engine_() % n); }
  std::size_t between(std::size_t low, std::size_t high) { return low + below(high - low + 1); }
  TokenId token(const Model& model) {
    return static_cast<TokenId>(below(static_cast<std::size_t>(model.config().vocab_size)));
  }
  std::vector<TokenId> tokens(const Model& model, std::size_t n) {
    std::vector<TokenId> list(n);
    for (TokenId& id : list) id = token(model);
    return list;
  }

 private:
  std::mt19937_64 engine_;
};

using Values = std::vector<float>;
inline Values values(Span<const float> span) { return {span.begin(), span.end()}; }

inline double difference(Span<const float> a, Span<const float> b) {
  if (a.size() != b.size()) return std::numeric_limits<double>::infinity();
  double worst = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double d = std::abs(static_cast<double>(a[i]) - b[i]);
    worst = d <= worst ? worst : d;  // a NaN stays
  }
  return worst;
}
inline bool close(const RandomModel& m, Span<const float> got, Span<const float> expected) {
  return !expected.empty() && difference(got, expected) <= m.tolerance(expected);
}
inline bool same_bits(Span<const float> a, Span<const float> b) {
  return !a.empty() && a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

/// The last logits of these tokens by a session that sees them in one chunk: what any other way must agree with.
/// @param chunk  0: all of them.
inline Values fresh_logits(const Model& model, Span<const TokenId> tokens, int chunk = 0) {
  const int n = static_cast<int>(tokens.size());
  Session session(model, sized(n, chunk == 0 ? n : chunk));
  return values(session.prefill(tokens));
}

/// Row i of logits or hidden states of this width.
inline Span<const float> row(Span<const float> rows, std::size_t i, int width) {
  const auto n = static_cast<std::size_t>(width);
  return rows.subspan(i * n, n);
}

}  // namespace gemma4::test
