// Added tokens as HF tokenizers finds them: random ones (tests/support/make_added_tokens.py), and single cases by name.
#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "formats/json.h"
#include "gemma4/tokenizer.h"
#include "support/tokenizer_fixture.h"

using namespace gemma4;
using gemma4::test::small_vocabulary;
using gemma4::test::TempFolder;
using gemma4::test::TestVocabulary;

namespace {

std::vector<TokenId> read_ids(const formats::JsonValue& list) {
  std::vector<TokenId> ids;
  for (auto elements = list.elements(); elements.next();) {
    ids.push_back(static_cast<TokenId>(elements.value().as_int()));
  }
  return ids;
}

/// A tokenizer.json with these entries of "added_tokens".
Tokenizer with_added(std::string json, std::string_view entries) {
  const std::string_view empty = "\"added_tokens\": []";
  json.replace(json.find(empty), empty.size(), "\"added_tokens\": " + std::string(entries));
  const TempFolder folder;
  return Tokenizer::load(folder.write("tokenizer.json", json));
}

/// The small vocabulary with a token `text` found as `options` say, after its special ones.
Tokenizer with_token(const std::string& text, const std::string& options) {
  TestVocabulary v = small_vocabulary();
  std::string json = v.json();
  const std::string begin = "\"added_tokens\":[";
  const std::string entry =
      "{\"id\":" + std::to_string(v.tokens.size()) + ",\"content\":\"" + text + "\"," + options + "},";
  json.insert(json.find(begin) + begin.size(), entry);
  const TempFolder folder;
  return Tokenizer::load(folder.write("tokenizer.json", json));
}

/// The texts of the ids, separated by "/".
std::string pieces(const Tokenizer& tokenizer, std::string_view text, bool parse_special = true) {
  std::string result;
  for (const TokenId id : tokenizer.encode(text, false, parse_special)) {
    result.append(result.empty() ? "" : "/").append(tokenizer.id_to_token(id));
  }
  return result;
}

}  // namespace

TEST_CASE("added tokens: random ones are found as HF tokenizers finds them") {
  const auto document = formats::JsonDocument::from_file(std::string(GEMMA4_SOURCE_DIR) + "/tests/support/added_tokens.json");
  const std::string base(document.root().at("tokenizer").as_string());
  int n_texts = 0;
  for (auto cases = document.root().at("cases").elements(); cases.next();) {
    const std::string_view added = cases.value().at("added").as_string();
    const Tokenizer tokenizer = with_added(base, added);
    for (auto texts = cases.value().at("texts").elements(); texts.next(); ++n_texts) {
      auto entry = texts.value().elements();
      REQUIRE(entry.next());
      const std::string_view text = entry.value().as_string();
      REQUIRE(entry.next());
      const std::vector<TokenId> special = read_ids(entry.value());
      REQUIRE(entry.next());
      const std::vector<TokenId> plain = read_ids(entry.value());
      INFO(added, "\n", text);
      CHECK(tokenizer.encode(text, false, true) == special);
      CHECK(tokenizer.encode(text) == plain);
    }
  }
  CHECK(n_texts >= 2000);
}

TEST_CASE("added tokens: a normalized one is found where spaces have become U+2581") {
  const Tokenizer t = with_token("\\u2581York", R"("normalized":true,"special":false)");
  const std::string york = "\xE2\x96\x81York";
  CHECK(pieces(t, "the York") == "the/" + york);
  CHECK(pieces(t, york) == york);
  CHECK(pieces(with_token(" York", R"("normalized":true,"special":false)"), york) == " York");
  // One that is not normalized is found in the text as it stands.
  const Tokenizer raw = with_token("\\u2581York", R"("normalized":false,"special":false)");
  CHECK(pieces(raw, york) == york);
  CHECK(pieces(raw, " York") != york);
}

TEST_CASE("added tokens: those that are not normalized come first, whatever is longer") {
  const Tokenizer t = with_token("<|turn>user", R"("normalized":true,"special":false)");
  CHECK(pieces(t, "<|turn>us").substr(0, 8) == "<|turn>/");
  CHECK(pieces(t, "<|turn>user").substr(0, 8) == "<|turn>/");
  const Tokenizer longest = with_token("<|turn>user", R"("normalized":false,"special":false)");
  CHECK(pieces(longest, "<|turn>user") == "<|turn>user");
}

TEST_CASE("added tokens: lstrip and rstrip take the white space beside them, single_word stands alone") {
  CHECK(pieces(with_token("<x>", R"("lstrip":true,"normalized":false)"), "the \n\xE3\x80\x80<x>the") == "the/<x>/the");
  CHECK(pieces(with_token("<x>", R"("rstrip":true,"normalized":false)"), "the<x> \n\xE3\x80\x80the") == "the/<x>/the");
  const Tokenizer t = with_token("xyz", R"("single_word":true,"normalized":false)");
  const TokenId xyz = t.token_to_id("xyz");
  CHECK(t.encode("xyz") == std::vector<TokenId>{xyz});
  for (const char* alone : {"a xyz", "xyz.", "\n xyz\n", "-xyz-", "\xE2\x80\x94xyz", "\xFFxyz\xFF"}) {
    INFO(std::string(alone));
    const auto ids = t.encode(alone);
    CHECK(std::find(ids.begin(), ids.end(), xyz) != ids.end());
  }
  for (const char* within : {"axyz", "xyza", "_xyz", "xyz1", "\xC3\xA9xyz", "xyz\xE4\xB8\xAD", "xyz\xCC\x81"}) {
    INFO(std::string(within));
    const auto ids = t.encode(within);
    CHECK(std::find(ids.begin(), ids.end(), xyz) == ids.end());
  }
}

TEST_CASE("added tokens: without a say a special one is not normalized, another is") {
  CHECK(pieces(with_token("\\u2581q", R"("special":false)"), " q") == "\xE2\x96\x81q");
  CHECK(pieces(with_token("\\u2581q", R"("special":true)"), " q") != "\xE2\x96\x81q");
}

TEST_CASE("added tokens: white space that two tokens want is given once, and nothing is lost or out of order") {
  const Tokenizer t = with_token("<x>", R"("lstrip":true,"rstrip":true,"normalized":false)");
  CHECK(pieces(t, "<x>  <x>\n<x>") == "<x>/<x>/<x>");
  CHECK(pieces(t, "  <x>  ") == "<x>");
}
