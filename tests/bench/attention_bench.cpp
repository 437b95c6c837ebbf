// Attention of one layer against the machine's limits, measured in the same run: GFLOP/s of the visible work where a
// chunk is read in, GB/s of keys and values where one token at a time is. Rotary and norms of the queries included.
// usage: attention_bench [threads [layers whose name contains this]]
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <vector>

#include "bench_limits.h"
#include "kernels/dispatch.h"
#include "model/graph/attend.h"

using namespace gemma4;

namespace {

using Clock = std::chrono::steady_clock;

template <class Fn>
double best_seconds(double budget, Fn&& fn) {
  double best = 1e9;
  const auto start = Clock::now();
  for (int run = 0; run < 5 || std::chrono::duration<double>(Clock::now() - start).count() < budget; ++run) {
    const auto begin = Clock::now();
    fn();
    best = std::min(best, std::chrono::duration<double>(Clock::now() - begin).count());
  }
  return best;
}

struct Shape {
  const char* name;
  int heads, kv_heads, head_dim, window;  // window 0: full attention
};

struct Case {
  std::size_t tokens, depth;
};

/// One layer with caches of `copies` layers, so that each call finds its cache as cold as a model's step would.
class Layer {
 public:
  Layer(const Shape& shape, const base::ThreadPool& pool, std::size_t rows, std::size_t context)
      : shape_(shape), pool_(pool), engine_(kernels::select_table(), pool, Compute::f32), watch_(nullptr) {
    const auto head_dim = static_cast<std::size_t>(shape.head_dim), width = head_dim * static_cast<std::size_t>(shape.heads);
    q_norm_.assign(head_dim, 1.0F);
    cos_.assign(rows * head_dim / 2, 1.0F);
    sin_.assign(rows * head_dim / 2, 0.0F);
    queries_ = base::AlignedBuffer<float>(rows * width, "queries");
    attended_ = base::AlignedBuffer<float>(rows * width, "attended");
    for (int i = 0; i < pool.size(); ++i) scratch_.emplace_back(head_dim);

    kv_.dtype = DType::f16;
    kv_.heads = static_cast<std::size_t>(shape.kv_heads);
    kv_.head_dim = static_cast<std::size_t>(shape.head_dim);
    kv_.capacity = (shape.window != 0 ? static_cast<std::size_t>(shape.window) + rows : context) / 64 * 64 + 64;
    bytes_ = kv_.heads * kv_.capacity * kv_.head_dim * 2;
    copies_ = std::max<std::size_t>(1, (std::size_t{96} << 20) / (2 * bytes_));
    cache_ = base::AlignedBuffer<std::uint8_t>(2 * bytes_ * copies_, "cache");
    std::mt19937 random(1);
    std::normal_distribution<float> normal;
    std::vector<float> some(8191);  // a prime: rows differ
    for (float& value : some) value = 0.06F * normal(random);
    for (std::size_t i = 0; i < cache_.size() / 2; i += some.size()) {
      const std::size_t count = std::min(some.size(), cache_.size() / 2 - i);
      kernels::select_table().from_f32(some.data(), DType::f16, cache_.data() + 2 * i, count);
    }
    for (float& q : queries_.span()) q = normal(random);
  }

  double seconds(const Case& c) {
    const graph::Kit kit{kernels::select_table(), pool_, engine_, watch_};
    std::vector<graph::KeyRange> visible;
    for (std::size_t i = 0; i < c.tokens; ++i) {
      const auto end = static_cast<std::int64_t>(c.depth + i + 1);
      visible.push_back({shape_.window != 0 ? std::max<std::int64_t>(end - shape_.window, 0) : 0, end});
    }
    graph::KvView kv = kv_;
    const graph::SequenceRows sequence{0, c.tokens, {&kv, 1}};
    graph::Attention a;
    a.heads = static_cast<std::size_t>(shape_.heads);
    a.head_dim = kv_.head_dim;
    a.queries = {queries_.data(), c.tokens, a.heads * a.head_dim};
    a.q_norm = &q_norm_;
    a.eps = 1e-6F;
    a.rotation = {a.head_dim / 2, cos_.data(), sin_.data()};
    a.visible = visible;
    a.sequences = {&sequence, 1};
    a.scratch = scratch_;
    a.dst = {attended_.data(), c.tokens, a.heads * a.head_dim};
    std::size_t copy = 0;
    const auto turn = pool_.acquire();
    return best_seconds(0.5, [&] {
      kv.keys = cache_.data() + 2 * bytes_ * copy;
      kv.values = kv.keys + bytes_;
      copy = (copy + 1) % copies_;
      graph::attend(kit, a);
    });
  }

  double visible_pairs(const Case& c) const {
    double pairs = 0;
    for (std::size_t i = 0; i < c.tokens; ++i) {
      const std::size_t keys = c.depth + i + 1;
      pairs += static_cast<double>(shape_.window != 0 ? std::min(keys, static_cast<std::size_t>(shape_.window)) : keys);
    }
    return pairs;
  }

  /// Bytes of the keys and values that some row sees.
  double bytes(const Case& c) const {
    const std::size_t last = c.depth + c.tokens, window = static_cast<std::size_t>(shape_.window);
    const std::size_t keys = window != 0 ? std::min(last, window + c.tokens - 1) : last;
    return 4.0 * static_cast<double>(keys * kv_.heads * kv_.head_dim);
  }

 private:
  Shape shape_;
  const base::ThreadPool& pool_;
  matmul::MatMul engine_;
  graph::Stopwatch watch_;
  graph::Vector q_norm_;
  std::vector<float> cos_, sin_;
  base::AlignedBuffer<float> queries_, attended_;
  std::vector<graph::AttentionScratch> scratch_;
  graph::KvView kv_;
  std::size_t bytes_ = 0, copies_ = 1;
  base::AlignedBuffer<std::uint8_t> cache_;
};

}  // namespace

int main(int argc, char** argv) try {
  const base::ThreadPool pool(argc > 1 ? std::atoi(argv[1]) : base::physical_cores());
  const char* isa = kernels::select_table().name;
  const bench::Limits limit(pool.size(), isa);
  const double peak = limit.peak(limits::Kind::f32), bandwidth = limit.read();
  std::printf("%s, %d threads: f32 peak %.0f GFLOP/s, read %.1f GB/s\n%-12s %6s %6s %10s %9s %6s %7s %6s\n", isa,
              pool.size(), peak, bandwidth, "layer", "tokens", "depth", "us", "GFLOP/s", "share", "GB/s", "share");
  constexpr std::size_t kDeep = 32768;
  for (const Shape& shape : {Shape{"E2B sliding", 8, 1, 256, 512}, Shape{"E2B full", 8, 1, 512, 0},
                             Shape{"26B sliding", 16, 8, 256, 1024}, Shape{"26B full", 16, 2, 512, 0},
                             Shape{"31B sliding", 32, 16, 256, 1024}, Shape{"31B full", 32, 4, 512, 0}}) {
    if (argc > 2 && std::strstr(shape.name, argv[2]) == nullptr) continue;
    Layer layer(shape, pool, 512, kDeep + 512);
    for (const Case& c : {Case{512, 0}, Case{512, kDeep}, Case{16, 4096}, Case{4, 4096}, Case{1, 0}, Case{1, 4096},
                          Case{1, kDeep}}) {
      const double seconds = layer.seconds(c);
      const double gflops = 4.0 * layer.visible_pairs(c) * shape.heads * shape.head_dim / seconds * 1e-9;
      const double gbps = layer.bytes(c) / seconds * 1e-9;
      std::printf("%-12s %6zu %6zu %10.1f %9.1f %5.0f%% %7.1f %5.0f%%\n", shape.name, c.tokens, c.depth, seconds * 1e6,
                  gflops, bench::percent(gflops, peak), gbps, bench::percent(gbps, bandwidth));
      std::fflush(stdout);
    }
  }
} catch (const std::exception& error) {
  std::fprintf(stderr, "attention_bench: %s\n", error.what());
  return 1;
}
