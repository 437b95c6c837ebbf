#include "weights/checkpoint.h"

#include <cstring>
#include <filesystem>
#include <fstream>
#include <system_error>
#include <utility>

#include "base/check.h"
#include "formats/gguf_folder.h"
#include "formats/placeholder.h"
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

/// The one spelling of a file that an index names, or "": it may not lead out of its folder.
std::string file_within(std::string_view name) {
  if (name.empty() || name.find_first_of(std::string_view("\\\0", 2)) != name.npos) return {};
  const fs::path path = fs::path(name).lexically_normal();
  const bool is_file = path.is_relative() && path.has_filename() && path != "." && *path.begin() != "..";
  return is_file ? path.string() : std::string();
}

/// The shards an index names, in order of first mention, and for each tensor, in its order, the number of its shard.
struct ShardIndex {
  std::vector<std::string> shards;
  std::vector<std::pair<std::string, std::size_t>> tensors;
  std::unordered_map<std::string, std::size_t> shard_of;
};

ShardIndex read_index(const std::string& path) {
  const JsonDocument document = JsonDocument::from_file(path, kIndexLimits);
  ShardIndex result;
  std::unordered_map<std::string, std::size_t> numbers;
  for (auto members = document.root().at("weight_map").members(); members.next();) {
    const std::string_view name = members.value().as_string();
    const std::string shard = file_within(name);
    if (shard.empty()) {
      members.value().fail(base::concat("expected the name of a file in the same folder or below, got \"", name, "\""));
    }
    const auto [entry, is_new] = numbers.try_emplace(shard, result.shards.size());
    if (is_new) {
      GEMMA4_CHECK(exists(in_folder(fs::path(path).parent_path().string(), shard)), ErrorCode::not_found, path,
                   ": tensor \"", members.key(), "\": expected in ", shard, ", there is no such file");
      result.shards.push_back(shard);
    }
    if (result.shards.size() > kMaxShards) members.value().fail(base::concat("more than ", kMaxShards, " shards"));
    result.tensors.emplace_back(members.key(), entry->second);
    result.shard_of.emplace(members.key(), entry->second);
  }
  return result;
}

bool is_aligned(const formats::TensorEntry& entry) {
  return reinterpret_cast<std::uintptr_t>(entry.data) % formats::info(entry.type).alignment == 0;
}

constexpr const char* kConfig = "config.json";
constexpr const char* kSingle = "model.safetensors";
constexpr const char* kIndex = "model.safetensors.index.json";

/// Folders of GGUF files often have a config.json, too; the weights decide.
bool is_hf_folder(const std::string& folder) {
  return exists(in_folder(folder, kConfig)) &&
         (exists(in_folder(folder, kSingle)) || exists(in_folder(folder, kIndex)));
}

std::string first_bytes(const std::string& path) {
  std::string bytes(512, '\0');
  std::ifstream in(path, std::ios::binary);
  in.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  bytes.resize(static_cast<std::size_t>(in.gcount()));
  return bytes;
}

}  // namespace

std::shared_ptr<const Checkpoint> Checkpoint::open(const std::string& path, bool use_mmap) {
  std::shared_ptr<Checkpoint> result(new Checkpoint);
  result->path_ = path;
  std::error_code error;
  if (fs::is_directory(path, error)) {
    if (!is_hf_folder(path)) result->path_ = formats::find_gguf(path).value_or(path);
    if (result->path_ == path) {
      result->open_folder(use_mmap);
    } else {
      result->add_gguf(formats::GgufFile::open(result->path_, use_mmap));
    }
  } else if (formats::GgufFile::is_gguf(path)) {
    result->add_gguf(formats::GgufFile::open(result->path_, use_mmap));
  } else {
    formats::refuse_placeholder(first_bytes(path), path);
    base::fail(ErrorCode::bad_format, path,
               ": expected a GGUF file (magic number \"GGUF\") or a folder with config.json");
  }
  result->index();
  return result;
}

std::shared_ptr<const Checkpoint> Checkpoint::open(const std::shared_ptr<const base::MappedFile>& file) {
  const std::string_view bytes(reinterpret_cast<const char*>(file->data()), file->size());
  if (bytes.substr(0, 4) != "GGUF") {
    formats::refuse_placeholder(bytes.substr(0, 512), file->path());
    base::fail(ErrorCode::bad_format, file->path(), ": expected a GGUF file (magic number \"GGUF\"), got ", bytes.size(),
               " bytes of something else");
  }
  std::shared_ptr<Checkpoint> result(new Checkpoint);
  result->path_ = file->path();
  result->add_gguf(formats::GgufFile::open(file));
  result->index();
  return result;
}

void Checkpoint::open_folder(bool use_mmap) {
  GEMMA4_CHECK(exists(in_folder(path_, kConfig)), ErrorCode::not_found, path_,
               ": expected a checkpoint's config.json or a GGUF file in this folder, found neither");
  config_json_ = std::make_unique<JsonDocument>(JsonDocument::from_file(in_folder(path_, kConfig), kConfigLimits));
  const std::string generation = in_folder(path_, "generation_config.json");
  if (exists(generation)) {
    generation_config_json_ = std::make_unique<JsonDocument>(JsonDocument::from_file(generation, kConfigLimits));
  }

  const std::string index_path = in_folder(path_, kIndex);
  ShardIndex index;
  if (exists(in_folder(path_, kSingle))) {
    index.shards.emplace_back(kSingle);
  } else {
    GEMMA4_CHECK(exists(index_path), ErrorCode::not_found, path_,
                 ": expected model.safetensors or model.safetensors.index.json");
    index = read_index(index_path);
  }

  std::unordered_map<std::string, std::size_t> shard_of, elsewhere;
  for (std::size_t i = 0; i < index.shards.size(); ++i) {
    const std::string shard = in_folder(path_, index.shards[i]);
    const auto file = formats::SafetensorsFile::open(shard, use_mmap);
    for (const formats::TensorEntry& entry : file.tensors()) {
      const auto listed = index.shard_of.find(entry.name);
      if (listed != index.shard_of.end() && listed->second != i) {
        elsewhere.try_emplace(entry.name, i);
        continue;  // the index says which file's counts
      }
      const auto [earlier, is_new] = shard_of.try_emplace(entry.name, i);
      GEMMA4_CHECK(is_new, ErrorCode::bad_checkpoint, shard, ": tensor \"", entry.name, "\" is in ",
                   index.shards[earlier->second], ", too");
      add(entry, canonical_from_hf(entry.name));
    }
    files_.push_back(file.file());
  }
  for (const auto& [name, shard] : index.tensors) {
    if (shard_of.count(name) != 0) continue;
    const auto found = elsewhere.find(name);
    base::fail(ErrorCode::bad_checkpoint, index_path, ": tensor \"", name, "\": expected in ", index.shards[shard],
               ", found ", found == elsewhere.end() ? std::string("in no shard") : "in " + index.shards[found->second]);
  }
}

void Checkpoint::add_gguf(std::shared_ptr<const formats::GgufFile> file) {
  gguf_ = std::move(file);
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
