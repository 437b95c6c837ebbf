#include "formats/gguf_folder.h"

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <string_view>
#include <system_error>
#include <vector>

#include "base/check.h"
#include "base/mapped_file.h"
#include "formats/gguf.h"

namespace gemma4::formats {
namespace {

namespace fs = std::filesystem;

bool is_number(std::string_view text) noexcept {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

/// True for "x-00002-of-00003.gguf": a part of a split model other than its first.
bool is_later_part(std::string_view name) noexcept {
  constexpr std::size_t kSuffix = std::string_view("-00002-of-00003.gguf").size();
  if (name.size() <= kSuffix) return false;
  const std::string_view suffix = name.substr(name.size() - kSuffix);
  return suffix[0] == '-' && suffix.substr(6, 4) == "-of-" && is_number(suffix.substr(1, 5)) &&
         is_number(suffix.substr(10, 5)) && suffix.substr(1, 5) != "00001";
}

std::vector<std::string> gguf_names(const std::string& folder) {
  std::vector<std::string> names;
  std::error_code error;
  for (auto entry = fs::directory_iterator(folder, error); !error && entry != fs::directory_iterator();
       entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (entry->path().extension() == ".gguf" && !is_later_part(name)) names.push_back(name);
  }
  GEMMA4_CHECK(!error, ErrorCode::io, folder, ": ", error.message());
  std::sort(names.begin(), names.end());
  return names;
}

bool is_model(const std::string& path) {
  const auto file = base::MappedFile::open(path);
  const GgufPart part = parse_gguf({file->data(), file->size()}, path);
  const auto text = [&](std::string_view key) -> std::string_view {
    for (const auto& [name, value] : part.metadata) {
      if (name == key && value.type == GgufType::string) {
        return {reinterpret_cast<const char*>(value.begin) + 8, static_cast<std::size_t>(value.end - value.begin) - 8};
      }
    }
    return {};
  };
  const std::string_view type = text("general.type");
  return text("general.architecture") == "gemma4" && (type.empty() || type == "model");
}

std::string list(const std::vector<std::string>& names) {
  constexpr std::size_t kMost = 8;
  std::string text;
  for (std::size_t i = 0; i < std::min(names.size(), kMost); ++i) text.append(i == 0 ? "" : ", ").append(names[i]);
  return names.size() > kMost ? base::concat(text, " and ", names.size() - kMost, " more") : text;
}

}  // namespace

std::optional<std::string> find_gguf(const std::string& folder) {
  const std::vector<std::string> names = gguf_names(folder);
  const auto path = [&](const std::string& name) { return (fs::path(folder) / name).string(); };
  if (names.empty()) return std::nullopt;
  if (names.size() == 1) return path(names[0]);  // whatever it is: opening it says what is wrong with it
  std::vector<std::string> models;
  std::copy_if(names.begin(), names.end(), std::back_inserter(models),
               [&](const std::string& name) { return is_model(path(name)); });
  GEMMA4_CHECK(models.size() == 1, ErrorCode::not_found, folder, ": expected one GGUF model in this folder, found ",
               models.empty() ? base::concat("none among ", list(names))
                              : base::concat(models.size(), " (name one of them): ", list(models)));
  return path(models[0]);
}

}  // namespace gemma4::formats
