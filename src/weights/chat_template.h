// The chat templates that a checkpoint carries.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "weights/checkpoint.h"

namespace gemma4::weights {

/// Of a folder, by name: chat_template.jinja, which is "default", or those that tokenizer_config.json has inline.
/// Throws Error: io, bad_format.
std::vector<std::pair<std::string, std::string>> folder_chat_templates(const std::string& folder);

/// The default one of a folder or a GGUF file; "" when there is none. Throws Error: io, bad_format.
std::string chat_template(const Checkpoint& checkpoint);

}  // namespace gemma4::weights
