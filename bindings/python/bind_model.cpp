// model.h: Model.
#include "arguments.h"

namespace gemma4::python {

namespace {

Compute to_compute(const std::string& name) {
  for (const Compute compute : {Compute::automatic, Compute::f32, Compute::bf16}) {
    if (name == to_string(compute)) return compute;
  }
  throw Error(ErrorCode::invalid_argument, "compute: expected \"auto\", \"f32\" or \"bf16\", got \"" + name + "\"");
}

Model load(const py::object& path, const py::object& threads, const std::string& compute, bool use_mmap,
           const py::object& progress) {
  ModelOptions options;
  options.compute = to_compute(compute);
  if (!threads.is_none()) options.threads = to_int(threads, "threads");
  options.use_mmap = use_mmap;
  const std::string name = to_path(path);
  Watch watch(progress, std::nullopt);
  if (!progress.is_none())
    options.progress = [&watch](std::uint64_t done, std::uint64_t total) { watch.step(done, total); };
  return run(watch, [&] { return Model::load(name, options); });
}

}  // namespace

void bind_model(py::module_& module) {
  py::class_<Model>(module, "Model", "Weights, config and tokenizer, loaded once. Immutable; any thread may use it.")
      .def(py::init(&load), py::arg("path"), py::kw_only(), py::arg("threads") = py::none(),
           py::arg("compute") = "auto", py::arg("use_mmap") = true, py::arg("progress") = py::none(),
           "Loads a checkpoint folder (config.json, *.safetensors, tokenizer.json) or a GGUF file.\n\n"
           "threads: None for one per physical core. compute: \"auto\" has F32 activations and, where weights are 16 "
           "bit, an F16\n"
           "KV cache; \"f32\" an F32 cache; \"bf16\" bf16 activations in prefill, faster and less exact. "
           "use_mmap=False reads the\n"
           "file into memory. progress(done, total) is called while loading.")
      .def_property_readonly("config", [](const Model& self) { return make_config(self.config()); })
      .def_property_readonly("tokenizer", [](const Model& self) { return self.tokenizer(); })
      .def_property_readonly(
          "sampler_defaults", [](const Model& self) { return to_dict(self.sampler_defaults()); },
          "Sampler's arguments as generation_config.json or the GGUF metadata give them, and the others' defaults.")
      .def(
          "sampler",
          [](const Model& self, const py::kwargs& changes) {
            return share(Sampler(sampler_options(self.sampler_defaults(), changes, "sampler")));
          },
          "A Sampler with the model's defaults; arguments as Sampler's, each replacing a default.")
      .def_property_readonly("threads", &Model::threads, "Threads of its pool.")
      .def_property_readonly(
          "compute", [](const Model& self) { return to_string(self.compute()); },
          "As asked for; \"f32\" also where the weights are F32.")
      .def_property_readonly("isa", &Model::isa, "The instruction set its kernels were chosen for.")
      .def("__repr__", [](const Model& self) {
        return py::str("<gemma4.Model {}, {} layers, hidden_size {}, {} threads, {}>")
            .format(self.config().model_type, self.config().num_hidden_layers, self.config().hidden_size,
                    self.threads(), self.isa());
      });
}

}  // namespace gemma4::python
