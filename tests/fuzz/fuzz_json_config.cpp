// config.json to ModelConfig, and the two JSON readers against each other: what the fast one takes the syntax checker
// takes, what it refuses the checker refuses.
#include <string>
#include <string_view>

#include "formats/json.h"
#include "formats/json_syntax.h"
#include "fuzz_target.h"
#include "model/config/config.h"

using gemma4::formats::JsonDocument;
using gemma4::fuzz::require;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr gemma4::formats::JsonLimits kLimits = {1 << 20, 32};
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try {
    const JsonDocument document = JsonDocument::from_text(text, "fuzz", kLimits);
    require(!gemma4::formats::find_syntax_error(text, kLimits.max_depth),
            "the syntax checker takes what the parser takes");
    const gemma4::ModelConfig config = gemma4::model::parse_hf_config(document, &document);
    require(config.layers.size() == static_cast<std::size_t>(config.num_hidden_layers), "a config has all its layers");
    for (const gemma4::LayerConfig& layer : config.layers) {
      require(layer.kv_source >= 0 && layer.kv_source < config.num_hidden_layers,
              "keys come from a layer of the model");
      require(config.num_attention_heads % layer.num_key_value_heads == 0, "heads divide");
    }
  } catch (const gemma4::Error& error) {
    const std::string_view message = error.what();
    require(message.find("not JSON: ") == message.npos || message.find("byte ") != message.npos,
            "the syntax checker refuses what the parser refuses");
  }
  return 0;
}

std::vector<std::string> gemma4::fuzz::seeds() {
  const std::string text =
      R"({"model_type":"gemma4_text","vocab_size":100,"hidden_size":32,"num_hidden_layers":5,"intermediate_size":48,)"
      R"("num_attention_heads":4,"num_key_value_heads":2,"head_dim":8,"global_head_dim":16,"sliding_window":7,"rms_norm_eps":1e-06,)"
      R"("final_logit_softcapping":30.0,"num_kv_shared_layers":2,"use_double_wide_mlp":true,"hidden_size_per_layer_input":4,)"
      R"("layer_types":["sliding_attention","full_attention","sliding_attention","sliding_attention","full_attention"],)"
      R"("rope_parameters":{"sliding_attention":{"rope_type":"default","rope_theta":10000.0},)"
      R"("full_attention":{"rope_type":"proportional","partial_rotary_factor":0.25,"rope_theta":1000000.0}},"eos_token_id":[1,6]})";
  return {
      text, R"({"model_type":"gemma4","tie_word_embeddings":false,"text_config":)" + text + "}",
      R"({"model_type":"gemma4_text","num_hidden_layers":3,"vocab_size":10,"per_layer_config":{"2":{"head_dim":512,"num_key_value_heads":2}},)"
      R"("attention_k_eq_v":true,"enable_moe_block":true,"num_experts":8,"top_k_experts":2,"moe_intermediate_size":4,"bos_token_id":2,"suppress_tokens":[3]})",
      R"({"a":["\u00e9\n\\", -0.5e-3, null, {"b":[[1],[2,[]]]}], "c\u0041":"é"})"};
}
