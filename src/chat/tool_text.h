// Tools in Gemma's syntax: declarations, calls and results, as the chat template (revision r4) writes them.
#pragma once

#include <string>

#include "chat/markup.h"
#include "gemma4/json.h"
#include "gemma4/message.h"

namespace gemma4::chat {

/// A value: strings between <|"|>, numbers as Python prints them, members by key without regard to case.
/// @param quote_keys  keys between <|"|> too, as inside declarations.
void write_value(const Json& value, bool quote_keys, Markup& out);

/// <|tool>declaration:NAME{...}<tool|>. Throws Error invalid_argument, with the place below `path`, where the template
/// could not go on (properties that are no object, required that is no array).
void write_declaration(const Json& function, const std::string& path, Markup& out);

void write_call(const ToolCall& call, Markup& out);
void write_response(const std::string& name, const Json& response, Markup& out);

}  // namespace gemma4::chat
