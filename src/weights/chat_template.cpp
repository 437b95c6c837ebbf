#include "weights/chat_template.h"

#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/check.h"

namespace gemma4::weights {

namespace fs = std::filesystem;

std::vector<std::pair<std::string, std::string>> folder_chat_templates(const std::string& folder) {
  std::error_code error;
  const fs::path jinja = fs::path(folder) / "chat_template.jinja";
  if (fs::exists(jinja, error)) {
    std::ifstream in(jinja, std::ios::binary);
    std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
    GEMMA4_CHECK(in.good() || in.eof(), ErrorCode::io, jinja.string(), ": cannot be read");
    return {{"default", std::move(text)}};
  }
  const fs::path config = fs::path(folder) / "tokenizer_config.json";
  if (!fs::exists(config, error)) return {};
  const auto document = formats::JsonDocument::from_file(config.string());
  if (!document.root().is_object()) return {};
  const auto found = document.root().find("chat_template");
  if (!found) return {};
  if (found->is_string()) return {{"default", std::string(found->as_string())}};
  std::vector<std::pair<std::string, std::string>> result;
  if (!found->is_array()) return result;
  for (auto templates = found->elements(); templates.next();) {
    result.emplace_back(templates.value().at("name").as_string(), templates.value().at("template").as_string());
  }
  return result;
}

std::string chat_template(const Checkpoint& checkpoint) {
  if (checkpoint.gguf() != nullptr) {
    return std::string(checkpoint.gguf()->find_string("tokenizer.chat_template").value_or(""));
  }
  for (auto& [name, text] : folder_chat_templates(checkpoint.path())) {
    if (name == "default") return std::move(text);
  }
  return {};
}

}  // namespace gemma4::weights
