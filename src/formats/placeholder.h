// What stands where a model's file should: left there by a clone or a download that did not fetch the file itself.
#pragma once

#include <string>
#include <string_view>

namespace gemma4::formats {

/// Throws Error bad_format when `bytes` are a git-lfs pointer or an HTML page. `name` stands in the message.
void refuse_placeholder(std::string_view bytes, const std::string& name);

}  // namespace gemma4::formats
