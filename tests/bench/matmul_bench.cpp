// Speed of the dense products by shape, weight type and row count, against the machine's limits, measured in the same
// run: GB/s of weights where few rows stream them, operations per second where many rows reuse them.
// usage: matmul_bench [threads] [type ...]   types as files spell them: Q4_0, BF16, ...
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "base/aligned_buffer.h"
#include "bench_limits.h"
#include "kernels/dispatch.h"
#include "matmul/matmul.h"

using namespace gemma4;
using bench::Limits;
using bench::percent;
using formats::DataType;

namespace {

struct Shape {
  const char* name;
  std::size_t n, k;
};

constexpr Shape kShapes[] = {{"E2B q", 2048, 1536},       {"E2B mlp up", 6144, 1536}, {"E2B mlp down", 1536, 6144},
                             {"E2B head", 65536, 1536},   {"26B expert", 704, 2816},  {"26B down", 2816, 704},
                             {"31B mlp up", 21504, 5376}};

constexpr DataType kTypes[] = {DataType::f32,  DataType::f16,  DataType::bf16, DataType::q8_0, DataType::q4_0,
                               DataType::q4_k, DataType::q5_k, DataType::q6_k, DataType::iq4_xs};

/// Weights that every type reads as small finite numbers, more than the caches hold: each call gets the next matrix, as
/// the layers of a model would.
class Weights {
 public:
  explicit Weights(std::size_t bytes) : bytes_(bytes, "weights") { std::memset(bytes_.data(), 0x11, bytes); }

  /// The next matrix of this type, from the start again where the memory ends.
  matmul::Matrix next(DataType type, const Shape& shape) {
    matmul::Matrix m{bytes_.data(), type, shape.n, shape.k};
    if (at_ + m.bytes() > bytes_.size()) at_ = 0;
    m.data = bytes_.data() + at_;
    at_ += (m.bytes() + 63) / 64 * 64;
    return m;
  }

 private:
  base::AlignedBuffer<std::uint8_t> bytes_;
  std::size_t at_ = 0;
};

double best_seconds(const base::ThreadPool& pool, matmul::MatMul& engine, Weights& weights, DataType type,
                    const Shape& shape, std::size_t m) {
  const std::vector<float> src(m * shape.k, 0.5F);
  std::vector<float> dst(m * shape.n);
  using Clock = std::chrono::steady_clock;
  const auto since = [](Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
  };
  double best = 1e9;
  const Clock::time_point begin = Clock::now();
  for (int run = 0; run < 5 || (run < 200 && since(begin) < 0.2); ++run) {
    const matmul::Matrix matrix = weights.next(type, shape);
    const auto turn = pool.acquire();
    const Clock::time_point start = Clock::now();
    engine.multiply(src.data(), shape.k, m, matrix, dst.data(), shape.n);
    best = std::min(best, since(start));
  }
  return best;
}

void measure(const base::ThreadPool& pool, const kernels::KernelTable& kernels, const Limits& limit, DataType type,
             Compute compute, Weights& weights) {
  matmul::MatMul engine(kernels, pool, compute);
  const bool plain = formats::float_type(type).has_value();
  const limits::Kind kind = !plain                     ? limits::Kind::int8
                            : compute == Compute::bf16 ? limits::Kind::bf16
                                                       : limits::Kind::f32;
  for (const Shape& shape : kShapes) {
    if (shape.k % formats::info(type).block_elements != 0) continue;
    for (const std::size_t m : {1, 4, 16, 64, 512}) {
      if (m * shape.n > (std::size_t{1} << 24)) continue;
      const double seconds = best_seconds(pool, engine, weights, type, shape, m);
      const double read = static_cast<double>(matmul::Matrix{nullptr, type, shape.n, shape.k}.bytes()) / seconds * 1e-9;
      const double arithmetic = 2.0 * static_cast<double>(m * shape.n * shape.k) / seconds * 1e-9;
      std::printf("%-13s %-7s %-5s %5zu %9.1f %5.0f %% %9.1f %5.0f %%\n", shape.name, to_string(type),
                  to_string(compute), m, read, percent(read, limit.read()), arithmetic,
                  percent(arithmetic, limit.peak(kind)));
      std::fflush(stdout);
    }
  }
}

std::vector<DataType> chosen_types(int argc, char** argv) {
  if (argc <= 2) return {std::begin(kTypes), std::end(kTypes)};
  std::vector<DataType> types;
  for (int i = 2; i < argc; ++i) {
    const std::size_t before = types.size();
    for (int id = 0; id <= static_cast<int>(DataType::q2_0); ++id) {
      const auto type = static_cast<DataType>(id);
      if (std::strcmp(to_string(type), argv[i]) == 0) types.push_back(type);
    }
    if (types.size() == before) throw std::runtime_error(std::string("no such type: ") + argv[i]);
  }
  return types;
}

}  // namespace

int main(int argc, char** argv) try {
  const int threads = argc > 1 ? std::atoi(argv[1]) : base::physical_cores();
  const std::vector<DataType> types = chosen_types(argc, argv);
  const base::ThreadPool pool(threads);
  const kernels::KernelTable& kernels = kernels::select_table();
  const Limits limit(threads, kernels.name);
  std::printf("%s, %d threads: read %.1f GB/s, f32 %.0f, bf16 %.0f GFLOP/s, int8 %.0f GOP/s\n", kernels.name, threads,
              limit.read(), limit.peak(limits::Kind::f32), limit.peak(limits::Kind::bf16),
              limit.peak(limits::Kind::int8));
  std::printf("%-13s %-7s %-5s %5s %9s %7s %9s %7s\n", "shape", "type", "comp.", "rows", "GB/s", "of read",
              "GOP/s", "of peak");
  Weights weights(std::size_t{512} << 20);
  for (const DataType type : types) {
    measure(pool, kernels, limit, type, Compute::automatic, weights);
    if (type == DataType::bf16) measure(pool, kernels, limit, type, Compute::bf16, weights);
  }
} catch (const std::exception& error) {
  std::fprintf(stderr, "matmul_bench: %s\n", error.what());
  return 1;
}
