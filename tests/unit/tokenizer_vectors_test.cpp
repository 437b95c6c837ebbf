// The full-size vocabulary against published ids, when GEMMA4_TEST_DATA names the data folder.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <memory>
#include <random>

#include "base/utf8.h"
#include "formats/json.h"
#include "formats/tokenizer_file.h"
#include "gemma4/tokenizer.h"
#include "support/tokenizer_fixture.h"

using namespace gemma4;

namespace {

std::string read(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  REQUIRE_MESSAGE(file, path);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// The data folder and the unpacked vocabulary.
struct Data {
  std::string folder;
  test::TempFolder temp;
  std::string json() const { return temp.path() + "/tokenizer.json"; }
  std::string kitoken(const std::string& name) const { return read(folder + "/tokenizer/kitoken/" + name); }
};

/// nullptr, and a message that says so, when the data are not at hand.
std::unique_ptr<Data> open_data(const std::string& test_name) {
  const char* const folder = std::getenv("GEMMA4_TEST_DATA");
  if (folder == nullptr || *folder == '\0') {
    MESSAGE("skipped: ", test_name, " (GEMMA4_TEST_DATA not set)");
    return nullptr;
  }
  auto data = std::make_unique<Data>();
  data->folder = folder;
  const std::string packed = data->folder + "/tokenizer/gemma4-tokenizer.json.xz";
  REQUIRE(std::system(("xz -dkc '" + packed + "' > '" + data->json() + "'").c_str()) == 0);
  return data;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    if (end > at) lines.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return lines;
}

std::vector<TokenId> numbers(const std::string& text) {
  std::vector<TokenId> result;
  const char* p = text.c_str();
  while (*p != '\0') {
    char* end = nullptr;
    const long value = std::strtol(p, &end, 10);
    if (end == p) {
      ++p;
    } else {
      result.push_back(static_cast<TokenId>(value));
      p = end;
    }
  }
  return result;
}

/// In kitoken's input lines "\n" is a newline, "\s" a space, and "\x" guards the end of a line.
std::string unescaped(std::string line) {
  for (const auto& [from, to] : {std::pair("\\n", "\n"), std::pair("\\s", " "), std::pair("\\x", "")}) {
    for (std::size_t at = 0; (at = line.find(from, at)) != std::string::npos; at += std::string_view(to).size())
      line.replace(at, 2, to);
  }
  return line;
}

std::string streamed(const Tokenizer& tokenizer, const std::vector<TokenId>& ids) {
  TokenDecoder decoder(tokenizer);
  std::string text;
  for (const TokenId id : ids) {
    const std::string part = decoder.push(id);
    REQUIRE(base::is_utf8(part));
    text += part;
  }
  return text + decoder.finish();
}

/// Gemma's ids of "<bos>Hello" and the like, from public sources (spec/tokenizer_and_chat.md, section 3).
struct Vector {
  const char* text;
  std::vector<TokenId> ids;
  bool parse_special;
};
const std::vector<Vector> kPublished = {
    {"<bos>Hello,", {2, 9259, 236764}, true},
    {"Hello\nmy love!", {9259, 107, 3307, 2765, 236888}, true},
    {"Double\n\n\nNewline\n", {14950, 109, 231018, 107}, true},
    {"Hello world! Caf\xC3\xA9 d\xC3\xA9j\xC3\xA0 vu \xE2\x80\x94 123 \xF0\x9F\x98\x8A",
     {9259, 1902, 236888, 62367, 29234, 11042, 2192, 236743, 236770, 236778, 236800, 103453},
     true},
    {"<s>[PAD]</s>", {236820, 236751, 36678, 67074, 121940, 236751, 236813}, true},
    {"<bos><|turn>user\nHello, how are you?<turn|>\n<|turn>model\n",
     {2, 105, 2364, 107, 9259, 236764, 1217, 659, 611, 236881, 106, 107, 105, 4368, 107},
     true},
    {"<|channel>thought\n<channel|>", {100, 45518, 107, 101}, true},
};

}  // namespace

TEST_CASE("tokenizer: kitoken's vectors") {
  const auto data = open_data("tokenizer: kitoken's vectors");
  if (!data) return;
  const Tokenizer t = Tokenizer::load(data->json());
  CHECK(t.vocab_size() == 262144);
  for (const auto& [name, count] :
       {std::pair<std::string, std::size_t>("small", 20), std::pair<std::string, std::size_t>("mixed", 120)}) {
    const std::vector<std::string> inputs = lines_of(data->kitoken(name + "_input.txt"));
    const std::vector<std::string> expected = lines_of(data->kitoken(name + "_tokens_gemma4.txt"));
    REQUIRE(inputs.size() == count);
    REQUIRE(expected.size() == count);
    for (std::size_t i = 0; i < count; ++i) {
      INFO(name, " line ", i);
      const std::string text = unescaped(inputs[i]);
      const std::vector<TokenId> ids = numbers(expected[i]);
      CHECK(t.encode(text, false, true) == ids);
      CHECK(t.decode(ids) == text);
      CHECK(streamed(t, ids) == text);
    }
  }
  const std::vector<TokenId> ids = numbers(data->kitoken("utf8_tokens_gemma4.txt"));
  CHECK(t.encode(data->kitoken("utf8_input.txt"), false, true) == ids);
  CHECK(t.decode(ids) == data->kitoken("utf8_output_gemma4.txt"));
  CHECK(streamed(t, ids) == data->kitoken("utf8_output_gemma4.txt"));
}

TEST_CASE("tokenizer: other published vectors") {
  const auto data = open_data("tokenizer: other published vectors");
  if (!data) return;
  const Tokenizer t = Tokenizer::load(data->json());
  for (const Vector& vector : kPublished) {
    INFO(std::string(vector.text));
    CHECK(t.encode(vector.text, false, vector.parse_special) == vector.ids);
    CHECK(t.decode(vector.ids) == vector.text);
    for (const TokenId id : t.encode(vector.text)) CHECK_FALSE(t.is_special(id));
  }
  for (int n = 1; n <= 70; ++n) {
    // A run of n spaces is the token 136 + n (one space: not part of the run), of newlines 106 + n; 31 is the longest.
    std::vector<TokenId> spaces, newlines;
    for (int left = n; left > 0; left -= 31) {
      spaces.push_back(left == 1 ? t.token_to_id(test::kSpaceSymbol) : 136 + std::min(left, 31));
      newlines.push_back(106 + std::min(left, 31));
    }
    INFO("run of ", n);
    CHECK(t.encode(std::string(static_cast<std::size_t>(n), ' ')) == spaces);
    CHECK(t.encode(std::string(static_cast<std::size_t>(n), '\n')) == newlines);
  }
}

TEST_CASE("tokenizer: the full vocabulary agrees with plain BPE") {
  const auto data = open_data("tokenizer: the full vocabulary agrees with plain BPE");
  if (!data) return;
  const auto document = std::make_shared<const formats::JsonDocument>(formats::JsonDocument::from_file(data->json()));
  const formats::TokenizerFile file = formats::read_tokenizer_json(document);
  std::vector<test::PlainBpe::Pair> merges;
  for (const auto& merge : file.merges) merges.emplace_back(merge.left, merge.right);
  const test::PlainBpe plain({file.tokens.begin(), file.tokens.end()}, merges);
  const Tokenizer t = Tokenizer::load(data->json());
  std::mt19937 random(11);
  for (int i = 0; i < 3000; ++i) {
    const std::string text = test::random_text(random, 16);
    INFO("text ", i, ": ", text);
    REQUIRE(t.encode(text) == plain.encode(text));
  }
}

TEST_CASE("tokenizer: a megabyte without a place to cut, full vocabulary") {
  const auto data = open_data("tokenizer: a megabyte without a place to cut, full vocabulary");
  if (!data) return;
  const Tokenizer t = Tokenizer::load(data->json());
  for (const char* unit : {"a", "ab", "x1", "=", "-", " ", "\n", "\xE7\x9A\x84", "\xF0\x9F\x98\x8A", "\xF0\x92\x80\x80",
                           "\xFF", "<|turn"}) {
    std::string text;
    while (text.size() < std::size_t{1} << 20) text += unit;
    if (base::is_utf8(text)) CHECK(t.decode(t.encode(text, false, true)) == text);
  }
}
