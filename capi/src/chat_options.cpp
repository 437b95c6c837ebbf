// gemma4_c/chat.h: options of chats and of replies.
#include "chat_objects.h"
#include "messages.h"

namespace capi = gemma4::capi;
using capi::guard;
using ChatOptions = capi::Claim<capi::ChatOptionsObject>;
using SendOptions = capi::Claim<capi::SendOptionsObject>;

namespace {

gemma4::PreserveThinking preserved(int32_t preserve) {
  return capi::one_of<gemma4::PreserveThinking::Mode>(preserve, GEMMA4_PRESERVE_THINKING_ALL, "preserve");
}

gemma4::Thinking thinking(int32_t enabled, int32_t budget) {
  if (budget < -1) capi::refuse("budget: expected -1 (no limit) or more, got " + std::to_string(budget));
  return {enabled != 0, budget};
}

}  // namespace

gemma4_status gemma4_chat_options_create(gemma4_chat_options** out_options) {
  return guard([&] { capi::create<capi::ChatOptionsObject>(out_options, "out_options"); });
}

gemma4_status gemma4_chat_options_destroy(gemma4_chat_options* options) {
  return capi::destroy<capi::ChatOptionsObject>(options);
}

gemma4_status gemma4_chat_options_set_system(gemma4_chat_options* options, const char* text, size_t text_length) {
  return guard([&] { ChatOptions(options)->options.system = std::string(capi::text(text, text_length, "text")); });
}

gemma4_status gemma4_chat_options_set_tools(gemma4_chat_options* options, const char* json, size_t json_length) {
  return guard([&] {
    const ChatOptions to(options);
    to->options.tools = capi::read_tools(capi::text(json, json_length, "json"));
  });
}

gemma4_status gemma4_chat_options_set_hold_calls(gemma4_chat_options* options, int32_t hold_calls) {
  return guard([&] { ChatOptions(options)->options.hold_calls = hold_calls != 0; });
}

gemma4_status gemma4_chat_options_set_thinking(gemma4_chat_options* options, int32_t enabled, int32_t budget) {
  return guard([&] { ChatOptions(options)->options.thinking = thinking(enabled, budget); });
}

gemma4_status gemma4_chat_options_set_preserve_thinking(gemma4_chat_options* options, int32_t preserve) {
  return guard([&] { ChatOptions(options)->options.preserve_thinking = preserved(preserve); });
}

gemma4_status gemma4_chat_options_set_form(gemma4_chat_options* options, int32_t form) {
  return guard([&] {
    const ChatOptions to(options);
    to->options.form.reset();
    if (form == GEMMA4_CHAT_FORM_OF_MODEL) return;
    to->options.form = capi::one_of<gemma4::ChatForm>(form, GEMMA4_CHAT_FORM_SMALL, "form");
  });
}

gemma4_status gemma4_chat_options_set_session(gemma4_chat_options* options,
                                              const gemma4_session_options* session_options) {
  return guard(
      [&] { ChatOptions(options)->options.session = capi::options_of<capi::SessionOptionsObject>(session_options); });
}

gemma4_status gemma4_chat_options_set_sampler(gemma4_chat_options* options,
                                              const gemma4_sampler_options* sampler_options) {
  return guard([&] {
    const ChatOptions to(options);
    if (sampler_options == nullptr) {
      to->options.sampler.reset();
    } else {
      to->options.sampler = capi::options_of<capi::SamplerOptionsObject>(sampler_options);
    }
  });
}

gemma4_status gemma4_chat_options_set_loop_tokens(gemma4_chat_options* options, int32_t tokens) {
  return guard([&] { ChatOptions(options)->options.loop_tokens = tokens; });
}

gemma4_status gemma4_chat_options_set_messages(gemma4_chat_options* options, const char* messages,
                                               size_t messages_length) {
  return guard([&] {
    const ChatOptions to(options);
    const std::string_view given = capi::text(messages, messages_length, "messages");
    to->options.messages = given.empty() ? std::vector<gemma4::Message>() : capi::read_messages(given);
  });
}

gemma4_status gemma4_send_options_create(gemma4_send_options** out_options) {
  return guard([&] { capi::create<capi::SendOptionsObject>(out_options, "out_options"); });
}

gemma4_status gemma4_send_options_destroy(gemma4_send_options* options) {
  return capi::destroy<capi::SendOptionsObject>(options);
}

gemma4_status gemma4_send_options_set_tools(gemma4_send_options* options, const char* json, size_t json_length) {
  return guard([&] {
    const SendOptions to(options);
    const std::string_view given = capi::text(json, json_length, "json");
    to->options.tools.reset();
    if (!given.empty()) to->options.tools = capi::read_tools(given);
  });
}

gemma4_status gemma4_send_options_set_hold_calls(gemma4_send_options* options, int32_t hold_calls) {
  return guard([&] { SendOptions(options)->options.hold_calls = hold_calls != 0; });
}

gemma4_status gemma4_send_options_set_thinking(gemma4_send_options* options, int32_t enabled, int32_t budget) {
  return guard([&] { SendOptions(options)->options.thinking = thinking(enabled, budget); });
}

gemma4_status gemma4_send_options_set_preserve_thinking(gemma4_send_options* options, int32_t preserve) {
  return guard([&] { SendOptions(options)->options.preserve_thinking = preserved(preserve); });
}

gemma4_status gemma4_send_options_set_sampler(gemma4_send_options* options,
                                              const gemma4_sampler_options* sampler_options) {
  return guard([&] {
    const SendOptions to(options);
    to->options.sampler.reset();
    if (sampler_options != nullptr) to->options.sampler = capi::options_of<capi::SamplerOptionsObject>(sampler_options);
  });
}

gemma4_status gemma4_send_options_set_loop_tokens(gemma4_send_options* options, int32_t tokens) {
  return guard([&] { SendOptions(options)->options.loop_tokens = tokens; });
}

gemma4_status gemma4_send_options_set_max_tokens(gemma4_send_options* options, int32_t max_tokens) {
  return guard([&] { SendOptions(options)->options.max_tokens = max_tokens; });
}

gemma4_status gemma4_send_options_add_stop(gemma4_send_options* options, const char* text, size_t text_length) {
  return guard([&] { SendOptions(options)->options.stop.push_back(capi::stop_text(text, text_length)); });
}

gemma4_status gemma4_send_options_set_tool_choice(gemma4_send_options* options, int32_t choice, const char* name,
                                                  size_t name_length) {
  return guard([&] {
    const auto mode = capi::one_of<gemma4::ToolChoice::Mode>(choice, GEMMA4_TOOL_CHOICE_NAMED, "choice");
    std::string tool(capi::text(name, name_length, "name"));
    SendOptions(options)->options.tool_choice = {mode, std::move(tool)};
  });
}

gemma4_status gemma4_send_options_set_max_calls(gemma4_send_options* options, int32_t max_calls) {
  return guard([&] { SendOptions(options)->options.max_calls = max_calls; });
}

gemma4_status gemma4_send_options_set_response_format(gemma4_send_options* options, const gemma4_grammar* grammar) {
  return guard([&] {
    const SendOptions to(options);
    to->options.response_format = nullptr;
    if (grammar == nullptr) return;
    to->options.response_format =
        std::make_shared<const gemma4::Grammar>(capi::shared<capi::GrammarObject>(grammar)->grammar);
  });
}

gemma4_status gemma4_send_options_set_cancel(gemma4_send_options* options, const gemma4_cancel_token* token) {
  return guard([&] { SendOptions(options)->options.cancel = capi::cancel_of(token); });
}

gemma4_status gemma4_send_options_set_progress(gemma4_send_options* options, gemma4_token_progress progress,
                                               void* user_data) {
  return guard([&] { SendOptions(options)->options.prefill_progress = capi::progress_of(progress, user_data); });
}
