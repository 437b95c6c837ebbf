// The head of a GGUF v3 file: metadata and tensor infos, from which every byte's place follows before any is written.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "formats/data_type.h"
#include "formats/gguf.h"
#include "gemma4/types.h"

namespace gemma4::formats {

/// Collects keys and tensors in the order of the file. Keys and names must be unique; the caller sees to it.
/// The data follow head() in the same order, each tensor padded to kAlignment.
class GgufHead {
 public:
  static constexpr std::uint64_t kAlignment = 32;
  static constexpr std::size_t kMaxTensorName = 63;  // what llama.cpp takes

  void add_u32(std::string_view key, std::uint32_t value);
  void add_i32(std::string_view key, std::int32_t value);
  void add_f32(std::string_view key, float value);
  void add_bool(std::string_view key, bool value);
  void add_string(std::string_view key, std::string_view value);
  void add_i32s(std::string_view key, Span<const std::int32_t> values);
  void add_f32s(std::string_view key, Span<const float> values);
  void add_bools(std::string_view key, const std::vector<bool>& values);
  void add_strings(std::string_view key, const std::vector<std::string_view>& values);
  /// A value of another file, as it is.
  void add_value(std::string_view key, const GgufValue& value);

  /// @param shape  slowest dimension first; 1 to 4 dimensions. Throws Error: unsupported (a name, a shape or a type
  /// that GGUF cannot hold).
  void add_tensor(std::string_view name, DataType type, const std::vector<std::int64_t>& shape);

  /// The file's bytes up to the first tensor.
  std::vector<std::uint8_t> head() const;
  /// Bytes of all tensors with their padding.
  std::uint64_t data_bytes() const noexcept { return data_bytes_; }

  /// Zeros that follow a tensor of this size.
  static std::uint64_t padding(std::uint64_t bytes) noexcept { return (kAlignment - bytes % kAlignment) % kAlignment; }

 private:
  void begin_key(std::string_view key, GgufType type);
  void begin_array(std::string_view key, GgufType type, std::size_t count);

  std::vector<std::uint8_t> keys_;
  std::vector<std::uint8_t> infos_;
  std::uint64_t n_keys_ = 0;
  std::uint64_t n_tensors_ = 0;
  std::uint64_t data_bytes_ = 0;
};

}  // namespace gemma4::formats
