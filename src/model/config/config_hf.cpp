#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <string_view>
#include <system_error>
#include <utility>

#include "base/check.h"
#include "model/config/config.h"

namespace gemma4::model {
namespace {

using formats::JsonDocument;
using formats::JsonValue;

/// An integer that fits an int; its bounds are checked by complete_config().
int as_int(const JsonValue& value) {
  const std::int64_t number = value.as_int();
  GEMMA4_CHECK(number >= std::numeric_limits<int>::min() && number <= std::numeric_limits<int>::max(),
               ErrorCode::bad_config, value.where(), ": out of range: ", number);
  return static_cast<int>(number);
}

float as_float(const JsonValue& value) {
  const double number = value.as_double();
  GEMMA4_CHECK(std::abs(number) <= static_cast<double>(std::numeric_limits<float>::max()), ErrorCode::bad_config,
               value.where(), ": out of range: ", number);
  return static_cast<float>(number);
}

/// Members of an object; null counts as absent, as in HF configs.
class Fields {
 public:
  explicit Fields(const JsonValue& object) : object_(object) {}

  std::optional<JsonValue> find(std::string_view key) const {
    auto value = object_.find(key);
    if (value && value->is_null()) return std::nullopt;
    return value;
  }
  int integer(std::string_view key, int absent) const {
    const auto value = find(key);
    return value ? as_int(*value) : absent;
  }
  bool boolean(std::string_view key, bool absent) const {
    const auto value = find(key);
    return value ? value->as_bool() : absent;
  }
  double real(std::string_view key, double absent) const {
    const auto value = find(key);
    return value ? value->as_double() : absent;
  }

 private:
  JsonValue object_;
};

[[noreturn]] void unsupported(const JsonValue& value, const std::string& what) {
  base::fail(ErrorCode::unsupported, value.where(), ": ", what);
}

/// What a text config class has where the file says nothing: Gemma4TextConfig, Gemma4UnifiedTextConfig.
struct ClassDefaults {
  const char* text_type;
  const char* wrapper_type;
  int max_position_embeddings;
  int sliding_window;
  int hidden_size_per_layer_input;
};
constexpr std::array<ClassDefaults, 2> kClasses = {
    {{"gemma4_text", "gemma4", 131072, 512, 256}, {"gemma4_unified_text", "gemma4_unified", 262144, 1024, 0}}};

/// The text config within config.json: nested in a multimodal one, or the whole of a text-only one.
struct TextConfig {
  JsonValue value;
  const ClassDefaults* defaults = nullptr;
};

TextConfig find_text_config(const JsonValue& root) {
  const JsonValue type_value = root.at("model_type");
  const std::string_view type = type_value.as_string();
  for (const ClassDefaults& known : kClasses) {
    if (type == known.text_type) return {root, &known};
    if (type != known.wrapper_type) continue;
    const auto nested = Fields(root).find("text_config");
    GEMMA4_CHECK(nested, ErrorCode::bad_config, root.where(), ": model_type \"", type, "\" needs a text_config");
    const auto nested_type = Fields(*nested).find("model_type");
    if (nested_type && nested_type->as_string() != known.text_type) {
      unsupported(*nested_type,
                  base::concat("expected \"", known.text_type, "\", got \"", nested_type->as_string(), "\""));
    }
    return {*nested, &known};
  }
  unsupported(type_value,
              base::concat("\"", type, "\"; expected gemma4, gemma4_text, gemma4_unified or gemma4_unified_text"));
}

void refuse_unsupported(const JsonValue& config) {
  const Fields fields(config);
  if (const auto quantization = fields.find("quantization_config")) {
    const auto method = Fields(*quantization).find("quant_method");
    unsupported(*quantization,
                base::concat("quantized weights (quant_method \"", method ? method->as_string() : "unnamed", "\")"));
  }
  if (const auto value = fields.find("hidden_activation")) {
    if (value->as_string() != "gelu_pytorch_tanh")
      unsupported(*value, base::concat("expected \"gelu_pytorch_tanh\", got \"", value->as_string(), "\""));
  }
  if (const auto value = fields.find("attention_bias")) {
    if (value->as_bool()) unsupported(*value, "projections with a bias");
  }
  if (const auto value = fields.find("use_bidirectional_attention")) {
    if (value->as_string() != "vision")
      unsupported(*value, base::concat("expected null or \"vision\", got \"", value->as_string(), "\""));
  }
  if (const auto value = fields.find("rope_scaling")) unsupported(*value, "expected rope_parameters, got rope_scaling");
}

AttentionType attention_type(const JsonValue& value) {
  const std::string_view type = value.as_string();
  if (type == "sliding_attention") return AttentionType::sliding;
  if (type == "full_attention") return AttentionType::full;
  unsupported(value, base::concat("expected \"sliding_attention\" or \"full_attention\", got \"", type, "\""));
}

std::vector<AttentionType> read_layer_types(const Fields& fields, int num_hidden_layers) {
  constexpr int kDefaultPeriod = 6;
  std::vector<AttentionType> types;
  if (const auto list = fields.find("layer_types")) {
    GEMMA4_CHECK(list->size() == static_cast<std::size_t>(num_hidden_layers), ErrorCode::bad_config, list->where(),
                 ": expected ", num_hidden_layers, " entries (num_hidden_layers), got ", list->size());
    for (auto elements = list->elements(); elements.next();) types.push_back(attention_type(elements.value()));
  } else {
    for (int i = 0; i < num_hidden_layers; ++i) {
      types.push_back((i + 1) % kDefaultPeriod == 0 ? AttentionType::full : AttentionType::sliding);
    }
  }
  types.back() = AttentionType::full;  // whatever the file says: the reference forces it, too
  return types;
}

RopeParameters read_rope(const Fields& fields, const char* attention, const RopeParameters& absent) {
  const auto all = fields.find("rope_parameters");
  if (!all) return absent;
  const auto found = Fields(*all).find(attention);
  GEMMA4_CHECK(found, ErrorCode::bad_config, all->where(), ": expected a member \"", attention, "\"");
  const Fields rope(*found);
  const auto type_value = rope.find("rope_type");
  const std::string_view type = type_value ? type_value->as_string() : "default";
  if (type != "default" && type != "proportional") {
    unsupported(*type_value, base::concat("expected \"default\" or \"proportional\", got \"", type, "\""));
  }
  if (rope.real("factor", 1.0) != 1.0) unsupported(*rope.find("factor"), "expected 1 or none");
  const auto theta = rope.find("rope_theta");
  GEMMA4_CHECK(theta, ErrorCode::bad_config, found->where(), ": expected a member \"rope_theta\"");
  // The reference reads partial_rotary_factor for the proportional type alone.
  return {theta->as_double(), type == "proportional" ? rope.real("partial_rotary_factor", 1.0) : 1.0};
}

/// Sizes of single layers. Without per_layer_config, Google's keys global_head_dim and num_global_key_value_heads hold
/// for all full layers; the latter only together with attention_k_eq_v (so does the reference).
void read_layer_sizes(const Fields& fields, ModelConfig& config) {
  const auto overrides = fields.find("per_layer_config");
  if (!overrides) {
    const int head_dim = fields.integer("global_head_dim", 512);
    const int kv_heads = config.attention_k_eq_v
                             ? fields.integer("num_global_key_value_heads", config.num_key_value_heads)
                             : config.num_key_value_heads;
    for (LayerConfig& layer : config.layers) {
      if (layer.attention_type != AttentionType::full) continue;
      layer.head_dim = head_dim;
      layer.num_key_value_heads = kv_heads;
    }
    return;
  }
  for (auto members = overrides->members(); members.next();) {
    const std::string_view key = members.key();
    int index = -1;
    const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), index);
    GEMMA4_CHECK(
        error == std::errc() && end == key.data() + key.size() && index >= 0 && index < config.num_hidden_layers,
        ErrorCode::bad_config, overrides->where(), ": expected keys from 0 to ", config.num_hidden_layers - 1,
        ", got \"", key, "\"");
    LayerConfig& layer = config.layers[static_cast<std::size_t>(index)];
    for (auto sizes = members.value().members(); sizes.next();) {
      if (sizes.key() == "head_dim") {
        layer.head_dim = as_int(sizes.value());
      } else if (sizes.key() == "num_key_value_heads") {
        layer.num_key_value_heads = as_int(sizes.value());
      } else {
        unsupported(sizes.value(), "expected head_dim or num_key_value_heads");
      }
    }
  }
}

void read_layers(const Fields& fields, const std::string& source, ModelConfig& config) {
  check_layer_counts(config, source);
  for (const AttentionType type : read_layer_types(fields, config.num_hidden_layers)) {
    const bool shared = static_cast<int>(config.layers.size()) >= config.first_kv_shared_layer();
    LayerConfig layer;
    layer.attention_type = type;
    layer.head_dim = config.head_dim;
    layer.num_key_value_heads = config.num_key_value_heads;
    layer.intermediate_size = config.intermediate_size;
    if (config.use_double_wide_mlp && shared) layer.intermediate_size *= 2;
    layer.has_v_proj = !(config.attention_k_eq_v && type == AttentionType::full);
    config.layers.push_back(layer);
  }
  read_layer_sizes(fields, config);
  // What the full layers have, for those who ask the config; the last layer is one of them.
  config.global_head_dim = config.layers.back().head_dim;
  config.num_global_key_value_heads = config.layers.back().num_key_value_heads;
  for (const LayerConfig& layer : config.layers) {
    if (layer.attention_type != AttentionType::sliding) continue;
    config.head_dim = layer.head_dim;
    config.num_key_value_heads = layer.num_key_value_heads;
    break;
  }
}

/// Token ids by key. generation_config.json wins over config.json, whose outer level wins over its text_config.
class TokenKeys {
 public:
  TokenKeys(std::vector<JsonValue> sources, const ModelConfig& config) : sources_(std::move(sources)), config_(config) {}

  /// -1 where no file names one.
  TokenId one(std::string_view key) const {
    const auto value = find(key);
    return !value || value->as_int() == -1 ? -1 : as_token(*value);
  }
  /// One or a list.
  std::vector<TokenId> some(std::string_view key) const {
    const auto value = find(key);
    if (!value) return {};
    if (!value->is_array()) return {as_token(*value)};
    std::vector<TokenId> tokens;
    for (auto elements = value->elements(); elements.next();) tokens.push_back(as_token(elements.value()));
    return tokens;
  }

 private:
  std::optional<JsonValue> find(std::string_view key) const {
    for (const JsonValue& source : sources_) {
      if (const auto value = Fields(source).find(key)) return value;
    }
    return std::nullopt;
  }
  TokenId as_token(const JsonValue& value) const {
    const std::int64_t id = value.as_int();
    const bool fits = id >= 0 && id < config_.vocab_size;  // where() searches the document
    return fits ? static_cast<TokenId>(id) : checked_token(value.where(), id, config_);
  }

  std::vector<JsonValue> sources_;
  const ModelConfig& config_;
};

void read_tokens(std::vector<JsonValue> sources, ModelConfig& config) {
  const TokenKeys keys(std::move(sources), config);
  config.bos_token_id = keys.one("bos_token_id");
  config.pad_token_id = keys.one("pad_token_id");
  config.eos_token_ids = keys.some("eos_token_id");
  config.suppress_token_ids = keys.some("suppress_tokens");
}

/// The tokens whose place media take; only the outer level of a multimodal config names them.
void read_placeholders(const JsonValue& root, ModelConfig& config) {
  for (std::string_view key : {"image_token_id", "audio_token_id", "video_token_id"}) {
    const int id = Fields(root).integer(key, -1);
    if (id >= 0 && id < config.vocab_size) config.placeholder_token_ids.push_back(id);
  }
}

}  // namespace

ModelConfig parse_hf_config(const JsonDocument& document, const JsonDocument* generation_config) {
  const JsonValue root = document.root();
  const auto [text, defaults] = find_text_config(root);
  refuse_unsupported(root);
  refuse_unsupported(text);

  const Fields fields(text);
  ModelConfig config;
  config.model_type = defaults->text_type;
  config.vocab_size = fields.integer("vocab_size", 262144);
  config.hidden_size = fields.integer("hidden_size", 2304);
  config.num_hidden_layers = fields.integer("num_hidden_layers", 30);
  config.intermediate_size = fields.integer("intermediate_size", 9216);
  config.num_attention_heads = fields.integer("num_attention_heads", 8);
  config.num_key_value_heads = fields.integer("num_key_value_heads", 4);
  config.head_dim = fields.integer("head_dim", 256);
  config.sliding_window = fields.integer("sliding_window", defaults->sliding_window);
  config.max_position_embeddings = fields.integer("max_position_embeddings", defaults->max_position_embeddings);
  if (const auto eps = fields.find("rms_norm_eps")) config.rms_norm_eps = as_float(*eps);
  if (const auto cap = fields.find("final_logit_softcapping")) config.final_logit_softcapping = as_float(*cap);
  config.num_kv_shared_layers = fields.integer("num_kv_shared_layers", 0);
  config.use_double_wide_mlp = fields.boolean("use_double_wide_mlp", false);
  config.attention_k_eq_v = fields.boolean("attention_k_eq_v", false);
  config.hidden_size_per_layer_input =
      fields.integer("hidden_size_per_layer_input", defaults->hidden_size_per_layer_input);
  if (config.hidden_size_per_layer_input != 0) {
    config.vocab_size_per_layer_input = fields.integer("vocab_size_per_layer_input", 262144);
  }
  config.enable_moe_block = fields.boolean("enable_moe_block", false);
  if (config.enable_moe_block) {
    config.num_experts = fields.integer("num_experts", 0);
    config.top_k_experts = fields.integer("top_k_experts", 0);
    config.moe_intermediate_size =
        fields.integer("moe_intermediate_size", fields.integer("expert_intermediate_size", 0));
  }
  config.tie_word_embeddings = Fields(root).boolean("tie_word_embeddings", fields.boolean("tie_word_embeddings", true));
  read_layers(fields, document.name(), config);
  config.rope_full = read_rope(fields, "full_attention", {1e6, 0.25});
  config.rope_sliding = {1e4, 1.0};
  const bool any_sliding = std::any_of(config.layers.begin(), config.layers.end(), [](const LayerConfig& layer) {
    return layer.attention_type == AttentionType::sliding;
  });
  if (any_sliding) config.rope_sliding = read_rope(fields, "sliding_attention", config.rope_sliding);
  std::vector<JsonValue> token_sources = {root, text};
  if (generation_config != nullptr) token_sources.insert(token_sources.begin(), generation_config->root());
  read_tokens(std::move(token_sources), config);
  read_placeholders(root, config);
  complete_config(config, document.name());
  return config;
}

}  // namespace gemma4::model
