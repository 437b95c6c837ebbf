// Masks against the definition: a token may come when the grammar accepts the text with it as a beginning.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <random>
#include <string>
#include <vector>

#include "formats/json.h"
#include "gemma4/error.h"
#include "gemma4/grammar.h"
#include "gemma4/tokenizer.h"
#include "grammar/program.h"
#include "support/tokenizer_fixture.h"

using namespace gemma4;

namespace {

/// Letters, digits and every token of punctuation that JSON may bring together, over all bytes.
Tokenizer json_tokenizer() {
  static const Tokenizer tokenizer = [] {
    test::TestVocabulary v = test::small_vocabulary();
    for (const char* text : {"\"", "{", "}", "[", "]", ":", ",", "\\", "-", ".", "0", "1", "2", "9", "e", "n",
                             "u", "l", "t", "r"}) {
      v.add(text);
    }
    for (const char* text : {"{\"", "\":", "\",", "\":\"", "\",\"", "\"}", "\"]", "},", "}}", "[{", "[\"", "],",
                             "\\\"", "\\n", "\\u", "\\u00", "a\"", "ab\":", "b\":1", "12", "1,", "true", "null",
                             "false", ":[", "{}", "[]", "\"\"", "x\\", "a\\\"b", "key", "\xC3\xA9", "\xC3\xA9\"",
                             "\xE2\x80\xA8", "zz", "zz\xE2\x80\xA8z"}) {
      v.add(text);
    }
    const test::TempFolder folder;
    std::ofstream(folder.path() + "/tokenizer.json", std::ios::binary) << v.json();
    return Tokenizer::load(folder.path());
  }();
  return tokenizer;
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

bool has(const std::vector<std::uint32_t>& mask, TokenId id) {
  return (mask[static_cast<std::size_t>(id) / 32] >> id % 32 & 1U) != 0;
}

/// Whether a text that can be begun is written as a generation writes it, as far as its characters show: no escape but
/// those that are needed.
bool written_plainly(const std::string& text) {
  for (std::size_t at = text.find('\\'); at != std::string::npos; at = text.find('\\', at + 2)) {
    const std::string escape = text.substr(at, 6);
    if (escape.size() < 2 || std::string("\"\\bfnrt").find(escape[1]) != std::string::npos) continue;
    if (escape.compare(0, 4, "\\u00", std::min<std::size_t>(escape.size(), 4)) != 0) return false;
    if (escape.size() > 4 && escape[4] != '0' && escape[4] != '1') return false;
    if (escape.size() > 5 && (escape.substr(4) == "08" || escape.substr(4) == "09" || escape.substr(4) == "0a" ||
                              escape.substr(4) == "0c" || escape.substr(4) == "0d" ||
                              (escape[5] >= 'A' && escape[5] <= 'F'))) {
      return false;
    }
  }
  return true;
}

/// Whether `bytes` begin inside a number of `text`, or hold one's beginning: it may have to be written in another way.
bool touches_number(const std::string& text, const std::string& bytes) {
  const std::size_t at = (text + bytes).find_last_of("0123456789-");
  return at != std::string::npos && at + 2 >= text.size();
}

/// Walks at random along the masks, holding each against accepts_prefix() of every token.
void walk(const Grammar& grammar, std::mt19937& random, int steps, bool json = true) {
  const Tokenizer t = json_tokenizer();
  GrammarMatcher matcher(grammar, t);
  std::vector<std::uint32_t> mask(mask_words(static_cast<std::size_t>(t.vocab_size())));
  std::vector<std::vector<std::uint32_t>> masks;
  std::vector<TokenId> taken;
  std::string text;
  for (int step = 0; step < steps; ++step) {
    matcher.mask(mask);
    masks.push_back(mask);
    std::vector<TokenId> allowed;
    for (TokenId id = 0; id < t.vocab_size(); ++id) {
      const std::string bytes = bytes_of(t, id);
      INFO("after ", text, ", token ", id, " ", bytes);
      const bool begins = !bytes.empty() && grammar.accepts_prefix(text + bytes);
      REQUIRE((begins || !has(mask, id)));
      GrammarMatcher twin = matcher;
      REQUIRE(has(mask, id) == twin.accept(id));
      if (begins && !has(mask, id)) {  // it means the same as another text
        REQUIRE(json);
        const bool escape = (text + bytes).find('\\', text.size() - std::min<std::size_t>(text.size(), 6)) != std::string::npos;
        REQUIRE((escape || !written_plainly(text + bytes) || touches_number(text, bytes)));
      } else if (has(mask, id) && json) {
        REQUIRE(written_plainly(text + bytes));
      }
      if (has(mask, id)) allowed.push_back(id);
    }
    REQUIRE(matcher.may_stop() == grammar.accepts(text));
    REQUIRE(matcher.finished() == (matcher.may_stop() && allowed.empty()));
    if (allowed.empty()) {
      REQUIRE(matcher.may_stop());
      break;
    }
    // What is forced is the only way on.
    const std::string forced = matcher.forced_text();
    if (!forced.empty()) {
      for (const TokenId id : allowed) {
        const std::string bytes = bytes_of(t, id);
        const std::size_t n = std::min(bytes.size(), forced.size());
        CHECK(bytes.compare(0, n, forced, 0, n) == 0);
      }
    }
    const TokenId id = allowed[random() % allowed.size()];
    REQUIRE(matcher.accept(id));
    taken.push_back(id);
    text += bytes_of(t, id);
    if (random() % 4 == 0) {  // nothing depends on what has been worked out before
      const std::lock_guard lock(grammar.impl()->engine()->mutex);
      grammar.impl()->engine()->forget();
    }
  }
  // Back and forth again, and a fork that goes its own way.
  const std::size_t back = taken.empty() ? 0 : random() % taken.size();
  matcher.rollback(taken.size() - back);
  const auto fork = matcher.fork();
  for (std::size_t i = back; i < taken.size(); ++i) {
    matcher.mask(mask);
    REQUIRE(mask == masks[i]);
    fork->mask(mask);
    REQUIRE(mask == masks[i]);
    REQUIRE(matcher.accept(taken[i]));
    REQUIRE(fork->accept(taken[i]));
  }
  CHECK_THROWS_AS(matcher.rollback(taken.size() + 1), Error);
}

}  // namespace

TEST_CASE("grammar masks: as trying every token, for schemas") {
  std::mt19937 random(9);
  for (const char* schema : {
           "true",
           R"({"type":"object","properties":{"a":{"type":"integer"},"ab":{"type":"string"},
              "key":{"enum":[1,"x",null]}},"required":["a"]})",
           R"({"type":"object","properties":{"a":{"maxLength":3},"b":{"const":"a\"b"}},"additionalProperties":false})",
           R"({"type":"object","patternProperties":{"^a":{"type":"number"},"b$":{"minimum":1}},"maxProperties":3})",
           R"({"type":"object","additionalProperties":{"type":"object","required":["a","b"]},"minProperties":2})",
           R"({"type":"object","propertyNames":{"maxLength":1},"additionalProperties":{"type":"null"}})",
           R"({"type":"object","propertyNames":{"maxLength":2},"patternProperties":{"^a":{"const":1}}})",
           R"({"type":"object","propertyNames":{"pattern":"^[ab]{1,2}$"},"minProperties":2})",
           R"({"type":"array","items":{"type":["string","array"],"minLength":2},"minItems":1,"maxItems":3})",
           R"({"type":"string","pattern":"^[ab]{2,}.*z$"})", R"({"type":"string","pattern":"a[^b]+b"})",
           R"({"type":"string","pattern":"^(?!ab).+"})", R"({"minLength":3,"maxLength":5,"type":"string"})",
           R"({"anyOf":[{"type":"object","required":["a"]},{"type":"object","properties":{"b":{"type":"null"}}}]})",
           R"({"$ref":"#/$defs/t","$defs":{"t":{"type":"object","properties":{"l":{"$ref":"#/$defs/t"},
              "r":{"type":"number"}},"additionalProperties":false}}})",
           R"({"enum":["\u00e9","\u00e9a","a b",12,1.5,{"a":[1]}]})"}) {
    const Grammar grammar = json_schema(schema);
    INFO(std::string(schema));
    for (int i = 0; i < 4; ++i) walk(grammar, random, 25);
  }
  JsonSchemaOptions bounded;
  bounded.whitespace = JsonSchemaOptions::Whitespace::bounded;
  const Grammar spaced = json_schema(R"({"type":"object","additionalProperties":{"type":"array"}})", bounded);
  for (int i = 0; i < 4; ++i) walk(spaced, random, 25);
}

TEST_CASE("grammar masks: as trying every token, for patterns and rules") {
  std::mt19937 random(10);
  for (const char* pattern : {"[a-z]+( [a-z]+)*", ".*", "(key|ab)*\"", "\\d{3}-\\d{2}", "[^\\x00-\\x7f]+",
                              "(a|b)*abb"}) {
    INFO(std::string(pattern));
    const Grammar grammar = regex(pattern);
    for (int i = 0; i < 4; ++i) walk(grammar, random, 20, false);
  }
  const Grammar sums = gbnf(R"(root ::= sum
sum ::= item ("," item)*
item ::= [0-9]+ | "[" sum "]" | "\"" [^"]* "\"")");
  for (int i = 0; i < 8; ++i) walk(sums, random, 25, false);
}

TEST_CASE("grammar masks: keys and characters that need no escape are written plainly") {
  const Tokenizer t = json_tokenizer();
  // Byte by byte, by its tokens of one byte.
  const auto writes = [&](const Grammar& grammar, const std::string& text) {
    GrammarMatcher matcher(grammar, t);
    std::vector<std::uint32_t> mask(mask_words(static_cast<std::size_t>(t.vocab_size())));
    std::vector<TokenId> single(256, -1);
    for (TokenId id = 0; id < t.vocab_size(); ++id) {
      const std::string bytes = bytes_of(t, id);
      if (bytes.size() == 1) single[static_cast<unsigned char>(bytes[0])] = id;
    }
    for (const char c : text) {
      const TokenId id = single[static_cast<unsigned char>(c)];
      matcher.mask(mask);
      const bool offered = has(mask, id);
      CHECK(matcher.accept(id) == offered);
      if (!offered) return false;
    }
    return true;
  };
  const Grammar any = json_schema("true");
  const Grammar named = json_schema(R"({"properties":{"tags":{"const":"\u00e9/\u0001\u001f\n\u007f"},"q\"":true},
    "additionalProperties":false,"type":"object"})");
  const Grammar patterned = json_schema(R"({"patternProperties":{"^[a-c\n]{1,3}$":{"pattern":"^[x\u0000-\u0009]*$"}},
    "additionalProperties":false,"type":"object"})");
  struct Case {
    const Grammar& grammar;
    const char* text;
    bool written;
  };
  for (const auto& [grammar, text, written] : std::initializer_list<Case>{
           {any, R"("a\"b\\c\b\f\n\r\t\u0000\u001f")", true}, {any, R"("\u0061")", false}, {any, R"("\/")", false},
           {any, R"("\u000a")", false}, {any, R"("\u001F")", false}, {any, R"("\u007f")", false},
           {any, R"("\u00e9")", false}, {any, R"("\ud83d\ude00")", false}, {any, "\"\xC3\xA9\xF0\x9F\x98\x80/\"", true},
           {any, R"({"\u0074ags":1})", false}, {any, R"({"a\nb":1})", true},
           {named, "{\"tags\":\"\xC3\xA9/\\u0001\\u001f\\n\x7F\"", true}, {named, R"({"\u0074ags":)", false},
           {named, R"({"tags":"\u00e9)", false}, {named, R"({"q\"":)", true}, {named, R"({"q\u0022":)", false},
           {patterned, R"({"a\nb":"x\u0000\t"})", true}, {patterned, R"({"\u0061":)", false},
           {patterned, R"({"a\u000a":)", false}, {patterned, R"({"a":"\u0009)", false},
           {patterned, R"({"a":"\n)", false}}) {
    INFO(text);
    CHECK(writes(grammar, text) == written);
    CHECK((grammar.accepts_prefix(text) || std::string(text) == R"({"a":"\n)"));
  }
  // A prefill may be written in any way, and what it has begun goes on.
  GrammarMatcher matcher(named, t);
  CHECK(matcher.accept_text(R"({"\u0074ags":"\u00)"));
  CHECK(matcher.forced_text() == "");
  CHECK(matcher.accept_text("e9"));
  CHECK(matcher.forced_text() == "/\\u0001\\u001f\\n\x7F\"");
}

TEST_CASE("grammar masks: forced text and tokens") {
  const Tokenizer t = json_tokenizer();
  const Grammar grammar = json_schema(R"({"type":"object","properties":{"key":{"const":"ab"}},"required":["key"],
    "additionalProperties":false})");
  GrammarMatcher matcher(grammar, t);
  CHECK(matcher.forced_text() == R"({"key":"ab"})");
  std::string text;
  for (const TokenId id : matcher.forced()) {
    REQUIRE(matcher.accept(id));
    text += bytes_of(t, id);
  }
  CHECK(text == R"({"key":"ab"})");
  CHECK(matcher.finished());
  GrammarMatcher later(grammar, t);
  CHECK(later.accept_text("{\"k"));
  CHECK_FALSE(later.accept_text("x"));
  CHECK(later.length() == 1);
  CHECK(later.forced_text() == "ey\":\"ab\"}");
  CHECK_THROWS_AS(GrammarMatcher(json_schema("false"), t), Error);
}

TEST_CASE("grammar masks: real-world schemas over the full vocabulary") {
  const char* const folder = std::getenv("GEMMA4_TEST_DATA");
  if (folder == nullptr || *folder == '\0') {
    MESSAGE("skipped: grammar masks: real-world schemas over the full vocabulary (GEMMA4_TEST_DATA not set)");
    return;
  }
  const test::TempFolder temp;
  const std::string json = temp.path() + "/tokenizer.json";
  const std::string packed = std::string(folder) + "/tokenizer/gemma4-tokenizer.json.xz";
  REQUIRE(std::system(("xz -dkc '" + packed + "' > '" + json + "'").c_str()) == 0);
  const Tokenizer t = Tokenizer::load(json);
  std::ifstream file(std::string(folder) + "/schemas/schemas.jsonl");
  std::vector<std::uint32_t> mask(mask_words(static_cast<std::size_t>(t.vocab_size())));
  int schemas = 0, right = 0, left_out = 0;
  std::mt19937 random(11);
  for (std::string line; std::getline(file, line); ++schemas) {
    const std::string before = "\"schema\":", after = ",\"tests\":";
    const std::size_t start = line.find(before) + before.size();
    const std::string schema = line.substr(start, line.rfind(after) - start);
    try {
      const Grammar grammar = json_schema(schema);
      GrammarMatcher matcher(grammar, t);
      // A random walk: every token of a mask is accepted, some that are not in it are refused.
      for (int step = 0; step < 12; ++step) {
        matcher.mask(mask);
        std::vector<TokenId> some;
        for (int i = 0; i < 3000; ++i) {
          const auto id = static_cast<TokenId>(random() % static_cast<unsigned>(t.vocab_size()));
          if (i < 30) {
            GrammarMatcher twin = matcher;
            const bool accepted = twin.accept(id);
            REQUIRE((accepted || !has(mask, id)));
            left_out += accepted != has(mask, id) ? 1 : 0;
          }
          if (has(mask, id)) some.push_back(id);
        }
        for (TokenId id = 0; some.empty() && id < t.vocab_size(); ++id) {
          if (has(mask, id)) some.push_back(id);
        }
        REQUIRE((!some.empty() || matcher.may_stop()));
        if (some.empty()) break;
        REQUIRE(matcher.accept(some[random() % some.size()]));
      }
      ++right;
    } catch (const Error& error) {
      const std::string what = error.what();
      const bool contradiction = what.find("nothing satisfies") != std::string::npos;
      CHECK_MESSAGE((error.code() == ErrorCode::unsupported || contradiction), what);
    }
  }
  CHECK(schemas == 600);
  CHECK(right >= 570);
  CHECK(left_out < 200);  // of 200,000: from masks that would take too long
}

TEST_CASE("grammar masks: memory is bounded, however long the text") {
  const Tokenizer t = json_tokenizer();
  std::vector<std::uint32_t> mask(mask_words(static_cast<std::size_t>(t.vocab_size())));
  std::mt19937 random(4);
  for (const Grammar& grammar :
       {json_schema(R"({"type":"object"})"), json_schema(R"({"pattern":"^(a|b)*a(a|b){14}$"})"),
        json_schema(R"({"type":"object","patternProperties":{"a.{12}$":{"type":"object"},"b.{9}$":{"minLength":3}}})")}) {
    grammar::Engine& engine = *grammar.impl()->engine();
    const std::size_t base = engine.memory_bytes();
    GrammarMatcher matcher(grammar, t);
    std::size_t most = 0;
    for (int step = 0; step < 30000; ++step) {
      matcher.mask(mask);
      std::vector<TokenId> allowed;
      const bool inside = step % 7 != 0;  // rather letters than an end
      for (TokenId id = 0; id < t.vocab_size(); ++id) {
        const bool ends = bytes_of(t, id).find_first_of("\"}]") != std::string::npos;
        if (has(mask, id) && !(inside && ends)) allowed.push_back(id);
      }
      if (allowed.empty()) continue;
      REQUIRE(matcher.accept(allowed[random() % allowed.size()]));
      most = std::max(most, engine.memory_bytes());
    }
    CHECK(most < base + grammar::Engine::kMaxMemory + matcher.length() * 2000 + (std::size_t{8} << 20));
    matcher.rollback(matcher.length());
    CHECK(matcher.accept_text(matcher.forced_text()));
  }
}
