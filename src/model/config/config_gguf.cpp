// Keys: https://github.com/ggml-org/llama.cpp conversion/gemma.py and src/models/gemma4.cpp.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "base/check.h"
#include "model/config/config.h"

namespace gemma4::model {
namespace {

using formats::GgufFile;
using formats::GgufType;
using weights::Checkpoint;

constexpr std::string_view kArchitecture = "gemma4";

/// The keys under "gemma4.".
class Keys {
 public:
  explicit Keys(const GgufFile& file) : file_(file) {}

  static std::string full(std::string_view key) { return base::concat(kArchitecture, ".", key); }

  bool has(std::string_view key) const { return file_.has(full(key)); }

  int integer(std::string_view key) const { return required(find_integer(key), key); }
  int integer(std::string_view key, int absent) const { return find_integer(key).value_or(absent); }

  float real(std::string_view key) const { return required(find_real(key), key); }
  float real(std::string_view key, float absent) const { return find_real(key).value_or(absent); }

  /// One number per layer, from a scalar or an array.
  std::vector<int> per_layer(std::string_view key, int layers) const {
    if (!file_.is_array(full(key))) return std::vector<int>(static_cast<std::size_t>(layers), integer(key));
    const auto values = *file_.find_ints(full(key));
    GEMMA4_CHECK(values.size() == static_cast<std::size_t>(layers), ErrorCode::bad_config, file_.path(), ": key \"",
                 full(key), "\": expected ", layers, " elements (block_count), got ", values.size());
    std::vector<int> result;
    for (const std::int64_t value : values) result.push_back(narrow(key, value));
    return result;
  }

 private:
  std::optional<int> find_integer(std::string_view key) const {
    const auto value =
        file_.find_int(full(key), std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max());
    if (!value) return std::nullopt;
    return narrow(key, *value);
  }

  std::optional<float> find_real(std::string_view key) const {
    const auto value = file_.find_float(full(key));
    if (!value) return std::nullopt;
    GEMMA4_CHECK(std::abs(*value) <= static_cast<double>(std::numeric_limits<float>::max()), ErrorCode::bad_config,
                 file_.path(), ": key \"", full(key), "\": expected a finite number, got ",
                 *value);  // NaN fails the comparison, too
    return static_cast<float>(*value);
  }

  int narrow(std::string_view key, std::int64_t value) const {
    GEMMA4_CHECK(value >= 0 && value <= std::numeric_limits<int>::max(), ErrorCode::bad_config, file_.path(),
                 ": key \"", full(key), "\": out of range: ", value);
    return static_cast<int>(value);
  }

  template <class T>
  T required(const std::optional<T>& value, std::string_view key) const {
    GEMMA4_CHECK(value, ErrorCode::bad_config, file_.path(), ": key \"", full(key), "\" is missing");
    return *value;
  }

  const GgufFile& file_;
};

void refuse_unsupported(const GgufFile& file) {
  const auto architecture = file.find_string("general.architecture");
  GEMMA4_CHECK(architecture, ErrorCode::bad_config, file.path(), ": key \"general.architecture\" is missing");
  GEMMA4_CHECK(*architecture == kArchitecture, ErrorCode::unsupported, file.path(),
               ": general.architecture: expected \"", kArchitecture, "\", got \"", *architecture, "\"");
  const auto scaling = file.find_string(Keys::full("rope.scaling.type"));
  GEMMA4_CHECK(!scaling || *scaling == "none", ErrorCode::unsupported, file.path(), ": ", kArchitecture,
               ".rope.scaling.type: expected none, got \"", scaling.value_or(""), "\"");
}

/// True for each sliding layer. An array of bool or of integers says so; one integer n says that every n-th layer is
/// full.
std::vector<bool> read_sliding(const GgufFile& file, const Keys& keys, int layers) {
  constexpr std::string_view kKey = "attention.sliding_window_pattern";
  std::vector<bool> sliding;
  const std::vector<int> values = keys.per_layer(kKey, layers);
  const bool is_period = !file.is_array(Keys::full(kKey));
  for (int i = 0; i < layers; ++i) {
    const int value = values[static_cast<std::size_t>(i)];
    sliding.push_back(is_period ? value == 0 || (i + 1) % value != 0 : value != 0);
  }
  return sliding;
}

/// How many of the full layers' pairs turn: rope_freqs holds a divisor of the angle for each, 1 or so large (1e30) that
/// the pair stays where it is.
double read_partial_rotary_factor(const Checkpoint& checkpoint, int head_dim) {
  constexpr double kGemma4Factor = 0.25;
  constexpr float kStill = 1e29F;
  const Checkpoint::Tensor* tensor = checkpoint.find("rope_freqs.weight");
  if (tensor == nullptr) return kGemma4Factor;
  const formats::TensorEntry& entry = tensor->entry;
  const std::int64_t pairs = head_dim / 2;
  GEMMA4_CHECK(entry.type == formats::DataType::f32 && entry.shape == std::vector<std::int64_t>{pairs},
               ErrorCode::bad_checkpoint, checkpoint.path(), ": tensor \"", entry.name, "\": expected F32 [", pairs,
               "] (half of key_length), got ", formats::to_string(entry.type), " ", formats::shape_string(entry.shape));
  std::vector<float> divisors(static_cast<std::size_t>(pairs));
  std::memcpy(divisors.data(), entry.data, divisors.size() * sizeof(float));
  const auto turning =
      std::find_if(divisors.begin(), divisors.end(), [](float d) { return d != 1.0F; }) - divisors.begin();
  for (std::size_t i = static_cast<std::size_t>(turning); i < divisors.size(); ++i) {
    GEMMA4_CHECK(divisors[i] >= kStill, ErrorCode::unsupported, checkpoint.path(), ": tensor \"", entry.name,
                 "\": expected ones and then values of 1e30, got ", divisors[i], " at index ", i);
  }
  double factor = static_cast<double>(turning) / static_cast<double>(pairs);
  // factor * pairs may fall just below the count it came from, and is rounded down where it is used
  while (std::floor(factor * head_dim / 2) < static_cast<double>(turning)) factor = std::nextafter(factor, 1.0);
  return factor;
}

/// V comes from K in layers that have no attn_v. Either all full layers that own keys are like that or none is.
bool read_k_eq_v(const Checkpoint& checkpoint, const ModelConfig& config) {
  std::string with, without;
  for (int i = 0; i < config.first_kv_shared_layer(); ++i) {
    if (config.layers[static_cast<std::size_t>(i)].attention_type != AttentionType::full) continue;
    const std::string name = base::concat("layers.", i, ".self_attn.v_proj.weight");
    (checkpoint.find(name) != nullptr ? with : without) = base::concat("blk.", i, ".attn_v.weight");
  }
  GEMMA4_CHECK(with.empty() || without.empty(), ErrorCode::bad_checkpoint, checkpoint.path(), ": tensor \"", without,
               "\" is missing, though \"", with, "\" is there");
  return with.empty() && !without.empty();
}

void read_layers(const Checkpoint& checkpoint, const Keys& keys, ModelConfig& config) {
  const int n = config.num_hidden_layers;
  const std::vector<int> widths = keys.per_layer("feed_forward_length", n);
  const std::vector<int> kv_heads = keys.per_layer("attention.head_count_kv", n);
  const std::vector<bool> sliding = read_sliding(*checkpoint.gguf(), keys, n);
  config.num_key_value_heads = kv_heads[0];
  config.num_global_key_value_heads = kv_heads[0];
  config.intermediate_size = widths[0];
  check_layer_counts(config, checkpoint.path());
  for (int i = 0; i < n; ++i) {
    const auto at = static_cast<std::size_t>(i);
    LayerConfig layer;
    layer.attention_type = sliding[at] ? AttentionType::sliding : AttentionType::full;
    layer.head_dim = sliding[at] ? config.head_dim : config.global_head_dim;
    layer.num_key_value_heads = kv_heads[at];
    layer.intermediate_size = widths[at];
    (sliding[at] ? config.num_key_value_heads : config.num_global_key_value_heads) = kv_heads[at];
    config.use_double_wide_mlp =
        config.use_double_wide_mlp || (i >= config.first_kv_shared_layer() && widths[at] != widths[0]);
    config.layers.push_back(layer);
  }
  config.attention_k_eq_v = read_k_eq_v(checkpoint, config);
  for (LayerConfig& layer : config.layers)
    layer.has_v_proj = !(config.attention_k_eq_v && layer.attention_type == AttentionType::full);
}

void read_head_dims(const Checkpoint& checkpoint, const Keys& keys, ModelConfig& config) {
  config.global_head_dim = keys.integer("attention.key_length");
  config.head_dim = keys.integer("attention.key_length_swa", config.global_head_dim);
  const auto expect = [&](const char* key, int head_dim) {
    const int value = keys.integer(key, head_dim);
    GEMMA4_CHECK(value == head_dim, ErrorCode::unsupported, checkpoint.path(), ": ", kArchitecture, ".", key,
                 ": expected ", head_dim, " like the key length, got ", value);
  };
  expect("attention.value_length", config.global_head_dim);
  expect("attention.value_length_swa", config.head_dim);
  expect("rope.dimension_count", config.global_head_dim);
  expect("rope.dimension_count_swa", config.head_dim);
}

int read_num_attention_heads(const Checkpoint& checkpoint, const Keys& keys, int layers) {
  const std::vector<int> heads = keys.per_layer("attention.head_count", layers);
  for (const int count : heads) {
    GEMMA4_CHECK(count == heads[0], ErrorCode::unsupported, checkpoint.path(), ": ", kArchitecture,
                 ".attention.head_count: layers with ", heads[0], " and with ", count, " heads");
  }
  return heads[0];
}

/// Rows of a tensor, or 0 when it is not there (the loader will say so).
int rows(const Checkpoint& checkpoint, std::string_view name) {
  const Checkpoint::Tensor* tensor = checkpoint.find(name);
  if (tensor == nullptr || tensor->entry.shape[0] > std::numeric_limits<int>::max()) return 0;
  return static_cast<int>(tensor->entry.shape[0]);
}

int read_vocab_size(const Checkpoint& checkpoint, const Keys& keys) {
  if (const auto tokens = checkpoint.gguf()->find_strings("tokenizer.ggml.tokens"))
    return static_cast<int>(tokens->size());
  return keys.integer("vocab_size", rows(checkpoint, "embed_tokens.weight"));
}

void read_tokens(const GgufFile& file, ModelConfig& config) {
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
  const auto checked = [&](const char* key, std::int64_t id) {
    return checked_token(base::concat(file.path(), ": ", key), id, config);
  };
  const auto token = [&](const char* key) {
    const std::int64_t id = file.find_int(key, -1, kMost).value_or(-1);
    return id == -1 ? TokenId{-1} : checked(key, id);
  };
  const auto add_end = [&](TokenId id) {
    const auto& known = config.eos_token_ids;
    if (id != -1 && std::find(known.begin(), known.end(), id) == known.end()) config.eos_token_ids.push_back(id);
  };
  config.bos_token_id = token("tokenizer.ggml.bos_token_id");
  config.pad_token_id = token("tokenizer.ggml.padding_token_id");
  for (const char* key :
       {"tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id", "tokenizer.ggml.eom_token_id"}) {
    add_end(token(key));
  }
  const char* const ends = "tokenizer.ggml.eos_token_ids";  // Ollama's converter
  if (const auto ids = file.find_ints(ends)) {
    for (const std::int64_t id : *ids) add_end(checked(ends, id));
  }
  const char* const suppressed = "tokenizer.ggml.suppress_tokens";
  if (const auto ids = file.find_ints(suppressed)) {
    for (const std::int64_t id : *ids) config.suppress_token_ids.push_back(checked(suppressed, id));
  }
}

}  // namespace

ModelConfig parse_gguf_config(const Checkpoint& checkpoint) {
  const GgufFile& file = *checkpoint.gguf();
  refuse_unsupported(file);
  const Keys keys(file);
  ModelConfig config;
  config.model_type = kArchitecture;
  config.num_hidden_layers = keys.integer("block_count");
  config.num_kv_shared_layers = keys.integer("attention.shared_kv_layers", 0);
  config.intermediate_size = 1;  // until read_layers()
  check_layer_counts(config, checkpoint.path());
  config.vocab_size = read_vocab_size(checkpoint, keys);
  config.hidden_size = keys.integer("embedding_length");
  config.num_attention_heads = read_num_attention_heads(checkpoint, keys, config.num_hidden_layers);
  config.max_position_embeddings = keys.integer("context_length");
  config.rms_norm_eps = keys.real("attention.layer_norm_rms_epsilon");
  // A missing key means Gemma 4's 30 to other readers, so files say "none" with 0.
  const float cap = keys.real("final_logit_softcapping", 30.0F);
  if (cap != 0.0F) config.final_logit_softcapping = cap;
  read_head_dims(checkpoint, keys, config);
  read_layers(checkpoint, keys, config);
  const bool any_sliding = std::any_of(config.layers.begin(), config.layers.end(), [](const LayerConfig& layer) {
    return layer.attention_type == AttentionType::sliding;
  });
  config.sliding_window =
      any_sliding ? keys.integer("attention.sliding_window") : keys.integer("attention.sliding_window", 1);
  config.rope_full = {keys.real("rope.freq_base"), read_partial_rotary_factor(checkpoint, config.global_head_dim)};
  config.rope_sliding = {keys.real("rope.freq_base_swa", 1e4F), 1.0};
  config.hidden_size_per_layer_input = keys.integer("embedding_length_per_layer_input", 0);
  if (config.hidden_size_per_layer_input != 0) {
    const int table = rows(checkpoint, "embed_tokens_per_layer.weight");
    config.vocab_size_per_layer_input = table != 0 ? table : config.vocab_size;
  }
  config.num_experts = keys.integer("expert_count", 0);
  config.enable_moe_block = config.num_experts > 0;
  if (config.enable_moe_block) {
    config.top_k_experts = keys.integer("expert_used_count");
    config.moe_intermediate_size = keys.integer("expert_feed_forward_length");
  }
  config.tie_word_embeddings = checkpoint.find("lm_head.weight") == nullptr;
  read_tokens(file, config);
  complete_config(config, checkpoint.path());
  return config;
}

}  // namespace gemma4::model
