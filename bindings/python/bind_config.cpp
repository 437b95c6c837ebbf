// config.h: the model's hyper-parameters, under the names of config.json.
#include "arguments.h"

namespace gemma4::python {

namespace {

/// Read-only; values by attribute or by key.
struct Config {
  py::dict values;
};

py::object id_or_none(TokenId id) { return id < 0 ? py::object(py::none()) : py::object(py::int_(id)); }

py::dict rope(const RopeParameters& parameters) {
  py::dict out;
  out["rope_theta"] = parameters.rope_theta;
  out["partial_rotary_factor"] = parameters.partial_rotary_factor;
  return out;
}

py::dict to_dict(const ModelConfig& config) {
  py::list layer_types;
  for (const LayerConfig& layer : config.layers) {
    layer_types.append(layer.attention_type == AttentionType::full ? "full_attention" : "sliding_attention");
  }
  py::dict rope_parameters;
  rope_parameters["sliding_attention"] = rope(config.rope_sliding);
  rope_parameters["full_attention"] = rope(config.rope_full);

  py::dict out;
  out["model_type"] = config.model_type;
#define GEMMA4_FIELD(name) out[#name] = config.name
  GEMMA4_FIELD(vocab_size);
  GEMMA4_FIELD(hidden_size);
  GEMMA4_FIELD(num_hidden_layers);
  GEMMA4_FIELD(intermediate_size);
  GEMMA4_FIELD(num_attention_heads);
  GEMMA4_FIELD(num_key_value_heads);
  GEMMA4_FIELD(num_global_key_value_heads);
  GEMMA4_FIELD(head_dim);
  GEMMA4_FIELD(global_head_dim);
  GEMMA4_FIELD(sliding_window);
  GEMMA4_FIELD(max_position_embeddings);
  GEMMA4_FIELD(rms_norm_eps);
  GEMMA4_FIELD(final_logit_softcapping);
  out["layer_types"] = layer_types;
  out["rope_parameters"] = rope_parameters;
  GEMMA4_FIELD(num_kv_shared_layers);
  GEMMA4_FIELD(use_double_wide_mlp);
  GEMMA4_FIELD(attention_k_eq_v);
  GEMMA4_FIELD(hidden_size_per_layer_input);
  GEMMA4_FIELD(vocab_size_per_layer_input);
  GEMMA4_FIELD(enable_moe_block);
  GEMMA4_FIELD(num_experts);
  GEMMA4_FIELD(top_k_experts);
  GEMMA4_FIELD(moe_intermediate_size);
  GEMMA4_FIELD(tie_word_embeddings);
#undef GEMMA4_FIELD
  out["bos_token_id"] = id_or_none(config.bos_token_id);
  out["pad_token_id"] = id_or_none(config.pad_token_id);
  out["eos_token_id"] = config.eos_token_ids;
  out["suppress_tokens"] = config.suppress_token_ids;
  return out;
}

py::object copy(const py::handle& value) { return py::module_::import("copy").attr("deepcopy")(value); }

}  // namespace

py::object make_config(const ModelConfig& config) { return py::cast(Config{to_dict(config)}); }

void bind_config(py::module_& module) {
  py::class_<Config>(module, "Config",
                     "The model's hyper-parameters, spelled as in config.json; by attribute or by key.")
      .def("__getattr__",
           [](const Config& self, const std::string& name) {
             if (!self.values.contains(name)) throw py::attribute_error("config has no \"" + name + "\"");
             return copy(self.values[name.c_str()]);
           })
      .def("__getitem__",
           [](const Config& self, const std::string& name) {
             if (!self.values.contains(name)) throw py::key_error(name);
             return copy(self.values[name.c_str()]);
           })
      .def("__contains__", [](const Config& self, const py::object& name) { return self.values.contains(name); })
      .def("__iter__", [](const Config& self) { return py::iter(self.values); })
      .def("__len__", [](const Config& self) { return self.values.size(); })
      .def("__dir__",
           [](const py::object& self) {
             py::list names = py::module_::import("builtins").attr("object").attr("__dir__")(self);
             for (const auto& item : self.cast<const Config&>().values) names.append(item.first);
             return names;
           })
      .def("__repr__", [](const Config& self) { return py::str("Config({})").format(self.values); })
      .def(
          "to_dict", [](const Config& self) { return copy(self.values); }, "A dict of its own.");
}

}  // namespace gemma4::python
