// Json to and from Python's dicts and lists.
#include "arguments.h"

namespace gemma4::python {

namespace {

/// The way from the whole value to the part that is read: members by key, elements by number.
class Reader {
 public:
  explicit Reader(const std::string& name) : name_(name) {}

  Json read(py::handle value) {
    if (value.is_none()) return nullptr;
    if (py::isinstance<py::bool_>(value)) return value.cast<bool>();
    if (py::isinstance<py::str>(value)) return to_utf8(value, path());
    if (py::isinstance<py::bytes>(value)) return value.cast<std::string>();  // the library checks that it is UTF-8
    if (PyLong_Check(value.ptr()) != 0) return integer(value);
    if (PyFloat_Check(value.ptr()) != 0) return real(value);
    if (py::isinstance<py::list>(value) || py::isinstance<py::tuple>(value)) return inside(value, &Reader::elements);
    if (PyMapping_Check(value.ptr()) != 0 && py::hasattr(value, "items")) return inside(value, &Reader::members);
    throw JsonTypeError(path() + ": expected what JSON can hold, got " + std::string(py::str(py::type::of(value))));
  }

 private:
  struct Step {
    const void* container;
    std::string part;
  };

  /// "messages[0].content"; of a long way its beginning.
  std::string path() const {
    constexpr std::size_t kShown = 16;
    std::string text = name_;
    for (std::size_t i = 0; i < steps_.size() && i < kShown; ++i) text += steps_[i].part;
    return steps_.size() > kShown ? text + "..." : text;
  }

  [[noreturn]] void fail(const std::string& what) const { throw Error(ErrorCode::invalid_argument, path() + ": " + what); }

  Json integer(py::handle value) const {
    const auto text = py::reinterpret_steal<py::str>(PyLong_Type.tp_repr(value.ptr()));  // subclasses may write another
    if (!text) {
      PyErr_Clear();
      fail("expected an integer of fewer digits");
    }
    return Json::number(text.cast<std::string>());
  }

  Json real(py::handle value) const {
    try {
      return Json(value.cast<double>());
    } catch (const Error&) {
      fail("expected a finite number, got " + std::string(py::str(value)));
    }
  }

  Json inside(py::handle container, Json (Reader::*read)(py::handle)) {
    for (const Step& step : steps_) {
      if (step.container == container.ptr()) fail("expected a value that does not hold itself");
    }
    if (steps_.size() >= Json::kMaxDepth) fail("expected nesting of at most " + std::to_string(Json::kMaxDepth));
    steps_.push_back({container.ptr(), {}});
    Json json = (this->*read)(container);
    steps_.pop_back();
    return json;
  }

  Json elements(py::handle sequence) {
    std::vector<Json> elements;
    for (const py::handle element : sequence) {
      steps_.back().part = "[" + std::to_string(elements.size()) + "]";
      elements.push_back(read(element));
    }
    return Json::array(std::move(elements));
  }

  Json members(py::handle mapping) {
    const auto items = py::reinterpret_steal<py::list>(PyMapping_Items(mapping.ptr()));
    if (!items) throw py::error_already_set();
    std::vector<std::pair<std::string, Json>> members;
    for (const py::handle item : items) {
      const auto pair = py::reinterpret_borrow<py::tuple>(item);
      steps_.back().part.clear();
      if (!py::isinstance<py::str>(pair[0])) {
        throw JsonTypeError(path() + ": expected keys of str, got " + std::string(py::str(py::type::of(pair[0]))));
      }
      std::string key(to_utf8(pair[0], path() + ": a key"));
      steps_.back().part = "." + key;
      Json member = read(pair[1]);
      members.emplace_back(std::move(key), std::move(member));
    }
    return Json::object(std::move(members));
  }

  const std::string& name_;
  std::vector<Step> steps_;
};

}  // namespace

Json to_json(py::handle value, const std::string& path) { return Reader(path).read(value); }

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
