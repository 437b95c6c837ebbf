// Checkpoint: one view of a model's files, whichever format they have.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/aligned_buffer.h"
#include "base/mapped_file.h"
#include "formats/gguf.h"
#include "formats/json.h"
#include "formats/tensor_entry.h"

namespace gemma4::weights {

/// An HF checkpoint folder or a GGUF file, opened: metadata, and tensors by canonical name (name_map.h). Immutable; any
/// thread. Keeps the mappings alive that its tensors point into.
class Checkpoint {
 public:
  /// A tensor and what the model calls it. entry.name is the file's own spelling, for messages.
  struct Tensor {
    std::string name;
    formats::TensorEntry entry;
  };

  /// A folder with config.json and model.safetensors (or model.safetensors.index.json and its shards), a GGUF file, known
  /// by its first bytes, or a folder with one GGUF model. Where a tensor is in several shards, the index says which file's
  /// counts. Throws Error: not_found (the path, config.json, the weights, a shard), io, bad_format,
  /// bad_checkpoint (two tensors of one name), unsupported, out_of_memory.
  /// @param use_mmap  false reads the weights into memory.
  static std::shared_ptr<const Checkpoint> open(const std::string& path, bool use_mmap = true);

  /// A GGUF file that is open already, or lies in memory. Throws Error: bad_format, bad_checkpoint, unsupported,
  /// out_of_memory.
  static std::shared_ptr<const Checkpoint> open(const std::shared_ptr<const base::MappedFile>& file);

  /// The folder, or the (first) GGUF file; what has no path has a name for messages.
  const std::string& path() const noexcept { return path_; }

  const formats::GgufFile* gguf() const noexcept { return gguf_.get(); }  ///< null for an HF folder
  const std::shared_ptr<const formats::GgufFile>& gguf_ptr() const noexcept { return gguf_; }
  const formats::JsonDocument* config_json() const noexcept { return config_json_.get(); }  ///< null for GGUF
  const formats::JsonDocument* generation_config_json() const noexcept {
    return generation_config_json_.get();
  }  ///< may be null

  /// By canonical name; null when absent.
  const Tensor* find(std::string_view name) const noexcept;
  /// In file order.
  const std::vector<Tensor>& tensors() const noexcept { return tensors_; }
  /// The files that hold the tensors, mapped (or read into memory).
  const std::vector<std::shared_ptr<const base::MappedFile>>& files() const noexcept {
    return gguf_ ? gguf_->parts() : files_;
  }

  /// Bytes of all tensors.
  std::uint64_t tensor_bytes() const noexcept;

 private:
  Checkpoint() = default;
  void open_folder(bool use_mmap);
  void add_gguf(std::shared_ptr<const formats::GgufFile> file);
  void add(const formats::TensorEntry& entry, std::string name);
  void index();

  std::string path_;
  std::shared_ptr<const formats::GgufFile> gguf_;
  std::vector<std::shared_ptr<const base::MappedFile>> files_;  // of a folder
  std::unique_ptr<const formats::JsonDocument> config_json_;
  std::unique_ptr<const formats::JsonDocument> generation_config_json_;
  std::vector<Tensor> tensors_;
  std::vector<base::AlignedBuffer<std::uint8_t>> realigned_;   // tensors at odd addresses of their file
  std::unordered_map<std::string_view, std::size_t> by_name_;  // views into tensors_
};

}  // namespace gemma4::weights
