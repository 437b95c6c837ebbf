// Attention over caches, against softmax in double precision: windows, rings that have wrapped, rows that see ahead,
// several sequences at once, tasks cut among more threads than there are key heads.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <random>
#include <vector>

#include "kernels/dispatch.h"
#include "kernels/ref.h"
#include "model/graph/attend.h"

using namespace gemma4;

namespace {

constexpr std::size_t kHeads = 4, kHeadDim = 64, kPairs = 20;
constexpr float kEps = 1e-6F;

struct Case {
  std::size_t kv_heads, window, tokens, depth;  // window 0: full attention
  std::size_t block_begin = 0, block_end = 0;   // tokens that see one another
};

std::vector<float> normal(std::size_t n, unsigned seed) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> distribution;
  std::vector<float> values(n);
  for (float& v : values) v = distribution(generator);
  return values;
}

/// A sequence whose cache holds depth + tokens positions, the oldest overwritten where the ring is shorter; and the
/// queries of its last tokens.
class Sequence {
 public:
  Sequence(const Case& of, DType dtype, unsigned seed = 1)
      : of_(of), queries_(normal(of.tokens * kHeads * kHeadDim, seed + 2)), angles_(normal(of.tokens * kPairs, seed + 3)) {
    const std::size_t end = of.depth + of.tokens;
    const std::size_t needed = of.window != 0 ? of.window + of.tokens : end;
    kv_.dtype = dtype;
    kv_.heads = of.kv_heads;
    kv_.head_dim = kHeadDim;
    kv_.capacity = (needed + kernels::kKeyBlock - 1) / kernels::kKeyBlock * kernels::kKeyBlock;
    const std::size_t bytes = kv_.heads * kv_.capacity * kHeadDim * size_of(dtype);
    storage_.assign(2 * bytes, 0xFF);  // slots never written hold NaN
    kv_.keys = storage_.data();
    kv_.values = storage_.data() + bytes;
    keys_ = normal(end * of.kv_heads * kHeadDim, seed);
    for (float& k : keys_) k *= 0.5F;
    values_ = normal(keys_.size(), seed + 1);
    const kernels::KernelTable& ref = kernels::kReferenceTable;
    for (std::size_t p = 0; p < end; ++p) {
      for (std::size_t h = 0; h < kv_.heads; ++h) {
        float* key = &keys_[(p * kv_.heads + h) * kHeadDim];
        float* value = &values_[(p * kv_.heads + h) * kHeadDim];
        std::uint8_t* stored = kv_.values + kv_.offset(h, kv_.slot(p));
        ref.from_f32(key, dtype, stored, kHeadDim);
        ref.to_f32(stored, dtype, key, kHeadDim);
        ref.store_key(key, dtype, kv_.keys + kv_.key_offset(h, kv_.slot(p)), kHeadDim);
        ref.from_f32(value, dtype, stored, kHeadDim);
        ref.to_f32(stored, dtype, value, kHeadDim);
      }
    }
  }

  std::size_t tokens() const noexcept { return of_.tokens; }
  const std::vector<float>& queries() const noexcept { return queries_; }
  const std::vector<float>& angles() const noexcept { return angles_; }
  Span<const graph::KvView> view() const noexcept { return {&kv_, 1}; }

  graph::KeyRange visible(std::size_t token) const noexcept {
    const auto p = static_cast<std::int64_t>(of_.depth + token), window = static_cast<std::int64_t>(of_.window);
    graph::KeyRange range{window != 0 ? std::max<std::int64_t>(p - window + 1, 0) : 0, p + 1};
    if (token >= of_.block_begin && token < of_.block_end) range.end = static_cast<std::int64_t>(of_.depth + of_.block_end);
    return range;
  }

  /// Largest difference of got [tokens, heads, head_dim] from softmax attention in double precision.
  double error(const float* got, const graph::Vector& q_norm) const {
    double worst = 0;
    for (std::size_t row = 0; row < of_.tokens * kHeads; ++row) {
      std::vector<float> q(kHeadDim), cos(kPairs), sin(kPairs);
      for (std::size_t i = 0; i < kPairs; ++i) {
        cos[i] = std::cos(angles_[row / kHeads * kPairs + i]);
        sin[i] = std::sin(angles_[row / kHeads * kPairs + i]);
      }
      kernels::kReferenceTable.norm_rope(&queries_[row * kHeadDim], q_norm.data(), cos.data(), sin.data(), q.data(),
                                         kHeadDim, kPairs, kEps);
      const std::size_t head = row % kHeads / (kHeads / of_.kv_heads);
      const graph::KeyRange seen = visible(row / kHeads);
      const auto first = static_cast<std::size_t>(seen.begin), end = static_cast<std::size_t>(seen.end);
      const auto at = [&](const std::vector<float>& v, std::size_t p, std::size_t i) -> double {
        return v[(p * of_.kv_heads + head) * kHeadDim + i];
      };
      std::vector<double> weight(end);
      double max = -1e300, total = 0;
      for (std::size_t p = first; p < end; ++p) {
        for (std::size_t i = 0; i < kHeadDim; ++i) weight[p] += static_cast<double>(q[i]) * at(keys_, p, i);
        max = std::max(max, weight[p]);
      }
      for (std::size_t p = first; p < end; ++p) total += weight[p] = std::exp(weight[p] - max);
      for (std::size_t i = 0; i < kHeadDim; ++i) {
        double expected = 0;
        for (std::size_t p = first; p < end; ++p) expected += weight[p] / total * at(values_, p, i);
        worst = std::max(worst, std::abs(got[row * kHeadDim + i] - expected));
      }
    }
    return worst;
  }

 private:
  Case of_;
  graph::KvView kv_;
  std::vector<std::uint8_t> storage_;
  std::vector<float> keys_, values_, queries_, angles_;
};

const graph::Vector kNorm = normal(kHeadDim, 5);

/// The rows of all sequences in one call: [all tokens, heads, head_dim].
std::vector<float> attend(const std::vector<const Sequence*>& sequences, int threads,
                          matmul::Arithmetic arithmetic = matmul::Arithmetic::together()) {
  const base::ThreadPool pool(threads);
  const kernels::KernelTable& kernels = kernels::select_table();
  matmul::MatMul products(kernels, pool, Compute::f32);
  graph::Stopwatch watch(nullptr);
  const graph::Kit kit{kernels, pool, products, watch, arithmetic};
  std::vector<graph::AttentionScratch> scratch;
  for (int i = 0; i < threads; ++i) scratch.emplace_back(kHeadDim);

  std::vector<float> queries, cos, sin;
  std::vector<graph::KeyRange> visible;
  std::vector<graph::SequenceRows> rows;
  for (const Sequence* s : sequences) {
    rows.push_back({visible.size(), s->tokens(), s->view()});
    queries.insert(queries.end(), s->queries().begin(), s->queries().end());
    for (const float angle : s->angles()) cos.push_back(std::cos(angle)), sin.push_back(std::sin(angle));
    for (std::size_t i = 0; i < s->tokens(); ++i) visible.push_back(s->visible(i));
  }
  std::vector<float> attended(queries.size());
  graph::Attention a;
  a.heads = kHeads;
  a.head_dim = kHeadDim;
  a.queries = {queries.data(), visible.size(), kHeads * kHeadDim};
  a.q_norm = &kNorm;
  a.eps = kEps;
  a.rotation = {kPairs, cos.data(), sin.data()};
  a.visible = visible;
  a.sequences = rows;
  a.scratch = scratch;
  a.dst = {attended.data(), visible.size(), kHeads * kHeadDim};
  const auto turn = pool.acquire();
  graph::attend(kit, a);
  return attended;
}

bool same_bits(const float* a, const float* b, std::size_t n) { return std::memcmp(a, b, n * sizeof(float)) == 0; }

}  // namespace

TEST_CASE("attention over a cache: any cut among threads agrees with softmax over all visible keys") {
  for (const Case& c : {Case{1, 0, 1, 0}, Case{1, 0, 1, 1500}, Case{2, 0, 3, 700}, Case{4, 0, 1, 900},
                        Case{1, 0, 150, 0}, Case{2, 0, 40, 333}, Case{1, 200, 1, 1000}, Case{2, 100, 70, 500},
                        Case{1, 64, 130, 0}, Case{4, 7, 90, 250}, Case{2, 1, 5, 130}}) {
    for (const DType dtype : {DType::f32, DType::f16, DType::bf16}) {
      const Sequence sequence(c, dtype);
      for (const int threads : {1, 2, 3, 7, 16}) {
        CAPTURE(c.kv_heads);
        CAPTURE(c.window);
        CAPTURE(c.tokens);
        CAPTURE(c.depth);
        CAPTURE(threads);
        const std::vector<float> got = attend({&sequence}, threads);
        CHECK(sequence.error(got.data(), kNorm) < 2e-5);
        CHECK(same_bits(got.data(), attend({&sequence}, threads).data(), got.size()));
      }
    }
  }
}

TEST_CASE("attention: rows that see one another ahead of their position") {
  for (const Case& c : {Case{1, 100, 90, 0, 10, 80}, Case{2, 40, 130, 77, 3, 130}, Case{4, 16, 70, 200, 0, 70},
                        Case{2, 0, 30, 50, 5, 9}}) {
    const Sequence sequence(c, DType::f32);
    for (const int threads : {1, 2, 5}) {
      CAPTURE(c.window);
      CAPTURE(threads);
      CHECK(sequence.error(attend({&sequence}, threads).data(), kNorm) < 2e-5);
    }
  }
}

TEST_CASE("attention of several sequences in one call is that of each alone") {
  const Sequence a({2, 0, 1, 1500}, DType::f16, 10), b({2, 0, 97, 30}, DType::f16, 20), c({2, 0, 1, 3}, DType::f32, 30);
  const Sequence d({2, 50, 33, 400, 4, 20}, DType::f16, 40);
  const std::vector<const Sequence*> all = {&a, &b, &c, &d};
  for (const int threads : {1, 2, 3, 8}) {
    const std::vector<float> got = attend(all, threads);
    const std::vector<float> independent = attend(all, threads, matmul::Arithmetic::independent());
    std::size_t at = 0;
    for (const Sequence* s : all) {
      CAPTURE(threads);
      CAPTURE(at);
      CHECK(s->error(got.data() + at, kNorm) < 2e-5);
      CHECK(s->error(independent.data() + at, kNorm) < 2e-5);
      for (const int others : {1, 4}) {  // whatever else runs, on however many threads
        const std::vector<float> alone = attend({s}, others, matmul::Arithmetic::independent());
        CHECK(same_bits(independent.data() + at, alone.data(), alone.size()));
      }
      at += s->queries().size();
    }
  }
}
