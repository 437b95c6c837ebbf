// Speed of the dense products by shape, type and row count: GB/s of weights where few rows stream them, GFLOP/s where
// many rows reuse them. usage: matmul_bench [threads]
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "kernels/dispatch.h"
#include "matmul/matmul.h"

using namespace gemma4;

namespace {

struct Shape {
  const char* name;
  std::size_t n, k;
};

double best_seconds(const base::ThreadPool& pool, matmul::MatMul& engine, const matmul::Matrix& weights,
                    const std::vector<float>& src, std::size_t m, std::vector<float>& dst) {
  double best = 1e9;
  for (int run = 0; run < 7; ++run) {
    const auto turn = pool.acquire();
    const auto start = std::chrono::steady_clock::now();
    engine.multiply(src.data(), weights.k, m, weights, dst.data(), weights.n);
    best = std::min(best, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  return best;
}

}  // namespace

int main(int argc, char** argv) try {
  const int threads = argc > 1 ? std::atoi(argv[1]) : base::physical_cores();
  const base::ThreadPool pool(threads);
  const kernels::KernelTable& kernels = kernels::select_table();
  std::printf("%s, %d threads\n%-12s %-5s %-9s %5s %9s %9s\n", kernels.name, threads, "shape", "type", "compute", "rows",
              "GB/s", "GFLOP/s");
  for (const Shape& shape : {Shape{"E2B mlp up", 6144, 1536}, Shape{"E2B mlp down", 1536, 6144}, Shape{"E2B head", 65536, 1536}}) {
    for (DType dtype : {DType::f32, DType::bf16, DType::f16}) {
      const std::vector<std::uint8_t> storage(shape.n * shape.k * size_of(dtype), 0);
      const matmul::Matrix weights{storage.data(), formats::data_type(dtype), shape.n, shape.k};
      for (Compute compute : {Compute::automatic, Compute::bf16}) {
        if (compute == Compute::bf16 && dtype != DType::bf16) continue;
        matmul::MatMul engine(kernels, pool, compute);
        for (std::size_t m : {1, 4, 16, 64, 512}) {
          if (m * shape.n > (std::size_t{1} << 24)) continue;
          const std::vector<float> src(m * shape.k, 0.5F);
          std::vector<float> dst(m * shape.n);
          const double seconds = best_seconds(pool, engine, weights, src, m, dst);
          std::printf("%-12s %-5s %-9s %5zu %9.1f %9.1f\n", shape.name, to_string(dtype),
                      to_string(compute), m, static_cast<double>(storage.size()) / seconds * 1e-9,
                      2.0 * static_cast<double>(m * shape.n * shape.k) / seconds * 1e-9);
        }
      }
    }
  }
} catch (const std::exception& error) {
  std::fprintf(stderr, "matmul_bench: %s\n", error.what());
  return 1;
}
