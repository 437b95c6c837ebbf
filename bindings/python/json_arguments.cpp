// Json to and from Python's dicts and lists.
#include "arguments.h"

namespace gemma4::python {

namespace {

[[noreturn]] void fail(const std::string& path, const std::string& what) {
  throw Error(ErrorCode::invalid_argument, path + ": " + what);
}

std::string text_of(py::handle value, const std::string& path) {
  if (py::isinstance<py::bytes>(value)) return value.cast<std::string>();  // the library checks that it is UTF-8
  py::ssize_t size = 0;
  const char* const data = PyUnicode_AsUTF8AndSize(value.ptr(), &size);
  if (data == nullptr) {
    PyErr_Clear();
    fail(path, "expected text that UTF-8 can hold, got a lone surrogate");
  }
  return {data, static_cast<std::size_t>(size)};
}

Json convert(py::handle value, std::size_t depth, const std::string& path);

Json convert_mapping(py::handle value, std::size_t depth, const std::string& path) {
  std::vector<std::pair<std::string, Json>> members;
  const auto items = py::reinterpret_steal<py::list>(PyMapping_Items(value.ptr()));
  if (!items) throw py::error_already_set();
  for (const py::handle item : items) {
    const auto pair = py::reinterpret_borrow<py::tuple>(item);
    if (!py::isinstance<py::str>(pair[0])) {
      throw py::type_error(path + ": expected keys of str, got " + std::string(py::str(py::type::of(pair[0]))));
    }
    std::string key = text_of(pair[0], path + ": a key");
    Json member = convert(pair[1], depth + 1, path + "." + key);
    members.emplace_back(std::move(key), std::move(member));
  }
  return Json::object(std::move(members));
}

Json convert(py::handle value, std::size_t depth, const std::string& path) {
  if (depth > Json::kMaxDepth) fail(path, "expected nesting of at most " + std::to_string(Json::kMaxDepth));
  if (value.is_none()) return nullptr;
  if (py::isinstance<py::bool_>(value)) return value.cast<bool>();
  if (py::isinstance<py::str>(value) || py::isinstance<py::bytes>(value)) return text_of(value, path);
  if (PyLong_Check(value.ptr()) != 0) return Json::number(std::string(py::str(py::int_(value.cast<py::int_>()))));
  if (PyFloat_Check(value.ptr()) != 0) {
    try {
      return Json(value.cast<double>());
    } catch (const Error&) {
      fail(path, "expected a finite number, got " + std::string(py::str(value)));
    }
  }
  if (py::isinstance<py::list>(value) || py::isinstance<py::tuple>(value)) {
    std::vector<Json> elements;
    for (const py::handle element : value) {
      elements.push_back(convert(element, depth + 1, path + "[" + std::to_string(elements.size()) + "]"));
    }
    return Json::array(std::move(elements));
  }
  if (PyMapping_Check(value.ptr()) != 0 && py::hasattr(value, "items")) return convert_mapping(value, depth, path);
  throw py::type_error(path + ": expected what JSON can hold, got " + std::string(py::str(py::type::of(value))));
}

}  // namespace

Json to_json(py::handle value, const std::string& path) { return convert(value, 0, path); }

Json to_tools(const py::object& tools) {
  return to_json(py::module_::import("gemma4._tools").attr("tool_list")(tools), "tools");
}

py::object from_json(const Json& value) {
  switch (value.type()) {
    case Json::Type::null:
      return py::none();
    case Json::Type::boolean:
      return py::bool_(value.as_bool());
    case Json::Type::integer: {
      PyObject* const number = PyLong_FromString(value.number_text().c_str(), nullptr, 10);
      if (number != nullptr) return py::reinterpret_steal<py::object>(number);
      PyErr_Clear();  // more digits than Python converts
      return py::float_(value.as_double());
    }
    case Json::Type::real:
      return py::float_(value.as_double());
    case Json::Type::string:
      return py::str(value.as_string());
    case Json::Type::array: {
      py::list list;
      for (const Json& element : value.values()) list.append(from_json(element));
      return list;
    }
    case Json::Type::object:
      break;
  }
  py::dict dict;
  for (std::size_t i = 0; i < value.size(); ++i) dict[py::str(value.keys()[i])] = from_json(value[i]);
  return dict;
}

}  // namespace gemma4::python
