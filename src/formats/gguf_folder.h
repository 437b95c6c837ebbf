// The GGUF file that a folder stands for.
#pragma once

#include <optional>
#include <string>

namespace gemma4::formats {

/// The path of the one Gemma 4 model in a folder's *.gguf files; of a split model the first part. Projectors, drafts and
/// importance matrices beside it do not count. Nothing where there is no *.gguf file.
/// Throws Error: not_found (several models, or files of other kinds alone; the message lists them), io, bad_format.
std::optional<std::string> find_gguf(const std::string& folder);

}  // namespace gemma4::formats
