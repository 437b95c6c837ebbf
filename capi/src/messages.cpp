#include "messages.h"

#include <utility>

#include "gemma4/chat.h"

namespace gemma4::capi {
namespace {

Json nullable(const std::optional<std::string>& text) { return text ? Json(*text) : Json(); }

Json to_json(const Message& message) {
  Json json = Json::object();
  json.set("role", to_string(message.role));
  json.set("content", message.content);
  if (!message.reasoning.empty()) json.set("reasoning", message.reasoning);
  if (!message.tool_calls.empty()) {
    Json calls = Json::array();
    for (const ToolCall& call : message.tool_calls) {
      Json function = Json::object({{"name", call.name}, {"arguments", call.arguments}});
      Json entry = Json::object();
      if (call.id) entry.set("id", *call.id);
      entry.set("type", "function");
      entry.set("function", std::move(function));
      calls.push_back(std::move(entry));
    }
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

}  // namespace

Json to_json(const ToolCall& call) {
  return Json::object({{"id", nullable(call.id)}, {"name", call.name}, {"arguments", call.arguments}});
}

Json to_json(const std::vector<ToolCall>& calls) {
  Json json = Json::array();
  for (const ToolCall& call : calls) json.push_back(to_json(call));
  return json;
}

Json to_json(const std::vector<Message>& messages) {
  Json json = Json::array();
  for (const Message& message : messages) json.push_back(to_json(message));
  return json;
}

std::vector<Message> read_messages(std::string_view json) {
  Json messages = Json::parse(json, "messages");
  if (messages.is_object()) messages = Json::array({messages});
  return parse_messages(messages);
}

}  // namespace gemma4::capi
