// chat.h: rendering, and Chat.
#include "arguments.h"

namespace gemma4::python {

namespace {

ChatForm to_form(const std::string& name) {
  if (name == "large") return ChatForm::large;
  if (name == "small") return ChatForm::small;
  throw Error(ErrorCode::invalid_argument, "form: expected \"large\" or \"small\", got \"" + name + "\"");
}

/// "none", "calls" or "all"; False and True are the first two.
PreserveThinking to_preserve_thinking(const py::object& preserve) {
  if (py::isinstance<py::bool_>(preserve)) return preserve.cast<bool>();
  if (py::isinstance<py::str>(preserve)) {
    const auto name = preserve.cast<std::string>();
    for (const PreserveThinking::Mode mode : {PreserveThinking::none, PreserveThinking::calls, PreserveThinking::all}) {
      if (name == to_string(mode)) return mode;
    }
  }
  throw Error(ErrorCode::invalid_argument, "preserve_thinking: expected \"none\", \"calls\", \"all\", False or True, got " +
                                               py::repr(preserve).cast<std::string>());
}

RenderOptions render_options(const std::optional<std::string>& form, bool enable_thinking, bool add_generation_prompt,
                             const py::object& preserve_thinking) {
  RenderOptions options;
  if (form) options.form = to_form(*form);
  options.enable_thinking = enable_thinking;
  options.add_generation_prompt = add_generation_prompt;
  options.preserve_thinking = to_preserve_thinking(preserve_thinking);
  return options;
}

/// False, True, or a number of tokens.
Thinking to_thinking(const py::object& thinking) {
  if (py::isinstance<py::bool_>(thinking)) return thinking.cast<bool>() ? Thinking::on() : Thinking::off();
  if (thinking.is_none()) return Thinking::off();
  const int budget = to_int(thinking, "thinking");
  if (budget < 0)
    throw Error(ErrorCode::invalid_argument,
                "thinking: expected False, True or a number of tokens, got " + std::to_string(budget));
  return budget == 0 ? Thinking::off() : Thinking::up_to(budget);
}

bool to_bool(const py::object& value, const char* name) {
  if (py::isinstance<py::bool_>(value)) return value.cast<bool>();
  throw py::type_error(std::string(name) + ": expected True, False or None, got " + py::repr(value).cast<std::string>());
}

/// "auto", "none", "required", the name of a tool, or {"type": "function", "function": {"name": ...}}.
ToolChoice to_tool_choice(const py::object& choice) {
  if (choice.is_none()) return {};
  if (py::isinstance<py::str>(choice)) {
    const auto name = choice.cast<std::string>();
    if (name == "auto") return {};
    if (name == "none") return {ToolChoice::Mode::none, {}};
    if (name == "required") return {ToolChoice::Mode::required, {}};
    return {ToolChoice::Mode::named, name};
  }
  const Json json = to_json(choice, "tool_choice");
  const Json* const function = json.find("function");
  const Json* const name = (function != nullptr ? *function : json).find("name");
  if (name == nullptr || !name->is_string())
    throw Error(ErrorCode::invalid_argument, "tool_choice.function.name: expected the name of a tool");
  return {ToolChoice::Mode::named, name->as_string()};
}

/// A Grammar; what class_schema() takes; {"type": "json_schema" | "json_object" | "regex" | "text"} as
/// the chat completions API has them; any other dict is a schema. Objects of schemas are closed
/// (JsonSchemaOptions::closed_objects).
std::shared_ptr<const Grammar> to_response_format(const py::object& format) {
  if (format.is_none()) return nullptr;
  if (py::isinstance<Grammar>(format)) return std::make_shared<const Grammar>(format.cast<Grammar>());
  const auto schema = [](const py::object& value) {
    JsonSchemaOptions options;
    options.closed_objects = true;
    Watch watch(py::none(), std::nullopt);
    options.cancel = watch.cancel();
    const std::string text = to_schema(value);
    return run(watch, [&] { return std::make_shared<const Grammar>(json_schema(text, options)); });
  };
  if (const py::object of_class = class_schema(format); !of_class.is_none()) return schema(of_class);
  if (!py::isinstance<py::dict>(format)) {
    throw Error(ErrorCode::invalid_argument,
                "response_format: expected a Grammar, a schema as a dict, a Pydantic model, a dataclass or a TypedDict, got " +
                    py::str(py::type::of(format)).cast<std::string>());
  }
  const py::dict dict = format;
  const py::object type = dict.attr("get")("type");
  const std::string name = py::isinstance<py::str>(type) ? type.cast<std::string>() : std::string();
  if (name == "text") return nullptr;
  if (name == "json_object") return schema(py::str("{\"type\":\"object\"}"));
  if (name == "regex" && dict.contains("pattern")) return std::make_shared<const Grammar>(regex(py::str(dict["pattern"]).cast<std::string>()));
  if (name == "json_schema") {
    const py::object inner = dict.contains("json_schema") ? dict["json_schema"] : py::object(dict);
    if (py::isinstance<py::dict>(inner) && inner.contains("schema")) return schema(inner["schema"]);
    throw Error(ErrorCode::invalid_argument, "response_format.json_schema.schema: expected a schema, found none");
  }
  return schema(dict);
}

/// A user's text, one message, or several.
std::vector<Message> to_messages(const py::object& messages) {
  if (py::isinstance<py::str>(messages) || py::isinstance<py::bytes>(messages)) {
    return parse_messages(Json::array({Json::object({{"role", "user"}, {"content", to_json(messages, "messages")}})}));
  }
  Json json = to_json(messages, "messages");
  return parse_messages(json.is_object() ? Json::array({std::move(json)}) : json);
}

using SharedChat = std::shared_ptr<Guarded<Chat>>;

SharedChat make_chat(const Model& model, const py::object& tools, const py::object& thinking,
                     const py::str& system, const std::optional<std::string>& form, const py::object& preserve_thinking,
                     const SharedSampler& sampler, const py::object& loop_tokens, const py::object& context_length,
                     const py::object& prefill_chunk, const std::optional<std::string>& kv_dtype,
                     const py::object& checkpoint_bytes, bool hold_calls, const py::object& messages) {
  ChatOptions options;
  if (!messages.is_none()) options.messages = parse_messages(to_json(messages, "messages"));
  options.hold_calls = hold_calls;
  options.tools = to_tools(tools);
  options.thinking = to_thinking(thinking);
  options.system = to_utf8(system, "system");
  if (form) options.form = to_form(*form);
  options.preserve_thinking = to_preserve_thinking(preserve_thinking);
  if (sampler) options.sampler = sampler->value.options();
  options.loop_tokens = to_int(loop_tokens, "loop_tokens");
  options.session.context_length = to_int(context_length, "context_length");
  options.session.prefill_chunk = to_int(prefill_chunk, "prefill_chunk");
  options.session.kv_dtype = to_kv_dtype(kv_dtype);
  const std::int64_t budget = to_integer(checkpoint_bytes, "checkpoint_bytes");
  if (budget < 0)
    throw Error(ErrorCode::invalid_argument, "checkpoint_bytes: expected at least 0, got " + std::to_string(budget));
  options.session.checkpoint_bytes = static_cast<std::uint64_t>(budget);
  std::optional<Chat> chat;
  {
    const Model opened = open(model);
    const Released released;
    chat.emplace(opened, options);
  }
  if (!chat->warning().empty() && PyErr_WarnEx(PyExc_UserWarning, chat->warning().c_str(), 1) != 0) {
    throw py::error_already_set();
  }
  return std::make_shared<Guarded<Chat>>(std::move(*chat), "Chat");
}

/// What Reply.parsed needs: the format, where the answer is a JSON value.
py::object parsable(const py::object& format) {
  if (format.is_none() || py::isinstance<Grammar>(format)) return py::none();
  if (!py::isinstance<py::dict>(format)) return format;
  const py::object type = py::dict(format).attr("get")("type");
  if (!py::isinstance<py::str>(type)) return format;
  const auto name = type.cast<std::string>();
  return name == "text" || name == "regex" ? py::object(py::none()) : format;
}

py::object with_format(const Reply& reply, const py::object& format) {
  py::object made = py::cast(reply);
  if (!format.is_none()) py::setattr(made, "_format", format);
  return made;
}

/// Claims its chat for each step only.
class EventStream {
 public:
  /// @param open  (Chat&, options) to its ChatStream.
  template <class Open>
  EventStream(SharedChat chat, SendOptions options, py::object progress, py::object format, const Open& open)
      : chat_(std::move(chat)), format_(std::move(format)), watch_(std::move(progress), options.cancel) {
    options.cancel = watch_.cancel();
    options.prefill_progress = watch_.progress();
    const Claim claim(*chat_);
    stream_.emplace(open(*claim, options));
  }
  ~EventStream() {
    std::optional<Released> released;
    try {
      released.emplace();
    } catch (const Error&) {  // the interpreter is exiting
    }
    stream_.reset();
  }
  EventStream(const EventStream&) = delete;
  EventStream& operator=(const EventStream&) = delete;

  /// The next event, or nothing. Ctrl-C ends the reply.
  std::optional<ChatEvent> next() {
    const Claim claim(*chat_);
    while (!stream_->ready() && run(watch_, [this] { return stream_->advance(); })) {
      if (PyErr_CheckSignals() == 0) continue;
      py::error_already_set error;
      watch_.cancel().cancel();
      while (run(watch_, [this] { return stream_->advance(); })) {
      }
      throw error;
    }
    if (!stream_->ready()) return std::nullopt;
    return stream_->next();
  }
  /// From any thread.
  void cancel() { watch_.cancel().cancel(); }
  py::object finish() {
    while (next()) {
    }
    return with_format(stream_->reply(), format_);
  }
  py::object reply() {
    const Claim claim(*chat_);
    return stream_->over() ? with_format(stream_->reply(), format_) : py::object(py::none());
  }

 private:
  SharedChat chat_;
  py::object format_;
  Watch watch_;
  std::optional<ChatStream> stream_;
};

/// What every way to ask for a reply takes.
struct ReplyArguments {
  py::object response_format, tool_choice, max_tokens, stop;
  std::optional<CancelToken> cancel;
  py::object progress, max_calls, tools, thinking;
  SharedSampler sampler;
  py::object preserve_thinking, hold_calls, loop_tokens;

  SendOptions options() const {
    SendOptions options;
    options.max_calls = to_int(max_calls, "max_calls");
    options.tool_choice = to_tool_choice(tool_choice);
    options.response_format = to_response_format(response_format);
    options.max_tokens = to_max_tokens(max_tokens);
    options.stop = to_stop(stop);
    options.cancel = cancel;
    if (!tools.is_none()) options.tools = to_tools(tools);
    if (!thinking.is_none()) options.thinking = to_thinking(thinking);
    if (sampler) options.sampler = sampler->value.options();
    if (!preserve_thinking.is_none()) options.preserve_thinking = to_preserve_thinking(preserve_thinking);
    if (!hold_calls.is_none()) options.hold_calls = to_bool(hold_calls, "hold_calls");
    if (!loop_tokens.is_none()) options.loop_tokens = to_int(loop_tokens, "loop_tokens");
    return options;
  }
};

using Stream = std::unique_ptr<EventStream>;

Stream say(const SharedChat& chat, const py::object& messages, const ReplyArguments& arguments) {
  return std::make_unique<EventStream>(
      chat, arguments.options(), to_progress(arguments.progress, "Reading"), parsable(arguments.response_format),
      [said = to_messages(messages)](Chat& with, const SendOptions& options) { return with.stream(said, options); });
}

Stream answer(const SharedChat& chat, const py::object& messages, const ReplyArguments& arguments) {
  return std::make_unique<EventStream>(
      chat, arguments.options(), to_progress(arguments.progress, "Reading"), parsable(arguments.response_format),
      [whole = to_messages(messages)](Chat& with, const SendOptions& options) { return with.stream_reply(whole, options); });
}

Stream draw_again(const SharedChat& chat, const ReplyArguments& arguments) {
  return std::make_unique<EventStream>(
      chat, arguments.options(), to_progress(arguments.progress, "Reading"), parsable(arguments.response_format),
      [](Chat& with, const SendOptions& options) { return with.stream_regenerate(options); });
}

py::list draw_many(const SharedChat& chat, const py::object& messages, int n, const ReplyArguments& arguments) {
  SendOptions options = arguments.options();
  Watch watch(to_progress(arguments.progress, "Reading"), options.cancel);
  options.cancel = watch.cancel();
  options.prefill_progress = watch.progress();
  const std::vector<Message> whole = to_messages(messages);
  const Claim claim(*chat);
  py::list made;
  for (const Reply& reply : run(watch, [&] { return claim->alternatives(whole, n, options); })) {
    made.append(with_format(reply, parsable(arguments.response_format)));
  }
  return made;
}

/// Defines a method with the arguments of ReplyArguments behind those of its own. @param ask  (self, own..., ReplyArguments)
template <class... Own, class Class, class Ask, class... Extra>
void def_reply(Class& type, const char* name, const Ask& ask, const char* help, const Extra&... extra) {
  type.def(
      name,
      [ask](const SharedChat& self, const Own&... own, const py::object& response_format, const py::object& tool_choice,
            const py::object& max_tokens, const py::object& stop, const std::optional<CancelToken>& cancel,
            const py::object& progress, const py::object& max_calls, const py::object& tools, const py::object& thinking,
            const SharedSampler& sampler, const py::object& preserve_thinking, const py::object& hold_calls,
            const py::object& loop_tokens) {
        return ask(self, own..., ReplyArguments{response_format, tool_choice, max_tokens, stop, cancel, progress, max_calls,
                                                tools, thinking, sampler, preserve_thinking, hold_calls, loop_tokens});
      },
      extra..., py::arg("response_format") = py::none(), py::arg("tool_choice") = "auto", py::kw_only(),
      py::arg("max_tokens") = py::none(), py::arg("stop") = py::tuple(), py::arg("cancel") = py::none(),
      py::arg("progress") = py::none(), py::arg("max_calls") = SendOptions().max_calls, py::arg("tools") = py::none(),
      py::arg("thinking") = py::none(), py::arg("sampler") = py::none(), py::arg("preserve_thinking") = py::none(),
      py::arg("hold_calls") = py::none(), py::arg("loop_tokens") = py::none(), help);
}

void bind_chat_class(py::module_& module) {
  const SessionOptions session;
  const ChatOptions defaults;
  const std::string options_help =
      "\n\nresponse_format: what the answer is held to: a Grammar, a JSON schema (dict), a Pydantic model, a dataclass, a\n"
      "TypedDict, or the chat completions API's {\"type\": \"json_schema\", ...}. Objects that list their members have no others (json_schema()'s\n"
      "closed_objects). With tools, the reply is such an answer or calls.\n"
      "tool_choice: \"auto\", \"none\", \"required\", or a tool by name. max_tokens: None until the context is full.\n"
      "max_calls: most calls of the reply. stop: texts that end the answer. cancel: a CancelToken. progress(done, total) is called while reading.\n"
      "tools, thinking, sampler, preserve_thinking, hold_calls, loop_tokens: as Chat's, for this reply alone; None: the chat's own. tools=[]: none.\n"
      "A sampler draws from its options anew, and the chat's draws nothing.";
  const std::string send_help =
      "Adds a text (a user's message), a message or a list of messages to the conversation; the model's reply joins it\n"
      "too. Results of tools are messages {\"role\": \"tool\", \"tool_call_id\": ..., \"content\": ...}." + options_help;
  const std::string reply_help =
      "The reply to a whole conversation, which takes the place of the one that there is. What its prompt begins with and the\n"
      "cache holds already is not computed again, so a server may give every request's history to any chat.";
  const std::string again_help =
      "Draws the last reply again: the new one takes the place of the message that the conversation ends with. The sampler goes\n"
      "on, so that it is another one, but for temperature 0." + options_help;
  py::class_<EventStream>(module, "ChatStream", "An iterator of ChatEvent, for `for` and `async for`. The first step reads what is new.")
      .def("__iter__", [](const py::object& self) { return self; })
      .def("__next__",
           [](EventStream& self) {
             std::optional<ChatEvent> event = self.next();
             if (!event) throw py::stop_iteration();
             return std::move(*event);
           })
      .def("cancel", &EventStream::cancel, "Ends the reply from any thread, within one layer of the model.")
      .def_property_readonly("reply", &EventStream::reply, "The Reply once the iterator is exhausted; None before.");
  py::class_<Guarded<Chat>, SharedChat> chat(
      module, "Chat", "A conversation with a model. One thread at a time; keeps its model alive.", py::dynamic_attr());
  chat.def(py::init(&make_chat), py::arg("model"), py::arg("tools") = py::none(), py::arg("thinking") = false,
           py::kw_only(), py::arg("system") = "", py::arg("form") = py::none(), py::arg("preserve_thinking") = "none",
           py::arg("sampler") = py::none(), py::arg("loop_tokens") = defaults.loop_tokens,
           py::arg("context_length") = session.context_length, py::arg("prefill_chunk") = session.prefill_chunk,
           py::arg("kv_dtype") = py::none(), py::arg("checkpoint_bytes") = session.checkpoint_bytes, py::arg("hold_calls") = defaults.hold_calls,
           py::arg("messages") = py::none(),
           "What concerns a reply is a default: send(), reply() and their kin may say otherwise for each.\n\n"
           "tools: functions the model may call: Python functions (tool_schema says what becomes of them), or schemas as "
           "render_chat's.\n"
           "thinking: False, True, or the most tokens of a thought.\n"
           "system: what every conversation begins with, unless the first message is of the system. form: \"large\" or \"small\"; None: the model's.\n"
           "sampler: its options are used, as they were given (without a seed, the chat draws its own); None for the model's\n"
           "defaults.\n"
           "hold_calls: calls are held to the tools' names and schemas; where a schema cannot be held to, Reply.warnings says so.\n"
           "preserve_thinking: which thoughts of earlier turns stay in the prompt: \"none\" but those behind the user's last message\n"
           "(what the template does; each message of the user then rewrites the turns before it), those of messages with\n"
           "\"calls\" (an agent's cache stays of use), or \"all\".\n"
           "loop_tokens: a reply that repeats itself for so long ends; 0: never.\n"
           "messages: a conversation to go on with.\n"
           "The others are Session's.")
      .def_property_readonly(
          "messages",
          [](Guarded<Chat>& self) {
            const Claim claim(self);
            return from_json(to_json(claim->messages()));
          },
          "The conversation so far, as dicts.")
      .def("close", &close<Chat>, "Frees its memory; later calls are an Error. `with` does it too.")
      .def("__enter__", [](const py::object& self) { return self; })
      .def("__exit__", [](Guarded<Chat>& self, const py::args&) { close(self); })
      .def("__repr__",
           [](Guarded<Chat>& self) {
             if (self.closed) return py::str("<gemma4.Chat, closed>");
             if (self.busy) return py::str("<gemma4.Chat, busy>");
             const Chat& chat = self.value;
             return py::str("<gemma4.Chat of {} messages, {} of {} tokens>")
                 .format(chat.messages().size(), chat.position(), chat.context_length());
           })
      .def("reset", [](Guarded<Chat>& self) { Claim(self)->reset(); }, "Forgets the conversation.")
      .def("fork",
           [](Guarded<Chat>& self) {
             const Claim claim(self);
             std::optional<Chat> made;
             {
               const Released released;
               made.emplace(claim->fork());
             }
             return std::make_shared<Guarded<Chat>>(std::move(*made), "Chat");
           },
           "A conversation of its own that goes on from here as this one would: messages, cache and the sampler's state.")
      .def("rewind",
           [](Guarded<Chat>& self, const py::object& n) {
             const int kept = to_int(n, "n");
             if (kept < 0) throw Error(ErrorCode::invalid_argument, "rewind: n: expected at least 0, got " + std::to_string(kept));
             Claim(self)->rewind(static_cast<std::size_t>(kept));
           },
           py::arg("n"), "Keeps the first n messages and forgets the others. What stays is not computed again.")
      .def_property_readonly("warning", [](Guarded<Chat>& self) { return Claim(self)->warning(); },
                             "Where the model's own chat template is not the revision that is used; else empty.")
      .def_property_readonly("position", [](Guarded<Chat>& self) { return Claim(self)->position(); },
                             "Tokens held.")
      .def_property_readonly("context_length",
                             [](Guarded<Chat>& self) { return self.open().context_length(); },
                             "Tokens it can hold.")
      .def_property_readonly(
          "tokens",
          [](Guarded<Chat>& self) {
            const Claim claim(self);
            const Span<const TokenId> held = claim->tokens();
            return std::vector<TokenId>(held.begin(), held.end());
          },
          "The tokens held, oldest first.")
      .def_property_readonly("seed", [](Guarded<Chat>& self) { return self.open().seed(); },
                             "The sampler's: given to another chat's sampler, it repeats this one's replies.")
      .def_property_readonly(
          "logits", [](Guarded<Chat>& self) { return to_numpy(Claim(self)->last_logits()); },
          "What the last token was chosen from, float32 [vocab_size]; empty where the last step left none.");
  using Messages = py::object;
  def_reply<Messages>(chat, "send", [](const SharedChat& self, const Messages& messages, const ReplyArguments& arguments) {
    return say(self, messages, arguments)->finish();
  }, send_help.c_str(), py::arg("text_or_messages"));
  def_reply<Messages>(chat, "stream", &say, (send_help + "\n\nAn iterator of events.").c_str(), py::arg("text_or_messages"));
  def_reply<Messages, py::object>(chat, "reply",
      [](const SharedChat& self, const Messages& messages, const py::object& n, const ReplyArguments& arguments) -> py::object {
        const int replies = to_int(n, "n");
        if (replies == 1) return answer(self, messages, arguments)->finish();
        return draw_many(self, messages, replies, arguments);
      },
      (reply_help + " n: so many replies, each drawn\nfor itself, as a list; the first joins the conversation." + options_help).c_str(),
      py::arg("messages"), py::arg("n") = 1);
  def_reply<Messages>(chat, "stream_reply", &answer, (reply_help + " An iterator of events." + options_help).c_str(), py::arg("messages"));
  def_reply<>(chat, "regenerate", [](const SharedChat& self, const ReplyArguments& arguments) {
    return draw_again(self, arguments)->finish();
  }, again_help.c_str());
  def_reply<>(chat, "stream_regenerate", &draw_again, (again_help + "\n\nAn iterator of events.").c_str());
}

}  // namespace

void bind_chat(py::module_& module) {
  bind_chat_class(module);
  module.def(
      "render_chat",
      [](const py::object& messages, const py::object& tools, const std::string& form, bool enable_thinking,
         bool add_generation_prompt, const py::object& preserve_thinking) {
        return render_chat(parse_messages(to_json(messages, "messages")), to_tools(tools),
                           render_options(form, enable_thinking, add_generation_prompt, preserve_thinking));
      },
      py::arg("messages"), py::arg("tools") = py::none(), py::arg("form") = "large", py::arg("enable_thinking") = false,
      py::arg("add_generation_prompt") = true, py::arg("preserve_thinking") = "none",
      "The text that Gemma 4's chat template (revision r4) makes of a conversation.\n\n"
      "messages: dicts as of the chat completions API. tools: {\"type\": \"function\", \"function\": {...}} or the\n"
      "functions alone, with \"inputSchema\" or \"input_schema\" for \"parameters\" too. form: \"large\" (12B, 26B-A4B, 31B)\n"
      "or \"small\" (E2B, E4B); model.chat_form says which. Do not encode the result with parse_special=True: encode_chat\n"
      "gives tokens that no text can forge.");
  module.def(
      "encode_chat",
      [](const py::object& model, const py::object& messages, const py::object& tools,
         const std::optional<std::string>& form, bool enable_thinking, bool add_generation_prompt,
         const py::object& preserve_thinking) {
        const bool alone = py::isinstance<Tokenizer>(model);
        if (!alone && !py::isinstance<Model>(model)) {
          throw py::type_error("encode_chat(): model: expected a Model or a Tokenizer, got " +
                               py::str(py::type::of(model)).cast<std::string>());
        }
        const std::vector<Message> parsed = parse_messages(to_json(messages, "messages"));
        const Json functions = to_tools(tools);
        const RenderOptions options = render_options(form, enable_thinking, add_generation_prompt, preserve_thinking);
        if (alone) return encode_chat(model.cast<Tokenizer>(), parsed, functions, options);
        return encode_chat(open(model.cast<const Model&>()), parsed, functions, options);
      },
      py::arg("model"), py::arg("messages"), py::arg("tools") = py::none(), py::arg("form") = py::none(),
      py::arg("enable_thinking") = false, py::arg("add_generation_prompt") = true, py::arg("preserve_thinking") = "none",
      "The tokens of a conversation; arguments as render_chat's. Control tokens stand only where the template writes\n"
      "them, whatever the texts spell. model: a Model, whose chat_form is used where form is None; or a Tokenizer, which\n"
      "does not know it: then name the form.");
}

}  // namespace gemma4::python
