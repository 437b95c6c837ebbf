#include "weights/checkpoint.h"

#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

#include "base/check.h"
#include "formats/safetensors.h"
#include "weights/name_map.h"

namespace gemma4::weights {
namespace {

namespace fs = std::filesystem;
using formats::JsonDocument;

constexpr formats::JsonLimits kConfigLimits = {std::size_t{16} << 20, 32};
constexpr formats::JsonLimits kIndexLimits = {std::size_t{64} << 20, 8};
constexpr std::size_t kMaxShards = 1024;

std::string in_folder(const std::string& folder, std::string_view file) { return (fs::path(folder) / file).string(); }

bool exists(const std::string& path) {
  std::error_code error;
  return fs::exists(path, error);
}

/// A file name and nothing else: the index may not lead out of its folder.
bool is_basename(std::string_view name) {
  return !name.empty() && name != "." && name.find("..") == name.npos &&
         name.find_first_of(std::string_view("/\\\0", 3)) == name.npos;
}

/// The shards an index names, in order of first mention, and for each tensor the number of its shard.
struct ShardIndex {
  std::vector<std::string> shards;
  std::vector<std::pair<std::string, std::size_t>> tensors;
};

ShardIndex read_index(const std::string& path) {
  const JsonDocument document = JsonDocument::from_file(path, kIndexLimits);
  ShardIndex result;
  std::unordered_map<std::string_view, std::size_t> numbers;
  for (auto members = document.root().at("weight_map").members(); members.next();) {
    const std::string_view shard = members.value().as_string();
    if (!is_basename(shard))
      members.value().fail(base::concat("expected the name of a file in the same folder, got \"", shard, "\""));
    const auto [entry, is_new] = numbers.try_emplace(shard, result.shards.size());
    if (is_new) result.shards.emplace_back(shard);
    if (result.shards.size() > kMaxShards) members.value().fail(base::concat("more than ", kMaxShards, " shards"));
    result.tensors.emplace_back(members.key(), entry->second);
  }
  return result;
}

bool is_aligned(const formats::TensorEntry& entry) {
  return reinterpret_cast<std::uintptr_t>(entry.data) % formats::info(entry.type).alignment == 0;
}

}  // namespace

std::shared_ptr<const Checkpoint> Checkpoint::open(const std::string& path, bool use_mmap) {
  std::shared_ptr<Checkpoint> result(new Checkpoint);
  result->path_ = path;
  std::error_code error;
  if (fs::is_directory(path, error)) {
    result->open_folder(use_mmap);
  } else if (formats::GgufFile::is_gguf(path)) {
    result->open_gguf(use_mmap);
  } else {
    base::fail(ErrorCode::bad_format, path,
               ": expected a GGUF file (magic number \"GGUF\") or a folder with config.json");
  }
  result->index();
  return result;
}

void Checkpoint::open_folder(bool use_mmap) {
  config_json_ =
      std::make_unique<JsonDocument>(JsonDocument::from_file(in_folder(path_, "config.json"), kConfigLimits));
  const std::string generation = in_folder(path_, "generation_config.json");
  if (exists(generation)) {
    generation_config_json_ = std::make_unique<JsonDocument>(JsonDocument::from_file(generation, kConfigLimits));
  }

  const std::string single = in_folder(path_, "model.safetensors");
  const std::string index_path = in_folder(path_, "model.safetensors.index.json");
  ShardIndex index;
  if (exists(single)) {
    index.shards.push_back("model.safetensors");
  } else {
    GEMMA4_CHECK(exists(index_path), ErrorCode::not_found, path_,
                 ": expected model.safetensors or model.safetensors.index.json");
    index = read_index(index_path);
  }

  std::unordered_map<std::string, std::size_t> shard_of;
  for (std::size_t i = 0; i < index.shards.size(); ++i) {
    const std::string shard = in_folder(path_, index.shards[i]);
    const auto file = formats::SafetensorsFile::open(shard, use_mmap);
    for (const formats::TensorEntry& entry : file.tensors()) {
      const auto [earlier, is_new] = shard_of.try_emplace(entry.name, i);
      GEMMA4_CHECK(is_new, ErrorCode::bad_checkpoint, shard, ": tensor \"", entry.name, "\" is in ",
                   index.shards[earlier->second], ", too");
      add(entry, canonical_from_hf(entry.name));
    }
    files_.push_back(file.file());
  }
  for (const auto& [name, shard] : index.tensors) {
    const auto found = shard_of.find(name);
    GEMMA4_CHECK(found != shard_of.end() && found->second == shard, ErrorCode::bad_checkpoint, index_path,
                 ": tensor \"", name, "\": expected in ", index.shards[shard], ", found ",
                 found == shard_of.end() ? std::string("in no shard") : "in " + index.shards[found->second]);
  }
}

void Checkpoint::open_gguf(bool use_mmap) {
  gguf_ = formats::GgufFile::open(path_, use_mmap);
  for (const formats::TensorEntry& entry : gguf_->tensors()) add(entry, canonical_from_gguf(entry.name));
}

/// A tensor at an address its type does not allow is copied: the formats permit it, no converter writes it today.
void Checkpoint::add(const formats::TensorEntry& entry, std::string name) {
  Tensor& tensor = tensors_.emplace_back(Tensor{std::move(name), entry});
  if (is_aligned(entry) || entry.bytes == 0) return;
  auto& copy = realigned_.emplace_back(static_cast<std::size_t>(entry.bytes), "a misaligned tensor");
  std::memcpy(copy.data(), entry.data, copy.size());
  tensor.entry.data = copy.data();
}

void Checkpoint::index() {
  for (std::size_t i = 0; i < tensors_.size(); ++i) {
    const auto [earlier, is_new] = by_name_.try_emplace(tensors_[i].name, i);
    GEMMA4_CHECK(is_new, ErrorCode::bad_checkpoint, path_, ": tensors \"", tensors_[earlier->second].entry.name,
                 "\" and \"", tensors_[i].entry.name, "\" are one and the same (", tensors_[i].name, ")");
  }
}

const Checkpoint::Tensor* Checkpoint::find(std::string_view name) const noexcept {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : &tensors_[found->second];
}

std::uint64_t Checkpoint::tensor_bytes() const noexcept {
  std::uint64_t total = 0;
  for (const Tensor& tensor : tensors_) total += tensor.entry.bytes;
  return total;
}

}  // namespace gemma4::weights
