// reply.h and ReplyParser: what a reply is made of.
#include "arguments.h"

namespace gemma4::python {

namespace {

py::list events_of(const std::vector<ChatEvent>& events) {
  py::list list;
  for (const ChatEvent& event : events) list.append(py::cast(event));
  return list;
}

void bind_events(py::module_& module) {
  py::class_<ToolCall> call(module, "ToolCall", "A function that the model wants called.");
  call.def_readonly("id", &ToolCall::id, "What the result refers to (tool_call_id).")
      .def_readonly("name", &ToolCall::name, "Of the function.")
      .def_property_readonly("arguments", [](const ToolCall& self) { return from_json(self.arguments); },
                             "A dict.")
      .def("__repr__", [](const ToolCall& self) {
        return py::str("ToolCall({!r}, {!r})").format(self.name, from_json(self.arguments));
      })
      .def(py::pickle([](const ToolCall& self) { return py::make_tuple(self.id, self.name, from_json(self.arguments)); },
                      [](const py::tuple& state) {
                        if (state.size() != 3) throw py::value_error("a pickle of another version");
                        return ToolCall{state[0].cast<std::optional<std::string>>(), state[1].cast<std::string>(),
                                        to_json(state[2], "arguments")};
                      }));
  becomes_json(call);

  py::class_<ChatEvent> event(module, "ChatEvent", "A step of a reply.");
  event.def_property_readonly(
          "type", [](const ChatEvent& self) { return to_string(self.type); },
          "\"content\", \"reasoning\", \"tool_call_started\" or \"tool_call\".")
      .def_readonly("text", &ChatEvent::text, "More of the answer or of the thought; else empty.")
      .def_readonly("index", &ChatEvent::index, "Of a tool call, from 0.")
      .def_property_readonly(
          "call",
          [](const ChatEvent& self) {
            const bool calls =
                self.type == ChatEvent::Type::tool_call || self.type == ChatEvent::Type::tool_call_started;
            return calls ? py::cast(self.call) : py::object(py::none());
          },
          "The ToolCall, or None; of \"tool_call_started\" its name alone counts.")
      .def_readonly("samples", &ChatEvent::samples,
                    "The SampledTokens that the text completes, of content and reasoning, where the sampler has logprobs on.")
      .def("__repr__", [](const ChatEvent& self) {
        if (self.type == ChatEvent::Type::tool_call) {
          return py::str("ChatEvent('tool_call', {}, {!r})").format(self.index, py::cast(self.call));
        }
        if (self.type == ChatEvent::Type::tool_call_started) {
          return py::str("ChatEvent('tool_call_started', {}, {!r})").format(self.index, self.call.name);
        }
        return py::str("ChatEvent({!r}, {!r})").format(to_string(self.type), self.text);
      });
  becomes_json(event);
  pickles(event, &ChatEvent::type, &ChatEvent::text, &ChatEvent::index, &ChatEvent::call, &ChatEvent::samples);
}

void bind_results(py::module_& module) {
  py::class_<Usage> usage(module, "Usage", "What a reply cost, in tokens.");
  usage.def_readonly("prompt_tokens", &Usage::prompt_tokens, "Of the whole conversation.")
      .def_readonly("reused_tokens", &Usage::reused_tokens, "Of those, the ones that were not computed again.")
      .def_readonly("completion_tokens", &Usage::completion_tokens, "Chosen, thoughts and markup among them.")
      .def_readonly("reasoning_tokens", &Usage::reasoning_tokens, "Of those, the ones of thoughts.")
      .def_readonly("prefill_seconds", &Usage::prefill_seconds, "Spent reading.")
      .def_readonly("decode_seconds", &Usage::decode_seconds, "Spent writing.")
      .def_readonly("time_to_first_token", &Usage::time_to_first_token,
                    "Seconds until the first token was chosen, reading included; 0 where none was.")
      .def_readonly("tokens_per_second", &Usage::tokens_per_second,
                    "Tokens after the first by the seconds they took; 0 where there were none.")
      .def("__repr__", [](const Usage& self) {
        return py::str("Usage(prompt_tokens={}, reused_tokens={}, completion_tokens={}, reasoning_tokens={})")
            .format(self.prompt_tokens, self.reused_tokens, self.completion_tokens, self.reasoning_tokens);
      });
  becomes_json(usage);
  pickles(usage, &Usage::prompt_tokens, &Usage::reused_tokens, &Usage::completion_tokens, &Usage::reasoning_tokens,
          &Usage::prefill_seconds, &Usage::decode_seconds, &Usage::time_to_first_token, &Usage::tokens_per_second);

  py::class_<Reply> reply(module, "Reply", "A model's answer.");
  reply.def_readonly("text", &Reply::text, "The answer, without thought and calls.")
      .def_readonly("reasoning", &Reply::reasoning, "The thought; empty when thinking is off.")
      .def_readonly("tool_calls", &Reply::tool_calls, "What the model wants called.")
      .def_property_readonly(
          "finish_reason", [](const Reply& self) { return to_string(self.finish_reason); },
          "\"stop\", \"tool_calls\", \"length\", \"cancelled\" or \"loop\".")
      .def_property_readonly(
          "stop_reason", [](const Reply& self) { return to_string(self.stop_reason); },
          "\"end_of_turn\", \"stop_sequence\", \"max_tokens\", \"context_full\", \"cancelled\" or \"loop\".")
      .def_readonly("stop", &Reply::stop, "The stop string that ended it, else empty.")
      .def_readonly("usage", &Reply::usage, "What it cost.")
      .def_readonly("samples", &Reply::samples,
                    "The SampledTokens that the text was made of, where the sampler has logprobs on; else empty.")
      .def_readonly("warnings", &Reply::warnings,
                    "What is to be known of it: tools whose calls are not held to their schemas, calls without a result that\n"
                    "left the conversation.")
      .def("to_message", [](const Reply& self) { return from_json(to_json(self.message())); },
           "The message that joined the conversation, as a dict: for a history of your own.")
      .def("__repr__", [](const Reply& self) {
        return py::str("Reply(finish_reason={!r}, text={!r}, tool_calls={!r})")
            .format(to_string(self.finish_reason), self.text, self.tool_calls);
      });
  becomes_json(reply);
  pickles(reply, &Reply::text, &Reply::reasoning, &Reply::tool_calls, &Reply::finish_reason, &Reply::stop_reason, &Reply::stop,
          &Reply::usage, &Reply::samples, &Reply::warnings);
}

void bind_parser(py::module_& module) {
  py::class_<ReplyParser>(module, "ReplyParser",
                          "A model's tokens to content, thoughts and tool calls, while they come. With tools, a call of another one is text.")
      .def(py::init([](const Tokenizer& tokenizer, const py::object& tools, bool show_thoughts,
                       bool begins_in_thought) {
             ReplyParserOptions options;
             options.tools = to_tools(tools);
             options.show_thoughts = show_thoughts;
             options.begins_in_thought = begins_in_thought;
             return ReplyParser(tokenizer, options);
           }),
           py::arg("tokenizer"), py::kw_only(), py::arg("tools") = py::none(), py::arg("show_thoughts") = true,
           py::arg("begins_in_thought") = false)
      .def(
          "push",
          [](ReplyParser& self, const py::object& ids) {
            if (PyIndex_Check(ids.ptr()) != 0) return events_of(self.push(to_token(ids)));
            return events_of(self.push(to_tokens(ids)));
          },
          py::arg("ids"), 
          "The events that a token, or several, complete. Markup is known by its ids, never by its spelling.")
      .def(
          "finish", [](ReplyParser& self, bool complete) { return events_of(self.finish(complete)); },
          py::arg("complete") = true, "The reply is over; complete=False where a limit cut it short.")
      .def_property_readonly("ended", &ReplyParser::ended, "An end token has come, or finish() was called.")
      .def_property_readonly("in_thought", &ReplyParser::in_thought, "The tokens so far end within a thought.");
}

}  // namespace

void bind_reply(py::module_& module) {
  bind_events(module);
  bind_results(module);
  bind_parser(module);
}

}  // namespace gemma4::python
