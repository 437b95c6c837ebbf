// Keys: https://github.com/ggml-org/llama.cpp conversion/gemma.py, gguf-py/gguf/constants.py.
#include "quantize/metadata.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <map>
#include <string_view>

#include "base/check.h"
#include "base/log.h"
#include "formats/json.h"
#include "formats/tokenizer_file.h"
#include "weights/chat_template.h"

namespace gemma4::quantization {
namespace {

namespace fs = std::filesystem;
using formats::GgufHead;
using formats::TokenizerFile;
using formats::TokenKind;

std::string key(std::string_view name) { return "gemma4." + std::string(name); }

std::uint32_t u32(int value) { return static_cast<std::uint32_t>(value); }

/// One number where all layers agree, as converters write it.
void add_per_layer(GgufHead& head, std::string_view name, const std::vector<std::int32_t>& values) {
  const bool same = std::all_of(values.begin(), values.end(), [&](std::int32_t v) { return v == values[0]; });
  if (same) {
    head.add_u32(key(name), u32(values[0]));
  } else {
    head.add_i32s(key(name), values);
  }
}

void add_config(GgufHead& head, const ModelConfig& c) {
  GEMMA4_CHECK(c.rope_sliding.partial_rotary_factor == 1.0, ErrorCode::unsupported,
               "GGUF: no key for a partial_rotary_factor of sliding_attention (", c.rope_sliding.partial_rotary_factor,
               ")");
  std::vector<std::int32_t> widths, kv_heads;
  std::vector<bool> sliding;
  for (const LayerConfig& layer : c.layers) {
    widths.push_back(layer.intermediate_size);
    kv_heads.push_back(layer.num_key_value_heads);
    sliding.push_back(layer.attention_type == AttentionType::sliding);
  }
  head.add_u32(key("block_count"), u32(c.num_hidden_layers));
  head.add_u32(key("context_length"), u32(c.max_position_embeddings));
  head.add_u32(key("embedding_length"), u32(c.hidden_size));
  add_per_layer(head, "feed_forward_length", widths);
  head.add_u32(key("attention.head_count"), u32(c.num_attention_heads));
  add_per_layer(head, "attention.head_count_kv", kv_heads);
  head.add_f32(key("rope.freq_base"), static_cast<float>(c.rope_full.rope_theta));
  head.add_f32(key("rope.freq_base_swa"), static_cast<float>(c.rope_sliding.rope_theta));
  head.add_f32(key("attention.layer_norm_rms_epsilon"), c.rms_norm_eps);
  head.add_u32(key("attention.key_length"), u32(c.global_head_dim));
  head.add_u32(key("attention.value_length"), u32(c.global_head_dim));
  head.add_u32(key("attention.key_length_swa"), u32(c.head_dim));
  head.add_u32(key("attention.value_length_swa"), u32(c.head_dim));
  head.add_u32(key("rope.dimension_count"), u32(c.global_head_dim));
  head.add_u32(key("rope.dimension_count_swa"), u32(c.head_dim));
  head.add_u32(key("attention.sliding_window"), u32(c.sliding_window));
  head.add_bools(key("attention.sliding_window_pattern"), sliding);
  head.add_u32(key("attention.shared_kv_layers"), u32(c.num_kv_shared_layers));
  head.add_f32(key("final_logit_softcapping"), c.final_logit_softcapping.value_or(0.0F));  // readers take none for 30
  head.add_u32(key("embedding_length_per_layer_input"), u32(c.hidden_size_per_layer_input));
  head.add_u32(key("vocab_size"), u32(c.vocab_size));
  if (c.enable_moe_block) {
    head.add_u32(key("expert_count"), u32(c.num_experts));
    head.add_u32(key("expert_used_count"), u32(c.top_k_experts));
    head.add_u32(key("expert_feed_forward_length"), u32(c.moe_intermediate_size));
  }
}

// token_type. Source: ggml-org/llama.cpp gguf-py/gguf/constants.py, TokenType.
enum : std::int32_t { kNormal = 1, kUnknown = 2, kControl = 3, kUserDefined = 4, kUnused = 5, kByte = 6 };

/// Markup that converters leave visible in decoded text, by typing it as user defined.
bool is_visible(std::string_view text) {
  static constexpr std::array<std::string_view, 7> kVisible = {
      "<|channel>", "<channel|>", "<|tool_call>", "<tool_call|>", "<|tool_response>", "<tool_response|>", "<|\"|>"};
  return std::find(kVisible.begin(), kVisible.end(), text) != kVisible.end();
}

std::int32_t token_type(std::string_view text, TokenKind kind) {
  switch (kind) {
    case TokenKind::unused:
      return kUnused;
    case TokenKind::byte:
      return kByte;
    case TokenKind::added:
      return kUserDefined;
    case TokenKind::special:
      return text == "<unk>" ? kUnknown : is_visible(text) ? kUserDefined : kControl;
    case TokenKind::normal:
      break;
  }
  return kNormal;
}

/// The pairs of formats::kAddedTokensKey, for what a reader would not see in types and texts.
std::vector<std::int32_t> added_token_flags(const TokenizerFile& file, const std::vector<std::int32_t>& types) {
  std::vector<std::int32_t> pairs;
  for (const TokenizerFile::AddedToken& token : file.added) {
    const TokenKind kind = file.kinds[token.id];
    const std::int32_t flags = (token.normalized ? formats::kNormalizedFlag : 0) |
                               (token.single_word ? formats::kSingleWordFlag : 0) |
                               (token.lstrip ? formats::kLstripFlag : 0) | (token.rstrip ? formats::kRstripFlag : 0);
    // What is always found as a whole is never left for characters to make.
    if (flags == 0 && formats::gguf_token_kind(file.tokens[token.id], types[token.id]) == kind) continue;
    pairs.push_back(static_cast<std::int32_t>(token.id));
    pairs.push_back(flags | (kind == TokenKind::special ? formats::kSpecialFlag : 0) |
                    (token.outside_model ? formats::kOutsideModelFlag : 0));
  }
  return pairs;
}

void add_tokenizer(GgufHead& head, const std::string& folder, const ModelConfig& config) {
  const std::string path = (fs::path(folder) / "tokenizer.json").string();
  TokenizerFile file = formats::read_tokenizer_json(
      std::make_shared<const formats::JsonDocument>(formats::JsonDocument::from_file(path)));
  const auto vocab_size = static_cast<std::size_t>(config.vocab_size);
  GEMMA4_CHECK(file.tokens.size() <= vocab_size, ErrorCode::bad_config, path, ": expected at most ", vocab_size,
               " tokens (vocab_size), got ", file.tokens.size());
  file.tokens.resize(vocab_size);
  file.kinds.resize(vocab_size, TokenKind::unused);

  std::vector<std::int32_t> types;
  std::vector<float> scores;  // unused by BPE, but readers ask for them
  std::map<std::string_view, std::uint32_t> ids;
  for (std::size_t id = 0; id < vocab_size; ++id) {
    types.push_back(token_type(file.tokens[id], file.kinds[id]));
    scores.push_back(types.back() == kNormal || types.back() == kByte ? -static_cast<float>(id) : -1000.0F);
    if (file.kinds[id] == TokenKind::special) ids.emplace(file.tokens[id], static_cast<std::uint32_t>(id));
  }
  std::vector<std::string> joined;
  std::vector<std::string_view> merges;
  joined.reserve(file.merges.size());
  for (const TokenizerFile::Merge& merge : file.merges) {
    if (merge.right.empty()) {
      merges.push_back(merge.left);
    } else {
      std::string& both = joined.emplace_back(merge.left);
      both += ' ';
      both += merge.right;
      merges.push_back(both);
    }
  }

  head.add_string("tokenizer.ggml.model", "gemma4");
  head.add_strings("tokenizer.ggml.tokens", file.tokens);
  head.add_f32s("tokenizer.ggml.scores", scores);
  head.add_i32s("tokenizer.ggml.token_type", types);
  head.add_strings("tokenizer.ggml.merges", merges);
  const std::vector<std::int32_t> added = added_token_flags(file, types);
  if (!added.empty()) head.add_i32s(formats::kAddedTokensKey, added);
  const auto add_id = [&](const char* name, TokenId id) {
    if (id >= 0) head.add_u32(name, static_cast<std::uint32_t>(id));
  };
  const auto of_text = [&](std::string_view text) {
    const auto found = ids.find(text);
    return found == ids.end() ? TokenId{-1} : static_cast<TokenId>(found->second);
  };
  add_id("tokenizer.ggml.bos_token_id", config.bos_token_id);
  constexpr std::array<const char*, 3> kEnds = {"tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id",
                                                "tokenizer.ggml.eom_token_id"};
  for (std::size_t i = 0; i < std::min(kEnds.size(), config.eos_token_ids.size()); ++i) {
    add_id(kEnds[i], config.eos_token_ids[i]);
  }
  add_id("tokenizer.ggml.unknown_token_id", of_text("<unk>"));
  add_id("tokenizer.ggml.padding_token_id", config.pad_token_id);
  add_id("tokenizer.ggml.mask_token_id", of_text("<mask>"));
  head.add_bool("tokenizer.ggml.add_bos_token", true);
  head.add_bool("tokenizer.ggml.add_space_prefix", false);
  if (!config.suppress_token_ids.empty()) head.add_i32s("tokenizer.ggml.suppress_tokens", config.suppress_token_ids);
}

void add_chat_templates(GgufHead& head, const std::string& folder) {
  constexpr const char* kKey = "tokenizer.chat_template";
  for (const auto& [name, text] : weights::folder_chat_templates(folder)) {
    head.add_string(name == "default" ? std::string(kKey) : base::concat(kKey, ".", name), text);
  }
}

std::string folder_name(const std::string& path) {
  fs::path absolute = fs::absolute(path).lexically_normal();
  if (!absolute.has_filename()) absolute = absolute.parent_path();
  return absolute.filename().string();
}

bool is_replaced(std::string_view name) {
  static constexpr std::array<std::string_view, 3> kKeys = {"general.alignment", "general.file_type",
                                                            "general.quantization_version"};
  static constexpr std::array<std::string_view, 4> kPrefixes = {"split.", "quantize.imatrix.", "gemma4.vision.",
                                                                "gemma4.audio."};
  const auto starts = [&](std::string_view prefix) { return name.starts_with(prefix); };
  return std::find(kKeys.begin(), kKeys.end(), name) != kKeys.end() ||
         std::any_of(kPrefixes.begin(), kPrefixes.end(), starts);
}

}  // namespace

void add_folder_metadata(GgufHead& head, const weights::Checkpoint& folder, const ModelConfig& config,
                         const SamplerOptions& sampling) {
  head.add_string("general.architecture", "gemma4");
  head.add_string("general.type", "model");
  head.add_string("general.name", folder_name(folder.path()));
  if (folder.generation_config_json() != nullptr) {
    head.add_i32("general.sampling.top_k", sampling.top_k);
    head.add_f32("general.sampling.top_p", sampling.top_p);
    head.add_f32("general.sampling.temp", sampling.temperature);
    if (sampling.min_p != 0.0F) head.add_f32("general.sampling.min_p", sampling.min_p);
    if (sampling.repetition_penalty != 1.0F) {
      head.add_f32("general.sampling.penalty_repeat", sampling.repetition_penalty);
      head.add_i32("general.sampling.penalty_last_n", sampling.penalty_last_n);
    }
    if (sampling.no_repeat_ngram_size > 0) {
      base::log(LogLevel::warning, folder.path(),
                ": generation_config.json: no_repeat_ngram_size is passed over: GGUF has no key for it");
    }
  }
  add_config(head, config);
  add_tokenizer(head, folder.path(), config);
  add_chat_templates(head, folder.path());
}

void copy_metadata(GgufHead& head, const formats::GgufFile& file) {
  for (const auto& [name, value] : file.metadata()) {
    if (!is_replaced(name)) head.add_value(name, value);
  }
}

std::vector<float> rope_divisors(const ModelConfig& config) {
  constexpr float kStill = 1e30F;
  const auto pairs = static_cast<std::size_t>(config.global_head_dim / 2);
  const auto turning =
      static_cast<std::size_t>(std::floor(config.rope_full.partial_rotary_factor * config.global_head_dim / 2));
  std::vector<float> divisors(pairs, kStill);
  std::fill(divisors.begin(), divisors.begin() + static_cast<std::ptrdiff_t>(std::min(turning, pairs)), 1.0F);
  return divisors;
}

}  // namespace gemma4::quantization
