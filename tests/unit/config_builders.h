// A small E2B-like config that tests of the config parser change one value at a time.
#pragma once

#include <doctest/doctest.h>

#include <map>
#include <string>

#include "formats/json.h"
#include "gemma4/config.h"
#include "model/config/config.h"

namespace gemma4::test {

using formats::JsonDocument;
using model::parse_hf_config;

/// Key to raw JSON; an empty value leaves the key out.
using Json = std::map<std::string, std::string>;

inline std::string object(const Json& members) {
  std::string text = "{";
  for (const auto& [key, value] : members) {
    if (!value.empty()) text += (text.size() > 1 ? ",\"" : "\"") + key + "\":" + value;
  }
  return text + "}";
}

inline constexpr const char* kRope =
    R"({"sliding_attention":{"rope_type":"default","rope_theta":10000.0},)"
    R"("full_attention":{"rope_type":"proportional","partial_rotary_factor":0.25,"rope_theta":1000000.0}})";
inline constexpr const char* kTypes =
    R"(["sliding_attention","full_attention","sliding_attention","sliding_attention","full_attention"])";

inline Json text_config() {
  return {{"model_type", "\"gemma4_text\""},
          {"vocab_size", "100"},
          {"hidden_size", "32"},
          {"num_hidden_layers", "5"},
          {"intermediate_size", "48"},
          {"num_attention_heads", "4"},
          {"num_key_value_heads", "2"},
          {"head_dim", "8"},
          {"global_head_dim", "16"},
          {"sliding_window", "7"},
          {"max_position_embeddings", "256"},
          {"rms_norm_eps", "1e-06"},
          {"final_logit_softcapping", "30.0"},
          {"num_kv_shared_layers", "2"},
          {"use_double_wide_mlp", "true"},
          {"hidden_size_per_layer_input", "4"},
          {"vocab_size_per_layer_input", "100"},
          {"layer_types", kTypes},
          {"rope_parameters", kRope}};
}

inline ModelConfig parse(const std::string& config, const std::string& generation = "") {
  const JsonDocument document = JsonDocument::from_text(config, "config.json");
  if (generation.empty()) return parse_hf_config(document, nullptr);
  const JsonDocument second = JsonDocument::from_text(generation, "generation_config.json");
  return parse_hf_config(document, &second);
}

inline ModelConfig parse_with(const Json& changes) {
  Json config = text_config();
  for (const auto& [key, value] : changes) config[key] = value;
  return parse(object(config));
}

inline ModelConfig parse_wrapped(const std::string& type, const Json& text, Json outer = {}) {
  outer["model_type"] = "\"" + type + "\"";
  outer["text_config"] = object(text);
  return parse(object(outer));
}

inline void check_same(const ModelConfig& a, const ModelConfig& b) {
  CHECK(a.vocab_size == b.vocab_size);
  CHECK(a.hidden_size == b.hidden_size);
  CHECK(a.num_hidden_layers == b.num_hidden_layers);
  CHECK(a.intermediate_size == b.intermediate_size);
  CHECK(a.num_attention_heads == b.num_attention_heads);
  CHECK(a.num_key_value_heads == b.num_key_value_heads);
  CHECK(a.num_global_key_value_heads == b.num_global_key_value_heads);
  CHECK(a.head_dim == b.head_dim);
  CHECK(a.global_head_dim == b.global_head_dim);
  CHECK(a.sliding_window == b.sliding_window);
  CHECK(a.max_position_embeddings == b.max_position_embeddings);
  CHECK(a.rms_norm_eps == b.rms_norm_eps);
  CHECK(a.final_logit_softcapping == b.final_logit_softcapping);
  CHECK(a.rope_full.rope_theta == b.rope_full.rope_theta);
  CHECK(a.rope_full.partial_rotary_factor == b.rope_full.partial_rotary_factor);
  CHECK(a.rope_sliding.rope_theta == b.rope_sliding.rope_theta);
  CHECK(a.num_kv_shared_layers == b.num_kv_shared_layers);
  CHECK(a.use_double_wide_mlp == b.use_double_wide_mlp);
  CHECK(a.attention_k_eq_v == b.attention_k_eq_v);
  CHECK(a.hidden_size_per_layer_input == b.hidden_size_per_layer_input);
  CHECK(a.vocab_size_per_layer_input == b.vocab_size_per_layer_input);
  CHECK(a.enable_moe_block == b.enable_moe_block);
  CHECK(a.tie_word_embeddings == b.tie_word_embeddings);
  REQUIRE(a.layers.size() == b.layers.size());
  for (std::size_t i = 0; i < a.layers.size(); ++i) {
    CAPTURE(i);
    CHECK(a.layers[i].attention_type == b.layers[i].attention_type);
    CHECK(a.layers[i].head_dim == b.layers[i].head_dim);
    CHECK(a.layers[i].num_key_value_heads == b.layers[i].num_key_value_heads);
    CHECK(a.layers[i].intermediate_size == b.layers[i].intermediate_size);
    CHECK(a.layers[i].kv_source == b.layers[i].kv_source);
    CHECK(a.layers[i].has_v_proj == b.layers[i].has_v_proj);
  }
}

}  // namespace gemma4::test
