// _gemma4: the C++ API as a Python module. Each bind_*.cpp registers one public header.
#include "arguments.h"

PYBIND11_MODULE(_gemma4, module) {
  namespace py = pybind11;
  namespace python = gemma4::python;
  module.doc() = "Runs Google's Gemma 4 models on ordinary CPUs.";
  module.attr("__version__") = GEMMA4_VERSION;
  static_cast<void>(py::array_t<float>(0));  // imports NumPy's C interface now, not first in some thread
  python::bind_exit();
  python::bind_fork();
  python::bind_error(module);
  python::bind_types(module);
  python::bind_config(module);
  python::bind_tokenizer(module);
  python::bind_sampler(module);
  python::bind_model(module);
  python::bind_session(module);
  python::bind_memory_plan(module);
  python::bind_grammar(module);
  python::bind_generate(module);
  python::bind_reply(module);
  python::bind_chat(module);
}
