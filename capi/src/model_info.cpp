// gemma4_c/model.h: what a loaded model is.
#include "objects.h"

namespace gemma4::capi {
namespace {

template <class T>
Json numbers(const std::vector<T>& values) {
  Json json = Json::array();
  for (const T value : values) json.push_back(value);
  return json;
}

Json layers_of(const ModelConfig& config) {
  Json layers = Json::array();
  for (const LayerConfig& layer : config.layers) {
    layers.push_back(layer.attention_type == AttentionType::sliding ? "sliding_attention" : "full_attention");
  }
  return layers;
}

Json describe(const Model& model) {
  const ModelConfig& c = model.config();
  Json info = Json::object();
  info.set("model_type", c.model_type);
  info.set("vocab_size", c.vocab_size);
  info.set("hidden_size", c.hidden_size);
  info.set("num_hidden_layers", c.num_hidden_layers);
  info.set("intermediate_size", c.intermediate_size);
  info.set("num_attention_heads", c.num_attention_heads);
  info.set("num_key_value_heads", c.num_key_value_heads);
  info.set("num_global_key_value_heads", c.num_global_key_value_heads);
  info.set("head_dim", c.head_dim);
  info.set("global_head_dim", c.global_head_dim);
  info.set("sliding_window", c.sliding_window);
  info.set("max_position_embeddings", c.max_position_embeddings);
  info.set("num_kv_shared_layers", c.num_kv_shared_layers);
  info.set("hidden_size_per_layer_input", c.hidden_size_per_layer_input);
  info.set("enable_moe_block", c.enable_moe_block);
  info.set("num_experts", c.num_experts);
  info.set("top_k_experts", c.top_k_experts);
  info.set("layer_types", layers_of(c));
  info.set("bos_token_id", c.bos_token_id);
  info.set("eos_token_id", numbers(c.eos_token_ids));
  info.set("isa", model.isa());
  info.set("threads", model.threads());
  info.set("compute", to_string(model.compute()));

  std::uint64_t bytes = 0, parameters = 0;
  Json parts = Json::array();
  for (const ModelPart& part : model.parts()) {
    bytes += part.bytes;
    parameters += part.parameters;
    parts.push_back(Json::object({{"name", part.name}, {"bytes", part.bytes}, {"parameters", part.parameters}}));
  }
  info.set("bytes", bytes);
  info.set("parameters", parameters);
  info.set("parts", std::move(parts));
  return info;
}

/// An output that is a number of the model.
template <class T, class Read>
gemma4_status number(const gemma4_model* model, T* out, const char* name, Read&& read) {
  return guard([&] { required(out, name) = read(shared<ModelObject>(model)->model); });
}

}  // namespace
}  // namespace gemma4::capi

namespace capi = gemma4::capi;
using capi::guard;

gemma4_status gemma4_model_vocab_size(const gemma4_model* model, int32_t* out_vocab_size) {
  return capi::number(model, out_vocab_size, "out_vocab_size",
                      [](const gemma4::Model& m) { return m.config().vocab_size; });
}

gemma4_status gemma4_model_hidden_size(const gemma4_model* model, int32_t* out_hidden_size) {
  return capi::number(model, out_hidden_size, "out_hidden_size",
                      [](const gemma4::Model& m) { return m.config().hidden_size; });
}

gemma4_status gemma4_model_max_context_length(const gemma4_model* model, int32_t* out_tokens) {
  return capi::number(model, out_tokens, "out_tokens",
                      [](const gemma4::Model& m) { return m.config().max_position_embeddings; });
}

gemma4_status gemma4_model_threads(const gemma4_model* model, int32_t* out_threads) {
  return capi::number(model, out_threads, "out_threads", [](const gemma4::Model& m) { return m.threads(); });
}

gemma4_status gemma4_model_end_tokens(const gemma4_model* model, int32_t* tokens, size_t capacity, size_t* out_count) {
  return guard([&] {
    const auto object = capi::shared<capi::ModelObject>(model);
    capi::write_array<int32_t>(object->model.config().eos_token_ids, tokens, capacity, out_count, "tokens");
  });
}

gemma4_status gemma4_model_info(const gemma4_model* model, char* buffer, size_t capacity, size_t* out_length) {
  return guard([&] {
    capi::write_text(capi::describe(capi::shared<capi::ModelObject>(model)->model).dump(), buffer, capacity,
                     out_length);
  });
}

gemma4_status gemma4_model_tensors(const gemma4_model* model, char* buffer, size_t capacity, size_t* out_length) {
  return guard([&] {
    using gemma4::Json;
    Json tensors = Json::array();
    for (const gemma4::TensorInfo& tensor : capi::shared<capi::ModelObject>(model)->model.tensors()) {
      tensors.push_back(
          Json::object({{"name", tensor.name}, {"dtype", tensor.dtype}, {"shape", capi::numbers(tensor.shape)}}));
    }
    capi::write_text(tensors.dump(), buffer, capacity, out_length);
  });
}

gemma4_status gemma4_model_verify(const gemma4_model* model, gemma4_byte_progress progress, void* user_data,
                                  uint64_t* out_problems) {
  return guard([&] {
    uint64_t& n_problems = capi::required(out_problems, "out_problems");
    const auto problems = capi::shared<capi::ModelObject>(model)->model.verify(capi::progress_of(progress, user_data));
    n_problems = problems.size();
    if (problems.empty()) return;
    const gemma4::TensorProblem& first = problems.front();
    throw gemma4::Error(gemma4::ErrorCode::non_finite, "tensor \"" + first.name +
                                                           "\": " + std::to_string(first.non_finite) + " of " +
                                                           std::to_string(first.elements) + " values are not finite");
  });
}

gemma4_status gemma4_model_memory(const gemma4_model* model, const gemma4_session_options* options, int32_t part,
                                  uint64_t* out_bytes) {
  return guard([&] {
    uint64_t& bytes = capi::required(out_bytes, "out_bytes");
    const auto object = capi::shared<capi::ModelObject>(model);
    const gemma4::MemoryPlan plan =
        gemma4::memory_plan(object->model, capi::options_of<capi::SessionOptionsObject>(options));
    switch (part) {
      case GEMMA4_MEMORY_WEIGHTS:
        bytes = plan.weight_bytes;
        break;
      case GEMMA4_MEMORY_KV_CACHE:
        bytes = plan.kv_cache_bytes;
        break;
      case GEMMA4_MEMORY_WORK:
        bytes = plan.workspace_bytes;
        break;
      case GEMMA4_MEMORY_STATE:
        bytes = plan.state_bytes;
        break;
      case GEMMA4_MEMORY_CHECKPOINTS:
        bytes = plan.checkpoint_bytes;
        break;
      case GEMMA4_MEMORY_TOTAL:
        bytes = plan.total_bytes();
        break;
      default:
        capi::refuse("part: expected a GEMMA4_MEMORY_... number, got " + std::to_string(part));
    }
  });
}
