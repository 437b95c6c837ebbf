// Importance matrices: both forms of llama.cpp's files, good and bad.
#include "quantize/importance.h"

#include <doctest/doctest.h>

#include "support/file_writers.h"

namespace gemma4 {
namespace {

using quantization::ImportanceMatrix;
using test::f32_bytes;
using test::GgufWriter;
using test::raw;
using test::TempFolder;

constexpr std::uint32_t kF32 = 0;

GgufWriter good_file() {
  GgufWriter file;
  file.string("general.type", "imatrix").strings("imatrix.datasets", {"text.txt"}).u32("imatrix.chunk_count", 7);
  file.tensor("blk.0.attn_q.weight.in_sum2", {4, 1}, kF32, f32_bytes({2, 4, 6, 0}));
  file.tensor("blk.0.attn_q.weight.counts", {1, 1}, kF32, f32_bytes({2}));
  file.tensor("blk.0.ffn_down_exps.weight.in_sum2", {2, 3}, kF32, f32_bytes({3, 9, 0, 0, 5, 5}));
  file.tensor("blk.0.ffn_down_exps.weight.counts", {1, 3}, kF32, f32_bytes({3, 0, 1}));
  return file;
}

std::string entry(const std::string& name, std::int32_t calls, const std::vector<float>& values) {
  return raw(static_cast<std::int32_t>(name.size())) + name + raw(calls) +
         raw(static_cast<std::int32_t>(values.size())) + f32_bytes(values);
}

}  // namespace

TEST_CASE("importance: the GGUF form, one matrix or one per expert") {
  const TempFolder folder;
  const auto matrix = ImportanceMatrix::load(folder.write("imatrix.gguf", good_file().bytes()));
  CHECK(matrix.size() == 2);
  CHECK(matrix.chunks() == 7);
  CHECK(matrix.dataset() == "text.txt");
  const float* q = matrix.find("blk.0.attn_q.weight", 1, 4);
  REQUIRE(q != nullptr);  // over their mean, 3 / 2
  CHECK(q[0] == doctest::Approx(2.0 / 3));
  CHECK(q[2] == doctest::Approx(2.0));
  CHECK(q[3] == doctest::Approx(1e-3));  // never met, and yet not free
  const float* down = matrix.find("blk.0.ffn_down_exps.weight", 3, 2);
  REQUIRE(down != nullptr);
  CHECK(down[0] == doctest::Approx(0.5));
  CHECK(down[1] == doctest::Approx(1.5));
  CHECK(down[2] == 1.0F);  // an expert that was never chosen
  CHECK(down[5] == 1.0F);
  CHECK(matrix.find("blk.1.attn_q.weight", 1, 4) == nullptr);
  CHECK_ERROR(matrix.find("blk.0.attn_q.weight", 1, 8), "bad_format", "blk.0.attn_q.weight", "1 x 8", "4");
}

TEST_CASE("importance: the older binary form") {
  const TempFolder folder;
  const std::string entries = raw(std::int32_t{2}) + entry("a", 3, {1, 3}) + entry("b", 1, {5, 5, 5});
  for (const std::string& tail :
       {std::string(), raw(std::int32_t{9}), raw(std::int32_t{9}) + raw(std::int32_t{4}) + "wiki"}) {
    const auto matrix = ImportanceMatrix::load(folder.write("imatrix.dat", entries + tail));
    CHECK(matrix.size() == 2);
    CHECK(matrix.find("a", 1, 2)[1] == doctest::Approx(1.5));
    CHECK(matrix.find("b", 1, 3)[0] == 1.0F);
    CHECK(matrix.chunks() == (tail.empty() ? 0 : 9));
    CHECK(matrix.dataset() == (tail.size() > 4 ? "wiki" : ""));
  }
}

TEST_CASE("importance: bad files") {
  const TempFolder folder;
  CHECK_ERROR(ImportanceMatrix::load(folder.path() + "/none"), "not_found", "none");
  CHECK_ERROR(ImportanceMatrix::load(folder.write("model.gguf", GgufWriter().string("general.type", "model").bytes())),
              "bad_format", "imatrix", "model");
  GgufWriter lacking;
  lacking.string("general.type", "imatrix").tensor("a.in_sum2", {2}, kF32, f32_bytes({1, 2}));
  CHECK_ERROR(ImportanceMatrix::load(folder.write("x.gguf", lacking.bytes())), "bad_format", "a.counts");
  GgufWriter negative;
  negative.string("general.type", "imatrix").tensor("a.in_sum2", {2}, kF32, f32_bytes({1, -2}));
  negative.tensor("a.counts", {1}, kF32, f32_bytes({1}));
  CHECK_ERROR(ImportanceMatrix::load(folder.write("x.gguf", negative.bytes())), "bad_format", "\"a\"", "-2");
  const std::string whole = raw(std::int32_t{1}) + entry("a", 3, {1, 3});
  for (std::size_t size = 0; size < whole.size(); ++size) {
    CHECK_ERROR(ImportanceMatrix::load(folder.write("x.dat", whole.substr(0, size))), "bad_format", "x.dat");
  }
  CHECK_ERROR(ImportanceMatrix::load(folder.write("x.dat", raw(std::int32_t{-1}))), "bad_format", "x.dat");
  CHECK_ERROR(ImportanceMatrix::load(folder.write("x.dat", raw(std::int32_t{1}) + raw(std::int32_t{2000000000}))),
              "bad_format", "x.dat");
}

}  // namespace gemma4
