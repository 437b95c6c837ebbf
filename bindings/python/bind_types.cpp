// types.h: what a generation yields, and CancelToken.
#include "arguments.h"

namespace gemma4::python {

void bind_types(py::module_& module) {
  py::class_<CancelToken>(
      module, "CancelToken",
      "Ends work from another thread. Once cancelled it stays cancelled: use a new one for new work.")
      .def(py::init<>())
      .def("cancel", &CancelToken::cancel, "Ends the work it was given to, within one layer of the model.")
      .def_property_readonly("cancelled", &CancelToken::cancelled);

  py::class_<TokenProbability>(module, "TokenProbability", "One candidate of a sampling step.")
      .def_readonly("token", &TokenProbability::token)
      .def_readonly("logprob", &TokenProbability::logprob);

  py::class_<SampledToken>(module, "SampledToken", "What a sampling step chose.")
      .def_readonly("token", &SampledToken::token)
      .def_readonly("logprob", &SampledToken::logprob)
      .def_readonly("top", &SampledToken::top);

  py::class_<Piece>(module, "Piece", "One step of a streamed answer: text that is final, and the tokens it completes.")
      .def_readonly("text", &Piece::text)
      .def_readonly("token_ids", &Piece::token_ids)
      .def_readonly("samples", &Piece::samples, "One SampledToken per token id where the sampler has logprobs on.")
      .def("__repr__", [](const Piece& piece) {
        return py::str("Piece(text={!r}, token_ids={!r})").format(piece.text, piece.token_ids);
      });
}

}  // namespace gemma4::python
