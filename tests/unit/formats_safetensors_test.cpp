#include <doctest/doctest.h>

#include "formats/safetensors.h"
#include "support/file_writers.h"

using gemma4::Span;
using gemma4::formats::DataType;
using gemma4::formats::parse_safetensors;
using gemma4::formats::SafetensorsFile;
using gemma4::formats::TensorEntry;
using gemma4::test::safetensors_file;
using gemma4::test::SafetensorsWriter;

namespace {

std::vector<TensorEntry> parse(const std::string& bytes) {
  return parse_safetensors({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()}, "x.safetensors");
}

std::string tensor(const char* dtype, const char* shape, const char* offsets) {
  return std::string("{\"t\":{\"dtype\":\"") + dtype + "\",\"shape\":" + shape + ",\"data_offsets\":" + offsets + "}}";
}

}  // namespace

TEST_CASE("safetensors: a good file") {
  SafetensorsWriter writer;
  writer.add("b", "F32", {2, 3}, gemma4::test::f32_bytes({0, 1, 2, 3, 4, 5}));
  writer.add("scalar", "BF16", {}, std::string(2, '\0'));
  writer.add("none", "I64", {4, 0}, "");
  writer.add("packed", "F4", {4}, "ab");
  const std::string bytes = writer.bytes();
  const auto tensors = parse(bytes);
  REQUIRE(tensors.size() == 4);
  CHECK(tensors[0].name == "b");
  CHECK(tensors[0].type == DataType::f32);
  CHECK(tensors[0].shape == std::vector<std::int64_t>{2, 3});
  CHECK(tensors[0].bytes == 24);
  float last = 0;
  std::memcpy(&last, tensors[0].data + 20, 4);
  CHECK(last == 5);
  CHECK(tensors[1].shape.empty());
  CHECK(tensors[1].bytes == 2);
  CHECK(tensors[2].bytes == 0);
  CHECK(tensors[3].bytes == 2);
}

TEST_CASE("safetensors: entries come in the order of their data, whatever the header's order") {
  const std::string header =
      R"({"second":{"dtype":"U8","shape":[2],"data_offsets":[1,3]},"__metadata__":{"format":"pt"},)"
      R"("first":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}    )";
  const std::string bytes = safetensors_file(header, "abc");
  const auto tensors = parse(bytes);
  REQUIRE(tensors.size() == 2);
  CHECK(tensors[0].name == "first");
  CHECK(*tensors[1].data == 'b');
}

TEST_CASE("safetensors: both ways of opening a file read the same") {
  const gemma4::test::TempFolder folder;
  SafetensorsWriter writer;
  writer.add("t", "U8", {3}, "xyz");
  const std::string path = folder.write("a.safetensors", writer.bytes());
  for (const bool use_mmap : {true, false}) {
    const SafetensorsFile file = SafetensorsFile::open(path, use_mmap);
    REQUIRE(file.tensors().size() == 1);
    CHECK(std::memcmp(file.tensors()[0].data, "xyz", 3) == 0);
  }
}

TEST_CASE("safetensors: truncated, empty and huge headers") {
  CHECK_ERROR(parse(""), "bad_format", "x.safetensors", "0 bytes");
  CHECK_ERROR(parse("abc"), "bad_format", "expected a header length of 8 bytes", "3 bytes");
  CHECK_ERROR(parse(safetensors_file("", "")), "bad_format", "expected the header to start with '{'");
  CHECK_ERROR(parse(gemma4::test::raw(std::uint64_t{100000001}) + "{}"), "bad_format", "100000001", "limit");
  CHECK_ERROR(parse(gemma4::test::raw(~std::uint64_t{0}) + "{}"), "bad_format", "18446744073709551615", "limit");
  CHECK_ERROR(parse(gemma4::test::raw(std::uint64_t{50}) + "{}"), "bad_format", "header length 50", "2 bytes");
  CHECK_ERROR(parse(safetensors_file(R"({"t": )", "")), "bad_format", "safetensors header", "ends at byte");
  CHECK_ERROR(parse(safetensors_file(" {}", "")), "bad_format", "'{'");
  CHECK_ERROR(parse(safetensors_file("[]", "")), "bad_format", "'{'");
  CHECK_ERROR(parse(safetensors_file(std::string("{\"a\":") + std::string(50, '['), "")), "bad_format", "less nesting");
}

TEST_CASE("safetensors: a file cut anywhere is an error, never a crash") {
  SafetensorsWriter writer;
  writer.add("a", "F32", {4}, std::string(16, 'a'));
  writer.add("b", "BF16", {2, 2}, std::string(8, 'b'));
  const std::string whole = writer.bytes();
  for (std::size_t size = 0; size < whole.size(); ++size) {
    CAPTURE(size);
    CHECK_ERROR(parse(whole.substr(0, size)), "bad_format", "x.safetensors");
  }
}

TEST_CASE("safetensors: offsets and shapes that do not agree") {
  CHECK_ERROR(parse(safetensors_file(tensor("F32", "[2]", "[0,8]"), "abcd")), "bad_format", "[0, 8]", "4 bytes of data",
              ": t");
  CHECK_ERROR(parse(safetensors_file(tensor("F32", "[2]", "[4,0]"), "abcd")), "bad_format", "[4, 0]");
  CHECK_ERROR(parse(safetensors_file(tensor("F32", "[2]", "[0,4]"), "abcd")), "bad_format", "hold 4 bytes", "takes 8");
  CHECK_ERROR(parse(safetensors_file(tensor("F32", "[-1]", "[0,4]"), "abcd")), "bad_format", "t.shape[0]", "-1");
  CHECK_ERROR(parse(safetensors_file(tensor("F32", "[1.5]", "[0,4]"), "abcd")), "bad_format", "expected an integer");
  CHECK_ERROR(parse(safetensors_file(tensor("F32", "[4294967296,4294967296]", "[0,4]"), "abcd")), "bad_format",
              "no valid size");
  CHECK_ERROR(parse(safetensors_file(tensor("F32", "[9223372036854775807]", "[0,4]"), "abcd")), "bad_format",
              "no valid size");
  CHECK_ERROR(parse(safetensors_file(tensor("F4", "[3]", "[0,2]"), "ab")), "bad_format", "no valid size");
  CHECK_ERROR(parse(safetensors_file(tensor("F32", "[1]", "[0]"), "abcd")), "bad_format", "expected [begin, end]");
  CHECK_ERROR(parse(safetensors_file(tensor("Q4_0", "[1]", "[0,4]"), "abcd")), "bad_format", "unknown dtype \"Q4_0\"");
  CHECK_ERROR(parse(safetensors_file(R"({"t":{"dtype":"F32","shape":[1]}})", "abcd")), "bad_format", "data_offsets");
  CHECK_ERROR(parse(safetensors_file(R"({"t":5})", "")), "bad_format", "expected an object");
  CHECK_ERROR(parse(safetensors_file(R"({"__metadata__":{"a":1}})", "")), "bad_format", "__metadata__.a",
              "expected a string");
}

TEST_CASE("safetensors: overlaps, holes, unused bytes and names that appear twice") {
  const auto two = [](const char* first, const char* second) {
    return std::string(R"({"a":{"dtype":"U8","shape":[4],"data_offsets":)") + first +
           R"(},"b":{"dtype":"U8","shape":[4],"data_offsets":)" + second + "}}";
  };
  CHECK(parse(safetensors_file(two("[4,8]", "[0,4]"), "abcdefgh")).size() == 2);
  CHECK_ERROR(parse(safetensors_file(two("[0,4]", "[2,6]"), "abcdefgh")), "bad_format", "tensor \"b\"", "overlap");
  CHECK_ERROR(parse(safetensors_file(two("[0,4]", "[0,4]"), "abcd")), "bad_format", "overlap");
  CHECK_ERROR(parse(safetensors_file(two("[0,4]", "[5,9]"), "abcdefghi")), "bad_format", "tensor \"b\"", "hole");
  CHECK_ERROR(parse(safetensors_file(two("[1,5]", "[5,9]"), "abcdefghi")), "bad_format", "tensor \"a\"", "hole");
  CHECK_ERROR(parse(safetensors_file(two("[0,4]", "[4,8]"), "abcdefghi")), "bad_format", "end at byte 8", "9 bytes");
  CHECK_ERROR(parse(safetensors_file("{}", "x")), "bad_format", "end at byte 0");
  CHECK_ERROR(
      parse(safetensors_file(
          R"({"t":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"t":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})",
          "x")),
      "bad_format", "key \"t\" appears twice");
}
