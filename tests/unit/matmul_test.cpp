// Products over the pool against Eigen in double precision: every type, both ways to compute, row counts on both sides
// of each switch, odd sizes, several thread counts.
#include <doctest/doctest.h>

#include <Eigen/Core>
#include <cmath>
#include <random>
#include <vector>

#include "kernels/dispatch.h"
#include "kernels/ref.h"
#include "matmul/matmul.h"

using namespace gemma4;
using Rows = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

namespace {

std::vector<float> normal(std::size_t n, unsigned seed) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> distribution;
  std::vector<float> values(n);
  for (float& v : values) v = distribution(generator);
  return values;
}

/// Weights in their stored type, and what they are worth.
struct Weights {
  Weights(std::size_t n, std::size_t k, DType dtype, unsigned seed) : storage(n * k * size_of(dtype)), values(n * k) {
    kernels::kReferenceTable.from_f32(normal(n * k, seed).data(), dtype, storage.data(), n * k);
    kernels::kReferenceTable.to_f32(storage.data(), dtype, values.data(), n * k);
    matrix = {storage.data(), formats::data_type(dtype), n, k};
  }
  std::vector<std::uint8_t> storage;
  std::vector<float> values;
  matmul::Matrix matrix;
};

Eigen::MatrixXd as_matrix(const std::vector<float>& v, std::size_t rows, std::size_t cols) {
  return Eigen::Map<const Rows>(v.data(), static_cast<Eigen::Index>(rows), static_cast<Eigen::Index>(cols)).cast<double>();
}

double worst(const std::vector<float>& got, std::size_t ldd, const Eigen::MatrixXd& exact) {
  double result = 0;
  for (Eigen::Index i = 0; i < exact.rows(); ++i) {
    for (Eigen::Index j = 0; j < exact.cols(); ++j) {
      result = std::max(result, std::abs(got[static_cast<std::size_t>(i) * ldd + static_cast<std::size_t>(j)] - exact(i, j)));
    }
  }
  return result;
}

}  // namespace

TEST_CASE("MatMul agrees with Eigen") {
  for (int threads : {1, 2, 3}) {
    const base::ThreadPool pool(threads);
    for (Compute compute : {Compute::automatic, Compute::bf16}) {
      matmul::MatMul engine(kernels::select_table(), pool, compute);
      for (DType dtype : {DType::f32, DType::f16, DType::bf16}) {
        for (auto [n, k] : {std::pair<std::size_t, std::size_t>{1, 7}, {24, 44}, {96, 80}, {257, 160}, {200, 1000}}) {
          const Weights a(n, k, dtype, 1), b(n + 3, k, dtype, 2);
          for (std::size_t m : {1, 2, 4, 5, 17, 33}) {
            CAPTURE(threads);
            CAPTURE(n);
            CAPTURE(k);
            CAPTURE(m);
            const std::size_t lds = k + 2, ldd = n + 5;
            const auto src = normal(m * lds, 3);
            const Eigen::MatrixXd x = as_matrix(src, m, lds).leftCols(static_cast<Eigen::Index>(k));
            std::vector<float> y(m * ldd, 7.0F), z(m * ldd, 7.0F);
            const matmul::Product products[] = {{&a.matrix, y.data(), ldd}, {&b.matrix, z.data(), ldd}};
            {
              const auto turn = pool.acquire();
              engine.multiply(src.data(), lds, m, {products, 2});
            }
            // bf16 activations keep 8 bits of each factor; F32 arithmetic only gathers rounding errors.
            const bool bf16 = compute == Compute::bf16 && dtype == DType::bf16 && m > kernels::kGemvRows;
            const double tolerance = (bf16 ? 1.5e-2 : 2e-6 * std::sqrt(static_cast<double>(k))) * std::sqrt(static_cast<double>(k));
            CHECK(worst(y, ldd, x * as_matrix(a.values, n, k).transpose()) < tolerance);
            CHECK(worst(z, ldd, x * as_matrix(b.values, n + 3, k).transpose()) < tolerance);
            for (std::size_t i = 0; i < m; ++i) CHECK(y[i * ldd + n] == 7.0F);  // nothing past the rows
          }
        }
      }
    }
  }
}

TEST_CASE("both Dense bodies agree") {
  const auto plain = matmul::make_plain_dense(kernels::select_table());
  const auto onednn = matmul::make_onednn_dense(1, false);
  if (!onednn) {
    MESSAGE("skipped: oneDNN (this build leaves it out)");
    return;
  }
  for (std::size_t m : {1, 5, 16, 100}) {
    for (auto [n, k] : {std::pair<std::size_t, std::size_t>{3, 5}, {64, 256}, {100, 333}}) {
      const auto src = normal(m * k, 4), weights = normal(n * k, 5);
      std::vector<float> a(m * n), b(m * n);
      matmul::DenseTask task{DType::f32, src.data(), k, weights.data(), a.data(), n, m, n, k};
      plain->run(task, 0);
      task.dst = b.data();
      onednn->run(task, 0);
      for (std::size_t i = 0; i < a.size(); ++i) CHECK(std::abs(a[i] - b[i]) < 1e-4);
    }
  }
}
