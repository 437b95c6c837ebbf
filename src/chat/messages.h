// Messages from JSON, and what must hold of them; every error says where in the document it stands.
#pragma once

#include <string>
#include <vector>

#include "gemma4/json.h"
#include "gemma4/message.h"

namespace gemma4::chat {

/// As the public parse_messages() (include/gemma4/chat.h).
std::vector<Message> parse_messages(const Json& messages);

/// What rendering needs: UTF-8, bounded nesting, contents of a known kind, arguments that are objects, and every result
/// behind a call. Throws Error invalid_argument with the path ("messages[3].tool_calls[0].arguments").
/// @param known  how many of the messages are good already; paths count from behind them.
void check_messages(const std::vector<Message>& messages, std::size_t known = 0);

/// check_messages(), and what a model that is to answer needs: everybody but an assistant and a tool says something.
void check_said(const std::vector<Message>& messages, std::size_t known);

/// UTF-8 and nesting of all that is in `value`. Throws Error invalid_argument.
void check_json(const Json& value, const std::string& path);

/// The text of a part of content, or null when it is a medium.
const std::string* part_text(const Json& part) noexcept;
/// "<|image|>", "<|audio|>" or "<|video|>", or null for a part of text.
const char* part_placeholder(const Json& part) noexcept;

}  // namespace gemma4::chat
