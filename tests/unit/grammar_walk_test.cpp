// Random walks along masks: what a generation that knows nothing writes is never stuck, and ends as one of the texts.
#include <doctest/doctest.h>

#include <algorithm>
#include <fstream>
#include <random>
#include <string>
#include <vector>

#include "gemma4/error.h"
#include "gemma4/grammar.h"
#include "gemma4/tokenizer.h"
#include "grammar/program.h"
#include "support/hostile_grammars.h"
#include "support/tokenizer_fixture.h"

using namespace gemma4;

namespace {

/// `more` beside the small vocabulary's tokens.
Tokenizer tokenizer_with(const std::vector<const char*>& more) {
  test::TestVocabulary v = test::small_vocabulary();
  for (const char* text : more) v.add(text);
  const test::TempFolder folder;
  std::ofstream(folder.path() + "/tokenizer.json", std::ios::binary) << v.json();
  return Tokenizer::load(folder.path());
}

std::string bytes_of(const Tokenizer& t, TokenId id) {
  if (t.is_special(id)) return "";
  std::string text(t.id_to_token(id));
  if (text.size() == 6 && text.rfind("<0x", 0) == 0) {
    return std::string(1, static_cast<char>(std::stoi(text.substr(3, 2), nullptr, 16)));
  }
  for (std::size_t at; (at = text.find(test::kSpaceSymbol)) != std::string::npos;) text.replace(at, 3, " ");
  return text;
}

std::size_t work_of(const Grammar& grammar) { return grammar.impl()->engine()->machine.work(); }

/// The most work of one step.
struct Worked {
  std::size_t mask = 0, accept = 0;
};

/// Takes up to `steps` tokens at random, often one again. A text that ends must be the grammar's.
Worked walk(const Grammar& grammar, const Tokenizer& t, std::mt19937& random, int steps) {
  GrammarMatcher matcher(grammar, t);
  std::vector<std::uint32_t> mask(mask_words(static_cast<std::size_t>(t.vocab_size())));
  std::string text;
  Worked worked;
  TokenId id = -1;
  for (int step = 0; step < steps; ++step) {
    std::size_t before = work_of(grammar);
    matcher.mask(mask);
    worked.mask = std::max(worked.mask, work_of(grammar) - before);
    std::vector<TokenId> allowed;
    for (TokenId i = 0; i < t.vocab_size(); ++i) {
      if ((mask[static_cast<std::size_t>(i) / 32] >> i % 32 & 1U) != 0) allowed.push_back(i);
    }
    INFO("after ", text);
    if (matcher.may_stop() && (allowed.empty() || random() % 8 == 0)) {
      REQUIRE(grammar.accepts(text));
      return worked;
    }
    REQUIRE_FALSE(allowed.empty());
    const bool again = std::find(allowed.begin(), allowed.end(), id) != allowed.end() && random() % 8 != 0;
    if (!again) id = allowed[random() % allowed.size()];
    INFO("token ", bytes_of(t, id));
    before = work_of(grammar);
    REQUIRE(matcher.accept(id));
    worked.accept = std::max(worked.accept, work_of(grammar) - before);
    text += bytes_of(t, id);
  }
  REQUIRE(grammar.accepts_prefix(text));
  return worked;
}

std::string random_number(std::mt19937& random) {
  const int exponent = static_cast<int>(random() % 9) - 4;
  std::string text = (random() % 3 == 0 ? "-" : "") + std::to_string(random() % 3000);
  if (exponent != 0 && random() % 2 == 0) text += "e" + std::to_string(exponent * static_cast<int>(1 + random() % 5));
  return text;
}

/// A schema of numbers; it may have no instance.
std::string random_numbers(std::mt19937& random) {
  std::string schema = R"({"type":")" + std::string(random() % 3 == 0 ? "integer" : "number") + "\"";
  if (random() % 2 == 0) schema += R"(,"minimum":)" + random_number(random);
  if (random() % 4 == 0) schema += R"(,"exclusiveMinimum":)" + random_number(random);
  if (random() % 2 == 0) schema += R"(,"maximum":)" + random_number(random);
  if (random() % 4 == 0) schema += R"(,"exclusiveMaximum":)" + random_number(random);
  if (random() % 3 == 0) {
    const char* const divisors[] = {"1", "7", "0.25", "0.01", "5", "12", "2.5", "1e-3", "100"};
    schema += R"(,"multipleOf":)" + std::string(divisors[random() % 9]);
  }
  if (random() % 6 == 0) schema += R"(,"not":{"enum":[)" + random_number(random) + "," + random_number(random) + "]}";
  return schema + "}";
}

}  // namespace

TEST_CASE("grammar walks: numbers under conditions never lead astray") {
  const Tokenizer t = tokenizer_with({"12", "00", "1e", "e-", ".5", ".0", "-1", "0.", "99", "E+", "e1", "07"});
  std::mt19937 random(31);
  int walked = 0;
  for (int round = 0; round < 40; ++round) {
    const std::string schema = random_numbers(random);
    INFO(schema);
    try {
      const Grammar grammar = json_schema(schema);
      for (int i = 0; i < 4; ++i) walk(grammar, t, random, 100);
      ++walked;
    } catch (const Error& error) {  // no instance, or a divisor and bounds together are too many states
      CHECK((error.code() == ErrorCode::invalid_argument || error.code() == ErrorCode::unsupported));
    }
  }
  CHECK(walked > 15);
}

TEST_CASE("grammar walks: texts of schemas never lead astray") {
  const Tokenizer t = tokenizer_with({"{\"", "\":", "\",\"", "\"}", "\":\"", "\\u", "\\u00", "\\n", "\"\"", "x\\", "\xC3\xA9\"", "zz\""});
  std::mt19937 random(32);
  for (const char* schema :
       {"true", R"({"enum":["yes","no"]})", R"({"type":"object","properties":{"a":{"type":"string","maxLength":5}},"required":["a"]})",
        R"({"type":"object","properties":{"tags":{"const":"\u00e9\u6f22/\u0001\u001f\n\u007f"},"q\"":true,"\ud83d\ude0a":{"maxLength":1}},
           "additionalProperties":false,"required":["tags"]})",
        R"({"type":"object","patternProperties":{"^[a-c\n]{1,3}$":{"pattern":"^[x\u0000-\u0009]*$"}},"additionalProperties":false,
           "minProperties":2})",
        R"({"type":"object","propertyNames":{"pattern":"^[\u0000\u0001\u00e9]$"},"minProperties":3})",
        R"({"type":"array","items":{"type":"string","minLength":2,"maxLength":3},"uniqueItems":false,"minItems":2,"maxItems":3})",
        R"({"type":"string","pattern":"^[^ -\u007f]{2}\\\\?[\n\"]{1,3}$"})"}) {
    INFO(std::string(schema));
    const Grammar grammar = json_schema(schema);
    for (int i = 0; i < 40; ++i) walk(grammar, t, random, 60);
  }
}

TEST_CASE("grammar walks: steps are of bounded work whatever the repeats, and never lead astray") {
  // Machine::work(); 10 ms are some 5,000,000.
  constexpr std::size_t kMaxMask = 6000000, kMaxAccept = 1000000, kMaxByte = 2500000;
  const Tokenizer t = tokenizer_with({"aaaa", "abab", "xx", "{\"", "[[", "]]", "],[", "some words ", "\"]", ",\"", "((", "))"});
  std::mt19937 random(33);
  for (const test::HostileGrammar& hostile : test::hostile_grammars()) {
    INFO(hostile.source);
    try {
      const Grammar grammar = hostile.make();
      const Worked worked = walk(grammar, t, random, 40);
      CHECK(worked.mask < kMaxMask);
      CHECK(worked.accept < kMaxAccept);
      std::string text;
      while (text.size() < 300) text += hostile.text;
      const std::size_t before = work_of(grammar);
      std::size_t n = 0;
      try {
        grammar.accepts_prefix(text);
        n = text.size();
      } catch (const Error& error) {  // one byte leads on to too many places
        CHECK(error.code() == ErrorCode::unsupported);
        n = 20;
      }
      CHECK((work_of(grammar) - before) / n < kMaxByte);
    } catch (const Error& error) {
      CHECK((error.code() == ErrorCode::invalid_argument || error.code() == ErrorCode::unsupported));
    }
  }
}

// Rules of which one refers to itself run on a stack, the same without that as one automaton.
TEST_CASE("grammar walks: repeats of rules are those of expressions") {
  std::mt19937 random(34);
  for (int round = 0; round < 60; ++round) {
    const auto count = [&] {
      const auto low = random() % 4;
      return "{" + std::to_string(low) + "," + std::to_string(low + random() % 4 + (low == 0 ? 1 : 0)) + "}";
    };
    const std::string a = count(), b = count(), c = count(), d = count();
    const char* const optional[] = {"", "?"};
    const std::string one = optional[random() % 2], two = optional[random() % 2];
    const std::string rules = "root ::= ((x" + a + " \"b\"" + one + ")" + b + " \"c\"" + two + " | x" + d + ")" + c +
                              "\nx ::= \"a\" | \"(\" root \")\"";
    const std::string pattern = "((a" + a + "b" + one + ")" + b + "c" + two + "|a" + d + ")" + c;
    INFO(rules, " and ", pattern);
    const Grammar stack = gbnf(rules), flat = regex(pattern);
    for (int i = 0; i < 60; ++i) {
      std::string text;
      for (auto n = random() % 40; n > 0; --n) text += "aaaaabbc"[random() % 8];
      const std::size_t half = text.size() / 2;
      INFO(text);
      CHECK(stack.accepts(text) == flat.accepts(text));
      CHECK(stack.accepts_prefix(text) == flat.accepts_prefix(text));
      CHECK(stack.accepts(text.substr(0, half)) == flat.accepts(text.substr(0, half)));
    }
  }
}

TEST_CASE("grammar walks: a cancel token ends making and reading") {
  int looks = 0;
  const CancelToken later([&] { return ++looks > 3; });
  const std::string long_text(5000, 'a');
  CHECK_THROWS_WITH_AS(regex("a*").accepts(long_text, &later), "grammar: cancelled", Error);
  CHECK(looks == 4);
  CancelToken now;
  now.cancel();
  CHECK_THROWS_WITH_AS(regex("a*").accepts_prefix("a", &now), "grammar: cancelled", Error);
  const auto cancelled = [](const auto& make) {
    try {
      make();
    } catch (const Error& error) {
      return error.code() == ErrorCode::cancelled;
    }
    return false;
  };
  std::string many = "x";
  for (int i = 0; i < 1500; ++i) many += "|" + std::to_string(i * 7919);
  CHECK(cancelled([&] { return regex(many, &now); }));
  CHECK(cancelled([&] { return gbnf("root ::= ([a-z]{1,9} | \"ab\"{3,90}){2000}" + std::string(200, ' ') + "\"" + std::string(3000, 'b') + "\"", &now); }));
  JsonSchemaOptions options;
  options.cancel = now;
  CHECK(cancelled([&] { return json_schema(test::pattern_schema(many), options); }));
  CHECK_NOTHROW(regex("a"));
}
