// Kernels over single rows, one thread, the row in the first-level cache and a batch of rows that no cache holds:
// nanoseconds per 1000 elements. usage: elementwise_bench
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>
#include <random>
#include <vector>

#include "kernels/dispatch.h"

using namespace gemma4;

namespace {

constexpr std::size_t kWidth = 1536;  // hidden_size of E2B

double best_nanoseconds(const std::function<void(std::size_t)>& row, std::size_t rows) {
  double best = 1e18;
  for (int run = 0; run < 7; ++run) {
    const auto start = std::chrono::steady_clock::now();
    for (std::size_t i = 0; i < std::max<std::size_t>(rows, 2000); ++i) row(i % rows);
    const std::chrono::duration<double, std::nano> spent = std::chrono::steady_clock::now() - start;
    best = std::min(best, spent.count() / static_cast<double>(std::max<std::size_t>(rows, 2000)));
  }
  return best / kWidth * 1000;
}

}  // namespace

int main() {
  const kernels::KernelTable& k = kernels::select_table();
  constexpr std::size_t kMany = 8192;  // 50 MB a buffer
  std::mt19937 random(1);
  std::normal_distribution<float> normal;
  std::vector<float> a(kMany * kWidth), b(a.size()), c(a.size());
  std::vector<float> some(8191);
  for (float& x : some) x = normal(random);
  for (std::size_t i = 0; i < a.size(); ++i) a[i] = b[i] = some[i % some.size()];
  std::vector<std::uint16_t> halves(a.size());
  k.from_f32(a.data(), DType::f16, halves.data(), a.size());
  std::printf("%s\n%-14s %10s %10s\n", k.name, "kernel", "near", "far");
  const auto show = [&](const char* name, const std::function<void(std::size_t)>& row) {
    std::printf("%-14s %10.1f %10.1f\n", name, best_nanoseconds(row, 1), best_nanoseconds(row, kMany));
  };
  const float* w = some.data();
  show("rms_norm", [&](std::size_t i) { k.rms_norm(&a[i * kWidth], w, &c[i * kWidth], kWidth, 1e-6F); });
  show("rms_norm_add", [&](std::size_t i) {
    k.rms_norm_add(&a[i * kWidth], w, &b[i * kWidth], &c[i * kWidth], kWidth, 1e-6F);
  });
  show("norm_rope", [&](std::size_t i) {
    for (std::size_t h = 0; h < kWidth / 256; ++h) {
      k.norm_rope(&a[i * kWidth + h * 256], w, w + 1000, w + 2000, &c[i * kWidth + h * 256], 256, 128, 1e-6F);
    }
  });
  show("gelu_mul", [&](std::size_t i) { k.gelu_mul(&a[i * kWidth], &b[i * kWidth], &c[i * kWidth], kWidth); });
  show("soft_cap", [&](std::size_t i) { k.soft_cap(&c[i * kWidth], 30.0F, kWidth); });
  show("scale", [&](std::size_t i) { k.scale(&c[i * kWidth], 1.0001F, kWidth); });
  show("add_scaled", [&](std::size_t i) { k.add_scaled(&a[i * kWidth], 0.001F, &c[i * kWidth], kWidth); });
  show("f16 to f32", [&](std::size_t i) { k.to_f32(&halves[i * kWidth], DType::f16, &c[i * kWidth], kWidth); });
  show("f32 to f16", [&](std::size_t i) { k.from_f32(&a[i * kWidth], DType::f16, &halves[i * kWidth], kWidth); });
  show("f32 to bf16", [&](std::size_t i) { k.from_f32(&a[i * kWidth], DType::bf16, &halves[i * kWidth], kWidth); });
}
