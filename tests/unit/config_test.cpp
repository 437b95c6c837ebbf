#include "model/config/config.h"

#include <doctest/doctest.h>

#include "sampling/sampler.h"
#include "support/file_writers.h"
#include "unit/config_builders.h"

using namespace gemma4::test;
using gemma4::AttentionType;
using gemma4::ModelConfig;
using gemma4::SamplerOptions;
using gemma4::weights::Checkpoint;

TEST_CASE("config: a small E2B, resolved layer by layer") {
  const ModelConfig config = parse_with({});
  CHECK(config.model_type == "gemma4_text");
  CHECK(config.rms_norm_eps == 1e-6F);
  CHECK(config.final_logit_softcapping == 30.0F);
  CHECK(config.rope_full.partial_rotary_factor == 0.25);
  CHECK(config.rope_sliding.partial_rotary_factor == 1.0);
  CHECK(config.first_kv_shared_layer() == 3);
  REQUIRE(config.layers.size() == 5);
  const int head_dims[] = {8, 16, 8, 8, 16}, widths[] = {48, 48, 48, 96, 96}, sources[] = {0, 1, 2, 2, 1};
  for (std::size_t i = 0; i < 5; ++i) {
    CAPTURE(i);
    CHECK((config.layers[i].attention_type == AttentionType::full) == (head_dims[i] == 16));
    CHECK(config.layers[i].head_dim == head_dims[i]);
    CHECK(config.layers[i].num_key_value_heads == 2);
    CHECK(config.layers[i].intermediate_size == widths[i]);
    CHECK(config.layers[i].kv_source == sources[i]);
    CHECK(config.layers[i].has_v_proj);
  }
}

TEST_CASE("config: flat and nested say the same") {
  const ModelConfig flat = parse_with({});
  check_same(flat, parse_wrapped("gemma4", text_config()));
  Json unified = text_config();
  unified["model_type"] = "\"gemma4_unified_text\"";
  check_same(flat, parse_wrapped("gemma4_unified", unified));
}

TEST_CASE("config: missing keys take the defaults of the reference's classes") {
  const ModelConfig config = parse(R"({"model_type": "gemma4_text", "num_kv_shared_layers": null})");
  CHECK(config.vocab_size == 262144);
  CHECK(config.hidden_size == 2304);
  CHECK(config.num_hidden_layers == 30);
  CHECK(config.num_key_value_heads == 4);
  CHECK(config.sliding_window == 512);
  CHECK(config.hidden_size_per_layer_input == 256);
  CHECK(config.max_position_embeddings == 131072);
  CHECK_FALSE(config.final_logit_softcapping);
  CHECK(config.tie_word_embeddings);
  CHECK(config.rope_full.rope_theta == 1e6);
  CHECK(config.rope_full.partial_rotary_factor == 0.25);
  CHECK(config.layers[4].attention_type == AttentionType::sliding);
  CHECK(config.layers[5].attention_type == AttentionType::full);
  CHECK(config.layers[5].head_dim == 512);
  CHECK(config.bos_token_id == -1);
  CHECK(config.eos_token_ids.empty());
  const ModelConfig unified = parse(R"({"model_type": "gemma4_unified", "text_config": {}})");
  CHECK(unified.model_type == "gemma4_unified_text");
  CHECK(unified.sliding_window == 1024);
  CHECK(unified.hidden_size_per_layer_input == 0);
  CHECK(unified.vocab_size_per_layer_input == 0);
  CHECK(unified.max_position_embeddings == 262144);
}

TEST_CASE("config: the last layer is full attention, whatever the file says") {
  const ModelConfig config = parse_with(
      {{"layer_types",
        R"(["full_attention","sliding_attention","sliding_attention","sliding_attention","sliding_attention"])"}});
  CHECK(config.layers[4].attention_type == AttentionType::full);
  CHECK(config.layers[4].head_dim == 16);
  CHECK(config.layers[4].kv_source == 0);
}

TEST_CASE("config: heads of full layers, both spellings") {
  // num_global_key_value_heads counts only together with attention_k_eq_v
  CHECK(parse_with({{"num_global_key_value_heads", "1"}}).layers[1].num_key_value_heads == 2);
  const ModelConfig config = parse_with({{"num_global_key_value_heads", "1"}, {"attention_k_eq_v", "true"}});
  CHECK(config.num_global_key_value_heads == 1);
  CHECK(config.layers[1].num_key_value_heads == 1);
  CHECK_FALSE(config.layers[1].has_v_proj);
  CHECK_FALSE(config.layers[4].has_v_proj);
  CHECK(config.layers[0].num_key_value_heads == 2);
  CHECK(config.layers[0].has_v_proj);
  check_same(
      config,
      parse_with({{"attention_k_eq_v", "true"},
                  {"global_head_dim", ""},
                  {"per_layer_config",
                   R"({"1":{"head_dim":16,"num_key_value_heads":1},"04":{"head_dim":16,"num_key_value_heads":1}})"}}));
  // With per_layer_config, global_head_dim says nothing.
  CHECK(parse_with({{"per_layer_config", "{}"}}).layers[1].head_dim == 8);
  CHECK_ERROR(parse_with({{"per_layer_config", R"({"5":{}})"}}), "bad_config", "per_layer_config", "0 to 4", "\"5\"");
  CHECK_ERROR(parse_with({{"per_layer_config", R"({"x":{}})"}}), "bad_config", "\"x\"");
  CHECK_ERROR(parse_with({{"per_layer_config", R"({"1":{"sliding_window":3}})"}}), "unsupported",
              "per_layer_config.1.sliding_window");
  CHECK_ERROR(parse_with({{"per_layer_config", R"({"1":{"head_dim":32}})"}}), "unsupported", "layer 1", "head_dim 32",
              "(8)");
  CHECK_ERROR(parse_with({{"per_layer_config", R"({"4":{"head_dim":8,"num_key_value_heads":4}})"}}), "bad_config",
              "layer 4", "shares those of layer 1");
}

TEST_CASE("config: experts") {
  const ModelConfig config = parse_with(
      {{"enable_moe_block", "true"}, {"num_experts", "8"}, {"top_k_experts", "2"}, {"moe_intermediate_size", "12"}});
  CHECK(config.enable_moe_block);
  CHECK(config.moe_intermediate_size == 12);
  CHECK(parse_with({{"enable_moe_block", "true"},
                    {"num_experts", "8"},
                    {"top_k_experts", "2"},
                    {"expert_intermediate_size", "12"}})
            .moe_intermediate_size == 12);
  CHECK(parse_with({{"num_experts", "8"}, {"top_k_experts", "2"}}).num_experts == 0);
  CHECK_ERROR(parse_with({{"enable_moe_block", "true"}}), "bad_config", "num_experts", "got 0");
  CHECK_ERROR(
      parse_with(
          {{"enable_moe_block", "true"}, {"num_experts", "8"}, {"top_k_experts", "9"}, {"moe_intermediate_size", "1"}}),
      "bad_config", "top_k_experts", "1 to 8", "got 9");
}

TEST_CASE("config: values out of range are named") {
  const struct {
    const char* key;
    const char* value;
  } bad[] = {{"vocab_size", "0"},
             {"vocab_size", "16777217"},
             {"hidden_size", "-1"},
             {"hidden_size", "1000000"},
             {"num_hidden_layers", "0"},
             {"num_hidden_layers", "1025"},
             {"num_hidden_layers", "-2147483648"},
             {"intermediate_size", "0"},
             {"intermediate_size", "2000000000"},
             {"num_attention_heads", "0"},
             {"num_key_value_heads", "0"},
             {"num_key_value_heads", "3"},
             {"num_key_value_heads", "8"},
             {"head_dim", "0"},
             {"head_dim", "7"},
             {"head_dim", "2048"},
             {"global_head_dim", "9"},
             {"sliding_window", "0"},
             {"max_position_embeddings", "0"},
             {"num_kv_shared_layers", "5"},
             {"num_kv_shared_layers", "-1"},
             {"num_kv_shared_layers", "-2147483648"},
             {"hidden_size_per_layer_input", "-4"},
             {"vocab_size_per_layer_input", "0"},
             {"rms_norm_eps", "0.0"},
             {"rms_norm_eps", "-1.0"},
             {"rms_norm_eps", "1e-60"},
             {"rms_norm_eps", "1e60"},
             {"final_logit_softcapping", "0.0"},
             {"final_logit_softcapping", "-30"},
             {"vocab_size", "9999999999"}};
  for (const auto& [key, value] : bad) {
    CAPTURE(key);
    CAPTURE(value);
    const std::string name = std::string(key) == "global_head_dim" ? "head_dim" : key;
    CHECK_ERROR(parse_with({{key, value}}), "bad_config", "config.json", name);
  }
  CHECK_ERROR(parse_with({{"hidden_size", "\"32\""}}), "bad_format",
              "config.json: hidden_size: expected an integer, got a string");
  CHECK_ERROR(parse_with({{"hidden_size", "32.5"}}), "bad_format", "hidden_size");
  CHECK_ERROR(parse_with({{"use_double_wide_mlp", "1"}}), "bad_format", "use_double_wide_mlp", "expected a boolean");
  CHECK_ERROR(parse_with({{"num_kv_shared_layers", "4"}}), "bad_config", "num_kv_shared_layers 4", "layer 1 shares");
  CHECK_ERROR(parse_with({{"layer_types", R"(["full_attention"])"}}), "bad_config", "layer_types", "expected 5 entries",
              "got 1");
  CHECK_ERROR(parse_with({{"num_hidden_layers", "6"}}), "bad_config", "layer_types", "expected 6 entries");
}

TEST_CASE("config: NaN and infinity are no numbers of JSON") {
  for (const char* value : {"NaN", "Infinity", "-Infinity", "nan", "1e400"}) {
    CAPTURE(value);
    CHECK_ERROR(parse_with({{"rms_norm_eps", value}}), "bad_format", "config.json: not JSON: byte", "expected");
  }
}

TEST_CASE("config: what this library does not compute is refused by name") {
  CHECK_ERROR(parse_with({{"model_type", "\"gemma3_text\""}}), "unsupported", "model_type", "\"gemma3_text\"");
  CHECK_ERROR(parse_with({{"model_type", "\"gemma4_assistant\""}}), "unsupported", "\"gemma4_assistant\"");
  CHECK_ERROR(parse_with({{"model_type", ""}}), "bad_format", "model_type");
  CHECK_ERROR(parse(R"({"model_type": "gemma4"})"), "bad_config", "needs a text_config");
  CHECK_ERROR(parse(R"({"model_type": "gemma4", "text_config": {"model_type": "llama"}})"), "unsupported",
              "text_config.model_type", "\"llama\"");
  CHECK_ERROR(parse_with({{"quantization_config", R"({"quant_method":"compressed-tensors"})"}}), "unsupported",
              "quantization_config", "\"compressed-tensors\"");
  CHECK_ERROR(parse_wrapped("gemma4", text_config(), {{"quantization_config", R"({"quant_method":"gemma"})"}}),
              "unsupported", "\"gemma\"");
  CHECK_ERROR(parse_with({{"hidden_activation", "\"silu\""}}), "unsupported", "hidden_activation", "\"silu\"");
  CHECK_ERROR(parse_with({{"attention_bias", "true"}}), "unsupported", "attention_bias");
  CHECK_ERROR(parse_with({{"use_bidirectional_attention", "\"all\""}}), "unsupported", "use_bidirectional_attention",
              "\"all\"");
  CHECK(
      parse_with(
          {{"use_bidirectional_attention", "\"vision\""}, {"quantization_config", "null"}, {"attention_bias", "false"}})
          .hidden_size == 32);
  CHECK_ERROR(
      parse_with(
          {{"layer_types",
            R"(["linear_attention","full_attention","sliding_attention","sliding_attention","full_attention"])"}}),
      "unsupported", "layer_types[0]", "\"linear_attention\"");
}

TEST_CASE("config: rope parameters") {
  const auto rope = [](const char* sliding, const char* full) {
    return parse_with(
        {{"rope_parameters", std::string("{\"sliding_attention\":") + sliding + ",\"full_attention\":" + full + "}"}});
  };
  const char* plain = R"({"rope_type":"default","rope_theta":10000})";
  CHECK(rope(plain, R"({"rope_type":"default","rope_theta":5e5,"partial_rotary_factor":0.5})")
            .rope_full.partial_rotary_factor == 1.0);
  CHECK(rope(plain, R"({"rope_type":"proportional","rope_theta":5e5})").rope_full.partial_rotary_factor == 1.0);
  CHECK(rope(plain, R"({"rope_type":"proportional","rope_theta":5e5,"partial_rotary_factor":0.3})")
            .rope_full.partial_rotary_factor == 0.3);
  CHECK_ERROR(rope(plain, R"({"rope_type":"yarn","rope_theta":1})"), "unsupported",
              "rope_parameters.full_attention.rope_type", "\"yarn\"");
  CHECK_ERROR(rope(plain, R"({"rope_type":"proportional","rope_theta":1,"factor":8.0})"), "unsupported", "factor");
  CHECK_ERROR(rope(plain, R"({"rope_type":"default"})"), "bad_config", "rope_theta");
  CHECK_ERROR(rope(plain, R"({"rope_type":"default","rope_theta":0})"), "bad_config", "rope_theta", "full_attention",
              "got 0");
  CHECK_ERROR(rope(plain, R"({"rope_type":"proportional","rope_theta":1e6,"partial_rotary_factor":1.5})"), "bad_config",
              "partial_rotary_factor", "1.5");
  CHECK_ERROR(rope(plain, "null"), "bad_config", "full_attention");
  CHECK_ERROR(parse_with({{"rope_parameters", plain}}), "bad_config", "rope_parameters", "full_attention");
  CHECK_ERROR(parse_with({{"rope_scaling", R"({"type":"linear"})"}}), "unsupported", "rope_scaling");
}

TEST_CASE("config: token ids, generation_config.json first") {
  Json config = text_config();
  config["eos_token_id"] = "3";
  config["bos_token_id"] = "2";
  config["pad_token_id"] = "0";
  const ModelConfig plain = parse(object(config));
  CHECK(plain.eos_token_ids == std::vector<gemma4::TokenId>{3});
  CHECK(plain.bos_token_id == 2);
  CHECK(plain.pad_token_id == 0);
  const ModelConfig outer = parse_wrapped("gemma4", config, {{"eos_token_id", "[5,6]"}});
  CHECK(outer.eos_token_ids == std::vector<gemma4::TokenId>{5, 6});
  CHECK(outer.bos_token_id == 2);
  const ModelConfig generation =
      parse(object(config), R"({"eos_token_id":[1,99],"suppress_tokens":[7],"bos_token_id":null})");
  CHECK(generation.eos_token_ids == std::vector<gemma4::TokenId>{1, 99});
  CHECK(generation.suppress_token_ids == std::vector<gemma4::TokenId>{7});
  CHECK(generation.bos_token_id == 2);
  CHECK_ERROR(parse(object(config), R"({"eos_token_id":[1,100]})"), "bad_config",
              "generation_config.json: eos_token_id[1]", "0 to 99", "got 100");
  CHECK_ERROR(parse(object(config), R"({"eos_token_id":5000000000})"), "bad_config",
              "generation_config.json: eos_token_id", "got 5000000000");
  CHECK_ERROR(parse(object(config), R"({"suppress_tokens":[-1]})"), "bad_config", "suppress_tokens", "got -1");
  CHECK_ERROR(parse(object(config), R"({"eos_token_id":"<eos>"})"), "bad_format",
              "generation_config.json: eos_token_id");
  config["eos_token_id"] = "100";
  CHECK_ERROR(parse(object(config)), "bad_config", "config.json: eos_token_id", "got 100");
  CHECK_NOTHROW(parse(object(config), R"({"eos_token_id":1})"));
}

TEST_CASE("config: tie_word_embeddings") {
  CHECK_FALSE(parse_with({{"tie_word_embeddings", "false"}}).tie_word_embeddings);
  CHECK_FALSE(parse_wrapped("gemma4", text_config(), {{"tie_word_embeddings", "false"}}).tie_word_embeddings);
  Json text = text_config();
  text["tie_word_embeddings"] = "false";
  CHECK(parse_wrapped("gemma4", text, {{"tie_word_embeddings", "true"}}).tie_word_embeddings);
}

TEST_CASE("sampler defaults: generation_config.json") {
  const TempFolder folder;
  folder.write("config.json", object(text_config()));
  folder.write("model.safetensors", gemma4::test::safetensors_file("{}", ""));
  const auto parse_defaults = [&](const char* generation) {
    folder.write("generation_config.json", generation);
    const auto checkpoint = Checkpoint::open(folder.path());
    return gemma4::model::parse_sampler_defaults(*checkpoint, gemma4::model::parse_config(*checkpoint));
  };
  const SamplerOptions options = parse_defaults(
      R"({"temperature":0.5,"top_k":64,"top_p":0.95,"min_p":0.05,"repetition_penalty":1.1,"no_repeat_ngram_size":3,"do_sample":true,"suppress_tokens":[4]})");
  CHECK(options.temperature == 0.5F);
  CHECK(options.top_k == 64);
  CHECK(options.top_p == 0.95F);
  CHECK(options.min_p == 0.05F);
  CHECK(options.repetition_penalty == 1.1F);
  CHECK(options.no_repeat_ngram_size == 3);
  CHECK(options.suppress == std::vector<gemma4::TokenId>{4});
  CHECK(parse_defaults(R"({"temperature":0.5,"do_sample":false})").temperature == 0.0F);
  CHECK(parse_defaults(R"({"top_k":null})").top_k == SamplerOptions().top_k);
  CHECK(parse_defaults("{}").temperature == SamplerOptions().temperature);
  CHECK(parse_defaults(R"({"top_k":-1})").top_k == 0);
  CHECK(parse_defaults(R"({"top_k":0})").top_k == 0);
  CHECK(parse_defaults(R"({"top_k":64.0})").top_k == 64);
  CHECK(parse_defaults(R"({"top_k":5000000000})").top_k == 0);
  CHECK(parse_defaults(R"({"top_p":0})").top_p == 0.0F);
  CHECK(parse_defaults(R"({"top_p":1})").top_p == 1.0F);
  CHECK(parse_defaults(R"({"repetition_penalty":1.1})").penalty_last_n == -1);
  CHECK(parse_defaults(R"({"repetition_penalty":1})").penalty_last_n == SamplerOptions().penalty_last_n);
  CHECK_ERROR(parse_defaults(R"({"top_k":-2})"), "bad_config", "generation_config.json: top_k", "got -2");
  CHECK_ERROR(parse_defaults(R"({"top_k":1.5})"), "bad_config", "generation_config.json: top_k", "got 1.5");
  CHECK_ERROR(parse_defaults(R"({"no_repeat_ngram_size":1.5})"), "bad_config", "no_repeat_ngram_size", "got 1.5");
  CHECK_ERROR(parse_defaults(R"({"top_p":1.5})"), "bad_config", "generation_config.json: top_p", "1.5");
  CHECK_ERROR(parse_defaults(R"({"temperature":-1})"), "bad_config", "temperature");
  for (const char* key : {"temperature", "top_p", "min_p", "typical_p", "repetition_penalty", "top_k",
                          "no_repeat_ngram_size"}) {
    const auto with = [key](const char* value) { return std::string("{\"") + key + "\":" + value + "}"; };
    CHECK_ERROR(parse_defaults(with("\"1\"").c_str()), "bad_format", key, "generation_config.json");
    CHECK_ERROR(parse_defaults(with("[1]").c_str()), "bad_format", key, "generation_config.json");
    CHECK_ERROR(parse_defaults(with("-3").c_str()), "bad_config", key, "generation_config.json");
    CHECK_ERROR(parse_defaults(with("1e400").c_str()), "bad_format", "generation_config.json");
    CHECK_NOTHROW(parse_defaults(with("null").c_str()));
    // Whatever loads, a sampler takes.
    for (const char* value : {"0", "1", "0.0", "1e-300", "1e-20", "0.5", "1.0", "2", "1e30", "1e300"}) {
      SamplerOptions loaded;
      try {
        loaded = parse_defaults(with(value).c_str());
      } catch (const gemma4::Error& error) {
        CHECK(std::string(error.what()).find(key) != std::string::npos);
        continue;
      }
      INFO(std::string(key), " ", std::string(value));
      CHECK_NOTHROW(gemma4::sampling::validate(loaded));
    }
  }
  CHECK_ERROR(parse_defaults(R"({"temperature":NaN})"), "bad_format", "generation_config.json");
}
