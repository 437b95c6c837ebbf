// Every kernel of every table this CPU can run, against the scalar twin in double precision, at odd lengths and
// unaligned addresses.
#include <doctest/doctest.h>

#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <string_view>
#include <vector>

#include "base/bf16.h"
#include "kernels/dispatch.h"
#include "kernels/ref.h"

using gemma4::DType;
namespace kernels = gemma4::kernels;

namespace {

constexpr std::size_t kLengths[] = {1, 2, 3, 7, 8, 15, 16, 17, 31, 33, 63, 64, 65, 80, 127, 129, 256, 511, 512, 1000, 1536};
constexpr DType kTypes[] = {DType::f32, DType::f16, DType::bf16};

std::vector<float> normal(std::size_t n, unsigned seed, float deviation = 1.0F) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> distribution(0.0F, deviation);
  std::vector<float> values(n);
  for (float& v : values) v = distribution(generator);
  return values;
}

double distance(const std::vector<float>& a, const std::vector<float>& b) {
  double worst = 0;
  for (std::size_t i = 0; i < a.size(); ++i) worst = std::max(worst, std::abs(static_cast<double>(a[i]) - b[i]));
  return worst;
}

/// The table of an instruction set, or null where this build or this CPU lacks it: the test is then skipped by name.
template <class Isa>
const kernels::KernelTable* table_of() {
  for (const kernels::TableEntry& entry : kernels::tables()) {
    if (std::string_view(entry.name) == Isa::name && entry.supported) return entry.table;
  }
  MESSAGE("skipped: kernels of ", Isa::name, " (not in this build or not on this CPU)");
  return nullptr;
}

struct Baseline {
  static constexpr const char* name = "baseline";
};
struct Avx2 {
  static constexpr const char* name = "avx2";
};
struct Avx512 {
  static constexpr const char* name = "avx512";
};

const kernels::KernelTable& ref = kernels::kReferenceTable;

}  // namespace

TYPE_TO_STRING(Baseline);
TYPE_TO_STRING(Avx2);
TYPE_TO_STRING(Avx512);

TEST_CASE_TEMPLATE("16-bit conversions equal the scalar ones for every half, NaN aside", Isa, Baseline, Avx2, Avx512) {
  const kernels::KernelTable* found = table_of<Isa>();
  if (found == nullptr) return;
  const kernels::KernelTable& table = *found;
  std::vector<std::uint16_t> all(65536 + 5);
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<std::uint16_t>(i);
  for (DType type : {DType::f16, DType::bf16}) {
    std::vector<float> wide(all.size()), expected(all.size());
    table.to_f32(all.data(), type, wide.data(), all.size());
    ref.to_f32(all.data(), type, expected.data(), all.size());
    std::vector<std::uint16_t> back(all.size());
    table.from_f32(wide.data(), type, back.data(), all.size());
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (std::isnan(expected[i])) {
        REQUIRE(std::isnan(wide[i]));
        REQUIRE((back[i] & 0x7FFF) > (type == DType::f16 ? 0x7C00 : 0x7F80));
      } else {
        REQUIRE(wide[i] == expected[i]);
        REQUIRE(back[i] == all[i]);
      }
    }
  }
}

TEST_CASE_TEMPLATE("rounding to 16 bits is to nearest even, at ties, overflow and underflow too", Isa, Baseline, Avx2, Avx512) {
  const kernels::KernelTable* found = table_of<Isa>();
  if (found == nullptr) return;
  const kernels::KernelTable& table = *found;
  std::vector<float> values = normal(4096, 1, 100.0F);
  for (std::uint32_t bits = 0; bits < 4096; ++bits) {
    values.push_back(gemma4::base::bf16_to_float(static_cast<std::uint16_t>(bits * 16)) * (1.0F + 0x1p-9F));
    values.push_back(std::bit_cast<float>((bits << 20) | 0x8000U));  // bf16 ties
    values.push_back(std::bit_cast<float>((bits << 20) | 0x1000U));  // half ties
  }
  for (float edge : {65503.9F, 65504.0F, 65519.9F, 65520.0F, 1e30F, 5.9e-8F, 2.9e-8F, 3.0e-8F, -2.98e-8F, 6.1e-5F}) values.push_back(edge);
  {
    for (DType type : {DType::f16, DType::bf16}) {
      std::vector<std::uint16_t> got(values.size()), expected(values.size());
      table.from_f32(values.data(), type, got.data(), values.size());
      ref.from_f32(values.data(), type, expected.data(), values.size());
      for (std::size_t i = 0; i < values.size(); ++i) {
        CAPTURE(values[i]);
        if (!std::isnan(values[i])) REQUIRE(got[i] == expected[i]);
      }
    }
  }
}

TEST_CASE_TEMPLATE("norms", Isa, Baseline, Avx2, Avx512) {
  const kernels::KernelTable* found = table_of<Isa>();
  if (found == nullptr) return;
  const kernels::KernelTable& table = *found;
  for (std::size_t n : kLengths) {
    const auto x = normal(n + 1, 2, 3.0F), w = normal(n, 3), residual = normal(n, 4);
    std::vector<float> got(n), expected(n);
    for (const float* weights : {w.data(), static_cast<const float*>(nullptr)}) {
      table.rms_norm(x.data() + 1, weights, got.data(), n, 1e-6F);
      ref.rms_norm(x.data() + 1, weights, expected.data(), n, 1e-6F);
      CHECK(distance(got, expected) < 1e-5);
    }
    table.rms_norm_add(x.data() + 1, w.data(), residual.data(), got.data(), n, 1e-6F);
    ref.rms_norm_add(x.data() + 1, w.data(), residual.data(), expected.data(), n, 1e-6F);
    CHECK(distance(got, expected) < 1e-5);
  }
  std::vector<float> zeros(40, 0.0F);
  table.rms_norm(zeros.data(), nullptr, zeros.data(), zeros.size(), 1e-6F);
  CHECK(zeros[7] == 0.0F);
}

TEST_CASE_TEMPLATE("norm and rope: the first pairs turn, the rest is normed alone; in place too", Isa, Baseline, Avx2, Avx512) {
  const kernels::KernelTable* found = table_of<Isa>();
  if (found == nullptr) return;
  const kernels::KernelTable& table = *found;
  for (std::size_t head_dim : {2, 6, 32, 96, 128, 256, 512}) {
    const auto x = normal(head_dim, 6, 3.0F), weights = normal(head_dim, 7);
    for (std::size_t pairs : {std::size_t{0}, std::size_t{1}, head_dim / 4, head_dim / 2}) {
      const auto angles = normal(pairs, 5, 10.0F);
      std::vector<float> cos(pairs), sin(pairs);
      for (std::size_t i = 0; i < pairs; ++i) cos[i] = std::cos(angles[i]), sin[i] = std::sin(angles[i]);
      std::vector<float> got(head_dim), expected(head_dim), in_place = x;
      table.norm_rope(x.data(), weights.data(), cos.data(), sin.data(), got.data(), head_dim, pairs, 1e-6F);
      ref.norm_rope(x.data(), weights.data(), cos.data(), sin.data(), expected.data(), head_dim, pairs, 1e-6F);
      CHECK(distance(got, expected) < 3e-6);
      table.norm_rope(in_place.data(), weights.data(), cos.data(), sin.data(), in_place.data(), head_dim, pairs, 1e-6F);
      CHECK(in_place == got);
    }
  }
}

TEST_CASE_TEMPLATE("gated GELU, scaling and soft-capping, far tails included", Isa, Baseline, Avx2, Avx512) {
  const kernels::KernelTable* found = table_of<Isa>();
  if (found == nullptr) return;
  const kernels::KernelTable& table = *found;
  for (std::size_t n : kLengths) {
    auto gate = normal(n, 7, 4.0F);
    gate[0] = -40.0F;
    gate[n - 1] = 50.0F;
    const auto up = normal(n, 8);
    std::vector<float> got(n), expected(n);
    table.gelu_mul(gate.data(), up.data(), got.data(), n);
    ref.gelu_mul(gate.data(), up.data(), expected.data(), n);
    for (std::size_t i = 0; i < n; ++i) CHECK(std::abs(got[i] - expected[i]) <= 2e-6 * (1.0 + std::abs(expected[i])));

    got = expected = normal(n, 9);
    table.add_scaled(up.data(), 0.37F, got.data(), n);
    ref.add_scaled(up.data(), 0.37F, expected.data(), n);
    CHECK(distance(got, expected) < 1e-6);
    table.scale(got.data(), 0.0178F, n);
    ref.scale(expected.data(), 0.0178F, n);
    CHECK(distance(got, expected) < 1e-6);

    got = expected = normal(n, 10, 60.0F);
    CHECK(table.soft_cap(got.data(), 30.0F, n));
    CHECK(ref.soft_cap(expected.data(), 30.0F, n));
    CHECK(distance(got, expected) < 1e-5);
    CHECK(table.soft_cap(got.data(), 0.0F, n));
    for (float bad : {std::numeric_limits<float>::infinity(), std::nanf("")}) {
      auto values = normal(n, 11);
      values[n / 2] = bad;
      CHECK_FALSE(table.soft_cap(values.data(), 30.0F, n));
    }
  }
}

TEST_CASE_TEMPLATE("gemv agrees with Eigen in double precision for every type, row count and odd size", Isa, Baseline, Avx2, Avx512) {
  const kernels::KernelTable* found = table_of<Isa>();
  if (found == nullptr) return;
  const kernels::KernelTable& table = *found;
  for (DType type : kTypes) {
    for (std::size_t k : {1, 5, 16, 33, 80, 256, 704, 1000}) {
      for (std::size_t n : {1, 2, 3, 4, 5, 13, 64}) {
        const auto w32 = normal(n * k, 12);
        std::vector<std::uint8_t> storage(n * k * size_of(type) + 2);
        std::uint8_t* w = storage.data() + (type == DType::f32 ? 0 : 2);  // 16-bit rows need no alignment beyond 2
        ref.from_f32(w32.data(), type, w, n * k);
        std::vector<float> wide(n * k);
        ref.to_f32(w, type, wide.data(), n * k);
        const auto x = normal(kernels::kGemvRows * (k + 3), 13);
        using Rows = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
        const Eigen::MatrixXd weights = Eigen::Map<const Rows>(wide.data(), static_cast<Eigen::Index>(n), static_cast<Eigen::Index>(k)).cast<double>();
        for (std::size_t rows = 1; rows <= kernels::kGemvRows; ++rows) {
          std::vector<float> y(rows * (n + 1), -1.0F);
          table.gemv(w, type, x.data(), k + 3, rows, y.data(), n + 1, n, k);
          for (std::size_t r = 0; r < rows; ++r) {
            const Eigen::VectorXd exact = weights * Eigen::Map<const Eigen::VectorXf>(x.data() + r * (k + 3), static_cast<Eigen::Index>(k)).cast<double>();
            for (std::size_t j = 0; j < n; ++j) {
              CHECK(std::abs(y[r * (n + 1) + j] - exact[static_cast<Eigen::Index>(j)]) < 2e-6 * static_cast<double>(k) + 1e-6);
            }
            CHECK(y[r * (n + 1) + n] == -1.0F);  // nothing past the row
          }
        }
      }
    }
  }
}

TEST_CASE_TEMPLATE("a key goes into its lane and nowhere else", Isa, Baseline, Avx2, Avx512) {
  const kernels::KernelTable* found = table_of<Isa>();
  if (found == nullptr) return;
  for (DType type : kTypes) {
    for (std::size_t head_dim : {1, 4, 17, 80, 256}) {
      const auto key = normal(head_dim, 17);
      for (std::size_t lane : {std::size_t{0}, std::size_t{5}, kernels::kKeyLanes - 1}) {
        std::vector<std::uint8_t> got(head_dim * kernels::kKeyLanes * size_of(type), 0xAB), expected = got;
        found->store_key(key.data(), type, got.data() + lane * size_of(type), head_dim);
        ref.store_key(key.data(), type, expected.data() + lane * size_of(type), head_dim);
        CHECK(got == expected);
      }
    }
  }
}

/// Softmax attention of one row over keys [first, last) in double precision; k and v [keys, head_dim].
std::vector<double> softmax_attention(const float* q, const std::vector<float>& k, const std::vector<float>& v,
                                      std::size_t head_dim, std::size_t first, std::size_t last) {
  std::vector<double> weight(last, 0.0), result(head_dim, 0.0);
  double max = -1e300, total = 0;
  for (std::size_t j = first; j < last; ++j) {
    for (std::size_t i = 0; i < head_dim; ++i) weight[j] += static_cast<double>(q[i]) * k[j * head_dim + i];
    max = std::max(max, weight[j]);
  }
  for (std::size_t j = first; j < last; ++j) total += weight[j] = std::exp(weight[j] - max);
  for (std::size_t j = first; j < last; ++j) {
    for (std::size_t i = 0; i < head_dim; ++i) result[i] += weight[j] / total * v[j * head_dim + i];
  }
  return result;
}

TEST_CASE_TEMPLATE("attention over several blocks equals softmax over all visible keys at once", Isa, Baseline, Avx2, Avx512) {
  const kernels::KernelTable* found = table_of<Isa>();
  if (found == nullptr) return;
  const kernels::KernelTable& table = *found;
  for (DType type : kTypes) {
    for (std::size_t head_dim : {4, 33, 96, 256, 512}) {
      for (std::size_t rows : {1, 2, 3, 5, 6, 8, 15}) {
        constexpr std::size_t kKeys = 150, kStored = 192;  // two whole blocks and a part
        const float size = rows == 5 ? 40.0F : 1.5F;       // scores of some tens: all but one weight vanish
        const auto q = normal(rows * head_dim, 14, size);
        auto k = normal(kStored * head_dim, 15, 1.0F / std::sqrt(static_cast<float>(head_dim)));
        auto v = normal(kStored * head_dim, 16);
        for (std::size_t j = kKeys; j < kStored; ++j) k[j * head_dim] = v[j * head_dim] = std::nanf("");  // never seen
        std::vector<std::uint8_t> keys(kStored * head_dim * size_of(type)), values(keys.size());
        ref.from_f32(v.data(), type, values.data(), v.size());
        ref.to_f32(values.data(), type, v.data(), v.size());
        std::vector<std::uint8_t> rounded(keys.size());
        ref.from_f32(k.data(), type, rounded.data(), k.size());
        for (std::size_t j = 0; j < kStored; ++j) {
          const std::size_t lane = j % kernels::kKeyLanes;
          ref.store_key(k.data() + j * head_dim, type, keys.data() + ((j - lane) * head_dim + lane) * size_of(type), head_dim);
        }
        ref.to_f32(rounded.data(), type, k.data(), k.size());

        std::vector<std::size_t> first(rows), last(rows);
        for (std::size_t r = 0; r < rows; ++r) {
          last[r] = kKeys - 2 * r;
          first[r] = r % 2 == 0 ? 0 : last[r] - 70;
        }
        std::vector<kernels::SoftmaxState> state(rows, {-std::numeric_limits<float>::infinity(), 0.0F});
        std::vector<float> acc(rows * head_dim, 0.0F);
        for (std::size_t key = 0; key < kStored; key += kernels::kKeyBlock) {
          std::vector<std::int32_t> f(rows), l(rows);
          const auto within = [&](std::size_t p) { return static_cast<std::int32_t>(std::min(std::max(p, key) - key, kernels::kKeyBlock)); };
          for (std::size_t r = 0; r < rows; ++r) f[r] = within(first[r]), l[r] = within(last[r]);
          const std::size_t at = key * head_dim * size_of(type);
          table.attend_block(q.data(), rows, keys.data() + at, values.data() + at, type, head_dim, f.data(), l.data(),
                             state.data(), acc.data(), nullptr);
        }
        double worst = 0;
        for (std::size_t r = 0; r < rows; ++r) {
          const auto expected = softmax_attention(q.data() + r * head_dim, k, v, head_dim, first[r], last[r]);
          for (std::size_t i = 0; i < head_dim; ++i) {
            worst = std::max(worst, std::abs(acc[r * head_dim + i] / state[r].sum - expected[i]));
          }
        }
        CAPTURE(head_dim);
        CAPTURE(rows);
        CHECK(worst < (rows == 5 ? 1e-4 : 1e-5));  // an error of 1e-5 of a score of 40 shifts a weight by as much
      }
    }
  }
}

TEST_CASE_TEMPLATE("attention: a score that is not finite shows in its own row only", Isa, Baseline, Avx2, Avx512) {
  const kernels::KernelTable* found = table_of<Isa>();
  if (found == nullptr) return;
  constexpr std::size_t kHeadDim = 32, kRows = 3;
  const auto k = normal(kernels::kKeyBlock * kHeadDim, 18), v = normal(kernels::kKeyBlock * kHeadDim, 19);
  auto q = normal(kRows * kHeadDim, 20);
  q[kHeadDim + 5] = std::nanf("");
  const std::vector<std::int32_t> first(kRows, 3), last(kRows, 40);
  std::vector<kernels::SoftmaxState> state(kRows, {-std::numeric_limits<float>::infinity(), 0.0F});
  std::vector<float> acc(kRows * kHeadDim, 0.0F);
  found->attend_block(q.data(), kRows, k.data(), v.data(), DType::f32, kHeadDim, first.data(), last.data(), state.data(), acc.data(), nullptr);
  CHECK(std::isfinite(acc[0]));
  CHECK(std::isnan(acc[kHeadDim]));
  CHECK(std::isnan(state[1].sum));
  CHECK(std::isfinite(acc[2 * kHeadDim]));
}
