#include <doctest/doctest.h>

#include "formats/gguf.h"
#include "support/file_writers.h"

using gemma4::formats::DataType;
using gemma4::formats::GgufFile;
using gemma4::formats::GgufPart;
using gemma4::formats::parse_gguf;
using gemma4::test::GgufWriter;
using gemma4::test::raw;
using gemma4::test::TempFolder;

namespace {

GgufPart parse(const std::string& bytes) {
  return parse_gguf({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()}, "x.gguf");
}

std::shared_ptr<const GgufFile> open(const GgufWriter& writer) {
  const TempFolder folder;  // the mapping outlives the file
  return GgufFile::open(folder.write("x.gguf", writer.bytes()));
}

GgufWriter part(int number, int count, int total, const char* tensor) {
  GgufWriter writer;
  writer.u16("split.no", static_cast<std::uint16_t>(number))
      .u16("split.count", static_cast<std::uint16_t>(count))
      .i32("split.tensors.count", total);
  if (tensor != nullptr) writer.tensor(tensor, {1}, 0, raw(float(number)));
  return writer;
}

}  // namespace

TEST_CASE("gguf: tensors, dimensions reversed") {
  GgufWriter writer;
  writer.tensor("w", {3, 2}, 0, gemma4::test::f32_bytes({0, 1, 2, 3, 4, 5}))
      .tensor("q", {64, 2}, 2, std::string(72, 'q'));
  for (const std::uint32_t version : {2U, 3U}) {
    writer.version = version;
    const auto file = open(writer);
    REQUIRE(file->tensors().size() == 2);
    const auto& w = file->tensors()[0];
    CHECK(w.name == "w");
    CHECK(w.shape == std::vector<std::int64_t>{2, 3});
    float last = 0;
    std::memcpy(&last, w.data + 20, 4);
    CHECK(last == 5);
    CHECK(file->tensors()[1].type == DataType::q4_0);
    CHECK(file->tensors()[1].bytes == 72);
    CHECK(*file->tensors()[1].data == 'q');
  }
}

TEST_CASE("gguf: metadata of every type") {
  GgufWriter writer;
  writer.u32("u32", 7).i32("i32", -7).u16("u16", 65535).f32("f32", 1.5F).string("s", "text").key("b", 7, "\1");
  writer.key("u64", 10, raw(~std::uint64_t{0}))
      .key("i64", 11, raw(std::int64_t{-5}))
      .key("f64", 12, raw(2.25))
      .key("i8", 1, "\xFF");
  writer.strings("words", {"a", "", std::string("z\0y", 3), "\xFF"})
      .i32s("numbers", {1, -2, 3})
      .bools("flags", {true, false});
  writer.array("floats", 6, 2, gemma4::test::f32_bytes({0.5F, 2})).array("empty", 8, 0, "");
  const auto file = open(writer);
  CHECK(file->find_int("u32", 0, 10) == 7);
  CHECK(file->find_int("i32", -10, 10) == -7);
  CHECK(file->find_int("i8", -10, 10) == -1);
  CHECK(file->find_int("i64", -10, 10) == -5);
  CHECK(file->find_float("f32") == 1.5);
  CHECK(file->find_float("f64") == 2.25);
  CHECK(file->find_string("s") == "text");
  CHECK(file->find_bool("b") == true);
  CHECK_FALSE(file->find_int("nothing", 0, 1));
  CHECK(file->is_array("words"));
  const auto words = *file->find_strings("words");
  CHECK(std::vector<std::string>(words.begin(), words.end()) ==
        std::vector<std::string>{"a", "", std::string("z\0y", 3), "\xFF"});
  CHECK(words.size() == 4);
  CHECK(file->find_strings("empty")->begin() == file->find_strings("empty")->end());
  CHECK(*file->find_ints("numbers") == std::vector<std::int64_t>{1, -2, 3});
  CHECK(*file->find_ints("flags") == std::vector<std::int64_t>{1, 0});
  CHECK(*file->find_bools("flags") == std::vector<bool>{true, false});
  CHECK(*file->find_floats("floats") == std::vector<float>{0.5F, 2});

  CHECK_ERROR(file->find_int("u32", 8, 10), "bad_format", "key \"u32\"", "expected 8 to 10, got 7");
  CHECK_ERROR(file->find_int("u64", 0, 10), "bad_format", "18446744073709551615");
  CHECK_ERROR(file->find_int("f32", 0, 10), "bad_format", "key \"f32\"", "expected an integer, got f32");
  CHECK_ERROR(file->find_int("numbers", 0, 10), "bad_format", "expected an integer, got an array of i32");
  CHECK_ERROR(file->find_string("u32"), "bad_format", "expected a string, got u32");
  CHECK_ERROR(file->find_float("u32"), "bad_format", "expected a floating-point number, got u32");
  CHECK_ERROR(file->find_bool("u32"), "bad_format", "expected a bool");
  CHECK_ERROR(file->find_strings("numbers"), "bad_format", "expected an array of strings, got an array of i32");
  CHECK_ERROR(file->find_ints("words"), "bad_format", "expected an array of integers");
  CHECK_ERROR(file->find_ints("u32"), "bad_format", "expected an array of integers, got u32");
  CHECK_ERROR(file->find_floats("numbers"), "bad_format", "expected an array of f32");
}

TEST_CASE("gguf: a file cut anywhere is an error, never a crash") {
  GgufWriter writer;
  writer.u32("n", 7)
      .strings("words", {"one", "two"})
      .bools("flags", {true})
      .tensor("a", {8}, 0, std::string(32, 'a'))
      .tensor("b", {4}, 0, std::string(32, 'b'));
  const std::string whole = writer.bytes();
  CHECK(parse(whole.substr(0, whole.size() - 16)).tensors.size() == 2);  // trailing padding may be missing
  for (std::size_t size = 0; size < whole.size() - 16; ++size) {
    CAPTURE(size);
    CHECK_ERROR(parse(whole.substr(0, size)), "bad_format", "x.gguf");
  }
}

TEST_CASE("gguf: magic number, version, byte order") {
  GgufWriter writer;
  writer.magic = "GGML";
  CHECK_ERROR(parse(writer.bytes()), "bad_format", "magic number");
  writer.magic = "GGUF";
  writer.version = 1;
  CHECK_ERROR(parse(writer.bytes()), "unsupported", "expected version 2 or 3, got 1");
  writer.version = 4;
  CHECK_ERROR(parse(writer.bytes()), "unsupported", "got 4");
  writer.version = 3U << 24;
  CHECK_ERROR(parse(writer.bytes()), "unsupported", "big-endian");
}

TEST_CASE("gguf: counts that the file cannot hold are refused before anything is reserved") {
  for (const std::int64_t count :
       {std::int64_t{-1}, std::int64_t{1000000}, std::int64_t{1} << 40, INT64_MAX, INT64_MIN}) {
    GgufWriter writer;
    writer.n_tensors = count;
    CHECK_ERROR(parse(writer.bytes()), "bad_format", std::to_string(count), "tensors do not fit");
    writer.n_tensors = 0;
    writer.n_keys = count;
    CHECK_ERROR(parse(writer.bytes()), "bad_format", std::to_string(count), "keys do not fit");
  }
  CHECK_ERROR(parse(GgufWriter().array("a", 4, std::uint64_t{1} << 62, "").bytes()), "bad_format", "key \"a\"",
              "4611686018427387904");
  CHECK_ERROR(parse(GgufWriter().array("a", 4, 100, "").bytes()), "bad_format", "key \"a\"", "array of 100 elements");
  CHECK_ERROR(parse(GgufWriter().array("a", 8, ~std::uint64_t{0}, "").bytes()), "bad_format", "18446744073709551615");
  CHECK_ERROR(parse(GgufWriter().key("s", 8, raw(~std::uint64_t{0}) + "x").bytes()), "bad_format",
              "length of 18446744073709551615");
  CHECK_ERROR(parse(GgufWriter().key("s", 8, raw(std::uint64_t{1000}) + "x").bytes()), "bad_format",
              "needs 1000 bytes");
}

TEST_CASE("gguf: malformed metadata") {
  CHECK_ERROR(parse(GgufWriter().u32("a", 1).u32("a", 2).bytes()), "bad_format", "key \"a\" appears twice");
  CHECK_ERROR(parse(GgufWriter().u32("", 1).bytes()), "bad_format", "empty key");
  CHECK_ERROR(parse(GgufWriter().key("a", 13, raw(0)).bytes()), "bad_format", "unknown value type 13");
  CHECK_ERROR(parse(GgufWriter().key("a", -1, raw(0)).bytes()), "bad_format", "unknown value type -1");
  CHECK_ERROR(parse(GgufWriter().key("a", 7, "\2").bytes()), "bad_format", "bool of 0 or 1, got 2");
  CHECK_ERROR(parse(GgufWriter().array("a", 7, 2, "\1\7").bytes()), "bad_format", "bool of 0 or 1, got 7");
  CHECK_ERROR(parse(GgufWriter().array("a", 9, 0, "").bytes()), "bad_format", "array of arrays");
  CHECK_ERROR(parse(GgufWriter().u32("general.alignment", 24).bytes()), "bad_format", "power of two", "24");
  CHECK_ERROR(parse(GgufWriter().u32("general.alignment", 0).bytes()), "bad_format", "power of two");
  CHECK_ERROR(parse(GgufWriter().u32("general.alignment", 1U << 30).bytes()), "bad_format", "power of two");
  CHECK_ERROR(parse(GgufWriter().string("general.alignment", "32").bytes()), "bad_format", "expected u32, got string");
}

TEST_CASE("gguf: malformed tensors") {
  const std::string data(64, 'x');
  CHECK_ERROR(parse(GgufWriter().tensor("a", {4}, 0, data).tensor("a", {4}, 0, data).bytes()), "bad_format",
              "tensor \"a\" appears twice");
  CHECK_ERROR(parse(GgufWriter().tensor("", {4}, 0, data).bytes()), "bad_format", "without a name");
  CHECK_ERROR(parse(GgufWriter().tensor(std::string(64, 'n'), {4}, 0, data).bytes()), "bad_format", "at most 63");
  CHECK_ERROR(parse(GgufWriter().tensor("a\nb", {4}, 0, data).bytes()), "bad_format", "\"a?b\"", "printable");
  CHECK_ERROR(parse(GgufWriter().tensor("a", {}, 0, data).bytes()), "bad_format", "1 to 4 dimensions, got 0");
  CHECK_ERROR(parse(GgufWriter().tensor("a", {1, 1, 1, 1, 1}, 0, data).bytes()), "bad_format", "got 5");
  CHECK_ERROR(parse(GgufWriter().tensor("a", {-4}, 0, data).bytes()), "bad_format", "tensor \"a\"",
              "impossible shape [-4]");
  CHECK_ERROR(parse(GgufWriter().tensor("a", {INT64_MAX, INT64_MAX}, 0, data).bytes()), "bad_format",
              "impossible shape");
  CHECK_ERROR(parse(GgufWriter().tensor("a", {std::int64_t{1} << 62}, 0, data).bytes()), "bad_format",
              "impossible shape");
  CHECK_ERROR(parse(GgufWriter().tensor("a", {33}, 2, data).bytes()), "bad_format", "rows of 33 elements", "Q4_0",
              "multiple of 32");
  CHECK_ERROR(parse(GgufWriter().tensor("a", {4}, 4, data).bytes()), "unsupported", "tensor \"a\"", "ggml type 4");
  CHECK_ERROR(parse(GgufWriter().tensor("a", {4}, 137, data).bytes()), "unsupported", "ggml type 137");
  CHECK_ERROR(parse(GgufWriter().tensor("a", {4}, 0xFFFFFFFF, data).bytes()), "unsupported", "4294967295");
  CHECK_ERROR(parse(GgufWriter().tensor("a", {4}, 0, data, 8).bytes()), "bad_format", "offset 8", "alignment 32");
  CHECK_ERROR(parse(GgufWriter().tensor("a", {17}, 0, data).bytes()), "bad_format", "tensor \"a\"", "past the end",
              "68 bytes");
  CHECK_ERROR(parse(GgufWriter().tensor("a", {4}, 0, data, 1U << 20).bytes()), "bad_format", "past the end");
  CHECK_ERROR(parse(GgufWriter().tensor("a", {4}, 0, data, ~std::uint64_t{31}).bytes()), "bad_format", "past the end");
  CHECK_ERROR(parse(GgufWriter().tensor("a", {16}, 0, data, 0).tensor("b", {4}, 0, "", 32).bytes()), "bad_format",
              "tensor \"b\"", "overlaps tensor \"a\"");
  CHECK(parse(GgufWriter().tensor("a", {8}, 0, data, 32).tensor("b", {8}, 0, "", 0).bytes()).tensors.size() ==
        2);  // any order
}

TEST_CASE("gguf: a split file") {
  const TempFolder folder;
  const std::string first =
      folder.write("m-00001-of-00003.gguf", part(0, 3, 2, nullptr).string("name", "whole").bytes());
  const std::string second = folder.write("m-00002-of-00003.gguf", part(1, 3, 2, "a").bytes());
  folder.write("m-00003-of-00003.gguf", part(2, 3, 2, "b").bytes());
  const auto file = GgufFile::open(first, false);
  REQUIRE(file->tensors().size() == 2);
  CHECK(file->tensors()[1].name == "b");
  CHECK(file->find_string("name") == "whole");
  CHECK(file->find_int("split.no", 0, 9) == 0);

  CHECK_ERROR(GgufFile::open(second), "bad_format", "00002-of-00003", "first of 3 parts", "got split.no 1");
  CHECK_ERROR(GgufFile::open(folder.write("other.gguf", part(0, 3, 2, nullptr).bytes())), "bad_format", "other.gguf",
              "-00001-of-00003.gguf");
  folder.write("m-00002-of-00003.gguf", part(2, 3, 2, "a").bytes());
  CHECK_ERROR(GgufFile::open(first), "bad_format", "m-00002-of-00003.gguf", "expected split.no 1", "got 2 and 3");
  folder.write("m-00002-of-00003.gguf", part(1, 4, 2, "a").bytes());
  CHECK_ERROR(GgufFile::open(first), "bad_format", "split.count 3, got 1 and 4");
  folder.write("m-00002-of-00003.gguf", GgufWriter().bytes());
  CHECK_ERROR(GgufFile::open(first), "bad_format", "got -1 and -1");
  folder.write("m-00002-of-00003.gguf", part(1, 3, 2, "b").bytes());
  CHECK_ERROR(GgufFile::open(first), "bad_format", "m-00003-of-00003.gguf", "tensor \"b\"", "earlier part");
  folder.write("m-00002-of-00003.gguf", part(1, 3, 2, nullptr).bytes());
  CHECK_ERROR(GgufFile::open(first), "bad_format", "split.tensors.count", "expected 2 tensors", "got 1");
  std::filesystem::remove(second);
  CHECK_ERROR(GgufFile::open(first), "not_found", "m-00002-of-00003.gguf");
  CHECK_ERROR(open(GgufWriter().u16("split.count", 60000)), "bad_format", "split.count", "60000");
  CHECK_ERROR(open(GgufWriter().string("split.count", "2")), "bad_format", "split.count", "expected an integer");
}

TEST_CASE("gguf: known by its first bytes") {
  const TempFolder folder;
  CHECK(GgufFile::is_gguf(folder.write("model.bin", "GGUF")));
  CHECK_FALSE(GgufFile::is_gguf(folder.write("model.gguf", "GGU")));
  CHECK_FALSE(GgufFile::is_gguf(folder.write("empty.gguf", "")));
  CHECK_ERROR(GgufFile::is_gguf(folder.path() + "/none"), "not_found", "none");
  CHECK_ERROR(GgufFile::open(folder.path() + "/empty.gguf"), "bad_format", "magic number needs 4 bytes");
}

TEST_CASE("data types: sizes and names") {
  using namespace gemma4::formats;
  CHECK(data_type_from_safetensors("BF16") == DataType::bf16);
  CHECK_FALSE(data_type_from_safetensors("Q4_0"));
  CHECK_FALSE(data_type_from_safetensors("bf16"));
  CHECK(data_type_from_ggml(30) == DataType::bf16);
  CHECK(data_type_from_ggml(12) == DataType::q4_k);
  CHECK_FALSE(data_type_from_ggml(31));
  CHECK_FALSE(data_type_from_ggml(43));
  CHECK(byte_size(DataType::q6_k, 512) == 420U);
  CHECK_FALSE(byte_size(DataType::q6_k, 300));
  CHECK(byte_size(DataType::f6_e2m3, 4) == 3U);
  CHECK_FALSE(byte_size(DataType::f64, ~std::uint64_t{0} / 4));
  CHECK(std::string(to_string(DataType::iq4_nl)) == "IQ4_NL");
  CHECK(std::string(to_string(DataType::q2_0)) == "Q2_0");
  CHECK(element_count({}) == 1U);
  CHECK(element_count({0, 1LL << 62, 1LL << 62}) == std::nullopt);
  CHECK(element_count({3, 0, 5}) == 0U);
}
