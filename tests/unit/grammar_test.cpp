// Grammars: terms, numbers, texts accepted; what a Machine makes of rules written by hand.
#include <doctest/doctest.h>

#include <cmath>
#include <random>
#include <string>

#include "gemma4/error.h"
#include "gemma4/grammar.h"
#include "grammar/numbers.h"
#include "grammar/program.h"
#include "grammar/regex_syntax.h"
#include "grammar/schema.h"

using namespace gemma4;
using grammar::Decimal;
using grammar::TermId;
using grammar::Terms;

namespace {

bool matches(Terms& terms, TermId t, std::string_view text) { return terms.nullable(terms.run(t, text)); }

bool less(const Decimal& a, const Decimal& b) { return grammar::compare(a, b) < 0; }

Decimal random_decimal(std::mt19937& random) {
  const int digits = static_cast<int>(random() % 5);
  std::string s = random() % 2 ? "-" : "";
  s += std::to_string(random() % 4 == 0 ? 0 : random() % 2000);
  if (digits > 1) {
    s += '.';
    for (int i = 1; i < digits; ++i) s += static_cast<char>('0' + random() % 10);
  }
  return Decimal::parse(s);
}

}  // namespace

TEST_CASE("grammar terms: complement, intersection, equal expressions") {
  Terms terms;
  const TermId a = grammar::parse_full(terms, "(ab|a)*", grammar::RegexDialect::python, "test");
  const TermId b = grammar::parse_full(terms, "a+(b|)", grammar::RegexDialect::python, "test");
  const TermId both = terms.both(a, terms.complement(b));
  CHECK(matches(terms, both, ""));
  CHECK(matches(terms, both, "aba"));
  CHECK_FALSE(matches(terms, both, "aab"));
  CHECK_FALSE(matches(terms, both, "b"));
  const TermId wider = grammar::parse_full(terms, "a[ab]*", grammar::RegexDialect::python, "test");
  CHECK_FALSE(terms.live(terms.both(b, terms.complement(wider))));
  CHECK(terms.either(a, b) == terms.either(b, a));
  CHECK(terms.complement(terms.complement(a)) == a);
  CHECK(terms.both(a, terms.complement(a)) == Terms::kNothing);
  CHECK(terms.one_of({"b", "a", "ab", "a"}) == terms.one_of({"ab", "a", "b"}));
}

TEST_CASE("grammar terms: characters of any range are exactly their UTF-8") {
  std::mt19937 random(3);
  for (int round = 0; round < 60; ++round) {
    Terms terms;
    const std::uint32_t limit = round % 3 == 0 ? 0x90 : round % 3 == 1 ? 0x1200 : 0x10FFFF;
    std::uint32_t first = random() % limit, last = first + random() % (limit / 2 + 1);
    last = std::min(last, grammar::kLastCode);
    const TermId t = terms.characters({{first, last}});
    for (int i = 0; i < 400; ++i) {
      const std::uint32_t edge[] = {first, last, first - 1, last + 1, static_cast<std::uint32_t>(random() % 0x110000)};
      const std::uint32_t code = edge[i % 5];
      if (code > grammar::kLastCode || (code >= 0xD800 && code < 0xE000)) continue;
      std::string text;
      grammar::append_utf8(code, text);
      INFO(first, "-", last, ": ", code);
      CHECK(matches(terms, t, text) == (code >= first && code <= last));
    }
  }
}

TEST_CASE("grammar numbers: ranges, multiples and single values agree with arithmetic") {
  std::mt19937 random(4);
  for (int round = 0; round < 300; ++round) {
    Terms terms;
    grammar::Numbers numbers(terms);
    const Decimal bound = random_decimal(random);
    const auto at_least = numbers.at_least(bound, false), above = numbers.at_least(bound, true);
    const auto at_most = numbers.at_most(bound, false), below = numbers.at_most(bound, true);
    const auto equal = numbers.one_of({bound}), others = numbers.none_of({bound});
    const auto both = [&](const grammar::NumberSet& set, std::string_view text) {
      const bool written = matches(terms, set.written, text);
      CHECK(written == matches(terms, set.meant, text));
      return written;
    };
    for (int i = 0; i < 60; ++i) {
      const Decimal x = i < 2 ? bound : random_decimal(random);
      std::string text = x.text();
      if (i % 5 == 0) text += x.scale == 0 ? ".0" : "0";
      INFO(text, " against ", bound.text());
      const int order = grammar::compare(x, bound);
      CHECK(both(at_least, text) == (order >= 0));
      CHECK(both(above, text) == (order > 0));
      CHECK(both(at_most, text) == (order <= 0));
      CHECK(both(below, text) == (order < 0));
      CHECK(both(equal, text) == (order == 0));
      CHECK(both(others, text) == (order != 0));
      CHECK(both(numbers.fractions(), text) == !x.integer());
      CHECK(both(numbers.integers(), text) == x.integer());
      CHECK(both(numbers.any(), text));
    }
    for (const char* large : {"1e20", "-2.5E+17", "3e-7", "-1e-300"}) {
      const Decimal x = Decimal::parse(large);
      INFO(large, " against ", bound.text());
      CHECK(both(at_least, large) == (grammar::compare(x, bound) >= 0));
      CHECK(both(at_most, large) == (grammar::compare(x, bound) <= 0));
    }
  }
  for (const auto& [divisor, scale] : {std::pair<const char*, int>{"3", 0}, {"12", 0}, {"0.01", 2}, {"2.5", 1},
                                       {"0.125", 3}, {"1000", 0}}) {
    Terms terms;
    grammar::Numbers numbers(terms);
    const auto t = *numbers.multiples(Decimal::parse(divisor));
    const auto step = std::llround(std::stod(divisor) * std::pow(10, scale));
    for (int i = 0; i < 1000; ++i) {
      const auto n = static_cast<long long>(random() % 20000);
      Decimal x = Decimal::parse(std::to_string(n) + "e-" + std::to_string(scale));
      INFO(x.text(), " by ", divisor);
      CHECK(matches(terms, t.written, x.text()) == (n % step == 0));
      CHECK(matches(terms, t.meant, x.text()) == (n % step == 0));
      CHECK(matches(terms, numbers.multiples(Decimal::parse(divisor), true)->meant, x.text()) == (n % step != 0));
    }
  }
}

namespace {

/// One value in the spellings of programs: plain, with zeros, with an exponent at any place.
std::string spelled(const Decimal& x, std::mt19937& random) {
  const auto zeros = [&](unsigned most) { return std::string(random() % (most + 1), '0'); };
  const std::string sign = x.negative ? "-" : "";
  if (random() % 3 == 0) {
    std::string text = x.text();
    if (random() % 2 == 0) text += (x.scale == 0 ? ".0" : "") + zeros(3);
    return text;
  }
  // 0.digits * 10^shift, the point moved by `at`.
  const int shift = static_cast<int>(x.digits.size()) - x.scale, at = static_cast<int>(random() % 25) - 8;
  std::string digits = x.digits + zeros(2);
  std::string mantissa;
  if (at <= 0) {
    mantissa = "0." + std::string(static_cast<std::size_t>(-at), '0') + digits;
  } else {
    if (digits.size() < static_cast<std::size_t>(at)) digits.resize(static_cast<std::size_t>(at), '0');
    mantissa = digits.substr(0, static_cast<std::size_t>(at));
    if (digits.size() > static_cast<std::size_t>(at)) mantissa += "." + digits.substr(static_cast<std::size_t>(at));
    if (x.zero()) mantissa = "0";
  }
  const int exponent = shift - at;
  std::string e = random() % 2 ? "e" : "E";
  e += exponent < 0 ? "-" : random() % 2 ? "+" : "";
  return sign + mantissa + e + zeros(2) + std::to_string(std::abs(exponent));
}

}  // namespace

TEST_CASE("grammar numbers: values are compared however they are written") {
  std::mt19937 random(5);
  const auto some = [&] {
    Decimal x = Decimal::parse((random() % 3 == 0 ? "-" : "") + std::to_string(random() % 3000) + "e" +
                               std::to_string(static_cast<int>(random() % 30) - 20));
    return x;
  };
  for (int round = 0; round < 400; ++round) {
    Terms terms;
    grammar::Numbers numbers(terms);
    const Decimal bound = some(), other = some();
    const auto at_least = numbers.at_least(bound, false), above = numbers.at_least(bound, true);
    const auto at_most = numbers.at_most(bound, false), below = numbers.at_most(bound, true);
    const auto equal = numbers.one_of({bound}), neither = numbers.none_of({bound, other});
    const auto within = numbers.both(numbers.at_least(std::min(bound, other, less), false),
                                     numbers.at_most(std::max(bound, other, less), true));
    for (int i = 0; i < 40; ++i) {
      const Decimal x = i < 8 ? bound : i < 12 ? other : some();
      const std::string text = spelled(x, random);
      INFO(text, " against ", bound.text(), " and ", other.text());
      const int order = grammar::compare(x, bound);
      CHECK(matches(terms, at_least.meant, text) == (order >= 0));
      CHECK(matches(terms, above.meant, text) == (order > 0));
      CHECK(matches(terms, at_most.meant, text) == (order <= 0));
      CHECK(matches(terms, below.meant, text) == (order < 0));
      CHECK(matches(terms, equal.meant, text) == (order == 0));
      CHECK(matches(terms, neither.meant, text) == (order != 0 && grammar::compare(x, other) != 0));
      CHECK(matches(terms, numbers.fractions().meant, text) != x.integer());
      CHECK(matches(terms, numbers.integers().meant, text) == x.integer());
      const bool inside = order * grammar::compare(x, other) < 0 || grammar::compare(x, std::min(bound, other, less)) == 0;
      CHECK(matches(terms, within.meant, text) == (inside && grammar::compare(bound, other) != 0));
      // What can be written is meant, and has been begun.
      CHECK((!matches(terms, at_least.written, text) || matches(terms, at_least.meant, text)));
    }
  }
}

TEST_CASE("grammar numbers: bounds, multiples and constants in the notations of programs") {
  const auto accepts = [](const char* schema, const char* text) { return json_schema(schema).accepts(text); };
  for (const char* text : {"3e-06", "3E-6", "0.000003", "30e-7", "1e-6", "1.0E-06", "0.1e-5", "1000000e-12", "1"}) {
    CHECK_MESSAGE(accepts(R"({"type":"number","minimum":1e-6})", text), text);
  }
  for (const char* text : {"9.9e-7", "0.99e-6", "0", "-1", "1e-7", "0.0000009"}) {
    CHECK_FALSE_MESSAGE(accepts(R"({"type":"number","minimum":1e-6})", text), text);
  }
  CHECK_FALSE(accepts(R"({"exclusiveMinimum":1e-6})", "10e-7"));
  CHECK(accepts(R"({"exclusiveMaximum":2.5e+20})", "249999999999999999999"));
  CHECK_FALSE(accepts(R"({"exclusiveMaximum":2.5e+20})", "0.25E21"));
  CHECK(accepts(R"({"maximum":1e3,"type":"integer"})", "1E+3"));
  CHECK(accepts(R"({"maximum":1e3,"type":"integer"})", "10.0e1"));
  CHECK_FALSE(accepts(R"({"maximum":1e3,"type":"integer"})", "1.0001e3"));
  CHECK_FALSE(accepts(R"({"type":"integer"})", "1e-1"));
  CHECK(accepts(R"({"multipleOf":1e-3})", "1.5e-2"));
  CHECK_FALSE(accepts(R"({"multipleOf":1e-3})", "1.5e-3"));
  CHECK(accepts(R"({"multipleOf":7})", "0.14e2"));
  CHECK_FALSE(accepts(R"({"multipleOf":7})", "0.15e2"));
  for (const char* text : {"100", "1e2", "100.0", "1.00E+02", "1000e-1"}) CHECK_MESSAGE(accepts(R"({"const":1e2})", text), text);
  CHECK_FALSE(accepts(R"({"not":{"enum":[100]}})", "1e2"));
  CHECK(accepts(R"({"not":{"enum":[100]}})", "1e3"));
  CHECK_FALSE(accepts(R"({"not":{"minimum":10}})", "0.1e2"));
  CHECK(accepts(R"({"enum":[5e-324]})", "5e-324"));
  CHECK(accepts(R"({"type":"number"})", "1.7976931348623157e+308"));
  CHECK_FALSE(accepts(R"({"type":"number"})", "1.8e+308"));
  // A beginning that no number goes on from.
  const Grammar teens = json_schema(R"({"minimum":10,"maximum":12,"type":"number"})");
  CHECK(teens.accepts_prefix("1e"));
  CHECK(teens.accepts_prefix("0.0011"));
  CHECK_FALSE(teens.accepts_prefix("13"));
  CHECK_FALSE(teens.accepts_prefix("1.1e2"));
  CHECK_FALSE(teens.accepts_prefix("-"));
}

TEST_CASE("grammar numbers: what JSON allows, and nothing else") {
  const Grammar number = json_schema(R"({"type":"number"})");
  for (const char* good : {"0", "-0", "1", "-12.50", "1e5", "1E+05", "2e-300", "0.1e1", "1.5e308", "1e308", "-0.0",
                           "5e-7"}) {
    CHECK_MESSAGE(number.accepts(good), good);
  }
  for (const char* bad : {"", "-", "01", "1.", ".5", "+1", "1e", "1e999", "--1", "0x1", "NaN", "1 "}) {
    CHECK_FALSE_MESSAGE(number.accepts(bad), bad);
  }
  const Grammar integer = json_schema(R"({"type":"integer"})");
  CHECK(integer.accepts("1.0"));
  CHECK(integer.accepts("1e+16"));
  CHECK_FALSE(integer.accepts("1.5"));
}

TEST_CASE("grammar: strings are JSON strings, whatever way a character is written") {
  const Grammar any = json_schema(R"({"type":"string"})");
  for (const char* good : {R"("")", R"("a\nb\"\\\/")", R"("\u00e9\ud83d\ude00")", "\"\xC3\xA9\xF0\x9F\x98\x80\""}) {
    CHECK_MESSAGE(any.accepts(good), good);
  }
  for (const char* bad : {"\"\n\"", R"("\x")", R"("\ud83d")", R"("\ude00")", R"("\ud83dx")", "\"\xC3\"", "\"\xFF\"",
                          "\"",
                          R"("\u12")", "\"\xED\xA0\x80\""}) {
    CHECK_FALSE_MESSAGE(any.accepts(bad), bad);
  }
  const Grammar some = json_schema("{\"enum\":[\"\xC3\xA9\\n\\ud83d\\ude00\",\"a/b\"]}");
  CHECK(some.accepts("\"\xC3\xA9\\n\xF0\x9F\x98\x80\""));
  CHECK(some.accepts(R"("\u00E9\u000a\ud83d\uDE00")"));
  CHECK(some.accepts(R"("a\/b")"));
  CHECK_FALSE(some.accepts_prefix(R"("\u00f)"));
  CHECK_FALSE(some.accepts_prefix(R"("\ud83e)"));
  const Grammar two = json_schema(R"({"minLength":2,"maxLength":2})");
  CHECK(two.accepts("\"\xF0\x9F\x98\x80x\""));
  CHECK(two.accepts(R"("\ud83d\ude00\u0041")"));
  CHECK_FALSE(two.accepts("\"\xF0\x9F\x98\x80\""));
}

TEST_CASE("grammar: rules written by hand, control tokens and Gemma's way to write values") {
  using namespace gemma4::grammar;
  Rules rules;
  rules.style.call = true;
  rules.style.quote = 52;
  const GoalId goal = add_schema(rules, R"({"type":"object","properties":{"city":{"type":"string","maxLength":5},
    "n":{"type":"array","items":{"enum":[1,"x"]}}},"required":["city"],"additionalProperties":false})");
  const RuleId call = rules.sequence({rules.token({48}), rules.text("call:get"), rules.value(goal), rules.token({49})});
  rules.set_root(rules.repeat(call, 1, 2));
  rules.finish();
  Machine machine(rules);
  const auto run = [&](const std::vector<std::pair<TokenId, std::string>>& steps) {
    Frames frames = machine.start();
    for (const auto& [token, text] : steps) {
      Frames next;
      if (token >= 0) {
        machine.step_token(frames, token, next);
        frames = next;
      }
      for (const char c : text) {
        machine.step(frames, static_cast<unsigned char>(c), next);
        frames = next;
      }
    }
    return std::pair(!frames.empty(), machine.complete(frames));
  };
  const auto yes = std::pair(true, true), no = std::pair(false, false), open = std::pair(true, false);
  CHECK(run({{48, "call:get{city:"}, {52, "a\"{\n"}, {52, "}"}, {49, ""}}) == yes);
  CHECK(run({{48, "call:get{n:[1,"}, {52, "x"}, {52, "],city:"}, {52, ""}, {52, "}"}, {49, ""}, {48, "call:"}}) == open);
  CHECK(run({{48, "call:get{city:"}, {52, "abcdef"}}) == no);
  CHECK(run({{48, "call:get{city:"}, {52, "a"}, {52, "}"}, {48, ""}}) == no);
  CHECK(run({{48, "call:get{\"city\""}}) == no);
  CHECK(run({{48, "call:get{}"}}) == no);
  CHECK(run({{48, "call:get{city:\""}}) == no);
  CHECK(run({{-1, "call"}}) == no);
}

TEST_CASE("grammar: a NUL is no way to begin an item") {
  const Grammar list = json_schema(R"({"type":"array"})");
  CHECK_FALSE(list.accepts_prefix(std::string("[\0", 2)));
  CHECK_FALSE(list.accepts_prefix(std::string("[1,\0", 4)));
}

TEST_CASE("grammar: white space behind a value leads to an end") {
  JsonSchemaOptions options;
  options.whitespace = JsonSchemaOptions::Whitespace::bounded;
  const Grammar object = json_schema(R"({"type":"object","required":["a","b"]})", options);
  CHECK_FALSE(object.accepts_prefix("{\"a\":1 "));
  CHECK(object.accepts("{\"a\":1,\n  \"b\": 2\n}"));
  const Grammar array = json_schema(R"({"type":"array","minItems":2})", options);
  CHECK_FALSE(array.accepts_prefix("[1\n"));
  CHECK(array.accepts("[ 1, 2 ]"));
}

TEST_CASE("grammar: each key once, however many") {
  const Grammar any = json_schema("true");
  std::string text = "{";
  for (int i = 0; i < 3000; ++i) text += (i > 0 ? ",\"key" : "\"key") + std::to_string(i) + "\":" + std::to_string(i);
  text += "}";
  CHECK(any.accepts(text));
  text.insert(text.size() - 1, ",\"key7\":0");
  CHECK_FALSE(any.accepts(text));
  // Where there are few, what has run out is known before the quote.
  const Grammar few = json_schema(
      R"({"type":"object","patternProperties":{"^[ab]{1,2}$":{"type":"null"}},"additionalProperties":false})");
  CHECK(few.accepts(R"({"aa":null,"b":null,"a":null,"ab":null,"ba":null,"bb":null})"));
  CHECK_FALSE(few.accepts_prefix(R"({"aa":null,"b":null,"a":null,"ab":null,"ba":null,"bb":null,)"));
  CHECK_FALSE(few.accepts_prefix(R"({"aa":null,"a":null,"ab":null,"a)"));
  CHECK_FALSE(few.accepts_prefix(R"({"aa":null,"a":null,"ab":null,"\u0061)"));
  CHECK(few.accepts_prefix(R"({"aa":null,"a":null,"ab":null,"\u006)"));
  CHECK_FALSE(few.accepts_prefix(R"({"aa":null,"a":null,"ab":null,"b":null,"bb":null,"ba":null,"\u006)"));
}

TEST_CASE("grammar: ways to read that differ only in what follows are read once") {
  // Which of the two an object is, only its last member tells.
  const Grammar tree = json_schema(R"({"anyOf":[{"type":"null"},
    {"type":"object","properties":{"left":{"$ref":"#"},"op":{"const":"a"}},"required":["op"]},
    {"type":"object","properties":{"left":{"$ref":"#"},"op":{"const":"b"}},"required":["op"]}]})");
  std::string text;
  for (int i = 0; i < 200; ++i) text += R"({"left":)";
  text += "null";
  for (int i = 0; i < 200; ++i) text += i % 3 == 0 ? R"(,"op":"a"})" : R"(,"op":"b"})";
  CHECK(tree.accepts(text));
  CHECK_FALSE(tree.accepts(text + "}"));
  const Grammar both = gbnf("root ::= \"a\" root \"b\" | \"a\" root \"c\" | root2\nroot2 ::= \"\" | \"x\" root2 root2");
  CHECK(both.accepts(std::string(300, 'a') + std::string(100, 'b') + std::string(200, 'c')));
  CHECK_FALSE(both.accepts(std::string(300, 'a') + std::string(299, 'b')));
  CHECK(both.accepts(std::string(60, 'x')));
}
