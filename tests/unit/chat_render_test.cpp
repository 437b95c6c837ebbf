// Rendering of conversations: recorded texts of the template itself, and the places where Python's text differs from C's.
#include <doctest/doctest.h>

#include "chat/python_text.h"
#include "gemma4/chat.h"
#include "gemma4/error.h"

using namespace gemma4;

namespace {

std::string printed(const char* number) {
  std::string out;
  chat::append_number(Json::number(number), out);
  return out;
}

bool flag(const Json& input, const char* name, bool otherwise) {
  const Json* const value = input.find(name);
  return value != nullptr ? value->as_bool() : otherwise;
}

}  // namespace

TEST_CASE("render_chat: recorded conversations, both forms") {
  const Json cases = Json::parse_file(std::string(GEMMA4_SOURCE_DIR) + "/tests/support/chat_renderings.json");
  REQUIRE(cases.size() >= 50);
  for (const Json& test : cases.values()) {
    const Json& input = test.at("input");
    RenderOptions options;
    options.enable_thinking = flag(input, "enable_thinking", false);
    options.add_generation_prompt = flag(input, "add_generation_prompt", true);
    options.preserve_thinking = flag(input, "preserve_thinking", false);
    const Json* const tools = input.find("tools");
    for (const ChatForm form : {ChatForm::large, ChatForm::small}) {
      options.form = form;
      const std::string text =
          render_chat(parse_messages(input.at("messages")), tools != nullptr ? *tools : Json(), options);
      CHECK(text == test.at(to_string(form)).as_string());
    }
  }
}

TEST_CASE("numbers as Python prints them") {
  const std::pair<const char*, const char*> cases[] = {
      {"1.0", "1.0"}, {"1.50", "1.5"}, {"-0.0", "-0.0"}, {"-0", "0"}, {"1e20", "1e+20"}, {"1E-7", "1e-07"}, {"0.0001", "0.0001"},
      {"0.00001", "1e-05"}, {"1e15", "1000000000000000.0"}, {"1e16", "1e+16"}, {"123456789012345678901234567890", "123456789012345678901234567890"},
      {"1.7976931348623157e308", "1.7976931348623157e+308"}, {"5e-324", "5e-324"}, {"1e-400", "0.0"}, {"-1e400", "-inf"}, {"100.25", "100.25"}};
  for (const auto& [json, python] : cases) CHECK(printed(json) == python);
}

TEST_CASE("text as Python treats it") {
  CHECK(chat::trim("\xC2\xA0 \x1C x y \xE3\x80\x80\n") == "x y");
  CHECK(chat::trim(" \n") == "");
  CHECK(chat::trim("\xFFx\xFF") == "\xFFx\xFF");
  CHECK(chat::lower("AbC \xC3\x89 \xC4\xB0 \xF0\x90\x90\x80") == "abc \xC3\xA9 i\xCC\x87 \xF0\x90\x90\xA8");
  CHECK(chat::upper("stra\xC3\x9F" "e \xC3\xBF") == "STRASSE \xC5\xB8");
  CHECK(chat::str(Json::parse(R"([null, true, 1, "it's", "\"'", "\n\u00a0", {"k": 1.0}])")) ==
        R"([None, True, 1, "it's", '"\'', '\n\xa0', {'k': 1.0}])");
}

TEST_CASE("Json: numbers keep their text, members their order, and errors their place") {
  const std::string text = R"({"b":18446744073709551615,"a":[1,-2,0.5,"\u0001\"\\"],"c":{}})";
  CHECK(Json::parse(text).dump() == R"({"b":18446744073709551615,"a":[1,-2,0.5,"\u0001\"\\"],"c":{}})");
  CHECK(Json::parse("1.0").dump() == "1.0");
  CHECK(Json(3).dump() == "3");
  CHECK(Json(0.1).dump() == "0.1");
  CHECK(Json(100000000000000000000.0).dump() == "1e+20");
  CHECK(Json::parse("1.5").as_double() == 1.5);
  CHECK(Json::number("1e999").as_double() > 1e308);
  CHECK(Json::number("0.0000000001e-400").as_double() == 0.0);
  CHECK(Json::parse(R"({"a":1,"b":2})") == Json::parse(R"({"b":2,"a":1})"));
  CHECK(Json::parse(R"({"a":1})") != Json::parse(R"({"a":1.0})"));
  for (const char* bad : {"", "01", "1.", "-", "1e", "+1", "0x1", "NaN", "1 "}) CHECK_THROWS_AS(Json::number(bad), Error);
  for (const char* bad : {"{\"a\":1,\"a\":2}", "[1,]", "{", "\"\xFF\"", "nul"}) CHECK_THROWS_AS(Json::parse(bad), Error);
  std::string deep(200, '[');
  deep += std::string(200, ']');
  CHECK_THROWS_AS(Json::parse(deep), Error);
  Json value;
  for (int i = 0; i < 200; ++i) value = Json::array({value});
  CHECK_THROWS_AS(value.dump(), Error);
  CHECK_THROWS_AS(Json("x").as_int(), Error);
  CHECK_THROWS_AS(Json::parse("{}").at("x"), Error);
}
