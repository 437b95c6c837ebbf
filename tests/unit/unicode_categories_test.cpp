// Unicode's general categories in patterns.
#include <doctest/doctest.h>

#include <string>

#include "gemma4/error.h"
#include "gemma4/grammar.h"
#include "grammar/unicode_categories.h"

using namespace gemma4;

TEST_CASE("grammar patterns: general categories by all of their names") {
  struct Case {
    const char* pattern;
    const char* in;
    const char* out;
  };
  for (const auto& [pattern, in, out] : std::initializer_list<Case>{
           {R"(\p{L}+)", "Stra\xC3\x9F" "e\xE6\xBC\xA2", "a1"}, {R"(\p{Letter})", "\xCE\xB1", "_"},
           {R"(\p{Lu}\p{Ll}+)", "\xC3\x89t\xC3\xA9", "\xC3\xA9t\xC3\xA9"}, {R"(\p{gc=Uppercase_Letter})", "A", "a"},
           {R"(\p{General_Category=Nd})", "\xD9\xA3", "\xC2\xB2"}, {R"(\p{Decimal_Number})", "7", "x"},
           {R"(\p{digit})", "7", "\xE2\x85\xA7"}, {R"(\p{LC})", "\xC7\x85", "\xCA\xBB"}, {R"(\p{Sc})", "\xE2\x82\xAC", "+"},
           {R"(\p{Zs})", "\xC2\xA0", "\n"}, {R"(\p{Cc})", "\n", " "}, {R"(\p{punct})", "!", "+"},
           {R"(\P{L})", "1", "\xE6\xBC\xA2"}, {R"([\p{Lu}\p{N}_-])", "\xD0\x96", "\xD0\xB6"}, {R"([^\p{L}])", "1", "b"},
           {R"([\P{L}a])", "a", "b"}, {R"(\p{ASCII}\p{Any})", "a\xF0\x9F\x98\x8A", "\xC3\xA9\xF0\x9F\x98\x8A"},
           {R"(\p{Co}\p{Cn}?)", "\xEE\x80\x80", "a"}, {R"(\p{Assigned})", "a", "\xCD\xB8"}}) {
    INFO(pattern);
    const Grammar grammar = regex(pattern);
    CHECK(grammar.accepts(in));
    CHECK_FALSE(grammar.accepts(out));
    std::string escaped;
    for (const char* p = pattern; *p != 0; ++p) escaped += *p == '\\' ? std::string("\\\\") : std::string(1, *p);
    const Grammar schema = json_schema("{\"type\":\"string\",\"pattern\":\"^" + escaped + "$\"}");
    if (in[0] != '\n') CHECK(schema.accepts("\"" + std::string(in) + "\""));
    CHECK_FALSE(schema.accepts("\"" + std::string(out) + "\""));
  }
  for (const char* pattern : {R"(\p{Script=Greek})", R"(\p{Alphabetic})", R"(\p{letter})", R"(\p{})", R"(\p{Lx})", R"(\p{ })"}) {
    INFO(pattern);
    CHECK_THROWS_WITH_AS(regex(pattern), doctest::Contains(std::string(pattern).c_str()), Error);
  }
  CHECK_THROWS_WITH_AS(regex(R"(\pL)"), doctest::Contains("without a name in braces"), Error);
}

TEST_CASE("grammar patterns: every character is of one category") {
  std::size_t characters = 0;
  for (const char* name : {"L", "M", "N", "P", "S", "Z", "C"}) {
    const auto ranges = grammar::unicode_property(name);
    REQUIRE(ranges.has_value());
    for (const grammar::CodeRange r : *ranges) characters += r.last - r.first + 1;
  }
  CHECK(characters == grammar::kLastCode + 1);
}
