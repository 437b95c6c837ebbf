// model.h: Model.
#include <filesystem>
#include <regex>

#include "arguments.h"

namespace gemma4::python {

namespace {

Compute to_compute(const std::string& name) {
  for (const Compute compute : {Compute::automatic, Compute::f32, Compute::bf16}) {
    if (name == to_string(compute)) return compute;
  }
  throw Error(ErrorCode::invalid_argument, "compute: expected \"auto\", \"f32\" or \"bf16\", got \"" + name + "\"");
}

/// Loads with the arguments that all ways of loading have. `load` is called without the GIL.
template <class Load>
Model load_with(const py::object& threads, const std::string& compute, bool use_mmap, const py::object& progress,
                Load&& load) {
  ModelOptions options;
  options.compute = to_compute(compute);
  if (!threads.is_none()) options.threads = to_int(threads, "threads");
  options.use_mmap = use_mmap;
  const py::object shown = to_progress(progress, "Loading", true);
  Watch watch(shown, std::nullopt);
  options.progress = [&watch](std::uint64_t done, std::uint64_t total) {
    watch.step(done, total);
    if (watch.cancel().cancelled()) throw Error(ErrorCode::cancelled, "loading was cancelled");
  };
  Model model = run(watch, [&] { return load(options); });
  remember(model);
  return model;
}

Model load(const py::object& path, const py::object& threads, const std::string& compute, bool use_mmap,
           const py::object& progress) {
  const std::string name = to_path(path);
  try {
    return load_with(threads, compute, use_mmap, progress,
                     [&](const ModelOptions& options) { return Model::load(name, options); });
  } catch (const Error& error) {
    static const std::regex repository("[A-Za-z0-9][\\w.-]*/[A-Za-z0-9][\\w.-]*");
    if (error.code() != ErrorCode::not_found || !std::regex_match(name, repository) || std::filesystem::exists(name)) throw;
    throw Error(error.code(), std::string(error.what()) + "; a model of the Hugging Face hub is loaded by gemma4.from_pretrained(\"" +
                                  name + "\")");
  }
}

/// The bytes of an object for as long as the pointer lives, whichever thread lets go of it.
std::shared_ptr<const Py_buffer> hold_buffer(const py::object& object) {
  auto view = std::make_unique<Py_buffer>();
  if (PyObject_GetBuffer(object.ptr(), view.get(), PyBUF_SIMPLE) != 0) throw py::error_already_set();
  return {view.release(), [](const Py_buffer* held) {
            if (Py_IsInitialized() == 0) return;  // the interpreter is gone, and the bytes with it
            const py::gil_scoped_acquire gil;
            PyBuffer_Release(const_cast<Py_buffer*>(held));
            delete held;
          }};
}

Model load_bytes(const py::object& data, const py::object& threads, const std::string& compute, bool use_mmap,
                 const py::object& progress) {
  const std::shared_ptr<const Py_buffer> held = hold_buffer(data);
  const Span<const std::uint8_t> bytes(static_cast<const std::uint8_t*>(held->buf), static_cast<std::size_t>(held->len));
  return load_with(threads, compute, use_mmap, progress,
                   [&](const ModelOptions& options) { return Model::load(bytes, options, held); });
}

Model load_fd(const py::object& file, const py::object& threads, const std::string& compute, bool use_mmap,
              const py::object& progress) {
  const int fd = PyObject_AsFileDescriptor(file.ptr());
  if (fd == -1) throw py::error_already_set();
  return load_with(threads, compute, use_mmap, progress,
                   [&](const ModelOptions& options) { return Model::load_fd(fd, options); });
}

}  // namespace

void bind_model(py::module_& module) {
  const SessionOptions defaults;
  py::class_<Model> type(module, "Model", "Weights, config and tokenizer, loaded once. Immutable; any thread may use it.");
  type.def(py::init(&load), py::arg("path"), py::kw_only(), py::arg("threads") = py::none(),
           py::arg("compute") = "auto", py::arg("use_mmap") = true, py::arg("progress") = py::none(),
           "Loads a checkpoint folder (config.json, *.safetensors, tokenizer.json) or a GGUF file.\n\n"
           "threads: None for one per physical core. compute: \"auto\" has F32 activations and, where weights are 16 "
           "bit, an F16\n"
           "KV cache; \"f32\" an F32 cache; \"bf16\" bf16 activations in prefill, faster and less exact. "
           "use_mmap=False reads the\n"
           "file into memory. progress(done, total) is called while loading; True shows a bar, False none, None one in notebooks.")
      .def_static("from_bytes", &load_bytes, py::arg("data"), py::kw_only(), py::arg("threads") = py::none(),
                  py::arg("compute") = "auto", py::arg("use_mmap") = true, py::arg("progress") = py::none(),
                  "A GGUF file that lies in memory: bytes, or what has the buffer protocol (an mmap, an array). It is read in\n"
                  "place and kept alive as long as the model; what may be written must stay as it is. use_mmap=False copies\n"
                  "it. The other arguments are Model's.")
      .def_static("from_fd", &load_fd, py::arg("file"), py::kw_only(), py::arg("threads") = py::none(),
                  py::arg("compute") = "auto", py::arg("use_mmap") = true, py::arg("progress") = py::none(),
                  "A GGUF file that is open: a file descriptor, or what has fileno(). It is read from its beginning, and may be\n"
                  "closed afterwards. The other arguments are Model's.")
      .def_property_readonly("config", [](const Model& self) { return make_config(open(self).config()); },
                             "The hyper-parameters, spelled as in config.json.")
      .def_property_readonly("tokenizer", [](const Model& self) { return open(self).tokenizer(); },
                             "Its Tokenizer.")
      .def_property_readonly(
          "chat_form", [](const Model& self) { return to_string(open(self).chat_form()); },
          "The form of the chat template that it wants, \"large\" or \"small\".")
      .def_property_readonly(
          "sampler_defaults", [](const Model& self) { return to_dict(open(self).sampler_defaults()); },
          "Sampler's arguments as generation_config.json or the GGUF metadata give them, and the others' defaults.")
      .def(
          "sampler",
          [](const Model& self, const py::kwargs& changes) {
            const Model model = open(self);
            Sampler sampler(sampler_options(model.sampler_defaults(), changes, "sampler"));
            sampler.set_tokenizer(model.tokenizer());
            return share(std::move(sampler));
          },
          "A Sampler with the model's defaults; arguments as Sampler's, each replacing a default.")
      .def_property_readonly(
          "threads", [](const Model& self) { return open(self).threads(); }, "Threads of its pool.")
      .def_property_readonly(
          "compute", [](const Model& self) { return to_string(open(self).compute()); },
          "As asked for; \"f32\" also where the weights are F32.")
      .def_property_readonly(
          "isa", [](const Model& self) { return open(self).isa(); }, "The instruction set its kernels were chosen for.")
      .def(
          "memory_plan",
          [](const Model& self, const py::object& context_length, const py::object& prefill_chunk,
             const std::optional<std::string>& kv_dtype, const py::object& checkpoint_bytes) {
            return memory_plan(open(self), session_options(context_length, prefill_chunk, kv_dtype, checkpoint_bytes));
          },
          py::kw_only(), py::arg("context_length") = defaults.context_length,
          py::arg("prefill_chunk") = defaults.prefill_chunk, py::arg("kv_dtype") = py::none(),
          py::arg("checkpoint_bytes") = defaults.checkpoint_bytes,
          "What the model and one session made with these arguments take, in bytes; makes none. A table in a notebook.")
      .def(
          "close", [](Model& self) { const Model dropped = std::move(self); },
          "Lets go of the weights; they are freed when the last session over them is gone. `with` does it too.")
      .def("__copy__", [](const py::object& self) { return self; })
      .def("__deepcopy__", [](const py::object& self, const py::object&) { return self; }, py::arg("memo"))
      .def("__repr__", [](const Model& self) {
        if (!self.impl()) return py::str("<gemma4.Model, closed>");
        return py::str("<gemma4.Model {}, {} layers, hidden_size {}, {} threads, {}>")
            .format(self.config().model_type, self.config().num_hidden_layers, self.config().hidden_size,
                    self.threads(), self.isa());
      });
  closes(type);
  refuse_copies(type, "Model", "load it in each process; its weights are mapped and share memory", false);
}

}  // namespace gemma4::python
