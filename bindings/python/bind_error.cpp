// error.h: gemma4.Error, with the code's name as `.code`.
#include "arguments.h"

namespace gemma4::python {

namespace {

PyObject* error_type = nullptr;  // these live as long as the process
PyObject* json_type_error = nullptr;

void raise(const Error& error, PyObject* type) {
  const std::string message = error.what();  // may quote bytes of a file that are not UTF-8
  const auto text = py::reinterpret_steal<py::object>(
      PyUnicode_DecodeUTF8(message.data(), static_cast<py::ssize_t>(message.size()), "replace"));
  const py::object instance = py::reinterpret_borrow<py::object>(type)(text);
  instance.attr("code") = to_string(error.code());
  PyErr_SetObject(type, instance.ptr());
}

}  // namespace

void bind_error(py::module_& module) {
  py::dict members;
  members["code"] = "";
  error_type =
      PyErr_NewExceptionWithDoc("gemma4.Error",
                                "Everything the library can fail with. `code` names what went wrong (\"bad_format\", "
                                "\"context_full\", ...); the text says what was expected, what came, and where.",
                                PyExc_Exception, members.ptr());
  if (error_type == nullptr) throw py::error_already_set();
  module.attr("Error") = py::reinterpret_borrow<py::object>(error_type);
  const py::tuple bases = py::make_tuple(module.attr("Error"), py::reinterpret_borrow<py::object>(PyExc_TypeError));
  json_type_error = PyErr_NewExceptionWithDoc("gemma4._gemma4._JsonTypeError", "An Error: a value of a type that JSON lacks.",
                                              bases.ptr(), nullptr);
  if (json_type_error == nullptr) throw py::error_already_set();
  module.attr("_JsonTypeError") = py::reinterpret_borrow<py::object>(json_type_error);
  py::register_local_exception_translator([](std::exception_ptr pointer) {
    try {
      if (pointer) std::rethrow_exception(pointer);
    } catch (const JsonTypeError& error) {
      raise(error, json_type_error);
    } catch (const Error& error) {
      raise(error, error_type);
    }
  });
}

}  // namespace gemma4::python
