// Messages and tools from the JSON of the chat completions API.
#pragma once

#include <vector>

#include "gemma4/json.h"
#include "gemma4/message.h"

namespace gemma4::capi {

/// An array of messages, or one message alone, from text.
std::vector<Message> read_messages(std::string_view json);
/// "" for none.
Json read_tools(std::string_view json);

}  // namespace gemma4::capi
