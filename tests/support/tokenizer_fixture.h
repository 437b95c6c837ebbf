// A small vocabulary in Gemma's structure, written as tokenizer.json or GGUF, and a plain BPE to compare with.
#pragma once

#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gemma4/types.h"
#include "support/file_writers.h"

namespace gemma4::test {

constexpr const char* kSpaceSymbol = "\xE2\x96\x81";

/// Tokens by id and merges by rank, with what a test may want to bend.
struct TestVocabulary {
  std::vector<std::string> tokens;
  std::vector<std::pair<std::string, std::string>> merges;
  std::vector<std::string> special;  // texts, all in tokens
  std::vector<std::string> added;    // added tokens that are not special

  // The stages of tokenizer.json, as JSON.
  std::string normalizer = R"({"type":"Replace","pattern":{"String":" "},"content":"\u2581"})";
  std::string pre_tokenizer =
      R"({"type":"Split","pattern":{"String":" "},"behavior":"MergedWithPrevious","invert":false})";
  std::string post_processor = "null";
  std::string decoder =
      R"({"type":"Sequence","decoders":[{"type":"Replace","pattern":{"String":"\u2581"},"content":" "},)"
      R"({"type":"ByteFallback"},{"type":"Fuse"}]})";
  std::string model_options =
      R"("type":"BPE","dropout":null,"unk_token":"<unk>","continuing_subword_prefix":null,"end_of_word_suffix":null,)"
      R"("fuse_unk":true,"byte_fallback":true,"ignore_merges":false)";
  std::string token_options = R"("single_word":false,"lstrip":false,"rstrip":false,"normalized":false)";
  bool merges_as_pairs = true;

  // The keys of GGUF.
  std::string gguf_model = "gemma4";
  std::string gguf_pre;  // none where empty
  bool gguf_scores = false;
  bool gguf_token_type = true;
  std::map<std::string, int> gguf_types;  // text to type, where it is not the usual one
  bool gguf_merges = true;

  TokenId id(std::string_view text) const {
    for (std::size_t i = 0; i < tokens.size(); ++i) {
      if (tokens[i] == text) return static_cast<TokenId>(i);
    }
    return -1;
  }
  bool has(std::string_view text) const { return id(text) >= 0; }
  void add(const std::string& text) {
    if (!has(text)) tokens.push_back(text);
  }
  /// A token made by merging `left` and `right`.
  void join(const std::string& left, const std::string& right) {
    add(left + right);
    merges.emplace_back(left, right);
  }
  /// A token made by each split into two tokens, as in Gemma's own list.
  void piece(const std::string& text) {
    std::vector<std::pair<std::string, std::string>> splits;
    for (std::size_t at = 1; at < text.size(); ++at) {
      if (has(text.substr(0, at)) && has(text.substr(at))) splits.emplace_back(text.substr(0, at), text.substr(at));
    }
    add(text);
    merges.insert(merges.end(), splits.begin(), splits.end());
  }

  std::string json() const;
  std::string gguf() const;
};

inline std::string json_string(std::string_view text) {
  std::string result = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      result.append("\\").push_back(c);
    } else if (c == '\n') {
      result.append("\\n");
    } else if (static_cast<unsigned char>(c) < 0x20) {
      result.append("\\u00").append(1, "01"[c >> 4]).append(1, "0123456789abcdef"[c & 15]);
    } else {
      result.push_back(c);
    }
  }
  return result + '"';
}

inline std::string TestVocabulary::json() const {
  std::string vocab;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (tokens[i].empty()) continue;  // a hole
    vocab += (vocab.empty() ? "" : ",") + json_string(tokens[i]) + ":" + std::to_string(i);
  }
  std::string list;
  for (const auto& [left, right] : merges) {
    if (!list.empty()) list += ",";
    list +=
        merges_as_pairs ? "[" + json_string(left) + "," + json_string(right) + "]" : json_string(left + " " + right);
  }
  std::string added_tokens;
  const auto add_token = [&](const std::string& text, bool is_special) {
    added_tokens += std::string(added_tokens.empty() ? "" : ",") + "{\"id\":" + std::to_string(id(text)) +
                    ",\"content\":" + json_string(text) + "," + token_options +
                    ",\"special\":" + (is_special ? "true" : "false") + "}";
  };
  for (const std::string& text : special) add_token(text, true);
  for (const std::string& text : added) add_token(text, false);
  return "{\"version\":\"1.0\",\"truncation\":null,\"padding\":null,\"added_tokens\":[" + added_tokens +
         "],\"normalizer\":" + normalizer + ",\"pre_tokenizer\":" + pre_tokenizer +
         ",\"post_processor\":" + post_processor + ",\"decoder\":" + decoder + ",\"model\":{" + model_options +
         ",\"vocab\":{" + vocab + "},\"merges\":[" + list + "]}}";
}

inline std::string TestVocabulary::gguf() const {
  std::vector<std::int32_t> types;
  for (const std::string& token : tokens) {
    std::int32_t type = token.size() == 6 && token.substr(0, 3) == "<0x" ? 6 : 1;
    for (const std::string& entry : special) type = entry == token ? 3 : type;
    for (const std::string& entry : added) type = entry == token ? 4 : type;
    if (const auto found = gguf_types.find(token); found != gguf_types.end()) type = found->second;
    types.push_back(type);
  }
  GgufWriter writer;
  writer.string("general.architecture", "gemma4").string("tokenizer.ggml.model", gguf_model);
  writer.strings("tokenizer.ggml.tokens", tokens);
  if (!gguf_pre.empty()) writer.string("tokenizer.ggml.pre", gguf_pre);
  if (gguf_scores) writer.f32s("tokenizer.ggml.scores", std::vector<float>(tokens.size(), -1.0F));
  if (gguf_token_type) writer.i32s("tokenizer.ggml.token_type", types);
  if (gguf_merges) {
    std::vector<std::string> joined;
    for (const auto& [left, right] : merges) joined.push_back(left + " " + right);
    writer.strings("tokenizer.ggml.merges", joined);
  }
  return writer.bytes();
}

/// Special tokens, the 256 bytes, characters of several scripts, runs, some words and some markup.
inline TestVocabulary small_vocabulary() {
  TestVocabulary v;
  v.special = {"<pad>", "<eos>", "<bos>", "<unk>", "<|turn>", "<turn|>", "<|\"|>", "<|image>", "<|image|>", "<image|>"};
  v.tokens = v.special;
  for (int byte = 0; byte < 256; ++byte) {
    const char* const digits = "0123456789ABCDEF";
    v.add(std::string("<0x") + digits[byte / 16] + digits[byte % 16] + ">");
  }
  const std::string space = kSpaceSymbol;
  v.add(space);
  for (const char c : {'\n', '\t'}) v.add(std::string(1, c));
  for (char c = '!'; c <= '~'; ++c) v.add(std::string(1, c));
  for (const char* c : {"\xC3\xA9", "\xE6\xBC\xA2", "\xE5\xAD\x97", "\xF0\x9F\x98\x8A"})
    v.add(c);  // e', two Han, a smile
  for (const std::string& unit : {std::string("\n"), space, std::string("-")}) {
    for (std::size_t n = 2; n <= 5; ++n) {
      std::string run;
      for (std::size_t i = 0; i < n; ++i) run += unit;
      v.add(run);
    }
    // As in Gemma's list: the longest run first, and of it the longest left side.
    for (std::size_t n = 5; n >= 2; --n) {
      for (std::size_t k = n - 1; k >= 1; --k) {
        std::string left, right;
        for (std::size_t i = 0; i < n; ++i) (i < k ? left : right) += unit;
        v.merges.emplace_back(left, right);
      }
    }
  }
  for (const char* word : {"he",    "th", "the", "in",          "an",
                           "ll",    "lo", "llo", "ello",        "hell",
                           "hello", "or", "wor", "ld",          "orld",
                           "world", "aa", "ab",  "ba",          "aab",
                           "abab",  "ca", "caf", "caf\xC3\xA9", "\xE6\xBC\xA2\xE5\xAD\x97",
                           "</",    "/>", "<|",  "|>",          "os",
                           "<b",    "tu", "rn",  "turn"}) {
    v.piece(word);
  }
  for (const char* word : {"t", "th", "the", "w", "world", "h", "hello", "</", "a"}) v.piece(space + word);
  v.piece(">" + space);
  v.piece(">" + space + "</");
  return v;
}

/// The textbook loop: of all neighbours that may merge the one of the lowest rank, the leftmost of equals; again.
class PlainBpe {
 public:
  using Pair = std::pair<std::string, std::string>;
  PlainBpe(std::vector<std::string> tokens, const std::vector<Pair>& merges) {
    for (std::size_t i = 0; i < tokens.size(); ++i) {
      if (!tokens[i].empty()) ids_[std::move(tokens[i])] = static_cast<TokenId>(i);
    }
    for (std::size_t rank = 0; rank < merges.size(); ++rank) {
      const auto& [left, right] = merges[rank];
      merges_[{ids_.at(left), ids_.at(right)}] = {rank, ids_.at(left + right)};
    }
  }

  /// Ids of valid or invalid UTF-8 without any special handling of markup.
  std::vector<TokenId> encode(std::string_view text) const {
    std::vector<TokenId> symbols;
    while (!text.empty()) {
      const std::size_t size = character_size(text);
      const std::string character(text.substr(0, size));
      text.remove_prefix(size);
      const auto found = ids_.find(character == " " ? kSpaceSymbol : character);
      if (found != ids_.end() && (size > 1 || static_cast<unsigned char>(character[0]) < 0x80)) {
        symbols.push_back(found->second);
        continue;
      }
      for (const char byte : character) {
        const char* const digits = "0123456789ABCDEF";
        const auto value = static_cast<unsigned char>(byte);
        symbols.push_back(ids_.at(std::string("<0x") + digits[value / 16] + digits[value % 16] + ">"));
      }
    }
    while (true) {
      std::size_t best = symbols.size();
      std::pair<std::size_t, TokenId> merge = {~std::size_t{0}, -1};
      for (std::size_t i = 0; i + 1 < symbols.size(); ++i) {
        const auto found = merges_.find({symbols[i], symbols[i + 1]});
        if (found != merges_.end() && found->second.first < merge.first) {
          best = i;
          merge = found->second;
        }
      }
      if (best == symbols.size()) return symbols;
      symbols[best] = merge.second;
      symbols.erase(symbols.begin() + static_cast<std::ptrdiff_t>(best) + 1);
    }
  }

 private:
  /// Bytes of the first character; 1 where it is invalid.
  static std::size_t character_size(std::string_view text) {
    const auto at = [&](std::size_t i) -> unsigned {
      return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
    };
    const auto tail = [&](std::size_t i) { return (at(i) & 0xC0U) == 0x80U; };
    const unsigned lead = at(0);
    if (lead >= 0xC2 && lead <= 0xDF && tail(1)) return 2;
    if (lead >= 0xE0 && lead <= 0xEF && tail(1) && tail(2)) {
      const unsigned code = (lead & 0xFU) << 12 | (at(1) & 0x3FU) << 6;
      if (code >= 0x800 && !(code >= 0xD800 && code <= 0xDFFF)) return 3;
    }
    if (lead >= 0xF0 && lead <= 0xF4 && tail(1) && tail(2) && tail(3)) {
      const unsigned code = (lead & 7U) << 18 | (at(1) & 0x3FU) << 12;
      if (code >= 0x10000 && code <= 0x10FFFF) return 4;
    }
    return 1;
  }

  std::map<std::string, TokenId> ids_;
  std::map<std::pair<TokenId, TokenId>, std::pair<std::size_t, TokenId>> merges_;
};

/// Text that is likely to show a difference: words, scripts, runs, markup, bytes that are no UTF-8.
inline std::string random_text(std::mt19937& random, int max_parts) {
  static const std::vector<std::string> parts = {"the",
                                                 " the",
                                                 "hello",
                                                 " world",
                                                 "hell",
                                                 "lo",
                                                 "aab",
                                                 "ab",
                                                 "a",
                                                 "b",
                                                 "aaaa",
                                                 "ba",
                                                 "caf\xC3\xA9",
                                                 "\xC3\xA9",
                                                 "I",
                                                 "'ll",
                                                 "1",
                                                 "2026",
                                                 ".",
                                                 ",",
                                                 "!",
                                                 "?",
                                                 "(",
                                                 ")",
                                                 "_",
                                                 "__init__",
                                                 "//",
                                                 "#",
                                                 "\"",
                                                 "\\n",
                                                 "=",
                                                 " ",
                                                 "  ",
                                                 "    ",
                                                 "\n",
                                                 "\n\n",
                                                 "\n\n\n",
                                                 "\t",
                                                 "\t\t",
                                                 "\r\n",
                                                 "-",
                                                 "----",
                                                 "<",
                                                 ">",
                                                 "</",
                                                 "/>",
                                                 "<|",
                                                 "|>",
                                                 "> </",
                                                 ">\xE2\x96\x81</",
                                                 "<b",
                                                 "<div>",
                                                 "</div> </p>",
                                                 "<bos>",
                                                 "<eos>",
                                                 "<|turn>",
                                                 "<turn|>",
                                                 "<|turn|>",
                                                 "<|\"|>",
                                                 "<0x41>",
                                                 "<unk>",
                                                 "<unused5>",
                                                 "\xE2\x96\x81",
                                                 "\xE2\x96\x81the",
                                                 "\xE6\xBC\xA2",
                                                 "\xE5\xAD\x97",
                                                 "\xE6\xBC\xA2\xE5\xAD\x97",
                                                 "\xE6\x97\xA5\xE6\x9C\xAC\xE8\xAA\x9E",
                                                 "\xE3\x81\xAE",
                                                 "\xED\x95\x9C\xEA\xB5\xAD",
                                                 "\xD8\xA7\xD9\x84",
                                                 "\xE0\xA4\xB9\xE0\xA4\xBF",
                                                 "\xD0\xBF\xD1\x80\xD0\xB8",
                                                 "\xF0\x9F\x98\x8A",
                                                 "\xF0\x9F\x91\xA9\xE2\x80\x8D\xF0\x9F\x91\xA7",
                                                 "\xF0\x92\x80\x80",
                                                 "e\xCC\x81",
                                                 "\xC2\xA0",
                                                 "\xE2\x80\x8B",
                                                 "\x80",
                                                 "\xFF",
                                                 "\xC3",
                                                 "\xE2\x96",
                                                 "\xF0\x9F\x98",
                                                 "\xED\xA0\x80",
                                                 "\xC0\x80",
                                                 std::string(1, '\0'),
                                                 "\x7F"};
  std::string text;
  for (int n = std::uniform_int_distribution<int>(0, max_parts)(random); n > 0; --n) {
    const std::string& part = parts[std::uniform_int_distribution<std::size_t>(0, parts.size() - 1)(random)];
    const int times = random() % 12 == 0 ? static_cast<int>(random() % 40) : 1;
    for (int i = 0; i < times; ++i) text += part;
  }
  return text;
}

}  // namespace gemma4::test
