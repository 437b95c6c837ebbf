// This library against HF transformers: logits, taps and greedy tokens of random checkpoints of every shape.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>

#include "gemma4/gemma4.h"
#include "session/session.h"
#include "support/goldens.h"

using namespace gemma4;
using test::Golden;

namespace {

// README.md of this folder has the reasons.
constexpr double kTolerance = 5e-5;        // F32 arithmetic: absolute
constexpr double kTapTolerance = 5e-6;     // F32 arithmetic: of the row's largest magnitude
constexpr double kAutoTolerance = 1.5e-3;  // F16 cache: of the largest logit
constexpr double kBf16Tolerance = 1e-2;    // products of bf16: of the largest logit

Model load(const std::string& path, Compute compute) {
  ModelOptions options;
  options.compute = compute;
  options.threads = 2;
  return Model::load(path, options);
}

Session new_session(const Model& model, int chunk = 512, int context = 256) {
  SessionOptions options;
  options.context_length = context;
  options.prefill_chunk = chunk;
  return Session(model, options);
}

double max_difference(Span<const float> got, const std::vector<float>& expected) {
  REQUIRE(got.size() == expected.size());
  double worst = 0;
  for (std::size_t i = 0; i < got.size(); ++i) worst = std::max(worst, std::abs(static_cast<double>(got[i]) - expected[i]));
  return worst;
}

double largest(const std::vector<float>& values) {
  double best = 0;
  for (float v : values) best = std::max(best, std::abs(static_cast<double>(v)));
  return best;
}

std::size_t argmax(Span<const float> v) { return static_cast<std::size_t>(std::max_element(v.begin(), v.end()) - v.begin()); }

PrefillOptions want(Want want) {
  PrefillOptions options;
  options.want = want;
  return options;
}

}  // namespace

TEST_CASE("the checkpoints are those the goldens were made from") {
  REQUIRE(test::goldens().size() >= 13);
  for (const Golden& golden : test::goldens()) {
    std::ifstream file(golden.folder() + "/weights.sha256");
    std::string digest;
    file >> digest;
    CHECK_MESSAGE(digest == golden.metadata("weights_sha256"), golden.name(), ": run tests/parity/checkpoints.py, or regenerate.sh");
  }
}

TEST_CASE("F32 arithmetic: last logits at every prompt length, in one chunk") {
  double worst = 0;
  for (const Golden& golden : test::goldens()) {
    const Model model = load(golden.folder(), Compute::f32);
    for (int n : golden.prompt_lengths()) {
      Session s = new_session(model);
      const std::string key = "prompt." + std::to_string(n) + ".";
      const double difference = max_difference(s.prefill(golden.ints(key + "ids")), golden.floats(key + "logits"));
      CHECK_MESSAGE(difference <= kTolerance, golden.name(), " prompt ", n, ": ", difference);
      worst = std::max(worst, difference);
    }
  }
  MESSAGE("largest difference ", worst, " of ", kTolerance, " allowed");
}

TEST_CASE("F32 arithmetic: every row, in any chunking, with and without skipping the shared layers") {
  double worst = 0;
  for (const Golden& golden : test::goldens()) {
    const Model model = load(golden.folder(), Compute::f32);
    const auto ids = golden.ints("all.ids");
    const auto expected = golden.floats("all.logits");
    for (int chunk : {1, 2, 3, 5, 7, 16, 23, 24, 31, 64}) {
      for (bool skip : {true, false}) {
        SessionOptions options;
        options.context_length = 256;
        options.prefill_chunk = chunk;
        options.skip_shared_layers = skip;
        Session s(model, options);
        const double difference = max_difference(s.prefill(ids, want(Want::all_logits)), expected);
        CHECK_MESSAGE(difference <= kTolerance, golden.name(), " chunk ", chunk, ": ", difference);
        worst = std::max(worst, difference);
      }
    }
  }
  MESSAGE("largest difference ", worst, " of ", kTolerance, " allowed");
}

TEST_CASE("F32 arithmetic: 64 greedy tokens") {
  for (const Golden& golden : test::goldens()) {
    const Model model = load(golden.folder(), Compute::f32);
    for (int k : {0, 1}) {
      const std::string key = "greedy." + std::to_string(k) + ".";
      const auto expected = golden.ints(key + "tokens");
      Session s = new_session(model, k == 0 ? 512 : 8);
      std::vector<std::int32_t> tokens;
      Span<const float> logits = s.prefill(golden.ints(key + "prompt"));
      while (tokens.size() < expected.size()) {
        tokens.push_back(static_cast<std::int32_t>(argmax(logits)));
        logits = s.decode(tokens.back());
      }
      CHECK_MESSAGE(tokens == expected, golden.name(), " greedy ", k);
    }
  }
}

TEST_CASE("F32 arithmetic: the residual stream after every layer") {
  double worst = 0;
  for (const Golden& golden : test::goldens()) {
    const Model model = load(golden.folder(), Compute::f32);
    const int layers = model.config().num_hidden_layers;
    Session s = new_session(model);
    std::map<int, std::vector<float>> taps;
    s.impl()->set_probe([&](int layer, const float* values, std::size_t rows, std::size_t d) {
      taps[layer].assign(values, values + rows * d);
    });
    s.prefill(golden.ints("tap.ids"), want(Want::all_logits));
    REQUIRE(taps.size() == static_cast<std::size_t>(layers) + 2);
    const auto rows = golden.ints("tap.rows");
    const auto d = static_cast<std::size_t>(model.config().hidden_size);
    for (const auto& [layer, values] : taps) {
      const std::string name = layer < 0 ? "tap.embedding" : layer == layers ? "tap.norm" : "tap.layer." + std::to_string(layer);
      const auto expected = golden.floats(name);
      for (std::size_t r = 0; r < rows.size(); ++r) {
        const std::vector<float> row(expected.begin() + static_cast<std::ptrdiff_t>(r * d), expected.begin() + static_cast<std::ptrdiff_t>((r + 1) * d));
        const double difference = max_difference({values.data() + static_cast<std::size_t>(rows[r]) * d, d}, row) / largest(row);
        CHECK_MESSAGE(difference <= kTapTolerance, golden.name(), " ", name, " row ", rows[r], ": ", difference);
        worst = std::max(worst, difference);
      }
    }
  }
  MESSAGE("largest difference ", worst, " of ", kTapTolerance, " allowed");
}

TEST_CASE("F32 arithmetic: given rows that see one another, within the window and beyond it") {
  double worst = 0;
  int goldens = 0;
  for (const Golden& golden : test::goldens()) {
    if (!golden.has("block.ids")) continue;
    ++goldens;
    const Model model = load(golden.folder(), Compute::f32);
    const auto ids = golden.ints("block.ids"), ranges = golden.ints("block.ranges"), rows = golden.ints("block.rows");
    const auto embeddings = golden.floats("block.embeddings"), expected = golden.floats("block.logits");
    const auto width = static_cast<std::size_t>(model.config().hidden_size);
    const auto off = [&](int chunk, bool blocks) {
      std::vector<session::MediumRows> media;
      const float* given = embeddings.data();
      for (std::size_t i = 0; i < ranges.size(); i += 2) {
        const auto begin = static_cast<std::size_t>(ranges[i]), end = static_cast<std::size_t>(ranges[i + 1]);
        media.push_back({begin, end, given, i + 1, blocks});
        given += (end - begin) * width;
      }
      SessionOptions options;
      options.context_length = 256;
      options.prefill_chunk = chunk;
      options.longest_block = 80;
      session::SessionState s(model.impl(), options);
      PrefillOptions some = want(Want::rows);
      some.rows.assign(rows.begin(), rows.end());
      return max_difference(s.prefill({ids, media}, some), expected);
    };
    for (const int chunk : {512, 64, 30, 7, 1}) {
      const double difference = off(chunk, true);
      CHECK_MESSAGE(difference <= kTolerance, golden.name(), " chunk ", chunk, ": ", difference);
      worst = std::max(worst, difference);
    }
    CHECK(off(512, false) > 1000 * kTolerance);
  }
  CHECK(goldens == 2);
  MESSAGE("largest difference ", worst, " of ", kTolerance, " allowed");
}

namespace {

/// The goldens of 16-bit weights, of nets with experts or of those without.
std::vector<Golden> goldens_of_16_bits(bool experts) {
  std::vector<Golden> list = test::goldens();
  list.erase(std::remove_if(list.begin(), list.end(), [&](const Golden& golden) {
    return golden.dtype() == "f32" || experts != (golden.case_name() == "moe" || golden.case_name() == "odd");
  }), list.end());
  return list;
}

/// Last logits within `allowed` of the largest, the same top token wherever the margin exceeds that.
void check_last_rows(Compute compute, double allowed) {
  double worst = 0;
  for (const Golden& golden : goldens_of_16_bits(false)) {
    const Model model = load(golden.folder(), compute);
    CHECK(model.compute() == compute);
    for (int n : golden.prompt_lengths()) {
      for (int chunk : {512, 7}) {
        Session s = new_session(model, chunk);
        const std::string key = "prompt." + std::to_string(n) + ".";
        const auto expected = golden.floats(key + "logits");
        const Span<const float> logits = s.prefill(golden.ints(key + "ids"));
        const double scale = largest(expected), difference = max_difference(logits, expected) / scale;
        CHECK_MESSAGE(difference <= allowed, golden.name(), " prompt ", n, ": ", difference);
        worst = std::max(worst, difference);
        auto sorted = expected;
        std::sort(sorted.begin(), sorted.end(), std::greater<>());
        if (sorted[0] - sorted[1] > allowed * scale) CHECK(argmax(logits) == argmax(expected));
      }
    }
  }
  MESSAGE("largest difference ", worst, " of ", allowed, " allowed");
}

/// With experts: the median row within `allowed` of its largest logit. In some rows a router's tie falls to another expert.
void check_median_row(Compute compute, double allowed) {
  double worst = 0;
  for (const Golden& golden : goldens_of_16_bits(true)) {
    const Model model = load(golden.folder(), compute);
    Session s = new_session(model);
    const auto expected = golden.floats("all.logits");
    const Span<const float> logits = s.prefill(golden.ints("all.ids"), want(Want::all_logits));
    const auto vocab = static_cast<std::size_t>(model.config().vocab_size);
    std::vector<double> differences;
    for (std::size_t i = 0; i < expected.size(); i += vocab) {
      const std::vector<float> row(expected.begin() + static_cast<std::ptrdiff_t>(i), expected.begin() + static_cast<std::ptrdiff_t>(i + vocab));
      differences.push_back(max_difference(logits.subspan(i, vocab), row) / largest(row));
    }
    std::sort(differences.begin(), differences.end());
    const double median = differences[differences.size() / 2];
    CHECK_MESSAGE(median <= allowed, golden.name(), ": ", median);
    worst = std::max(worst, median);
  }
  MESSAGE("largest median difference ", worst, " of ", allowed, " allowed");
}

}  // namespace

TEST_CASE("16-bit weights with automatic compute: close in logits, equal in the top token") {
  check_last_rows(Compute::automatic, kAutoTolerance);
}

TEST_CASE("16-bit weights with bf16 compute: close in logits, equal in the top token") {
  check_last_rows(Compute::bf16, kBf16Tolerance);
}

TEST_CASE("16-bit weights with experts: F32's logits with an F32 cache, close in the median row otherwise") {
  for (const Golden& golden : goldens_of_16_bits(true)) {
    const Model model = load(golden.folder(), Compute::automatic);
    SessionOptions options;
    options.context_length = 256;
    options.kv_dtype = DType::f32;
    Session s(model, options);
    const double difference = max_difference(s.prefill(golden.ints("all.ids"), want(Want::all_logits)), golden.floats("all.logits"));
    CHECK_MESSAGE(difference <= kTolerance, golden.name(), ": ", difference);
  }
  check_median_row(Compute::automatic, kAutoTolerance);
  check_median_row(Compute::bf16, kBf16Tolerance);
}

TEST_CASE("safetensors, GGUF and split GGUF give equal bits") {
  for (const Golden& golden : test::goldens()) {
    for (Compute compute : {Compute::automatic, Compute::f32, Compute::bf16}) {
      const Model folder = load(golden.folder(), compute);
      Session s = new_session(folder, 20);
      auto ids = golden.ints("all.ids");  // without placeholders, which a GGUF does not name
      const auto& placeholders = folder.config().placeholder_token_ids;
      std::replace_if(ids.begin(), ids.end(), [&](TokenId id) {
        return std::find(placeholders.begin(), placeholders.end(), id) != placeholders.end();
      }, TokenId{30});
      const Span<const float> logits = s.prefill(ids, want(Want::all_logits));
      const std::vector<float> expected(logits.begin(), logits.end());
      for (const std::string& path : {golden.gguf(), golden.split_gguf()}) {
        const Model gguf = load(path, compute);
        Session g = new_session(gguf, 20);
        const Span<const float> got = g.prefill(ids, want(Want::all_logits));
        REQUIRE(got.size() == expected.size());
        CHECK_MESSAGE(std::memcmp(got.data(), expected.data(), expected.size() * sizeof(float)) == 0, path);
        CHECK(gguf.tokenizer().encode("hello ab\n\nz", true, false) == folder.tokenizer().encode("hello ab\n\nz", true, false));
      }
    }
  }
}

TEST_CASE("reading the weights into memory instead of mapping them changes nothing") {
  const Golden golden = test::goldens().front();
  ModelOptions options;
  options.threads = 2;
  options.use_mmap = false;
  const Model owned = Model::load(golden.folder(), options);
  options.use_mmap = true;
  const Model mapped = Model::load(golden.folder(), options);
  Session a = new_session(owned), b = new_session(mapped);
  const auto ids = golden.ints("all.ids");
  const Span<const float> x = a.prefill(ids), y = b.prefill(ids);
  CHECK(std::memcmp(x.data(), y.data(), x.size() * sizeof(float)) == 0);
}
