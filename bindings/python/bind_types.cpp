// types.h: what a generation yields, and CancelToken.
#include "arguments.h"

namespace gemma4::python {

void bind_types(py::module_& module) {
  py::class_<CancelToken>(
      module, "CancelToken",
      "Ends work from another thread. Once cancelled it stays cancelled: use a new one for new work.")
      .def(py::init<>(), "A new one; give it to as many calls as it shall end.")
      .def("cancel", &CancelToken::cancel, "Ends the work it was given to, within one layer of the model.")
      .def_property_readonly("cancelled", &CancelToken::cancelled, "Whether cancel() was called.")
      .def("__repr__", [](const CancelToken& self) {
        return py::str(self.cancelled() ? "<gemma4.CancelToken, cancelled>" : "<gemma4.CancelToken>");
      });

  py::class_<TokenProbability>(module, "TokenProbability", "One candidate of a sampling step.")
      .def_readonly("token", &TokenProbability::token, "Its id.")
      .def_readonly("logprob", &TokenProbability::logprob, "Natural log of the softmax over the raw logits.")
      .def("__repr__", [](const TokenProbability& self) {
        return py::str("TokenProbability(token={}, logprob={:.4f})").format(self.token, self.logprob);
      });

  py::class_<SampledToken>(module, "SampledToken", "What a sampling step chose.")
      .def_readonly("token", &SampledToken::token, "Its id.")
      .def_readonly("logprob", &SampledToken::logprob, "0 unless the sampler has logprobs on.")
      .def_readonly("top", &SampledToken::top, "The most likely tokens, best first, where the sampler has top_logprobs.")
      .def("__repr__", [](const SampledToken& self) {
        return py::str("SampledToken(token={}, logprob={:.4f}, top={!r})").format(self.token, self.logprob, self.top);
      });

  py::class_<Piece>(module, "Piece", "One step of a streamed answer: text that is final, and the tokens it completes.")
      .def_readonly("text", &Piece::text, "Valid on its own; may be empty.")
      .def_readonly("token_ids", &Piece::token_ids, "May be empty.")
      .def_readonly("samples", &Piece::samples, "One SampledToken per token id where the sampler has logprobs on.")
      .def("__repr__", [](const Piece& piece) {
        return py::str("Piece(text={!r}, token_ids={!r})").format(piece.text, piece.token_ids);
      });
}

}  // namespace gemma4::python
