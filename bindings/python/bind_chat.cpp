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

}  // namespace

void bind_chat(py::module_& module) {
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
