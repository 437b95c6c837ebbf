#include "messages.h"

#include "gemma4/chat.h"

namespace gemma4::capi {

std::vector<Message> read_messages(std::string_view json) {
  Json messages = Json::parse(json, "messages");
  if (messages.is_object()) messages = Json::array({messages});
  return parse_messages(messages);
}

Json read_tools(std::string_view json) { return json.empty() ? Json() : Json::parse(json, "tools"); }

}  // namespace gemma4::capi
