// Encoding with a small vocabulary: merging, characters without an entry, markup, long texts, threads.
#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <random>
#include <thread>

#include "gemma4/tokenizer.h"
#include "support/tokenizer_fixture.h"

using namespace gemma4;
using gemma4::test::small_vocabulary;
using gemma4::test::TempFolder;
using gemma4::test::TestVocabulary;

namespace {

Tokenizer load(const TestVocabulary& vocabulary) {
  const TempFolder folder;
  return Tokenizer::load(folder.write("tokenizer.json", vocabulary.json()));
}

/// The texts of the ids, separated by "|".
std::string pieces(const Tokenizer& tokenizer, std::string_view text, bool parse_special = false) {
  std::string result;
  for (const TokenId id : tokenizer.encode(text, false, parse_special)) {
    result.append(result.empty() ? "" : "|").append(tokenizer.id_to_token(id));
  }
  return result;
}

}  // namespace

TEST_CASE("tokenizer: merges by rank, the leftmost of equals") {
  TestVocabulary v = small_vocabulary();
  v.merges.clear();
  v.join("b", "c");
  v.join("a", "b");
  v.join("x", "x");
  const Tokenizer t = load(v);
  CHECK(pieces(t, "abc") == "a|bc");
  CHECK(pieces(t, "abd") == "ab|d");
  CHECK(pieces(t, "xxx") == "xx|x");
  CHECK(pieces(t, "xxxx") == "xx|xx");
}

TEST_CASE("tokenizer: a pair listed twice has its last rank") {
  TestVocabulary v = small_vocabulary();
  v.merges = {{"a", "b"}};
  v.join("b", "c");
  v.merges.emplace_back("a", "b");
  CHECK(pieces(load(v), "abc") == "a|bc");
}

TEST_CASE("tokenizer: words, spaces, runs") {
  const Tokenizer t = load(small_vocabulary());
  CHECK(pieces(t, "hello world") == "hello|\xE2\x96\x81world");
  CHECK(pieces(t, "\xE2\x96\x81world") == "\xE2\x96\x81world");  // U+2581 is a space, by design
  CHECK(pieces(t, " ") == "\xE2\x96\x81");
  CHECK(pieces(t, "   the") == "\xE2\x96\x81\xE2\x96\x81\xE2\x96\x81|the");
  CHECK(t.encode("\n\n\n\n\n\n\n").size() == 2);
  CHECK(t.encode("\n\n\n\n\n\n\n")[0] == t.token_to_id("\n\n\n\n\n"));
  CHECK(pieces(t, "> </a") == ">\xE2\x96\x81</|a");  // a token that spans a space
  CHECK(t.encode("").empty());
}

TEST_CASE("tokenizer: characters without an entry and invalid UTF-8 become byte tokens") {
  const Tokenizer t = load(small_vocabulary());
  CHECK(pieces(t,
               "a\xC3\xBC"
               "b") == "a|<0xC3>|<0xBC>|b");
  CHECK(pieces(t, "\xF0\x92\x80\x80") == "<0xF0>|<0x92>|<0x80>|<0x80>");
  CHECK(pieces(t, std::string_view("\0", 1)) == "<0x00>");
  CHECK(pieces(t, "\xFF") == "<0xFF>");
  CHECK(pieces(t, "the\xE2\x96") == "the|<0xE2>|<0x96>");  // cut off
  CHECK(pieces(t, "\xE2\x96the") == "<0xE2>|<0x96>|the");
  CHECK(pieces(t, "\xC0\x8A") == "<0xC0>|<0x8A>");                        // an overlong newline
  CHECK(pieces(t, "\xED\xA0\x80") == "<0xED>|<0xA0>|<0x80>");             // a surrogate
  CHECK(pieces(t, "\xF4\x90\x80\x80") == "<0xF4>|<0x90>|<0x80>|<0x80>");  // beyond U+10FFFF
  CHECK(pieces(t, "\xE6\xBC\xA2\xE5\xAD\x97") == "\xE6\xBC\xA2\xE5\xAD\x97");
}

TEST_CASE("tokenizer: special tokens are plain text unless asked for") {
  const Tokenizer t = load(small_vocabulary());
  const TokenId bos = t.token_to_id("<bos>");
  REQUIRE(bos >= 0);
  CHECK(t.bos_token() == bos);
  CHECK(t.is_special(bos));
  CHECK_FALSE(t.is_special(t.token_to_id("hello")));
  CHECK_FALSE(t.is_special(-1));
  CHECK_FALSE(t.is_special(t.vocab_size()));
  CHECK(pieces(t, "<bos>") == "<b|os|>");
  CHECK(pieces(t, "<bos>", true) == "<bos>");
  CHECK(pieces(t, "<bos>hello<bos><bos>\n", true) == "<bos>|hello|<bos>|<bos>|\n");
  CHECK(pieces(t, "<<bos>>", true) == "<|<bos>|>");
  CHECK(pieces(t, "<|image|>", true) == "<|image|>");  // not "<|image" and what follows
  CHECK(pieces(t, "<|image><image|>", true) == "<|image>|<image|>");
  CHECK(pieces(t, "<|turn>the<turn|>", true) == "<|turn>|the|<turn|>");
  CHECK(pieces(t, "<bos", true) == "<b|os");
  // Markup ends a stretch of text: what stands on its two sides does not merge.
  CHECK(pieces(t, "hel<|\"|>lo", true) == "he|l|<|\"|>|lo");
}

TEST_CASE("tokenizer: no merge and no single character makes a special token of plain text") {
  TestVocabulary v = small_vocabulary();
  v.join("<b", "os");
  v.join("<bos", ">");
  v.join("<bos>", "a");
  v.add("\xE2\x98\x85");
  v.special.push_back("\xE2\x98\x85");
  for (const std::string& file : {v.json(), v.gguf()}) {
    const TempFolder folder;
    const Tokenizer t = Tokenizer::load(folder.write("tokenizer", file));
    CHECK(pieces(t, "<bos>") == "<bos|>");
    CHECK(pieces(t, "<bos>a") == "<bos|>|a");
    CHECK(pieces(t, "\xE2\x98\x85") == "<0xE2>|<0x98>|<0x85>");
    CHECK(pieces(t, "\xE2\x98\x85", true) == "\xE2\x98\x85");
    for (const std::string& text : v.special) {
      for (const TokenId id : t.encode(text)) CHECK_FALSE(t.is_special(id));
    }
  }
}

TEST_CASE("tokenizer: added tokens that are not special are always matched") {
  TestVocabulary v = small_vocabulary();
  v.add("<table>");
  v.add("<table>x");
  v.added = {"<table>", "<table>x"};
  for (const std::string& file : {v.json(), v.gguf()}) {
    const TempFolder folder;
    const Tokenizer t = Tokenizer::load(folder.write("tokenizer", file));
    CHECK(pieces(t, "the<table>the") == "the|<table>|the");
    CHECK(pieces(t, "<table>xx") == "<table>x|x");
    CHECK(pieces(t, "<bos><table>") == "<b|os|>|<table>");
    CHECK(pieces(t, "<bos><table>", true) == "<bos>|<table>");
    CHECK_FALSE(t.is_special(t.token_to_id("<table>")));
  }
}

TEST_CASE("tokenizer: add_bos") {
  const Tokenizer t = load(small_vocabulary());
  CHECK(t.encode("", true) == std::vector<TokenId>{t.bos_token()});
  CHECK(t.encode("the", true) == std::vector<TokenId>{t.bos_token(), t.token_to_id("the")});
  TestVocabulary without = small_vocabulary();
  for (std::string& text : without.tokens) text = text == "<bos>" ? "<start>" : text;
  for (std::string& text : without.special) text = text == "<bos>" ? "<start>" : text;
  const Tokenizer none = load(without);
  CHECK(none.bos_token() == -1);
  CHECK(none.encode("the", true) == none.encode("the"));
}

TEST_CASE("tokenizer: a megabyte without a place to cut") {
  const Tokenizer t = load(small_vocabulary());
  const auto start = std::chrono::steady_clock::now();
  const std::size_t size = std::size_t{1} << 20;
  CHECK(t.encode(std::string(size, '-')).size() == size / 5 + 1);
  CHECK(t.encode(std::string(size, ' ')).size() == size / 5 + 1);
  CHECK(t.encode(std::string(size, 'a')).size() == size / 2);
  CHECK(t.encode(std::string(size, '<'), false, true).size() == size);
  CHECK(t.encode(std::string(size, '\xE2')).size() == size);
  std::string mixed;
  for (std::uint32_t x = 1; mixed.size() < size; x = x * 1664525U + 1013904223U)
    mixed.push_back((x >> 24) % 3 == 0 ? 'b' : 'a');
  CHECK(t.decode(t.encode(mixed)) == mixed);
  CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(60));  // quadratic would take hours
}

TEST_CASE("tokenizer: threads share one tokenizer") {
  const Tokenizer t = load(small_vocabulary());
  std::mt19937 random(7);
  std::vector<std::string> texts;
  std::vector<std::vector<TokenId>> expected;
  for (int i = 0; i < 200; ++i) {
    texts.push_back(test::random_text(random, 20));
    expected.push_back(t.encode(texts.back(), true, true));
  }
  std::vector<int> wrong(4);
  std::vector<std::thread> threads;
  for (std::size_t k = 0; k < wrong.size(); ++k) {
    threads.emplace_back([&, k, copy = t] {
      for (std::size_t i = 0; i < texts.size(); ++i) {
        const std::size_t at = (i * 7 + k * 31) % texts.size();
        wrong[k] += copy.encode(texts[at], true, true) != expected[at];
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const int count : wrong) CHECK(count == 0);
}

TEST_CASE("tokenizer: cutting and caching change nothing against plain BPE") {
  std::mt19937 random(20260401);
  for (int round = 0; round < 12; ++round) {
    TestVocabulary v = small_vocabulary();
    // Random merges over few characters: pieces that overlap in every way, in an order unlike any trained one.
    std::vector<std::string> known = {"a", "b", "<", ">", "/", "\n", test::kSpaceSymbol, "\xE6\xBC\xA2", "\xC3\xA9"};
    std::vector<std::pair<std::string, std::string>> made;
    for (int i = 0; i < 60; ++i) {
      const std::string left = known[random() % known.size()];
      const std::string right = known[random() % known.size()];
      if (left.size() + right.size() > 12) continue;
      if (!v.has(left + right)) known.push_back(left + right);
      v.add(left + right);
      made.emplace_back(left, right);
    }
    std::shuffle(made.begin(), made.end(), random);
    v.merges.insert(round % 2 == 0 ? v.merges.begin() : v.merges.end(), made.begin(), made.end());
    const Tokenizer t = load(v);
    const test::PlainBpe plain(v.tokens, v.merges);
    for (int i = 0; i < 300; ++i) {
      std::string text = test::random_text(random, 12);
      if (i % 3 == 0) {
        text.clear();
        for (int n = static_cast<int>(random() % 150); n > 0; --n) text += known[random() % 9];
      }
      INFO("round ", round, ", text ", i, ": ", text);
      REQUIRE(t.encode(text) == plain.encode(text));
    }
  }
}
