// The row quantisers: errors against the plain choice of scales, rows that are not like weights, every instruction set.
#include "quantize/row_quantizers.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "blocks/dequantize.h"

namespace gemma4 {
namespace {

using formats::DataType;
using quantization::RowQuantizers;

constexpr DataType kTypes[] = {DataType::q8_0, DataType::q6_k, DataType::q5_k,   DataType::q4_k,
                               DataType::q3_k, DataType::q2_k, DataType::q4_0,   DataType::q4_1,
                               DataType::q5_0, DataType::q5_1, DataType::iq4_nl, DataType::iq4_xs};

std::vector<std::uint8_t> quantized(const RowQuantizers& table, DataType type, const std::vector<float>& x,
                                    const std::vector<float>& importance = {}) {
  std::vector<std::uint8_t> blocks(formats::byte_size(type, x.size()).value());
  row_quantizer(table, type)(x.data(), importance.empty() ? nullptr : importance.data(), x.size(), blocks.data());
  return blocks;
}

std::vector<float> round_trip(DataType type, const std::vector<float>& x, const std::vector<float>& importance = {}) {
  std::vector<float> y(x.size());
  blocks::dequantize(type, quantized(quantization::select_row_quantizers(), type, x, importance).data(), y.data(),
                      x.size());
  return y;
}

/// sqrt(sum w (x - y)^2 / sum w x^2)
double relative_error(const std::vector<float>& x, const std::vector<float>& y, const std::vector<float>& w = {}) {
  double error = 0, size = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double weight = w.empty() ? 1.0 : w[i], d = static_cast<double>(x[i]) - y[i];
    error += weight * d * d;
    size += weight * x[i] * x[i];
  }
  return std::sqrt(error / size);
}

std::vector<float> normal_row(std::size_t n, float size = 0.02F, unsigned seed = 1) {
  std::mt19937 engine(seed);
  std::normal_distribution<float> normal(0.0F, size);
  std::vector<float> row(n);
  for (float& x : row) x = normal(engine);
  return row;
}

/// The error of the plain choice, whose scales let the extremes of a run hit the ends of the code range: a grid from
/// the largest magnitude (symmetric) or from least to greatest, scales exact.
double plain_error(DataType type, const std::vector<float>& x) {
  struct Grid {
    std::size_t run;
    float low, high;  // low 0: affine
  };
  const auto grid = [&]() -> Grid {
    switch (type) {
      case DataType::q8_0:
        return {32, -127, 127};
      case DataType::q6_k:
        return {16, -32, 31};
      case DataType::q3_k:
        return {16, -4, 3};
      case DataType::q4_0:
        return {32, -8, 7};
      case DataType::q5_0:
        return {32, -16, 15};
      case DataType::q5_k:
      case DataType::q5_1:
        return {32, 0, 31};
      case DataType::q4_k:
      case DataType::q4_1:
        return {32, 0, 15};
      case DataType::q2_k:
        return {16, 0, 3};
      default:
        return {32, -8, 7};  // the non-linear types: no worse than Q4_0
    }
  }();
  std::vector<float> y(x.size());
  for (std::size_t at = 0; at < x.size(); at += grid.run) {
    float least = grid.low == 0 ? std::min(0.0F, x[at]) : 0.0F, greatest = x[at], extreme = 0;
    for (std::size_t i = at; i < at + grid.run; ++i) {
      least = std::min(least, x[i]);
      greatest = std::max(greatest, x[i]);
      if (std::abs(x[i]) > std::abs(extreme)) extreme = x[i];
    }
    const float d = grid.low == 0 ? (greatest - least) / grid.high : extreme / grid.low;
    const float offset = grid.low == 0 ? least : 0.0F;
    for (std::size_t i = at; i < at + grid.run; ++i) {
      y[i] = d == 0 ? offset : d * std::clamp(std::round((x[i] - offset) / d), grid.low, grid.high) + offset;
    }
  }
  return relative_error(x, y);
}

/// What the search must reach of the plain choice's error, and at most of the weights' size. Normal weights.
struct Bound {
  DataType type;
  double of_plain, of_weights;
};
constexpr Bound kBounds[] = {
    {DataType::q8_0, 0.99, 0.0050}, {DataType::q6_k, 0.97, 0.0170},   {DataType::q5_k, 0.97, 0.0355},
    {DataType::q4_k, 0.94, 0.0710}, {DataType::q3_k, 0.94, 0.1450},   {DataType::q2_k, 0.82, 0.2600},
    {DataType::q4_0, 0.95, 0.0815}, {DataType::q4_1, 0.94, 0.0705},   {DataType::q5_0, 0.96, 0.0405},
    {DataType::q5_1, 0.98, 0.0345}, {DataType::iq4_nl, 0.86, 0.0740}, {DataType::iq4_xs, 0.86, 0.0745},
};

}  // namespace

TEST_CASE("quantisers: the search beats the plain choice of scales") {
  const std::vector<float> x = normal_row(64 * 1024);
  for (const Bound& bound : kBounds) {
    CAPTURE(std::string(formats::to_string(bound.type)));
    const double error = relative_error(x, round_trip(bound.type, x)), plain = plain_error(bound.type, x);
    MESSAGE(std::string(formats::to_string(bound.type)), ": relative error ", error, ", plain choice ", plain);
    CHECK(error <= bound.of_weights);
    CHECK(error <= bound.of_plain * plain);
  }
}

TEST_CASE("quantisers: zero, constant, outlier, tiny and huge rows") {
  constexpr std::size_t n = 512;
  for (const DataType type : kTypes) {
    CAPTURE(std::string(formats::to_string(type)));
    const std::vector<float> zeros(n, 0.0F);
    CHECK(round_trip(type, zeros) == zeros);

    for (const float value :
         {0.75F, -0.75F, 1e-3F, 300.0F}) {  // one value: every type has it among its codes, or nearly
      CAPTURE(value);
      const double error = relative_error(std::vector<float>(n, value), round_trip(type, std::vector<float>(n, value)));
      CHECK(error <= (value < 0.01F ? 0.02 : 0.01));  // the scales of small ones are subnormal halves
    }

    std::vector<float> outlier = normal_row(n);
    outlier[100] = 5.0F;
    const std::vector<float> got = round_trip(type, outlier);
    CHECK(std::abs(got[100] - 5.0F) <= 0.35F);
    for (std::size_t i = 256; i < n; ++i) CHECK(std::abs(got[i]) < 0.2F);  // other blocks do not notice

    // Below what a half can hold as a scale: zeros, or nearly, and nothing that is not finite.
    for (const float size : {1e-7F, 1e-20F, 1e-38F, std::numeric_limits<float>::denorm_min()}) {
      CAPTURE(size);
      for (const float y : round_trip(type, normal_row(n, size))) CHECK(std::abs(y) <= 1e-5F);
    }
    for (const float size : {1e5F, 1e20F, 3e37F}) {
      CAPTURE(size);
      for (const float y : round_trip(type, normal_row(n, size))) CHECK(std::isfinite(y));
    }
    std::vector<float> one(n, 0.0F);
    one[7] = -1.0F;
    CHECK(round_trip(type, one)[7] == doctest::Approx(-1.0F).epsilon(0.07));
  }
}

TEST_CASE("quantisers: rows of every length, each block by itself") {
  for (const DataType type : kTypes) {
    CAPTURE(std::string(formats::to_string(type)));
    const auto [name, elements, bytes, alignment] = formats::info(type);
    const std::vector<float> whole = normal_row(std::size_t{elements} * 9);
    const auto all = quantized(quantization::select_row_quantizers(), type, whole);
    for (std::size_t blocks = 1; blocks < 9; ++blocks) {
      const std::vector<float> part(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(blocks * elements));
      const auto got = quantized(quantization::select_row_quantizers(), type, part);
      CHECK(std::equal(got.begin(), got.end(), all.begin()));
    }
  }
}

TEST_CASE("quantisers: every instruction set writes the same bytes") {
  const auto tables = quantization::row_quantizers();
  REQUIRE(!tables.empty());
  std::vector<float> x = normal_row(4096), importance = normal_row(4096, 1.0F, 2);
  for (float& w : importance) w = w * w + 1e-3F;
  x[17] = 3.0F;
  std::fill(x.begin() + 600, x.begin() + 900, 0.0F);
  for (std::size_t i = 1024; i < 1300; ++i) x[i] *= 1e-9F;
  for (const DataType type : kTypes) {
    CAPTURE(std::string(formats::to_string(type)));
    const auto expected = quantized(*tables[0], type, x, importance);
    for (const RowQuantizers* table : tables) {
      CAPTURE(table->name);
      CHECK(quantized(*table, type, x, importance) == expected);
    }
  }
}

TEST_CASE("quantisers: importance moves the error to where it does not matter") {
  const std::vector<float> x = normal_row(8192);
  std::vector<float> importance(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) importance[i] = i % 7 == 0 ? 50.0F : 0.5F;
  for (const DataType type : kTypes) {
    CAPTURE(std::string(formats::to_string(type)));
    const double with = relative_error(x, round_trip(type, x, importance), importance);
    CHECK(with < relative_error(x, round_trip(type, x), importance));
    CHECK(relative_error(x, round_trip(type, x, std::vector<float>(x.size(), 3.0F))) ==
          doctest::Approx(relative_error(x, round_trip(type, x))).epsilon(0.01));
  }
}

}  // namespace gemma4
