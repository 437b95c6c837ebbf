// Decoding whole and streamed with a small vocabulary.
#include <doctest/doctest.h>

#include <memory>

#include "base/utf8.h"
#include "gemma4/tokenizer.h"
#include "support/tokenizer_fixture.h"
#include "tokenizer/tokenizer.h"

using namespace gemma4;

namespace {

const std::string kReplacement = "\xEF\xBF\xBD";

Tokenizer small_tokenizer() {
  const test::TempFolder folder;
  test::TestVocabulary v = test::small_vocabulary();
  v.tokens.push_back("");  // a hole
  v.tokens.push_back("last");
  return Tokenizer::load(folder.write("tokenizer.json", v.json()));
}

std::vector<TokenId> ids_of(const Tokenizer& t, std::initializer_list<const char*> texts) {
  std::vector<TokenId> ids;
  for (const char* text : texts) {
    ids.push_back(t.token_to_id(text));
    REQUIRE(ids.back() >= 0);
  }
  return ids;
}

std::string decode(const Tokenizer& t, std::initializer_list<const char*> texts, bool skip_special = false) {
  return t.decode(ids_of(t, texts), skip_special);
}

}  // namespace

TEST_CASE("tokenizer: the ids that its model has beyond the file's have no text; those beyond the model are errors") {
  const test::TempFolder folder;
  const test::TestVocabulary v = test::small_vocabulary();
  const std::string json = folder.write("tokenizer.json", v.json()), gguf = folder.write("t.gguf", v.gguf());
  const auto size = static_cast<TokenId>(v.tokens.size());
  for (const std::string& path : {json, gguf}) {
    const Tokenizer padded(tokenizer::BpeTokenizer::load(path, size + 3)), plain = Tokenizer::load(path);
    CHECK(padded.vocab_size() == size);
    const TokenId a = v.id("a");
    REQUIRE(a >= 0);
    CHECK(padded.decode(std::vector<TokenId>{a, size, a, size + 2, a}) == "aaa");
    CHECK(padded.id_to_token(size).empty());
    CHECK_FALSE(padded.is_special(size + 1));
    TokenDecoder decoder(padded);
    CHECK(decoder.push(size + 2).empty());
    CHECK(decoder.push(a) == "a");
    // Within the bytes of one character they are as if not there.
    const std::vector<TokenId> bytes = {v.id("<0xC3>"), size, v.id("<0xA9>")};
    CHECK(padded.decode(bytes) == "\xC3\xA9");
    for (const TokenId beyond : {size + 3, TokenId{-1}}) {
      CHECK_THROWS_WITH_AS(padded.decode(std::vector<TokenId>{beyond}), doctest::Contains(std::to_string(size + 2).c_str()), Error);
      CHECK_THROWS_AS(padded.id_to_token(beyond), Error);
      CHECK_THROWS_AS(decoder.push(beyond), Error);
    }
    CHECK_THROWS_AS(plain.decode(std::vector<TokenId>{size}), Error);
    // A model whose table is smaller than the file's list changes nothing.
    CHECK(Tokenizer(tokenizer::BpeTokenizer::load(path, 1)).decode(std::vector<TokenId>{a}) == "a");
  }
}

TEST_CASE("tokenizer: decode joins pieces, spaces and bytes") {
  const Tokenizer t = small_tokenizer();
  CHECK(decode(t, {"\xE2\x96\x81hello", "\xE2\x96\x81world"}) == " hello world");
  CHECK(decode(t, {">\xE2\x96\x81</", "a"}) == "> </a");
  CHECK(decode(t, {"a", "<0xC3>", "<0xBC>", "b"}) ==
        "a\xC3\xBC"
        "b");
  CHECK(decode(t, {"<0x41>", "<0x42>"}) == "AB");
  CHECK(t.decode({}) == "");
  CHECK(t.decode(std::vector<TokenId>{t.vocab_size() - 2}) == "");  // the hole
  CHECK(t.id_to_token(t.vocab_size() - 2) == "");
}

TEST_CASE("tokenizer: a run of bytes that is not UTF-8 becomes U+FFFD, one per byte") {
  const Tokenizer t = small_tokenizer();
  CHECK(decode(t, {"<0xE2>", "<0x96>"}) == kReplacement + kReplacement);
  CHECK(decode(t, {"<0x41>", "<0xFF>", "a"}) == kReplacement + kReplacement + "a");  // as HF tokenizers: the whole run
  CHECK(decode(t, {"<0xC3>", "a", "<0xBC>"}) == kReplacement + "a" + kReplacement);
}

TEST_CASE("tokenizer: special tokens are text, or left out on request") {
  const Tokenizer t = small_tokenizer();
  CHECK(decode(t, {"<bos>", "<|turn>", "the", "<turn|>"}) == "<bos><|turn>the<turn|>");
  CHECK(decode(t, {"<bos>", "<|turn>", "the", "<turn|>"}, true) == "the");
  CHECK(decode(t, {"<0xC3>", "<turn|>", "<0xBC>"}) == kReplacement + "<turn|>" + kReplacement);
  CHECK(decode(t, {"<0xC3>", "<turn|>", "<0xBC>"}, true) == "\xC3\xBC");  // as if it were not there
}

TEST_CASE("tokenizer: ids out of range") {
  const Tokenizer t = small_tokenizer();
  const std::vector<TokenId> bad = {0, t.vocab_size()};
  CHECK_ERROR(t.decode(bad), "token_out_of_range", "expected a token id from 0 to");
  CHECK_ERROR(t.decode(std::vector<TokenId>{-1}), "token_out_of_range", "expected a token id from 0 to");
  CHECK_ERROR(t.id_to_token(-1), "token_out_of_range", "expected a token id from 0 to");
  CHECK_ERROR(t.id_to_token(t.vocab_size()), "token_out_of_range", "expected a token id from 0 to");
  TokenDecoder decoder(t);
  CHECK(decoder.push(t.token_to_id("<0xC3>")) == "");
  CHECK_ERROR(decoder.push(t.vocab_size()), "token_out_of_range", "expected a token id from 0 to");
  CHECK(decoder.push(t.token_to_id("<0xBC>")) == "");  // undisturbed
  CHECK(decoder.finish() == "\xC3\xBC");
}

TEST_CASE("tokenizer: encode and decode give the text back") {
  const Tokenizer t = small_tokenizer();
  std::mt19937 random(1);
  for (int i = 0; i < 500; ++i) {
    const std::string text = test::random_text(random, 15);
    if (!base::is_utf8(text)) continue;
    std::string expected = text;
    for (std::size_t at; (at = expected.find(test::kSpaceSymbol)) != std::string::npos;) expected.replace(at, 3, " ");
    INFO("text: ", text);
    REQUIRE(t.decode(t.encode(text)) == expected);
    REQUIRE(t.decode(t.encode(text, false, true)) == expected);
  }
}

TEST_CASE("tokenizer: a stream holds unfinished characters back and flushes them at the end") {
  const Tokenizer t = small_tokenizer();
  TokenDecoder decoder(t);
  for (const char* byte : {"<0xF0>", "<0x92>", "<0x80>", "<0x80>"}) CHECK(decoder.push(t.token_to_id(byte)) == "");
  CHECK(decoder.push(t.token_to_id("the")) == "\xF0\x92\x80\x80the");
  CHECK(decoder.push(t.token_to_id("<0xE2>")) == "");
  CHECK(decoder.finish() == kReplacement);
  CHECK(decoder.finish() == "");
  CHECK(decoder.push(t.token_to_id("the")) == "the");  // as new
  TokenDecoder moved(std::move(decoder));
  CHECK(moved.push(t.token_to_id("\n")) == "\n");
}

TEST_CASE("tokenizer: a stream outlives the tokenizer it was made from") {
  std::unique_ptr<TokenDecoder> decoder;
  TokenId id = -1;
  {
    const Tokenizer t = small_tokenizer();
    id = t.token_to_id("hello");
    decoder = std::make_unique<TokenDecoder>(t);
  }
  CHECK(decoder->push(id) == "hello");
}

TEST_CASE("tokenizer: a stream of any ids gives what decode gives, whole characters at a time") {
  const Tokenizer t = small_tokenizer();
  std::mt19937 random(2);
  for (int i = 0; i < 2000; ++i) {
    std::vector<TokenId> ids;
    const bool bytes_only = i % 3 == 0;
    for (auto n = random() % 40; n > 0; --n) {
      ids.push_back(
          static_cast<TokenId>(bytes_only ? 10 + random() % 256 : random() % static_cast<unsigned>(t.vocab_size())));
    }
    const bool skip_special = i % 2 == 0;
    TokenDecoder decoder(t, skip_special);
    std::string streamed;
    for (const TokenId id : ids) {
      const std::string part = decoder.push(id);
      REQUIRE(base::is_utf8(part));
      streamed += part;
    }
    const std::string rest = decoder.finish();
    REQUIRE(base::is_utf8(rest));
    REQUIRE(streamed + rest == t.decode(ids, skip_special));
  }
}
