// types.h: what a generation yields, and CancelToken.
#include "arguments.h"

namespace gemma4::python {

namespace {

py::dict to_dict(const TokenProbability& one);
py::dict to_dict(const SampledToken& sampled);

template <class T>
py::list to_dicts(const std::vector<T>& values) {
  py::list list;
  for (const T& value : values) list.append(to_dict(value));
  return list;
}

py::dict to_dict(const TokenProbability& one) {
  py::dict dict;
  dict["token"] = one.token;
  dict["logprob"] = one.logprob;
  return dict;
}

py::dict to_dict(const SampledToken& sampled) {
  py::dict dict;
  dict["token"] = sampled.token;
  dict["logprob"] = sampled.logprob;
  dict["top"] = to_dicts(sampled.top);
  return dict;
}

py::dict to_dict(const Piece& piece) {
  py::dict dict;
  dict["text"] = piece.text;
  dict["token_ids"] = piece.token_ids;
  dict["samples"] = to_dicts(piece.samples);
  return dict;
}

template <class T, class... Fields>
void is_value(py::class_<T>& type, Fields T::*... fields) {
  pickles(type, fields...);
  type.def("to_dict", [](const T& self) { return to_dict(self); }, "As a dict that the json module writes.");
  type.def("to_json", [](const T& self) { return to_json(to_dict(self), "value").dump(); }, "As JSON text.");
}

}  // namespace

void bind_types(py::module_& module) {
  py::class_<CancelToken>(
      module, "CancelToken",
      "Ends work from another thread, or from a handler of Python's signal module, which runs between the layers of what the\n"
      "main thread has the library do. Once cancelled it stays cancelled: use a new one for new work.")
      .def(py::init<>(), "A new one; give it to as many calls as it shall end.")
      .def("cancel", &CancelToken::cancel, "Ends the work it was given to, within one layer of the model.")
      .def_property_readonly("cancelled", &CancelToken::cancelled, "Whether cancel() was called.")
      .def("__repr__", [](const CancelToken& self) {
        return py::str(self.cancelled() ? "<gemma4.CancelToken, cancelled>" : "<gemma4.CancelToken>");
      });

  py::class_<TokenProbability> probability(module, "TokenProbability", "One candidate of a sampling step.");
  probability.def_readonly("token", &TokenProbability::token, "Its id.")
      .def_readonly("logprob", &TokenProbability::logprob, "Natural log of the softmax over the raw logits.")
      .def("__repr__", [](const TokenProbability& self) {
        return py::str("TokenProbability(token={}, logprob={:.4f})").format(self.token, self.logprob);
      });
  is_value(probability, &TokenProbability::token, &TokenProbability::logprob);

  py::class_<SampledToken> sampled(module, "SampledToken", "What a sampling step chose.");
  sampled.def_readonly("token", &SampledToken::token, "Its id.")
      .def_readonly("logprob", &SampledToken::logprob, "0 unless the sampler has logprobs on.")
      .def_readonly("top", &SampledToken::top, "The most likely tokens, best first, where the sampler has top_logprobs.")
      .def("__repr__", [](const SampledToken& self) {
        return py::str("SampledToken(token={}, logprob={:.4f}, top={!r})").format(self.token, self.logprob, self.top);
      });
  is_value(sampled, &SampledToken::token, &SampledToken::logprob, &SampledToken::top);

  py::class_<Piece> piece(module, "Piece", "One step of a streamed answer: text that is final, and the tokens it completes.");
  piece.def_readonly("text", &Piece::text, "Valid on its own; may be empty.")
      .def_readonly("token_ids", &Piece::token_ids, "May be empty.")
      .def_readonly("samples", &Piece::samples, "One SampledToken per token id where the sampler has logprobs on.")
      .def("__repr__", [](const Piece& self) {
        return py::str("Piece(text={!r}, token_ids={!r})").format(self.text, self.token_ids);
      });
  is_value(piece, &Piece::text, &Piece::token_ids, &Piece::samples);
}

}  // namespace gemma4::python
