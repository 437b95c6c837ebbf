// gemma4_c/chat.h: replies.
#include "objects.h"
#include "samples.h"

namespace gemma4::capi {
namespace {

std::shared_ptr<ReplyObject> reply_of(const gemma4_reply* handle) { return shared<ReplyObject>(handle); }

template <class Item>
const Item& item(const std::vector<Item>& items, std::size_t index) {
  if (index >= items.size()) {
    refuse("index: expected one below " + std::to_string(items.size()) + ", got " + std::to_string(index));
  }
  return items[index];
}

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
    gemma4::Json calls = gemma4::Json::array();
    for (const gemma4::ToolCall& call : capi::reply_of(reply)->reply.tool_calls) calls.push_back(gemma4::to_json(call));
    capi::write_text(calls.dump(), buffer, capacity, out_length);
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

gemma4_status gemma4_reply_speed(const gemma4_reply* reply, double* out_time_to_first_token,
                                 double* out_tokens_per_second) {
  return guard([&] {
    const auto of = capi::reply_of(reply);
    if (out_time_to_first_token != nullptr) *out_time_to_first_token = of->reply.usage.time_to_first_token;
    if (out_tokens_per_second != nullptr) *out_tokens_per_second = of->reply.usage.tokens_per_second;
  });
}

gemma4_status gemma4_reply_tokens(const gemma4_reply* reply, int32_t* tokens, size_t capacity, size_t* out_count) {
  return guard([&] { capi::write_tokens(capi::reply_of(reply)->reply.samples, tokens, capacity, out_count); });
}

gemma4_status gemma4_reply_logprobs(const gemma4_reply* reply, float* logprobs, size_t capacity, size_t* out_count) {
  return guard([&] { capi::write_logprobs(capi::reply_of(reply)->reply.samples, logprobs, capacity, out_count); });
}

gemma4_status gemma4_reply_top_logprobs(const gemma4_reply* reply, size_t index, int32_t* tokens, float* logprobs,
                                        size_t capacity, size_t* out_count) {
  return guard([&] {
    const auto of = capi::reply_of(reply);
    capi::write_top(capi::item(of->reply.samples, index), tokens, logprobs, capacity, out_count);
  });
}

gemma4_status gemma4_reply_warning_count(const gemma4_reply* reply, size_t* out_count) {
  return guard([&] { capi::required(out_count, "out_count") = capi::reply_of(reply)->reply.warnings.size(); });
}

gemma4_status gemma4_reply_warning(const gemma4_reply* reply, size_t index, char* buffer, size_t capacity,
                                   size_t* out_length) {
  return guard([&] {
    const auto of = capi::reply_of(reply);
    capi::write_text(capi::item(of->reply.warnings, index), buffer, capacity, out_length);
  });
}

gemma4_status gemma4_reply_json(const gemma4_reply* reply, char* buffer, size_t capacity, size_t* out_length) {
  return guard(
      [&] { capi::write_text(gemma4::to_json(capi::reply_of(reply)->reply).dump(), buffer, capacity, out_length); });
}

gemma4_status gemma4_reply_message(const gemma4_reply* reply, char* buffer, size_t capacity, size_t* out_length) {
  return guard([&] {
    const gemma4::Message message = capi::reply_of(reply)->reply.message();
    capi::write_text(gemma4::to_json(message).dump(), buffer, capacity, out_length);
  });
}
