// Messages and replies as JSON: bodies of gemma4/message.h and gemma4/reply.h.
#include <cmath>
#include <utility>

#include "gemma4/message.h"
#include "gemma4/reply.h"

namespace gemma4 {
namespace {

// JSON has no infinities: a token that cannot be chosen has null.
Json logprob_of(float logprob) { return std::isfinite(logprob) ? Json(static_cast<double>(logprob)) : Json(); }

Json to_json(const std::vector<SampledToken>& samples) {
  Json list = Json::array();
  for (const SampledToken& sample : samples) {
    Json top = Json::array();
    for (const TokenProbability& each : sample.top) {
      top.push_back(Json::object({{"token", each.token}, {"logprob", logprob_of(each.logprob)}}));
    }
    list.push_back(Json::object({{"token", sample.token}, {"logprob", logprob_of(sample.logprob)}, {"top", std::move(top)}}));
  }
  return list;
}

Json call_of(const ToolCall& call) {
  Json entry = Json::object();
  if (call.id) entry.set("id", *call.id);
  entry.set("type", "function");
  entry.set("function", Json::object({{"name", call.name}, {"arguments", call.arguments}}));
  return entry;
}

}  // namespace

Json to_json(const ToolCall& call) {
  return Json::object({{"id", call.id ? Json(*call.id) : Json()}, {"name", call.name}, {"arguments", call.arguments}});
}

Json to_json(const Message& message) {
  Json json = Json::object({{"role", to_string(message.role)}, {"content", message.content}});
  if (!message.reasoning.empty()) json.set("reasoning", message.reasoning);
  if (!message.tool_calls.empty()) {
    Json calls = Json::array();
    for (const ToolCall& call : message.tool_calls) calls.push_back(call_of(call));
    json.set("tool_calls", std::move(calls));
  }
  if (!message.tool_responses.empty()) {
    Json responses = Json::array();
    for (const ToolResponse& response : message.tool_responses) {
      responses.push_back(Json::object({{"name", response.name}, {"response", response.response}}));
    }
    json.set("tool_responses", std::move(responses));
  }
  if (message.tool_call_id) json.set("tool_call_id", *message.tool_call_id);
  if (!message.name.empty()) json.set("name", message.name);
  return json;
}

Json to_json(const std::vector<Message>& messages) {
  Json json = Json::array();
  for (const Message& message : messages) json.push_back(to_json(message));
  return json;
}

Message Reply::message() const {
  Message message = Message::assistant(text);
  message.reasoning = reasoning;
  message.tool_calls = tool_calls;
  return message;
}

Json to_json(const Usage& usage) {
  return Json::object({{"prompt_tokens", usage.prompt_tokens},
                       {"reused_tokens", usage.reused_tokens},
                       {"completion_tokens", usage.completion_tokens},
                       {"reasoning_tokens", usage.reasoning_tokens},
                       {"prefill_seconds", usage.prefill_seconds},
                       {"decode_seconds", usage.decode_seconds},
                       {"time_to_first_token", usage.time_to_first_token},
                       {"tokens_per_second", usage.tokens_per_second}});
}

Json to_json(const Reply& reply) {
  Json calls = Json::array(), warnings = Json::array();
  for (const ToolCall& call : reply.tool_calls) calls.push_back(to_json(call));
  for (const std::string& warning : reply.warnings) warnings.push_back(warning);
  return Json::object({{"text", reply.text},
                       {"reasoning", reply.reasoning},
                       {"tool_calls", std::move(calls)},
                       {"finish_reason", to_string(reply.finish_reason)},
                       {"stop_reason", to_string(reply.stop_reason)},
                       {"stop", reply.stop},
                       {"usage", to_json(reply.usage)},
                       {"samples", to_json(reply.samples)},
                       {"warnings", std::move(warnings)}});
}

Json to_json(const ChatEvent& event) {
  const bool calls = event.type == ChatEvent::Type::tool_call || event.type == ChatEvent::Type::tool_call_started;
  return Json::object({{"type", to_string(event.type)},
                       {"text", event.text},
                       {"index", event.index},
                       {"call", calls ? to_json(event.call) : Json()},
                       {"samples", to_json(event.samples)}});
}

}  // namespace gemma4
