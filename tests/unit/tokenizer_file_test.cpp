// Loading: tokenizer.json and GGUF, what is tolerated, and what is refused with which words.
#include <doctest/doctest.h>

#include <functional>
#include <random>
#include <vector>

#include "gemma4/tokenizer.h"
#include "support/tokenizer_fixture.h"

using namespace gemma4;
using gemma4::test::small_vocabulary;
using gemma4::test::TempFolder;
using gemma4::test::TestVocabulary;

namespace {

Tokenizer load(std::string_view content) {
  const TempFolder folder;
  return Tokenizer::load(folder.write("tokenizer.json", content));
}

/// "code: message" of the Error that loading throws.
std::string refusal_of_path(const std::string& path) {
  return test::error_of([&] { Tokenizer::load(path); });
}

std::string refusal(std::string_view content) {
  const TempFolder folder;
  return refusal_of_path(folder.write("tokenizer.json", content));
}

bool contains(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

/// The small vocabulary after `edit`, as tokenizer.json.
std::string edited(const std::function<void(TestVocabulary&)>& edit) {
  TestVocabulary v = small_vocabulary();
  edit(v);
  return v.json();
}

std::string edited_gguf(const std::function<void(TestVocabulary&)>& edit) {
  TestVocabulary v = small_vocabulary();
  edit(v);
  return v.gguf();
}

void check_same(const Tokenizer& a, const Tokenizer& b) {
  REQUIRE(a.vocab_size() == b.vocab_size());
  for (TokenId id = 0; id < a.vocab_size(); ++id) {
    REQUIRE(a.id_to_token(id) == b.id_to_token(id));
    REQUIRE(a.is_special(id) == b.is_special(id));
  }
  std::mt19937 random(3);
  for (int i = 0; i < 300; ++i) {
    const std::string text = test::random_text(random, 12);
    REQUIRE(a.encode(text) == b.encode(text));
    REQUIRE(a.encode(text, true, true) == b.encode(text, true, true));
  }
}

}  // namespace

TEST_CASE("tokenizer file: both spellings of merges, a folder, and GGUF give one tokenizer") {
  const TempFolder folder;
  TestVocabulary v = small_vocabulary();
  const Tokenizer pairs = Tokenizer::load(folder.write("tokenizer.json", v.json()));
  check_same(pairs, Tokenizer::load(folder.path()));
  check_same(pairs, Tokenizer::load(folder.write("model.gguf", v.gguf())));
  v.merges_as_pairs = false;
  check_same(pairs, Tokenizer::load(folder.write("old.json", v.json())));
}

TEST_CASE("tokenizer file: GGUF types of markup differ between producers, the text decides") {
  const TempFolder folder;
  TestVocabulary v = small_vocabulary();
  const Tokenizer usual = Tokenizer::load(folder.write("a.gguf", v.gguf()));
  v.gguf_types = {{"<eos>", 1}, {"<unk>", 2}, {"<|turn>", 4}, {"<|\"|>", 4}, {"\n\n", 4}, {"--", 1}};
  v.gguf_types[std::string(test::kSpaceSymbol) + test::kSpaceSymbol] = 4;
  check_same(usual, Tokenizer::load(folder.write("b.gguf", v.gguf())));
}

TEST_CASE("tokenizer file: GGUF as other converters write it") {
  const Tokenizer usual = load(small_vocabulary().gguf());
  const auto same = [&](const std::function<void(TestVocabulary&)>& edit) {
    check_same(usual, load(edited_gguf(edit)));
  };
  same([](auto& v) { v.gguf_model = "llama", v.gguf_pre = "gemma4"; });
  same([](auto& v) { v.gguf_model = "llama", v.gguf_pre = "gemma4", v.gguf_scores = true; });
  same([](auto& v) { v.gguf_model = "llama", v.gguf_pre = "gemma4", v.gguf_token_type = false; });
  same([](auto& v) { v.gguf_model = "gpt2", v.gguf_pre = "gemma4"; });
  same([](auto& v) { v.gguf_pre = "default"; });
  same([](auto& v) { v.gguf_pre = "gemma4"; });
  same([](auto& v) { v.gguf_token_type = false; });
  same([](auto& v) { v.gguf_scores = true; });
}

TEST_CASE("tokenizer file: a merge is split at the first space that leaves two tokens") {
  TestVocabulary v = small_vocabulary();
  v.merges_as_pairs = false;
  v.add("a b");  // no text can reach it, its space being a space
  v.add("a bc");
  v.merges.emplace_back("a b", "c");
  CHECK_NOTHROW(load(v.json()));
  CHECK_NOTHROW(load(v.gguf()));
}

TEST_CASE("tokenizer file: ids may have holes, and added tokens may extend the vocabulary") {
  TestVocabulary v = small_vocabulary();
  v.tokens.resize(v.tokens.size() + 5);
  v.tokens.push_back("zz");
  const Tokenizer t = load(v.json());
  CHECK(t.vocab_size() == static_cast<int>(v.tokens.size()));
  CHECK(t.id_to_token(t.vocab_size() - 1) == "zz");
  CHECK(t.id_to_token(t.vocab_size() - 2) == "");
  CHECK(t.token_to_id("") == -1);
  CHECK(t.token_to_id("no such token") == -1);

  std::string json = small_vocabulary().json();
  const int next = static_cast<int>(small_vocabulary().tokens.size());
  json.replace(json.find("\"added_tokens\":["), 16,
               "\"added_tokens\":[{\"id\":" + std::to_string(next) + ",\"content\":\"<extra>\",\"special\":true},");
  const Tokenizer extended = load(json);
  CHECK(extended.token_to_id("<extra>") == next);
  CHECK(extended.is_special(next));
  CHECK(extended.encode("<extra>", false, true) == std::vector<TokenId>{next});
}

TEST_CASE("tokenizer file: variations that change no id are tolerated") {
  const Tokenizer usual = load(small_vocabulary().json());
  const auto same = [&](const std::function<void(TestVocabulary&)>& edit) { check_same(usual, load(edited(edit))); };
  same([](auto& v) { v.pre_tokenizer = "null"; });
  same([](auto& v) { v.pre_tokenizer = R"({"type":"Sequence","pretokenizers":[)" + v.pre_tokenizer + "]}"; });
  same([](auto& v) { v.normalizer = R"({"type":"Sequence","normalizers":[)" + v.normalizer + "]}"; });
  same([](auto& v) { v.normalizer = R"({"type":"Replace","pattern":{"Regex":" "},"content":"\u2581"})"; });
  same([](auto& v) { v.model_options = R"("type":"BPE","byte_fallback":true)"; });
  same([](auto& v) { v.token_options = R"("normalized":true)"; });
  same([](auto& v) {
    v.decoder =
        R"({"type":"Sequence","decoders":[{"type":"Replace","pattern":{"String":"\u2581"},"content":" "},{"type":"ByteFallback"}]})";
  });
  same([](auto& v) {
    v.post_processor = R"({"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"<bos>","type_id":0}},)"
                       R"({"Sequence":{"id":"A","type_id":0}}],"pair":[],"special_tokens":{}})";
  });
}

TEST_CASE("tokenizer file: other kinds of tokenizer are refused, naming the stage") {
  struct Case {
    const char* stage;
    std::function<void(TestVocabulary&)> edit;
  };
  const std::vector<Case> cases = {
      {"normalizer", [](auto& v) { v.normalizer = "null"; }},
      {"normalizer", [](auto& v) { v.normalizer = R"({"type":"NFKC"})"; }},
      {"normalizer",
       [](auto& v) {
         v.normalizer =
             R"({"type":"Sequence","normalizers":[{"type":"Prepend","prepend":"\u2581"},)" + v.normalizer + "]}";
       }},
      {"normalizer", [](auto& v) { v.normalizer = R"({"type":"Replace","pattern":{"String":" "},"content":"_"})"; }},
      {"pre_tokenizer", [](auto& v) { v.pre_tokenizer = R"({"type":"ByteLevel","add_prefix_space":false})"; }},
      {"pre_tokenizer",
       [](auto& v) {
         v.pre_tokenizer = R"({"type":"Split","pattern":{"Regex":"\\d"},"behavior":"Isolated","invert":false})";
       }},
      {"post_processor", [](auto& v) { v.post_processor = R"({"type":"BertProcessing"})"; }},
      {"post_processor",
       [](auto& v) {
         v.post_processor = R"({"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"<eos>","type_id":0}}]})";
       }},
      {"decoder", [](auto& v) { v.decoder = "null"; }},
      {"decoder", [](auto& v) { v.decoder = R"({"type":"ByteLevel"})"; }},
      {"decoder",
       [](auto& v) {
         v.decoder.insert(v.decoder.size() - 2, R"(,{"type":"Strip","content":" ","start":1,"stop":0})");
       }},
      {"model.type", [](auto& v) { v.model_options = R"("type":"Unigram")"; }},
      {"model.byte_fallback", [](auto& v) { v.model_options = R"("type":"BPE")"; }},
      {"model.ignore_merges",
       [](auto& v) { v.model_options = R"("type":"BPE","byte_fallback":true,"ignore_merges":true)"; }},
      {"model.dropout", [](auto& v) { v.model_options = R"("type":"BPE","byte_fallback":true,"dropout":0.1)"; }},
      {"model.end_of_word_suffix",
       [](auto& v) { v.model_options = R"("type":"BPE","byte_fallback":true,"end_of_word_suffix":"</w>")"; }},
      {"byte token", [](auto& v) { v.join("<0x41>", "a"); }},
      {"byte token",
       [](auto& v) {
         v.tokens.insert(v.tokens.end(), {"<0x4", "1>"});
         v.join("<0x4", "1>");
       }},
      {"the 256 byte tokens", [](auto& v) { v.tokens[static_cast<std::size_t>(v.id("<0x7F>"))] = "other"; }},
      {"U+2581",
       [](auto& v) {
         v.merges.clear();
         v.tokens[static_cast<std::size_t>(v.id(test::kSpaceSymbol))] = "other";
       }},
  };
  for (const Case& c : cases) {
    const std::string message = refusal(edited(c.edit));
    INFO(std::string(c.stage), ": ", message);
    CHECK(contains(message, "unsupported: "));
    CHECK(contains(message, "tokenizer.json"));
    CHECK(contains(message, c.stage));
  }
}

TEST_CASE("tokenizer file: a malformed tokenizer.json") {
  const std::string good = small_vocabulary().json();
  for (std::size_t size : {std::size_t{0}, std::size_t{1}, good.size() / 2, good.size() - 1}) {
    CHECK(contains(refusal(good.substr(0, size)), "bad_format: "));
  }
  CHECK(contains(refusal("[]"), "bad_format: "));
  CHECK(contains(refusal("{}"), "model"));
  const auto replaced = [&](std::string_view from, std::string_view to) {
    std::string json = good;
    json.replace(json.find(from), from.size(), to);
    return refusal(json);
  };
  CHECK(contains(replaced("\"<eos>\":1", "\"<eos>\":-1"), "bad_format: "));
  CHECK(contains(replaced("\"<eos>\":1", "\"<eos>\":0"), "bad_format: "));
  CHECK(contains(replaced("\"<eos>\":1", "\"<eos>\":1e9"), "bad_format: "));
  CHECK(contains(replaced("\"<eos>\":1", "\"<eos>\":2000000000"), "expected an id from 0 to"));
  CHECK(contains(replaced("\"<eos>\":1", "\"<eos>\":\"1\""), "bad_format: "));
  CHECK(contains(replaced("\"<eos>\":1", "\"\":1"), "bad_format: "));
  CHECK(contains(replaced("\"<eos>\":1", "\"<pad>\":1"), "bad_format: "));
  CHECK(contains(replaced("{\"id\":1,\"content\":\"<eos>\"", "{\"id\":2,\"content\":\"<eos>\""), "bad_format: "));
  CHECK(contains(replaced("{\"id\":1,\"content\":\"<eos>\"", "{\"content\":\"<eos>\""), "bad_format: "));
  CHECK(contains(replaced("\"merges\":[", "\"merges\":[[\"a\"],"), "bad_format: "));
  CHECK(contains(replaced("\"merges\":[", "\"merges\":[7,"), "bad_format: "));
  CHECK(contains(replaced("\"merges\":[", "\"merges\":[\"ab\","), "expected two texts of the vocabulary"));
  CHECK(contains(replaced("\"merges\":[", "\"merges\":[[\"a\",\"nowhere\"],"), "expected two texts of the vocabulary"));
  CHECK(contains(replaced("\"merges\":[", "\"merges\":[[\"q\",\"q\"],"), "lacks the text they form"));
  CHECK(contains(replaced("\"merges\":", "\"mergers\":"), "merges"));
}

TEST_CASE("tokenizer file: GGUF without Gemma 4's tokenizer") {
  CHECK(contains(refusal(edited_gguf([](auto& v) { v.gguf_model = "llama"; })), "unsupported: "));
  CHECK(contains(refusal(edited_gguf([](auto& v) { v.gguf_model = "llama"; })), "got \"llama\""));
  CHECK(contains(refusal(edited_gguf([](auto& v) { v.gguf_model = "llama", v.gguf_pre = "default"; })),
                 "got \"llama\" and pre \"default\""));
  CHECK(contains(refusal(edited_gguf([](auto& v) { v.gguf_merges = false; })), "tokenizer.ggml.merges is missing"));
  CHECK(contains(refusal(edited_gguf([](auto& v) { v.gguf_model = "llama", v.gguf_merges = false; })),
                 "tokenizer.ggml.merges is missing"));
  CHECK(contains(refusal(edited_gguf([](auto& v) { v.tokens.push_back("\xFF"); })), "not valid UTF-8"));
  CHECK(contains(refusal(edited_gguf([](auto& v) { v.tokens.push_back("the"); })), "stands twice"));
  CHECK(contains(refusal(edited_gguf([](auto& v) { v.merges.emplace_back("nowhere", "a"); })), "bad_format: "));
  const std::string good = small_vocabulary().gguf();
  for (std::size_t size = 0; size + 32 < good.size(); size += 997) {
    const TempFolder folder;
    CHECK(refusal_of_path(folder.write("x.gguf", good.substr(0, size))) != "nothing thrown");
  }
  // The column of types may be missing, but not be short.
  const std::string key = "tokenizer.ggml.token_type";
  const std::size_t count = good.find(key) + key.size() + 4 + 4;
  std::string shorter = good;
  shorter[count] = static_cast<char>(shorter[count] - 1);
  CHECK(refusal(shorter) != "nothing thrown");
}

TEST_CASE("tokenizer file: not there") {
  const TempFolder folder;
  CHECK(contains(refusal_of_path(folder.path()), "not_found: " + folder.path() + ": expected a tokenizer.json"));
  CHECK(contains(refusal_of_path(folder.path() + "/nowhere"), "not_found: "));
  CHECK(contains(refusal_of_path(folder.path() + "/nowhere/tokenizer.json"), "not_found: "));
}
