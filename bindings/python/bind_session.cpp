// session.h: Session; logits come back as NumPy arrays of their own.
#include "arguments.h"

namespace gemma4::python {

namespace {

SharedSession make(const Model& model, const py::object& context_length, const py::object& prefill_chunk,
                   const std::optional<std::string>& kv_dtype, const py::object& checkpoint_bytes,
                   bool skip_shared_layers) {
  SessionOptions options = session_options(context_length, prefill_chunk, kv_dtype, checkpoint_bytes);
  options.skip_shared_layers = skip_shared_layers;
  const Model opened = open(model);
  const Released released;
  return share(Session(opened, options));
}

/// What prefill's arguments ask for; at most one of them may be given.
Want want(bool logits, bool all_logits, bool hidden_states, bool rows) {
  if (int{all_logits} + int{hidden_states} + int{rows} + int{!logits} > 1) {
    throw Error(ErrorCode::invalid_argument,
                "prefill: expected at most one of logits=False, all_logits, hidden_states and rows");
  }
  if (all_logits) return Want::all_logits;
  if (hidden_states) return Want::hidden_states;
  if (rows) return Want::rows;
  return logits ? Want::last_logits : Want::nothing;
}

py::object prefill(Guarded<Session>& self, const py::object& ids, bool logits, bool all_logits, bool hidden_states,
                   const py::object& rows, const std::optional<CancelToken>& cancel, const py::object& progress) {
  const std::vector<TokenId> tokens = to_tokens(ids);
  PrefillOptions options;
  options.want = want(logits, all_logits, hidden_states, !rows.is_none());
  if (options.want == Want::rows) {
    for (const py::handle row : rows) options.rows.push_back(to_int(row, "rows"));
  }
  Watch watch(to_progress(progress, "Reading"), cancel);
  options.cancel = watch.cancel();
  options.progress = watch.progress();

  const Claim session(self);
  const Span<const float> out = run(watch, [&] { return session->prefill(tokens, options); });
  switch (options.want) {
    case Want::nothing:
      return py::none();
    case Want::last_logits:
      return to_numpy(out);
    default: {
      const std::size_t n = options.want == Want::rows ? options.rows.size() : tokens.size();
      const std::size_t columns = n == 0 ? 0 : out.size() / n;
      std::shared_ptr<float> values = session->take_rows();
      return values ? to_numpy(std::move(values), n, columns) : to_numpy(out, n);
    }
  }
}

py::array_t<float> decode(Guarded<Session>& self, const py::object& id, const std::optional<CancelToken>& cancel) {
  const TokenId token = to_token(id);
  Watch watch(py::none(), cancel);
  const Claim session(self);
  return to_numpy(run(watch, [&] { return session->decode(token, watch.cancel()); }));
}

void truncate(Guarded<Session>& self, const py::object& n) {
  const std::int64_t keep = to_integer(n, "truncate");
  if (keep < 0) throw Error(ErrorCode::invalid_argument, "truncate: expected n >= 0, got " + std::to_string(keep));
  const Claim session(self);
  const Released released;
  session->truncate(static_cast<std::size_t>(keep));
}

std::vector<float> score_of(Guarded<Session>& self, const py::object& ids, const std::optional<CancelToken>& cancel) {
  const std::vector<TokenId> continuation = to_tokens(ids);
  Watch watch(py::none(), cancel);
  const Claim session(self);
  return run(watch, [&] { return score(*session, continuation, watch.cancel()); });
}

std::vector<TokenId> tokens(Guarded<Session>& self) {
  const Claim session(self);
  const Span<const TokenId> held = session->tokens();
  return {held.begin(), held.end()};
}

}  // namespace

SessionOptions session_options(const py::object& context_length, const py::object& prefill_chunk,
                               const std::optional<std::string>& kv_dtype, const py::object& checkpoint_bytes) {
  SessionOptions options;
  options.context_length = to_int(context_length, "context_length");
  options.prefill_chunk = to_int(prefill_chunk, "prefill_chunk");
  options.kv_dtype = to_kv_dtype(kv_dtype);
  const std::int64_t budget = to_integer(checkpoint_bytes, "checkpoint_bytes");
  if (budget < 0)
    throw Error(ErrorCode::invalid_argument, "checkpoint_bytes: expected at least 0, got " + std::to_string(budget));
  options.checkpoint_bytes = static_cast<std::uint64_t>(budget);
  return options;
}

void bind_session(py::module_& module) {
  const SessionOptions defaults;
  py::class_<Guarded<Session>, SharedSession> type(
      module, "Session",
      "One sequence of tokens over a model, and its KV cache. One thread at a time; keeps its model alive.");
  type.def(py::init(&make), py::arg("model"), py::kw_only(), py::arg("context_length") = defaults.context_length,
           py::arg("prefill_chunk") = defaults.prefill_chunk, py::arg("kv_dtype") = py::none(),
           py::arg("checkpoint_bytes") = defaults.checkpoint_bytes,
           py::arg("skip_shared_layers") = defaults.skip_shared_layers,
           "context_length: tokens it can hold, memory for them is committed here; more than the model's\n"
           "max_position_embeddings is allowed and logged as a warning. prefill_chunk: tokens computed together.\n"
           "kv_dtype: \"f32\", \"f16\" or \"bf16\"; None: f32 when computing in F32, else f16.")
      .def("prefill", &prefill, py::arg("ids"), py::kw_only(), py::arg("logits") = true, py::arg("all_logits") = false,
           py::arg("hidden_states") = false, py::arg("rows") = py::none(), py::arg("cancel") = py::none(),
           py::arg("progress") = py::none(),
           "Appends tokens. Returns float32 logits of the last one, [vocab_size]; with all_logits=True of every one,\n"
           "[n_tokens, vocab_size]; with rows=[...] of those, [rows, vocab_size]; with hidden_states=True what the "
           "final norm\n"
           "gives, [n_tokens, hidden_size]; with logits=False nothing. The arrays are the caller's own. progress(done, total) is\n"
           "called with tokens, between layers and after each chunk; True shows a bar. Ctrl-C, cancel and an exception of\n"
           "progress end it between layers, and the session is then at its last completed chunk.")
      .def("decode", &decode, py::arg("id"), py::kw_only(), py::arg("cancel") = py::none(),
           "Appends one token and returns its logits, float32 [vocab_size]. Ctrl-C and cancel end it between layers, and the\n"
           "session is then as before.")
      .def_property_readonly(
          "position", [](Guarded<Session>& self) { return Claim(self)->position(); }, "Tokens held.")
      .def_property_readonly(
          "context_length", [](Guarded<Session>& self) { return self.open().context_length(); }, "Tokens it can hold.")
      .def_property_readonly("tokens", &tokens, "The tokens held, oldest first.")
      .def("truncate", &truncate, py::arg("n"), "Keeps the first n tokens; position becomes n.")
      .def(
          "checkpoint", [](Guarded<Session>& self) { return Claim(self)->checkpoint(); },
          "Keeps truncate(position) possible for ever. False where checkpoint_bytes cannot hold it.")
      .def(
          "fork",
          [](Guarded<Session>& self) {
            const Claim session(self);
            const Released released;
            return share(session->fork());
          },
          "A second session with the same tokens; both go on independently.")
      .def_property_readonly(
          "model", [](Guarded<Session>& self) { return self.open().model(); }, "The Model it was made over.")
      .def_property_readonly(
          "memory_bytes", [](Guarded<Session>& self) { return self.open().memory_bytes(); },
          "Bytes of KV cache, logits and history committed. Work space is the model's: Model.memory_plan().")
      .def("close", &close<Session>, "Frees its memory; later calls are an Error. `with` does it too.")
      .def("__repr__", [](Guarded<Session>& self) {
        if (self.closed) return py::str("<gemma4.Session, closed>");
        if (self.busy) return py::str("<gemma4.Session of {} tokens, busy>").format(self.value.context_length());
        return py::str("<gemma4.Session {} of {} tokens, {} MiB>")
            .format(self.value.position(), self.value.context_length(), self.value.memory_bytes() >> 20);
      });
  closes(type);
  refuse_copies(type, "Session", "Session.fork() makes a second one");
  module.def("score", &score_of, py::arg("session"), py::arg("continuation_ids"), py::kw_only(), py::arg("cancel") = py::none(),
             "How likely the model finds these tokens after what the session holds: the natural log of each one's probability\n"
             "after all before it, a list. Worked out on a fork: the session is untouched. The sum scores an answer.");
}

}  // namespace gemma4::python
