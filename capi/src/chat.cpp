// gemma4_c/chat.h: conversations.
#include "chat_objects.h"
#include "messages.h"
#include "samples.h"

namespace gemma4::capi {
namespace {

using Conversation = Claim<ChatObject>;

/// What an event's text is in the C interface.
std::string text_of(const ChatEvent& event) {
  switch (event.type) {
    case ChatEvent::Type::tool_call_started:
      return event.call.name;
    case ChatEvent::Type::tool_call:
      return gemma4::to_json(event.call).dump();
    default:
      return event.text;
  }
}

struct EncodeOptions {
  std::string_view messages, tools;
  std::int32_t form, enable_thinking, add_generation_prompt;
};

/// @param from  a Model or a Tokenizer.
template <class From>
std::vector<TokenId> encode(const From& from, const EncodeOptions& given, bool of_model) {
  RenderOptions options;
  if (!of_model || given.form != GEMMA4_CHAT_FORM_OF_MODEL) {
    options.form = one_of<ChatForm>(given.form, GEMMA4_CHAT_FORM_SMALL, "form");
  }
  options.enable_thinking = given.enable_thinking != 0;
  options.add_generation_prompt = given.add_generation_prompt != 0;
  return encode_chat(from, read_messages(given.messages), read_tools(given.tools), options);
}

/// A reply that is being written holds its chat.
struct ChatStreamObject : Object {
  using Handle = gemma4_chat_stream;
  static constexpr char kName[] = "gemma4_chat_stream";

  /// @param open  (Chat&) to its ChatStream.
  template <class Open>
  ChatStreamObject(const gemma4_chat* handle, const Open& open) : chat(handle), stream(open(chat->chat)) {}

  bool next() {
    event.reset();
    text.clear();
    if (reply) return false;
    try {
      event = stream->next();
    } catch (...) {
      stream.reset();
      reply.emplace();
      chat.release();
      throw;
    }
    if (event) {
      text = text_of(*event);
      return true;
    }
    reply = stream->reply();
    stream.reset();
    chat.release();
    return false;
  }

  Conversation chat;
  std::optional<ChatStream> stream;
  std::optional<ChatEvent> event;
  std::string text;
  std::optional<Reply> reply;  // once it is over
};

/// @param say  (Chat&, options, callback) to its Reply.
template <class Say>
void write_reply(const gemma4_chat* handle, const gemma4_send_options* options, gemma4_event_callback callback,
                 void* user_data, gemma4_reply** out_reply, const Say& say) {
  const Conversation with(handle);
  ChatCallback on_event;
  if (callback != nullptr) {
    on_event = [callback, user_data](const ChatEvent& event) {
      const std::string text = text_of(event);
      const int32_t action =
          callback(user_data, static_cast<int32_t>(event.type), text.data(), text.size(), event.index);
      return action == GEMMA4_PROCEED ? StreamAction::proceed : StreamAction::cancel;
    };
  }
  Reply reply = say(with->chat, options_of<SendOptionsObject>(options), on_event);
  if (out_reply != nullptr) create<ReplyObject>(out_reply, "out_reply", std::move(reply));
}

}  // namespace
}  // namespace gemma4::capi

namespace capi = gemma4::capi;
using capi::guard;

gemma4_status gemma4_chat_create(const gemma4_model* model, const gemma4_chat_options* options,
                                 gemma4_chat** out_chat) {
  return guard([&] {
    capi::required(out_chat, "out_chat") = nullptr;
    const auto object = capi::shared<capi::ModelObject>(model);
    capi::create<capi::ChatObject>(out_chat, "out_chat",
                                   gemma4::Chat(object->model, capi::options_of<capi::ChatOptionsObject>(options)));
  });
}

gemma4_status gemma4_chat_destroy(gemma4_chat* chat) { return capi::destroy<capi::ChatObject>(chat); }

gemma4_status gemma4_chat_send(gemma4_chat* chat, const char* messages, size_t messages_length,
                               const gemma4_send_options* options, gemma4_event_callback callback, void* user_data,
                               gemma4_reply** out_reply) {
  return guard([&] {
    if (out_reply != nullptr) *out_reply = nullptr;
    auto said = capi::read_messages(capi::text(messages, messages_length, "messages"));
    capi::write_reply(chat, options, callback, user_data, out_reply, [&](auto& with, const auto& given, const auto& on_event) {
      return with.send(std::move(said), given, on_event);
    });
  });
}

gemma4_status gemma4_chat_send_text(gemma4_chat* chat, const char* text, size_t text_length,
                                    const gemma4_send_options* options, gemma4_event_callback callback, void* user_data,
                                    gemma4_reply** out_reply) {
  return guard([&] {
    if (out_reply != nullptr) *out_reply = nullptr;
    const std::string said(capi::text(text, text_length, "text"));
    capi::write_reply(chat, options, callback, user_data, out_reply, [&](auto& with, const auto& given, const auto& on_event) {
      return with.send(said, given, on_event);
    });
  });
}

gemma4_status gemma4_chat_reply(gemma4_chat* chat, const char* messages, size_t messages_length,
                                const gemma4_send_options* options, gemma4_event_callback callback, void* user_data,
                                gemma4_reply** out_reply) {
  return guard([&] {
    if (out_reply != nullptr) *out_reply = nullptr;
    auto whole = capi::read_messages(capi::text(messages, messages_length, "messages"));
    capi::write_reply(chat, options, callback, user_data, out_reply, [&](auto& with, const auto& given, const auto& on_event) {
      return with.reply(std::move(whole), given, on_event);
    });
  });
}

gemma4_status gemma4_chat_regenerate(gemma4_chat* chat, const gemma4_send_options* options,
                                     gemma4_event_callback callback, void* user_data, gemma4_reply** out_reply) {
  return guard([&] {
    if (out_reply != nullptr) *out_reply = nullptr;
    capi::write_reply(chat, options, callback, user_data, out_reply, [](auto& with, const auto& given, const auto& on_event) {
      return with.regenerate(given, on_event);
    });
  });
}

gemma4_status gemma4_chat_fork(const gemma4_chat* chat, gemma4_chat** out_chat) {
  return guard([&] {
    capi::required(out_chat, "out_chat") = nullptr;
    capi::create<capi::ChatObject>(out_chat, "out_chat", capi::Conversation(chat)->chat.fork());
  });
}

gemma4_status gemma4_chat_rewind(gemma4_chat* chat, size_t messages) {
  return guard([&] { capi::Conversation(chat)->chat.rewind(messages); });
}

gemma4_status gemma4_chat_stream_create(gemma4_chat* chat, const char* messages, size_t messages_length,
                                        const gemma4_send_options* options, gemma4_chat_stream** out_stream) {
  return guard([&] {
    capi::required(out_stream, "out_stream") = nullptr;
    capi::create<capi::ChatStreamObject>(out_stream, "out_stream", chat, [&](gemma4::Chat& with) {
      return with.stream(capi::read_messages(capi::text(messages, messages_length, "messages")),
                         capi::options_of<capi::SendOptionsObject>(options));
    });
  });
}

gemma4_status gemma4_chat_stream_create_reply(gemma4_chat* chat, const char* messages, size_t messages_length,
                                              const gemma4_send_options* options, gemma4_chat_stream** out_stream) {
  return guard([&] {
    capi::required(out_stream, "out_stream") = nullptr;
    capi::create<capi::ChatStreamObject>(out_stream, "out_stream", chat, [&](gemma4::Chat& with) {
      return with.stream_reply(capi::read_messages(capi::text(messages, messages_length, "messages")),
                               capi::options_of<capi::SendOptionsObject>(options));
    });
  });
}

gemma4_status gemma4_chat_stream_create_regenerate(gemma4_chat* chat, const gemma4_send_options* options,
                                                   gemma4_chat_stream** out_stream) {
  return guard([&] {
    capi::required(out_stream, "out_stream") = nullptr;
    capi::create<capi::ChatStreamObject>(out_stream, "out_stream", chat, [&](gemma4::Chat& with) {
      return with.stream_regenerate(capi::options_of<capi::SendOptionsObject>(options));
    });
  });
}

gemma4_status gemma4_chat_stream_destroy(gemma4_chat_stream* stream) {
  return capi::destroy<capi::ChatStreamObject>(stream);
}

gemma4_status gemma4_chat_stream_next(gemma4_chat_stream* stream, int32_t* out_more) {
  return guard([&] {
    int32_t& more = capi::required(out_more, "out_more");
    more = 0;
    more = capi::Claim<capi::ChatStreamObject>(stream)->next();
  });
}

gemma4_status gemma4_chat_stream_event(const gemma4_chat_stream* stream, int32_t* out_type, size_t* out_index) {
  return guard([&] {
    const capi::Claim<capi::ChatStreamObject> of(stream);
    if (!of->event) capi::refuse("gemma4_chat_stream: there is no event: gemma4_chat_stream_next has not given one");
    capi::required(out_type, "out_type") = static_cast<int32_t>(of->event->type);
    capi::required(out_index, "out_index") = of->event->index;
  });
}

gemma4_status gemma4_chat_stream_event_text(const gemma4_chat_stream* stream, char* buffer, size_t capacity,
                                            size_t* out_length) {
  return guard(
      [&] { capi::write_text(capi::Claim<capi::ChatStreamObject>(stream)->text, buffer, capacity, out_length); });
}

gemma4_status gemma4_chat_stream_event_tokens(const gemma4_chat_stream* stream, int32_t* tokens, size_t capacity,
                                              size_t* out_count) {
  return guard([&] {
    const capi::Claim<capi::ChatStreamObject> of(stream);
    capi::write_tokens(of->event ? of->event->samples : capi::Samples(), tokens, capacity, out_count);
  });
}

gemma4_status gemma4_chat_stream_event_logprobs(const gemma4_chat_stream* stream, float* logprobs, size_t capacity,
                                                size_t* out_count) {
  return guard([&] {
    const capi::Claim<capi::ChatStreamObject> of(stream);
    capi::write_logprobs(of->event ? of->event->samples : capi::Samples(), logprobs, capacity, out_count);
  });
}

gemma4_status gemma4_chat_stream_reply(const gemma4_chat_stream* stream, gemma4_reply** out_reply) {
  return guard([&] {
    capi::required(out_reply, "out_reply") = nullptr;
    const capi::Claim<capi::ChatStreamObject> of(stream);
    if (!of->reply) capi::refuse("gemma4_chat_stream: the reply is not over yet");
    capi::create<capi::ReplyObject>(out_reply, "out_reply", *of->reply);
  });
}

gemma4_status gemma4_chat_messages(const gemma4_chat* chat, char* buffer, size_t capacity, size_t* out_length) {
  return guard([&] {
    capi::write_text(gemma4::to_json(capi::Conversation(chat)->chat.messages()).dump(), buffer, capacity, out_length);
  });
}

gemma4_status gemma4_chat_reset(gemma4_chat* chat) {
  return guard([&] { capi::Conversation(chat)->chat.reset(); });
}

gemma4_status gemma4_chat_position(const gemma4_chat* chat, size_t* out_position, size_t* out_context_length) {
  return guard([&] {
    const capi::Conversation of(chat);
    if (out_position != nullptr) *out_position = of->chat.position();
    if (out_context_length != nullptr) *out_context_length = of->chat.context_length();
  });
}

gemma4_status gemma4_chat_tokens(const gemma4_chat* chat, int32_t* tokens, size_t capacity, size_t* out_count) {
  return guard(
      [&] { capi::write_array(capi::Conversation(chat)->chat.tokens(), tokens, capacity, out_count, "tokens"); });
}

gemma4_status gemma4_chat_warning(const gemma4_chat* chat, char* buffer, size_t capacity, size_t* out_length) {
  return guard([&] { capi::write_text(capi::Conversation(chat)->chat.warning(), buffer, capacity, out_length); });
}

gemma4_status gemma4_chat_memory_bytes(const gemma4_chat* chat, uint64_t* out_bytes) {
  return guard([&] { capi::required(out_bytes, "out_bytes") = capi::Conversation(chat)->chat.memory_bytes(); });
}

gemma4_status gemma4_chat_seed(const gemma4_chat* chat, uint64_t* out_seed) {
  return guard([&] { capi::required(out_seed, "out_seed") = capi::Conversation(chat)->chat.seed(); });
}

gemma4_status gemma4_model_chat_form(const gemma4_model* model, int32_t* out_form) {
  return guard([&] {
    const auto object = capi::shared<capi::ModelObject>(model);
    capi::required(out_form, "out_form") = static_cast<int32_t>(object->model.chat_form());
  });
}

gemma4_status gemma4_chat_encode_for_model(const gemma4_model* model, const char* messages, size_t messages_length,
                                           const char* tools, size_t tools_length, int32_t form,
                                           int32_t enable_thinking, int32_t add_generation_prompt, int32_t* tokens,
                                           size_t capacity, size_t* out_count) {
  return guard([&] {
    const auto object = capi::shared<capi::ModelObject>(model);
    const capi::EncodeOptions given = {capi::text(messages, messages_length, "messages"),
                                       capi::text(tools, tools_length, "tools"), form, enable_thinking,
                                       add_generation_prompt};
    capi::write_array<int32_t>(capi::encode(object->model, given, true), tokens, capacity, out_count, "tokens");
  });
}

gemma4_status gemma4_chat_encode(const gemma4_tokenizer* tokenizer, const char* messages, size_t messages_length,
                                 const char* tools, size_t tools_length, int32_t form, int32_t enable_thinking,
                                 int32_t add_generation_prompt, int32_t* tokens, size_t capacity, size_t* out_count) {
  return guard([&] {
    const auto object = capi::shared<capi::TokenizerObject>(tokenizer);
    const capi::EncodeOptions given = {capi::text(messages, messages_length, "messages"),
                                       capi::text(tools, tools_length, "tools"), form, enable_thinking,
                                       add_generation_prompt};
    capi::write_array<int32_t>(capi::encode(object->tokenizer, given, false), tokens, capacity, out_count, "tokens");
  });
}
