// safetensors container: header to tensor entries. Trusts no length or offset.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/mapped_file.h"
#include "formats/tensor_entry.h"
#include "gemma4/types.h"

namespace gemma4::formats {

/// Reads a file's bytes; the entries point into them, in the order of their data. `name` stands in messages.
/// Throws Error bad_format when a rule of the format is broken (each of those the reference parser enforces).
/// Source: huggingface/safetensors safetensors/src/tensor.rs.
std::vector<TensorEntry> parse_safetensors(Span<const std::uint8_t> bytes, const std::string& name);

/// A safetensors file. Immutable; any thread.
class SafetensorsFile {
 public:
  /// Throws Error: not_found, io, bad_format.
  static SafetensorsFile open(const std::string& path, bool use_mmap = true);

  const std::vector<TensorEntry>& tensors() const noexcept { return tensors_; }
  const std::shared_ptr<const base::MappedFile>& file() const noexcept { return file_; }

 private:
  SafetensorsFile() = default;
  std::shared_ptr<const base::MappedFile> file_;
  std::vector<TensorEntry> tensors_;
};

}  // namespace gemma4::formats
