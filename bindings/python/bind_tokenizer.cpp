// tokenizer.h: Tokenizer and TokenDecoder.
#include "arguments.h"

namespace gemma4::python {

namespace {

/// UTF-8 of a str, or the bytes as they are.
std::string_view to_text(const py::object& text) {
  if (py::isinstance<py::bytes>(text)) {
    char* data = nullptr;
    py::ssize_t size = 0;
    if (PyBytes_AsStringAndSize(text.ptr(), &data, &size) != 0) throw py::error_already_set();
    return {data, static_cast<std::size_t>(size)};
  }
  if (!py::isinstance<py::str>(text)) throw py::type_error("text: expected str or bytes");
  return to_utf8(text, "text");
}

py::object id_or_none(TokenId id) { return id < 0 ? py::object(py::none()) : py::object(py::int_(id)); }

}  // namespace

void bind_tokenizer(py::module_& module) {
  py::class_<Tokenizer> type(module, "Tokenizer", "Gemma's tokenizer. Immutable; any thread may use it.");
  type.def_static(
          "load",
          [](const py::object& path) {
            const std::string name = to_path(path);
            const Released released;
            return Tokenizer::load(name);
          },
          py::arg("path"), "Reads a tokenizer.json (or a folder that holds one) or the tokenizer of a GGUF file.")
      .def(
          "encode",
          [](const Tokenizer& self, const py::object& text, bool add_bos, bool parse_special) {
            const std::string_view view = to_text(text);
            const Released released;
            return self.encode(view, add_bos, parse_special);
          },
          py::arg("text"), py::arg("add_bos") = false, py::arg("parse_special") = false,
          "Text to ids. `add_bos` prepends <bos>; `parse_special` lets the text of control tokens become those tokens.")
      .def(
          "decode",
          [](const Tokenizer& self, const py::object& ids, bool skip_special) {
            return self.decode(to_tokens(ids), skip_special);
          },
          py::arg("ids"), py::arg("skip_special") = false, "Ids to text; `skip_special` leaves control tokens out. A model's tokenizer also takes the ids beyond vocab_size that\n"
          "the model has: they have no text.")
      .def_property_readonly("vocab_size", &Tokenizer::vocab_size, "Number of ids, the largest id + 1.")
      .def_property_readonly(
          "bos_token", [](const Tokenizer& self) { return id_or_none(self.bos_token()); }, "Its id, or None.")
      .def(
          "token_to_id",
          [](const Tokenizer& self, const py::object& token) { return id_or_none(self.token_to_id(to_text(token))); },
          py::arg("token"), "The id of a vocabulary entry by its exact text, or None.")
      .def(
          "id_to_token", [](const Tokenizer& self, const py::object& id) { return self.id_to_token(to_token(id)); },
          py::arg("id"), "The entry's text as stored (a space is U+2581).")
      .def(
          "is_special", [](const Tokenizer& self, const py::object& id) { return self.is_special(to_token(id)); },
          py::arg("id"), "True for control tokens (\"<bos>\", \"<|turn>\", ...).")
      .def("__len__", &Tokenizer::vocab_size)
      .def("__copy__", [](const py::object& self) { return self; })
      .def("__deepcopy__", [](const py::object& self, const py::object&) { return self; }, py::arg("memo"))
      .def("__repr__",
           [](const Tokenizer& self) { return py::str("<gemma4.Tokenizer of {} tokens>").format(self.vocab_size()); });
  refuse_copies(type, "Tokenizer", "Tokenizer.load() reads it again", false);

  py::class_<TokenDecoder>(module, "TokenDecoder", "Decodes a stream of ids; never emits half a character.")
      .def(py::init<const Tokenizer&, bool>(), py::arg("tokenizer"), py::kw_only(), py::arg("skip_special") = false,
           "skip_special leaves control tokens out.")
      .def(
          "push", [](TokenDecoder& self, const py::object& id) { return self.push(to_token(id)); }, py::arg("id"),
          "The text that `id` completes; may be empty.")
      .def("finish", &TokenDecoder::finish, "What is still held back; the decoder is then as new.");
}

}  // namespace gemma4::python
