// gemma4_c/chat.h: replies.
#include "messages.h"
#include "objects.h"

namespace gemma4::capi {
namespace {

std::shared_ptr<ReplyObject> reply_of(const gemma4_reply* handle) { return shared<ReplyObject>(handle); }

}  // namespace
}  // namespace gemma4::capi

namespace capi = gemma4::capi;
using capi::guard;

gemma4_status gemma4_reply_destroy(gemma4_reply* reply) { return capi::destroy<capi::ReplyObject>(reply); }

gemma4_status gemma4_reply_text(const gemma4_reply* reply, char* buffer, size_t capacity, size_t* out_length) {
  return guard([&] { capi::write_text(capi::reply_of(reply)->reply.text, buffer, capacity, out_length); });
}

gemma4_status gemma4_reply_reasoning(const gemma4_reply* reply, char* buffer, size_t capacity, size_t* out_length) {
  return guard([&] { capi::write_text(capi::reply_of(reply)->reply.reasoning, buffer, capacity, out_length); });
}

gemma4_status gemma4_reply_tool_calls(const gemma4_reply* reply, char* buffer, size_t capacity, size_t* out_length) {
  return guard([&] {
    capi::write_text(capi::to_json(capi::reply_of(reply)->reply.tool_calls).dump(), buffer, capacity, out_length);
  });
}

gemma4_status gemma4_reply_stop_text(const gemma4_reply* reply, char* buffer, size_t capacity, size_t* out_length) {
  return guard([&] { capi::write_text(capi::reply_of(reply)->reply.stop, buffer, capacity, out_length); });
}

gemma4_status gemma4_reply_reasons(const gemma4_reply* reply, int32_t* out_finish_reason, int32_t* out_stop_reason) {
  return guard([&] {
    const auto of = capi::reply_of(reply);
    if (out_finish_reason != nullptr) *out_finish_reason = static_cast<int32_t>(of->reply.finish_reason);
    if (out_stop_reason != nullptr) *out_stop_reason = static_cast<int32_t>(of->reply.stop_reason);
  });
}

gemma4_status gemma4_reply_usage(const gemma4_reply* reply, size_t* out_prompt_tokens, size_t* out_reused_tokens,
                                 size_t* out_completion_tokens, size_t* out_reasoning_tokens) {
  return guard([&] {
    const auto of = capi::reply_of(reply);
    const gemma4::Usage& usage = of->reply.usage;
    if (out_prompt_tokens != nullptr) *out_prompt_tokens = usage.prompt_tokens;
    if (out_reused_tokens != nullptr) *out_reused_tokens = usage.reused_tokens;
    if (out_completion_tokens != nullptr) *out_completion_tokens = usage.completion_tokens;
    if (out_reasoning_tokens != nullptr) *out_reasoning_tokens = usage.reasoning_tokens;
  });
}

gemma4_status gemma4_reply_seconds(const gemma4_reply* reply, double* out_prefill_seconds, double* out_decode_seconds) {
  return guard([&] {
    const auto of = capi::reply_of(reply);
    if (out_prefill_seconds != nullptr) *out_prefill_seconds = of->reply.usage.prefill_seconds;
    if (out_decode_seconds != nullptr) *out_decode_seconds = of->reply.usage.decode_seconds;
  });
}
