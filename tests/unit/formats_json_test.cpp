#include <doctest/doctest.h>

#include "formats/json.h"
#include "formats/json_syntax.h"
#include "support/file_writers.h"

using gemma4::formats::JsonDocument;
using gemma4::formats::JsonLimits;
using gemma4::formats::JsonValue;

namespace {

JsonDocument parse(std::string_view text, const JsonLimits& limits = {}) {
  return JsonDocument::from_text(text, "x.json", limits);
}

}  // namespace

TEST_CASE("json: values of every type") {
  const JsonDocument document = parse(R"({"a": [1, -2, 3.5, "té\n", true, null, {}], "big": 9223372036854775807})");
  const JsonValue root = document.root();
  REQUIRE(root.is_object());
  CHECK(root.size() == 2);
  CHECK(root.at("big").as_int() == INT64_MAX);
  const JsonValue array = root.at("a");
  CHECK(array.size() == 7);
  std::vector<JsonValue> values;
  for (auto elements = array.elements(); elements.next();) values.push_back(elements.value());
  REQUIRE(values.size() == 7);
  CHECK(values[0].type() == JsonValue::Type::integer);
  CHECK(values[1].as_int() == -2);
  CHECK(values[1].as_double() == -2.0);
  CHECK(values[2].as_double() == 3.5);
  CHECK(values[3].as_string() == "t\xC3\xA9\n");
  CHECK(values[4].as_bool());
  CHECK(values[5].is_null());
  CHECK(values[6].size() == 0);
  CHECK_FALSE(values[6].find("x"));
}

TEST_CASE("json: members come in file order, and a moved document keeps its values") {
  JsonDocument first = parse(R"({"z": 1, "a": 2, "m\u0041": 3})");
  const JsonDocument document = std::move(first);
  std::string keys;
  std::int64_t sum = 0;
  for (auto members = document.root().members(); members.next();) {
    keys += std::string(members.key()) + " ";
    sum += members.value().as_int();
  }
  CHECK(keys == "z a mA ");
  CHECK(sum == 6);
}

TEST_CASE("json: a wrong type is named with the path of the value") {
  const JsonDocument document =
      parse(R"({"text_config": {"layer_types": ["x", 5], "eps": "1", "n": 2.0, "huge": 18446744073709551615}})");
  const JsonValue config = document.root().at("text_config");
  CHECK_ERROR(config.at("eps").as_double(), "bad_format", "x.json: text_config.eps", "expected a number",
              "got a string");
  CHECK_ERROR(config.at("n").as_int(), "bad_format", "text_config.n", "expected an integer", "got a real number");
  CHECK_ERROR(config.at("huge").as_int(), "bad_format", "text_config.huge", "64 bits");
  CHECK_ERROR(config.at("layer_types").as_bool(), "bad_format", "expected a boolean, got an array");
  CHECK_ERROR(config.at("layer_types").find("x"), "bad_format", "expected an object, got an array");
  CHECK_ERROR(config.elements(), "bad_format", "expected an array, got an object");
  CHECK_ERROR(config.at("nothing"), "bad_format", "x.json: text_config", "\"nothing\"");
  auto types = config.at("layer_types").elements();
  types.next();
  types.next();
  CHECK_ERROR(types.value().as_string(), "bad_format", "text_config.layer_types[1]", "got an integer");
  CHECK(document.root().where() == "x.json");
}

TEST_CASE("json: a key that appears twice is refused, however it is written and however large the object") {
  CHECK_ERROR(parse(R"({"a": {"k": 1, "j": 2, "\u006b": 3}})"), "bad_format", "x.json: a: key \"k\" appears twice");
  CHECK_ERROR(parse(R"([[{"k": 1}, {"k": 1, "k": 1}]])"), "bad_format", "[0][1]", "\"k\"");
  std::string large = "{";
  for (int i = 0; i < 100000; ++i) large += "\"key" + std::to_string(i) + "\":0,";
  CHECK(parse(large + "\"last\":0}").root().size() == 100001);
  CHECK_ERROR(parse(large + "\"key777\":0}"), "bad_format", "key \"key777\" appears twice");
}

TEST_CASE("json: what is not JSON is refused, with the byte where it ends to be") {
  CHECK_ERROR(parse(""), "bad_format", "x.json: not JSON: ends at byte 0");
  CHECK_ERROR(parse("   "), "bad_format", "ends at byte 3", "expected a value");
  CHECK_ERROR(parse(R"({"hidden_size": NaN})"), "bad_format", "byte 16: expected a value, got 'NaN}'");
  CHECK_ERROR(parse(R"({"eps": Infinity})"), "bad_format", "byte 8: expected a value");
  CHECK_ERROR(parse(R"({"eps": 1e999})"), "bad_format", "byte 8: expected a number in range");
  CHECK_ERROR(parse(R"({"n": 99999999999999999999})"), "bad_format", "byte 6: expected a number in range");
  CHECK_ERROR(parse(R"({"a": 1)"), "bad_format", "ends at byte 7", "',' or '}'");
  CHECK_ERROR(parse(R"(["a", "b)"), "bad_format", "ends at byte 8", "the end of the string");
  CHECK_ERROR(parse(R"({"a": 1,})"), "bad_format", "byte 8", "a key in double quotes");
  CHECK_ERROR(parse("[1] x"), "bad_format", "byte 4: expected the end of the document");
  CHECK_ERROR(parse("[\"\xFF\"]"), "bad_format", "byte 2: expected valid UTF-8");
  CHECK_ERROR(parse("[\"\xED\xA0\x80\"]"), "bad_format", "byte 2: expected valid UTF-8");  // a surrogate
  CHECK_ERROR(parse(R"(["\x"])"), "bad_format", "byte 2: expected a valid escape");
  CHECK_ERROR(parse("[01]"), "bad_format", "byte 2");
  CHECK_ERROR(parse(std::string("[1,\0 2]", 7)), "bad_format", "byte 3");
}

TEST_CASE("json: depth and size are limited") {
  const std::string deep = std::string(100, '[') + std::string(100, ']');
  CHECK_ERROR(parse(deep), "bad_format", "less nesting");
  CHECK(parse("[[[[1]]]]", {1000, 5}).root().is_array());
  CHECK_ERROR(parse("[[[[[[1]]]]]]", {1000, 5}), "bad_format", "less nesting");
  CHECK_ERROR(parse("[1, 2, 3]", {5, 64}), "bad_format", "9 bytes", "at most 5");
}

TEST_CASE("json: a file is read, and its path named") {
  const gemma4::test::TempFolder folder;
  CHECK(JsonDocument::from_file(folder.write("a.json", "[1]")).root().size() == 1);
  CHECK_ERROR(JsonDocument::from_file(folder.write("b.json", "[1")), "bad_format", folder.path() + "/b.json");
  CHECK_ERROR(JsonDocument::from_file(folder.path() + "/none.json"), "not_found", "none.json");
  CHECK_ERROR(JsonDocument::from_file(folder.path()), "io", "regular file");
}

TEST_CASE("json: the syntax checker accepts what JSON allows") {
  for (const char* text : {"{}", "[]", " [ ] ", "0", "-0.5e-3", "1e-999", "\"\\u00e9\\n\"", "[{}, {\"a\": []}, [[]]]",
                           "{\"a\": {\"b\": [1, 2]}, \"c\": null}", "true"}) {
    CAPTURE(text);
    CHECK_FALSE(gemma4::formats::find_syntax_error(text, 8));
  }
  for (const char* text : {"[,]", "[1,]", "{1:2}", "{\"a\" 1}", "tru", "-", "1.", "1e", "[}", "{]", "]", "\"", "[1 2]",
                           "{\"a\":1 \"b\":2}", "+1", ".5"}) {
    CAPTURE(text);
    CHECK(gemma4::formats::find_syntax_error(text, 8));
  }
}
