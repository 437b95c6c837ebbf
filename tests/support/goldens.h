// The goldens of tests/parity/goldens and the checkpoints they belong to.
#pragma once

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "formats/json.h"
#include "formats/safetensors.h"
#include "gemma4/types.h"

namespace gemma4::test {

/// One golden file: tensors by name, as tests/parity/reference.py lists them.
class Golden {
 public:
  explicit Golden(const std::filesystem::path& path)
      : name_(path.stem().string()), file_(formats::SafetensorsFile::open(path.string())) {}

  /// "e2b-bf16": case and dtype, also the checkpoint's name.
  const std::string& name() const { return name_; }
  std::string case_name() const { return name_.substr(0, name_.find('-')); }
  std::string dtype() const { return name_.substr(name_.find('-') + 1); }

  std::vector<float> floats(const std::string& tensor) const { return read<float>(tensor); }
  std::vector<std::int32_t> ints(const std::string& tensor) const { return read<std::int32_t>(tensor); }
  bool has(const std::string& tensor) const { return find(tensor) != nullptr; }

  /// The N of every "prompt.N.ids", in file order.
  std::vector<int> prompt_lengths() const {
    std::vector<int> lengths;
    for (const formats::TensorEntry& entry : file_.tensors()) {
      int n = 0;
      if (std::sscanf(entry.name.c_str(), "prompt.%d.ids", &n) == 1) lengths.push_back(n);
    }
    return lengths;
  }

  /// A string of the file's __metadata__.
  std::string metadata(const std::string& key) const {
    const std::uint8_t* bytes = file_.file()->data();
    std::uint64_t length = 0;
    std::memcpy(&length, bytes, sizeof length);
    const auto json = formats::JsonDocument::from_text({reinterpret_cast<const char*>(bytes + 8), length}, name_);
    return std::string(json.root().at("__metadata__").at(key).as_string());
  }

  /// The HF folder of its checkpoint.
  std::string folder() const { return std::string(GEMMA4_BINARY_DIR) + "/parity/" + name_; }
  std::string gguf() const { return folder() + ".gguf"; }
  std::string split_gguf() const { return folder() + "-00001-of-00002.gguf"; }

 private:
  const formats::TensorEntry* find(const std::string& tensor) const {
    for (const formats::TensorEntry& entry : file_.tensors()) {
      if (entry.name == tensor) return &entry;
    }
    return nullptr;
  }
  template <class T>
  std::vector<T> read(const std::string& tensor) const {
    const formats::TensorEntry* entry = find(tensor);
    if (entry == nullptr) throw std::runtime_error(name_ + ": no tensor " + tensor);
    std::vector<T> values(entry->bytes / sizeof(T));
    std::memcpy(values.data(), entry->data, entry->bytes);
    return values;
  }

  std::string name_;
  formats::SafetensorsFile file_;
};

/// Every golden whose checkpoint has random weights, by name.
inline std::vector<Golden> goldens() {
  std::vector<std::filesystem::path> paths;
  for (const auto& entry :
       std::filesystem::directory_iterator(std::string(GEMMA4_SOURCE_DIR) + "/tests/parity/goldens")) {
    if (entry.path().extension() == ".safetensors") paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  std::vector<Golden> list;
  for (const auto& path : paths) list.emplace_back(path);
  return list;
}

}  // namespace gemma4::test
