// Attention of one layer over its cache, against softmax in double precision: windows, rings that have wrapped, tasks
// cut among more threads than there are key heads.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <random>
#include <vector>

#include "kernels/dispatch.h"
#include "kernels/ref.h"
#include "model/attend.h"

using namespace gemma4;

namespace {

constexpr std::size_t kHeads = 4, kHeadDim = 64;

struct Case {
  std::size_t kv_heads, window, tokens, depth;  // window 0: full attention
};

std::vector<float> normal(std::size_t n, unsigned seed) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> distribution;
  std::vector<float> values(n);
  for (float& v : values) v = distribution(generator);
  return values;
}

/// A layer whose cache holds depth + tokens positions, the oldest overwritten where the ring is shorter.
class Layer {
 public:
  Layer(const Case& of, DType dtype) : of_(of) {
    config_.num_attention_heads = kHeads;
    config_.head_dim = config_.global_head_dim = kHeadDim;
    config_.sliding_window = static_cast<int>(of.window);
    config_.hidden_size = 8;
    layer_.attention_type = of.window != 0 ? AttentionType::sliding : AttentionType::full;
    layer_.head_dim = kHeadDim;
    layer_.num_key_value_heads = static_cast<int>(of.kv_heads);
    config_.layers = {layer_};
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
    keys_ = normal(end * of.kv_heads * kHeadDim, 1);
    for (float& k : keys_) k *= 0.5F;
    values_ = normal(keys_.size(), 2);
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

  std::vector<float> attend(int threads) {
    const base::ThreadPool pool(threads);
    const kernels::KernelTable& kernels = kernels::select_table();
    matmul::MatMul engine(kernels, pool, Compute::f32);
    model::Stopwatch watch(nullptr);
    model::Workspace ws(config_, of_.tokens, threads);
    const model::Context context{config_, kernels, pool, engine, ws, watch};
    const auto queries = normal(ws.q.size(), 3);
    std::copy(queries.begin(), queries.end(), ws.q.data());
    for (std::size_t i = 0; i < of_.tokens; ++i) ws.positions[i] = static_cast<std::int64_t>(of_.depth + i);
    const auto angles = normal(ws.rope_full.cos.size(), 4);
    for (std::size_t i = 0; i < angles.size(); ++i) {
      ws.rope_full.cos.data()[i] = std::cos(angles[i]);
      ws.rope_full.sin.data()[i] = std::sin(angles[i]);
    }
    q_ = queries;
    const model::Vector norm = normal(kHeadDim, 5);
    for (std::size_t row = 0; row < of_.tokens * kHeads; ++row) {
      const std::size_t at = row / kHeads * ws.rope_full.pairs;
      kernels::kReferenceTable.norm_rope(&q_[row * kHeadDim], norm.data(), ws.rope_full.cos.data() + at,
                                         ws.rope_full.sin.data() + at, &q_[row * kHeadDim], kHeadDim,
                                         ws.rope_full.pairs, config_.rms_norm_eps);
    }
    const auto turn = pool.acquire();
    model::attend(context, layer_, norm, ws.rope_full, kv_, of_.tokens);
    return {ws.attended.data(), ws.attended.data() + of_.tokens * kHeads * kHeadDim};
  }

  /// Largest difference from softmax attention in double precision. After attend().
  double error(const std::vector<float>& got) const {
    double worst = 0;
    for (std::size_t row = 0; row < of_.tokens * kHeads; ++row) {
      const std::size_t last = of_.depth + row / kHeads, group = kHeads / of_.kv_heads, head = row % kHeads / group;
      const std::size_t first = of_.window != 0 && last >= of_.window ? last - of_.window + 1 : 0;
      const auto at = [&](const std::vector<float>& v, std::size_t p, std::size_t i) -> double {
        return v[(p * of_.kv_heads + head) * kHeadDim + i];
      };
      std::vector<double> weight(last + 1);
      double max = -1e300, total = 0;
      for (std::size_t p = first; p <= last; ++p) {
        const float* q = &q_[row * kHeadDim];
        for (std::size_t i = 0; i < kHeadDim; ++i) weight[p] += static_cast<double>(q[i]) * at(keys_, p, i);
        max = std::max(max, weight[p]);
      }
      for (std::size_t p = first; p <= last; ++p) total += weight[p] = std::exp(weight[p] - max);
      for (std::size_t i = 0; i < kHeadDim; ++i) {
        double expected = 0;
        for (std::size_t p = first; p <= last; ++p) expected += weight[p] / total * at(values_, p, i);
        worst = std::max(worst, std::abs(got[row * kHeadDim + i] - expected));
      }
    }
    return worst;
  }

 private:
  Case of_;
  ModelConfig config_;
  LayerConfig layer_;
  model::KvView kv_;
  std::vector<std::uint8_t> storage_;
  std::vector<float> keys_, values_, q_;
};

}  // namespace

TEST_CASE("attention over a cache: any cut among threads agrees with softmax over all visible keys") {
  for (const Case& c : {Case{1, 0, 1, 0}, Case{1, 0, 1, 1500}, Case{2, 0, 3, 700}, Case{4, 0, 1, 900},
                        Case{1, 0, 150, 0}, Case{2, 0, 40, 333}, Case{1, 200, 1, 1000}, Case{2, 100, 70, 500},
                        Case{1, 64, 130, 0}, Case{4, 7, 90, 250}, Case{2, 1, 5, 130}}) {
    for (const DType dtype : {DType::f32, DType::f16, DType::bf16}) {
      Layer layer(c, dtype);
      for (const int threads : {1, 2, 3, 7, 16}) {
        CAPTURE(c.kv_heads);
        CAPTURE(c.window);
        CAPTURE(c.tokens);
        CAPTURE(c.depth);
        CAPTURE(threads);
        const std::vector<float> got = layer.attend(threads);
        CHECK(layer.error(got) < 2e-5);
        const std::vector<float> again = layer.attend(threads);
        CHECK(std::memcmp(got.data(), again.data(), got.size() * sizeof(float)) == 0);
      }
    }
  }
}
