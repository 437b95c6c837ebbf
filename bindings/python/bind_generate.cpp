// generate.h: generate() as an iterator of pieces.
#include "arguments.h"

namespace gemma4::python {

namespace {

/// Keeps its session and sampler alive; claims both for each step only, so that their properties can be read between.
class Generator {
 public:
  Generator(SharedSession session, SharedSampler sampler, const py::object& ids, GenerateOptions options,
            py::object progress)
      : session_(std::move(session)), sampler_(std::move(sampler)), watch_(std::move(progress), options.cancel) {
    options.cancel = watch_.cancel();
    options.prefill_progress = watch_.progress();
    const std::vector<TokenId> prompt = to_tokens(ids);
    const Claim session_claim(*session_);
    const Claim sampler_claim(*sampler_);
    generation_.emplace(*session_claim, prompt, *sampler_claim, options);
  }

  /// Looks up before every token: text may be held back for many of them, and list() never looks up itself.
  Piece next() {
    if (ended_) throw py::stop_iteration();
    const Claim session(*session_);
    const Claim sampler(*sampler_);
    try {
      for (;;) {
        check_signals();
        std::optional<Piece> piece = run(watch_, [this] { return generation_->step(); });
        if (!piece) break;
        if (!piece->text.empty() || !piece->token_ids.empty()) return std::move(*piece);
      }
    } catch (...) {
      ended_ = true;
      throw;
    }
    ended_ = true;
    result_ = generation_->result();
    throw py::stop_iteration();
  }

  /// From any thread: the step that runs ends within a layer, and the generation with it.
  void cancel() { watch_.cancel().cancel(); }
  void close() {
    if (ended_) return;
    const Claim session(*session_);
    ended_ = true;
  }

  const std::optional<GenerateResult>& result() const { return result_; }
  const SharedSampler& sampler() const { return sampler_; }
  py::str repr() const {
    if (result_) return py::str("<gemma4.Generation, ended: {}>").format(to_string(result_->reason));
    return py::str(ended_ ? "<gemma4.Generation, closed>" : "<gemma4.Generation, running>");
  }

 private:
  SharedSession session_;
  SharedSampler sampler_;
  Watch watch_;
  std::optional<Generation> generation_;  // declared after what it uses, so gone before
  std::optional<GenerateResult> result_;
  bool ended_ = false;
};

std::unique_ptr<Generator> start(const SharedSession& session, const py::object& ids, SharedSampler sampler,
                                 const py::object& max_tokens, const py::object& stop,
                                 const std::optional<CancelToken>& cancel, bool show_special, bool stop_at_eos,
                                 const py::object& progress, const std::optional<Grammar>& grammar) {
  GenerateOptions options;
  if (grammar) {
    const Tokenizer tokenizer = session->open().model().tokenizer();
    const Released released;
    options.constraint = std::make_shared<GrammarMatcher>(*grammar, tokenizer);
  }
  options.max_tokens = to_max_tokens(max_tokens);
  options.stop = to_stop(stop);
  options.cancel = cancel;
  options.show_special = show_special;
  options.stop_at_eos = stop_at_eos;
  if (!sampler) sampler = share(Sampler(session->open().model().sampler_defaults()));
  return std::make_unique<Generator>(session, std::move(sampler), ids, std::move(options), to_progress(progress, "Reading"));
}

std::vector<float> score_of(Guarded<Session>& self, const py::object& ids, const std::optional<CancelToken>& cancel) {
  const std::vector<TokenId> tokens = to_tokens(ids);
  Watch watch(py::none(), cancel);
  const Claim session(self);
  return run(watch, [&] { return score(*session, tokens, watch.cancel()); });
}

py::dict to_dict(const GenerateResult& result) {
  py::dict dict;
  dict["reason"] = to_string(result.reason);
  dict["text"] = result.text;
  dict["token_ids"] = result.token_ids;
  dict["stop"] = result.stop;
  dict["prefill_seconds"] = result.prefill_seconds;
  dict["decode_seconds"] = result.decode_seconds;
  dict["time_to_first_token"] = result.time_to_first_token;
  dict["tokens_per_second"] = result.tokens_per_second;
  return dict;
}

}  // namespace

void bind_generate(py::module_& module) {
  py::class_<GenerateResult> result(module, "GenerateResult", "How a generation went.");
  result
      .def_property_readonly(
          "reason", [](const GenerateResult& self) { return to_string(self.reason); },
          "\"end_of_turn\", \"stop_sequence\", \"max_tokens\", \"context_full\" or \"cancelled\".")
      .def_readonly("text", &GenerateResult::text, "The pieces' text, joined.")
      .def_readonly("token_ids", &GenerateResult::token_ids, "The pieces' tokens, joined.")
      .def_readonly("stop", &GenerateResult::stop, "The stop string that ended it, else empty.")
      .def_readonly("prefill_seconds", &GenerateResult::prefill_seconds, "Spent on the prompt.")
      .def_readonly("decode_seconds", &GenerateResult::decode_seconds, "Spent on the answer.")
      .def_readonly("time_to_first_token", &GenerateResult::time_to_first_token,
                    "Seconds until the first token was chosen, the prompt included; 0 where none was.")
      .def_readonly("tokens_per_second", &GenerateResult::tokens_per_second,
                    "Tokens after the first by the seconds they took; 0 where there were none.")
      .def("__repr__", [](const GenerateResult& self) {
        return py::str("GenerateResult(reason={!r}, text={!r})").format(to_string(self.reason), self.text);
      })
      .def("to_dict", [](const GenerateResult& self) { return to_dict(self); }, "As a dict that the json module writes.")
      .def("to_json", [](const GenerateResult& self) { return to_json(to_dict(self), "value").dump(); }, "As JSON text.");
  pickles(result, &GenerateResult::reason, &GenerateResult::text, &GenerateResult::token_ids, &GenerateResult::stop,
          &GenerateResult::prefill_seconds, &GenerateResult::decode_seconds, &GenerateResult::time_to_first_token,
          &GenerateResult::tokens_per_second);

  py::class_<Generator> type(module, "Generation",
                             "An iterator of Piece, for `for` and `async for`. The first step reads the prompt.");
  type.def("__iter__", [](const py::object& self) { return self; })
      .def("__next__", &Generator::next)
      .def("cancel", &Generator::cancel, "Ends it from any thread, within one layer of the model; the session stays usable.")
      .def("close", &Generator::close, "No more pieces. `with` does it too.")
      .def("__repr__", &Generator::repr)
      .def_property_readonly("result", &Generator::result,
                             "The GenerateResult once the iterator is exhausted; None before.")
      .def_property_readonly("sampler", &Generator::sampler, "The Sampler it draws with; its seed repeats the answer.");
  closes(type);
  refuse_copies(type, "Generation", "Session.fork() and generate() begin a second one");

  module.def("score", &score_of, py::arg("session"), py::arg("ids"), py::kw_only(), py::arg("cancel") = py::none(),
             "The natural log of each id's probability after what the session holds and the ids before it, as a list of\n"
             "floats. Works on a fork: the session stays as it is. Ctrl-C and cancel end it between layers.");
  module.def(
      "generate", &start, py::arg("session"), py::arg("ids"), py::kw_only(), py::arg("sampler") = py::none(),
      py::arg("max_tokens") = py::none(), py::arg("stop") = py::tuple(), py::arg("cancel") = py::none(),
      py::arg("show_special") = false, py::arg("stop_at_eos") = true, py::arg("progress") = py::none(),
      py::arg("grammar") = py::none(),
      "Appends `ids` to the session and yields the answer piece by piece. Until it has ended or is dropped, the session and the\n"
      "sampler are its own: where others have worked with them meanwhile, the next step raises Error.\n\n"
      "sampler: None for the model's defaults. max_tokens: None until the context is full. stop: texts that end the\n"
      "answer, never emitted. cancel: a CancelToken. show_special: emit the text of control tokens.\n"
      "progress(done, total) is called while the prompt is read; True shows a bar. grammar: what the answer is held to,\n"
      "from json_schema(), regex() or gbnf(); it ends when the grammar's text is complete and nothing can follow.");
}

}  // namespace gemma4::python
