// grammar.h: Grammar and what makes one.
#include "arguments.h"

namespace gemma4::python {

py::object class_schema(const py::object& kind) {
  return py::module_::import("gemma4._tools").attr("class_schema")(kind);
}

std::string to_schema(const py::object& schema) {
  if (py::isinstance<py::str>(schema)) return std::string(to_utf8(schema, "schema"));
  if (py::isinstance<py::bytes>(schema)) return schema.cast<std::string>();
  const py::object of_class = class_schema(schema);
  return to_json(of_class.is_none() ? schema : of_class, "schema").dump();
}

namespace {

JsonSchemaOptions::Whitespace to_whitespace(const std::string& name) {
  if (name == "compact") return JsonSchemaOptions::Whitespace::compact;
  if (name == "bounded") return JsonSchemaOptions::Whitespace::bounded;
  throw Error(ErrorCode::invalid_argument, "whitespace: expected \"compact\" or \"bounded\", got \"" + name + "\"");
}

}  // namespace

void bind_grammar(py::module_& module) {
  py::class_<Grammar> type(module, "Grammar",
                           "A set of texts, from json_schema(), regex() or gbnf(). Immutable; any thread may use it.");
  type.def(
          "accepts",
          [](const Grammar& self, const std::string& text) {
            Watch watch(py::none(), std::nullopt);
            return run(watch, [&] { return self.accepts(text, &watch.cancel()); });
          },
          py::arg("text"), "True when the whole text (str, or bytes) is one of the grammar's.")
      .def(
          "accepts_prefix",
          [](const Grammar& self, const std::string& text) {
            Watch watch(py::none(), std::nullopt);
            return run(watch, [&] { return self.accepts_prefix(text, &watch.cancel()); });
          },
          py::arg("text"), "True when the text is the beginning of one of the grammar's, or one of them.")
      .def("__copy__", [](const py::object& self) { return self; })
      .def("__deepcopy__", [](const py::object& self, const py::object&) { return self; }, py::arg("memo"))
      .def("__repr__", [](const py::object&) { return py::str("<gemma4.Grammar>"); });
  refuse_copies(type, "Grammar", "send what it was made from, and compile it there", false);
  module.def(
      "json_schema",
      [](const py::object& schema, const std::string& whitespace, bool closed_objects) {
        const std::string text = to_schema(schema);
        JsonSchemaOptions options;
        options.whitespace = to_whitespace(whitespace);
        options.closed_objects = closed_objects;
        Watch watch(py::none(), std::nullopt);
        options.cancel = watch.cancel();
        return run(watch, [&] { return json_schema(text, options); });
      },
      py::arg("schema"), py::kw_only(), py::arg("whitespace") = "compact", py::arg("closed_objects") = false,
      "The JSON texts of a schema's instances: members in any order, each key once. schema: a dict, JSON text, a Pydantic\n"
      "model, a dataclass or a TypedDict.\n\n"
      "whitespace: \"compact\" (none) or \"bounded\" (around punctuation: nothing, a space, or a newline and up to\n"
      "20 spaces). closed_objects: objects that list their members have no others, where the schema does not speak of\n"
      "others and combines no schemas (allOf, oneOf, not, if ...). Raises Error with the path of what is wrong, or names\n"
      "the keyword that is unsupported.");
  module.def(
      "regex",
      [](const std::string& pattern) {
        Watch watch(py::none(), std::nullopt);
        return run(watch, [&] { return regex(pattern, &watch.cancel()); });
      },
      py::arg("pattern"), "The texts that a regular expression matches from end to end, as re.fullmatch().");
  module.def(
      "gbnf",
      [](const std::string& text) {
        Watch watch(py::none(), std::nullopt);
        return run(watch, [&] { return gbnf(text, &watch.cancel()); });
      },
      py::arg("text"), "The texts of the rule `root` of a grammar in GBNF notation.");
}

}  // namespace gemma4::python
