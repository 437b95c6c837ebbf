// tokenizer.json of HF tokenizers: the stages must be Gemma's; vocabulary, added tokens and merges are taken over.
#include <optional>
#include <unordered_map>

#include "base/check.h"
#include "formats/json.h"
#include "formats/tokenizer_file.h"

namespace gemma4::formats {
namespace {

constexpr std::string_view kSpace = " ";
constexpr std::string_view kSpaceSymbol = "\xE2\x96\x81";  // U+2581, which stands for a space in the vocabulary

/// A member that is there and not null.
std::optional<JsonValue> member(const JsonValue& object, std::string_view key) {
  const std::optional<JsonValue> value = object.find(key);
  return value && !value->is_null() ? value : std::nullopt;
}

std::string_view type_of(const JsonValue& stage) {
  const std::optional<JsonValue> type = member(stage, "type");
  return type ? type->as_string() : std::string_view("no type");
}

bool flag(const JsonValue& object, std::string_view key, bool fallback = false) {
  const std::optional<JsonValue> value = member(object, key);
  return value ? value->as_bool() : fallback;
}

/// A member as text; "" where it is absent or no string.
std::string_view text(const JsonValue& object, std::string_view key) {
  const std::optional<JsonValue> value = member(object, key);
  return value && value->is_string() ? value->as_string() : std::string_view();
}

/// The literal text that a Replace or Split stage looks for.
std::string_view pattern(const JsonValue& stage) {
  const std::optional<JsonValue> value = member(stage, "pattern");
  if (!value || !value->is_object()) return {};
  const std::string_view literal = text(*value, "String");
  const std::string_view regex = text(*value, "Regex");
  return regex == kSpace || regex == kSpaceSymbol ? regex : literal;
}

bool is_replace(const JsonValue& stage, std::string_view from, std::string_view to) {
  return type_of(stage) == "Replace" && pattern(stage) == from && text(stage, "content") == to;
}

/// The stages of a Sequence (its member `list`), or the stage itself.
std::vector<JsonValue> stages(const JsonValue& stage, std::string_view list) {
  if (type_of(stage) != "Sequence") return {stage};
  std::vector<JsonValue> result;
  for (auto elements = stage.at(list).elements(); elements.next();) result.push_back(elements.value());
  return result;
}

std::string list_types(const std::vector<JsonValue>& values) {
  std::string result;
  for (const JsonValue& value : values) result.append(result.empty() ? "" : ", ").append(type_of(value));
  return result.empty() ? "nothing" : result;
}

[[noreturn]] void refuse(const std::string& name, std::string_view stage, std::string_view expected,
                         std::string_view got) {
  base::fail(ErrorCode::unsupported, name, ": ", stage, ": expected ", expected, ", as Gemma has, got ", got);
}

void check_normalizer(const JsonValue& root, const std::string& name) {
  const char* const expected = "one Replace of \" \" by U+2581";
  const std::optional<JsonValue> normalizer = member(root, "normalizer");
  if (!normalizer) refuse(name, "normalizer", expected, "none");
  const std::vector<JsonValue> list = stages(*normalizer, "normalizers");
  if (list.size() != 1 || !is_replace(list[0], kSpace, kSpaceSymbol)) {
    refuse(name, "normalizer", expected, list_types(list));
  }
}

/// After the normalizer no space is left, so a split at spaces does nothing.
void check_pre_tokenizer(const JsonValue& root, const std::string& name) {
  const std::optional<JsonValue> pre_tokenizer = member(root, "pre_tokenizer");
  if (!pre_tokenizer) return;
  for (const JsonValue& stage : stages(*pre_tokenizer, "pretokenizers")) {
    if (type_of(stage) != "Split" || pattern(stage) != kSpace || flag(stage, "invert")) {
      refuse(name, "pre_tokenizer", "none, or Split at \" \"", type_of(stage));
    }
  }
}

/// A template that only adds "<bos>" is left out: the caller of encode() says whether to add it.
void check_post_processor(const JsonValue& root, const std::string& name) {
  const std::optional<JsonValue> post_processor = member(root, "post_processor");
  if (!post_processor) return;
  const char* const expected = "none, or a TemplateProcessing that only adds \"<bos>\"";
  for (const JsonValue& stage : stages(*post_processor, "processors")) {
    if (type_of(stage) != "TemplateProcessing") refuse(name, "post_processor", expected, type_of(stage));
    for (auto items = stage.at("single").elements(); items.next();) {
      const std::optional<JsonValue> special = member(items.value(), "SpecialToken");
      if (special && special->at("id").as_string() != "<bos>") {
        refuse(name, "post_processor", expected, special->at("id").as_string());
      }
    }
  }
}

void check_decoder(const JsonValue& root, const std::string& name) {
  const char* const expected = "Replace of U+2581 by \" \", ByteFallback, Fuse";
  const std::optional<JsonValue> decoder = member(root, "decoder");
  if (!decoder) refuse(name, "decoder", expected, "none");
  const std::vector<JsonValue> list = stages(*decoder, "decoders");
  bool fits = list.size() == 2 || (list.size() == 3 && type_of(list[2]) == "Fuse");
  fits = fits && is_replace(list[0], kSpaceSymbol, kSpace) && type_of(list[1]) == "ByteFallback";
  if (!fits) refuse(name, "decoder", expected, list_types(list));
}

void check_model(const JsonValue& model, const std::string& name) {
  if (type_of(model) != "BPE") refuse(name, "model.type", "BPE", type_of(model));
  if (!flag(model, "byte_fallback")) refuse(name, "model.byte_fallback", "true", "false");
  if (flag(model, "ignore_merges")) refuse(name, "model.ignore_merges", "false", "true");
  const std::optional<JsonValue> dropout = member(model, "dropout");
  if (dropout && dropout->as_double() != 0) refuse(name, "model.dropout", "none", "a number above 0");
  for (const char* affix : {"continuing_subword_prefix", "end_of_word_suffix"}) {
    const std::string_view value = text(model, affix);
    if (!value.empty()) refuse(name, std::string("model.") + affix, "none", value);
  }
}

/// Returns the id.
std::size_t place(TokenizerFile& file, const JsonValue& id_value, std::string_view content) {
  const std::int64_t id = id_value.as_int();
  if (id < 0 || id >= static_cast<std::int64_t>(kMaxVocabSize)) {
    id_value.fail(base::concat("expected an id from 0 to ", kMaxVocabSize - 1, ", got ", id));
  }
  const auto index = static_cast<std::size_t>(id);
  if (index >= file.tokens.size()) {
    file.tokens.resize(index + 1);
    file.kinds.resize(index + 1, TokenKind::unused);
  }
  std::string_view& slot = file.tokens[index];
  if (content.empty()) id_value.fail("expected a token with a text");
  if (!slot.empty() && slot != content) {
    id_value.fail(base::concat("id ", id, " stands for \"", slot, "\" and for \"", content, "\""));
  }
  slot = content;
  return index;
}

void read_vocabulary(TokenizerFile& file, const JsonValue& vocab) {
  const std::size_t size = vocab.size();
  file.tokens.reserve(size);
  file.kinds.reserve(size);
  for (auto members = vocab.members(); members.next();) {
    const std::size_t id = place(file, members.value(), members.key());
    file.kinds[id] = byte_value(members.key()) < 0 ? TokenKind::normal : TokenKind::byte;
  }
}

void read_added_tokens(TokenizerFile& file, const JsonValue& list) {
  std::unordered_map<std::size_t, std::size_t> places;  // of an id in file.added
  for (auto elements = list.elements(); elements.next();) {
    const JsonValue& token = elements.value();
    const std::size_t id = place(file, token.at("id"), token.at("content").as_string());
    const bool outside_model = file.kinds[id] == TokenKind::unused;
    const bool special = flag(token, "special") || file.kinds[id] == TokenKind::special;
    file.kinds[id] = special ? TokenKind::special : TokenKind::added;
    const auto [entry, is_new] = places.try_emplace(id, file.added.size());
    if (is_new) file.added.push_back({id, false, false, false, false, outside_model});
    // Of a token that stands twice the last way of finding it counts.
    TokenizerFile::AddedToken& added = file.added[entry->second];
    added.normalized = flag(token, "normalized", !special);
    added.single_word = flag(token, "single_word");
    added.lstrip = flag(token, "lstrip");
    added.rstrip = flag(token, "rstrip");
  }
}

void read_merges(TokenizerFile& file, const JsonValue& merges) {
  file.merges.reserve(merges.size());
  for (auto elements = merges.elements(); elements.next();) {
    const JsonValue& merge = elements.value();
    if (merge.is_string()) {
      file.merges.push_back({merge.as_string(), {}});
      continue;
    }
    if (!merge.is_array()) merge.fail("expected \"left right\" or [\"left\", \"right\"]");
    auto sides = merge.elements();
    const std::string_view left = sides.next() ? sides.value().as_string() : std::string_view();
    const std::string_view right = sides.next() ? sides.value().as_string() : std::string_view();
    if (left.empty() || right.empty() || sides.next()) merge.fail("expected two texts that are not empty");
    file.merges.push_back({left, right});
  }
}

}  // namespace

TokenizerFile read_tokenizer_json(std::shared_ptr<const JsonDocument> document) {
  TokenizerFile file;
  file.name = document->name();
  file.memory = document;
  const JsonValue root = document->root();
  const JsonValue model = root.at("model");
  check_model(model, file.name);
  check_normalizer(root, file.name);
  check_pre_tokenizer(root, file.name);
  check_post_processor(root, file.name);
  check_decoder(root, file.name);
  read_vocabulary(file, model.at("vocab"));
  if (const std::optional<JsonValue> added = member(root, "added_tokens")) read_added_tokens(file, *added);
  read_merges(file, model.at("merges"));
  return file;
}

}  // namespace gemma4::formats
