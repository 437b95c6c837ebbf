// Messages and calls as the JSON of the chat completions API.
#pragma once

#include <vector>

#include "gemma4/json.h"
#include "gemma4/message.h"

namespace gemma4::capi {

/// {"id", "name", "arguments"}; the id is null where there is none.
Json to_json(const ToolCall& call);
Json to_json(const std::vector<ToolCall>& calls);
/// What parse_messages() reads back as the same.
Json to_json(const std::vector<Message>& messages);

/// An array of messages, or one message alone, from text.
std::vector<Message> read_messages(std::string_view json);

}  // namespace gemma4::capi
