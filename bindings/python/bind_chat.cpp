// chat.h: rendering of conversations.
#include "arguments.h"

namespace gemma4::python {

namespace {

ChatForm to_form(const std::string& name) {
  if (name == "large") return ChatForm::large;
  if (name == "small") return ChatForm::small;
  throw Error(ErrorCode::invalid_argument, "form: expected \"large\" or \"small\", got \"" + name + "\"");
}

RenderOptions render_options(const std::string& form, bool enable_thinking, bool add_generation_prompt,
                             bool preserve_thinking) {
  RenderOptions options;
  options.form = to_form(form);
  options.enable_thinking = enable_thinking;
  options.add_generation_prompt = add_generation_prompt;
  options.preserve_thinking = preserve_thinking;
  return options;
}

/// [{"type": ..., "text": ...}], tool calls with index, name and arguments.
py::list events_of(const std::vector<ChatEvent>& events) {
  py::list list;
  for (const ChatEvent& event : events) list.append(py::cast(event));
  return list;
}

void bind_events(py::module_& module) {
  py::class_<ToolCall>(module, "ToolCall", "A function that the model wants called.")
      .def_readonly("id", &ToolCall::id)
      .def_readonly("name", &ToolCall::name)
      .def_property_readonly("arguments", [](const ToolCall& self) { return from_json(self.arguments); })
      .def("__repr__", [](const ToolCall& self) {
        return py::str("ToolCall({!r}, {!r})").format(self.name, from_json(self.arguments));
      });
  py::class_<ChatEvent>(module, "ChatEvent", "A step of a reply.")
      .def_property_readonly(
          "type", [](const ChatEvent& self) { return to_string(self.type); },
          "\"content\", \"reasoning\", \"tool_call_started\" or \"tool_call\".")
      .def_readonly("text", &ChatEvent::text)
      .def_readonly("index", &ChatEvent::index, "Of a tool call, from 0.")
      .def_property_readonly(
          "call",
          [](const ChatEvent& self) {
            const bool calls =
                self.type == ChatEvent::Type::tool_call || self.type == ChatEvent::Type::tool_call_started;
            return calls ? py::cast(self.call) : py::object(py::none());
          },
          "The ToolCall, or None; of \"tool_call_started\" its name alone counts.")
      .def("__repr__", [](const ChatEvent& self) {
        if (self.type == ChatEvent::Type::tool_call) {
          return py::str("ChatEvent('tool_call', {}, {!r})").format(self.index, py::cast(self.call));
        }
        if (self.type == ChatEvent::Type::tool_call_started) {
          return py::str("ChatEvent('tool_call_started', {}, {!r})").format(self.index, self.call.name);
        }
        return py::str("ChatEvent({!r}, {!r})").format(to_string(self.type), self.text);
      });
}

}  // namespace

void bind_chat(py::module_& module) {
  bind_events(module);
  py::class_<ReplyParser>(module, "ReplyParser",
                          "A model's tokens to content, thoughts and tool calls, while they come.")
      .def(py::init([](const Tokenizer& tokenizer, const py::object& tools, bool show_thoughts,
                       bool begins_in_thought) {
             ReplyParserOptions options;
             options.tools = to_json(tools, "tools");
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
          py::arg("ids"), "The events that a token, or several, complete. Markup is known by its ids, never by its spelling.")
      .def(
          "finish", [](ReplyParser& self, bool complete) { return events_of(self.finish(complete)); },
          py::arg("complete") = true, "The reply is over; complete=False where a limit cut it short.")
      .def_property_readonly("ended", &ReplyParser::ended)
      .def_property_readonly("in_thought", &ReplyParser::in_thought);

  module.def(
      "render_chat",
      [](const py::object& messages, const py::object& tools, const std::string& form, bool enable_thinking,
         bool add_generation_prompt, bool preserve_thinking) {
        return render_chat(parse_messages(to_json(messages, "messages")), to_json(tools, "tools"),
                           render_options(form, enable_thinking, add_generation_prompt, preserve_thinking));
      },
      py::arg("messages"), py::arg("tools") = py::none(), py::arg("form") = "large", py::arg("enable_thinking") = false,
      py::arg("add_generation_prompt") = true, py::arg("preserve_thinking") = false,
      "The text that Gemma 4's chat template (revision r4) makes of a conversation.\n\n"
      "messages: dicts as of the chat completions API. tools: {\"type\": \"function\", \"function\": {...}} or the\n"
      "functions alone. form: \"large\" (12B, 26B-A4B, 31B) or \"small\" (E2B, E4B). Do not encode the result with\n"
      "parse_special=True: encode_chat gives tokens that no text can forge.");
  module.def(
      "encode_chat",
      [](const Tokenizer& tokenizer, const py::object& messages, const py::object& tools, const std::string& form,
         bool enable_thinking, bool add_generation_prompt, bool preserve_thinking) {
        return encode_chat(tokenizer, parse_messages(to_json(messages, "messages")), to_json(tools, "tools"),
                           render_options(form, enable_thinking, add_generation_prompt, preserve_thinking));
      },
      py::arg("tokenizer"), py::arg("messages"), py::arg("tools") = py::none(), py::arg("form") = "large",
      py::arg("enable_thinking") = false, py::arg("add_generation_prompt") = true, py::arg("preserve_thinking") = false,
      "The tokens of a conversation; arguments as render_chat's. Control tokens stand only where the template writes\n"
      "them, whatever the texts spell.");
}

}  // namespace gemma4::python
