// Writers for the files that tests of the formats read, good and bad, and what such tests check of an Error.
#pragma once

#include <unistd.h>

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gemma4/error.h"

namespace gemma4::test {

/// A folder of its own that goes away with the object.
class TempFolder {
 public:
  TempFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "gemma4_test_XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp failed");
    path_ = pattern;
  }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  ~TempFolder() {
    std::error_code error;
    std::filesystem::remove_all(path_, error);
  }

  const std::string& path() const { return path_; }
  /// Writes a file and returns its path.
  std::string write(const std::string& name, std::string_view bytes) const {
    const std::string file = path_ + "/" + name;
    std::ofstream(file, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    return file;
  }

 private:
  std::string path_;
};

template <class T>
std::string raw(const T& value) {
  std::string bytes(sizeof value, '\0');
  std::memcpy(bytes.data(), &value, sizeof value);
  return bytes;
}

inline std::string f32_bytes(const std::vector<float>& values) {
  std::string bytes;
  for (const float value : values) bytes += raw(value);
  return bytes;
}

/// Header length, header, data; nothing is checked.
inline std::string safetensors_file(const std::string& header, const std::string& data) {
  return raw(static_cast<std::uint64_t>(header.size())) + header + data;
}

/// A well-formed safetensors file, tensor by tensor.
class SafetensorsWriter {
 public:
  void add(const std::string& name, const std::string& dtype, const std::vector<std::int64_t>& shape,
           const std::string& data) {
    header_ += header_.empty() ? "{" : ",";
    header_ += "\"" + name + "\":{\"dtype\":\"" + dtype + "\",\"shape\":[";
    for (std::size_t i = 0; i < shape.size(); ++i) header_ += (i == 0 ? "" : ",") + std::to_string(shape[i]);
    header_ +=
        "],\"data_offsets\":[" + std::to_string(data_.size()) + "," + std::to_string(data_.size() + data.size()) + "]}";
    data_ += data;
  }
  /// @param padding  spaces after the header; -1: as many as align the data to 8 bytes.
  std::string bytes(int padding = -1) const {
    std::string header = header_.empty() ? "{}" : header_ + "}";
    header.append(padding >= 0 ? static_cast<std::size_t>(padding) : (8 - header.size() % 8) % 8, ' ');
    return safetensors_file(header, data_);
  }

 private:
  std::string header_;
  std::string data_;
};

/// A GGUF file, key by key and tensor by tensor. What it is told to write it writes, right or wrong.
class GgufWriter {
 public:
  static std::string text(std::string_view s) { return raw(static_cast<std::uint64_t>(s.size())) + std::string(s); }

  GgufWriter& key(std::string_view name, std::int32_t type, const std::string& value) {
    keys_ += text(name) + raw(type) + value;
    ++n_keys;
    return *this;
  }
  GgufWriter& u32(std::string_view name, std::uint32_t value) { return key(name, 4, raw(value)); }
  GgufWriter& i32(std::string_view name, std::int32_t value) { return key(name, 5, raw(value)); }
  GgufWriter& u16(std::string_view name, std::uint16_t value) { return key(name, 2, raw(value)); }
  GgufWriter& f32(std::string_view name, float value) { return key(name, 6, raw(value)); }
  GgufWriter& string(std::string_view name, std::string_view value) { return key(name, 8, text(value)); }
  GgufWriter& array(std::string_view name, std::int32_t element_type, std::uint64_t count,
                    const std::string& elements) {
    return key(name, 9, raw(element_type) + raw(count) + elements);
  }
  GgufWriter& strings(std::string_view name, const std::vector<std::string>& values) {
    std::string elements;
    for (const std::string& value : values) elements += text(value);
    return array(name, 8, values.size(), elements);
  }
  GgufWriter& i32s(std::string_view name, const std::vector<std::int32_t>& values) {
    std::string elements;
    for (const std::int32_t value : values) elements += raw(value);
    return array(name, 5, values.size(), elements);
  }
  GgufWriter& f32s(std::string_view name, const std::vector<float>& values) {
    std::string elements;
    for (const float value : values) elements += raw(value);
    return array(name, 6, values.size(), elements);
  }
  GgufWriter& bools(std::string_view name, const std::vector<bool>& values) {
    std::string elements;
    for (const bool value : values) elements += static_cast<char>(value);
    return array(name, 7, values.size(), elements);
  }

  /// @param dims  GGUF order: fastest first.
  GgufWriter& tensor(std::string_view name, const std::vector<std::int64_t>& dims, std::uint32_t type,
                     const std::string& data, std::optional<std::uint64_t> offset = std::nullopt) {
    infos_ += text(name) + raw(static_cast<std::uint32_t>(dims.size()));
    for (const std::int64_t dim : dims) infos_ += raw(dim);
    infos_ += raw(type) + raw(offset.value_or(data_.size()));
    data_ += data;
    data_.append((alignment - data_.size() % alignment) % alignment, '\0');
    ++n_tensors;
    return *this;
  }

  std::string bytes() const {
    std::string file = magic + raw(version) + raw(n_tensors) + raw(n_keys) + keys_ + infos_;
    file.append((alignment - file.size() % alignment) % alignment, '\0');
    return file + data_;
  }

  std::string magic = "GGUF";
  std::uint32_t version = 3;
  std::int64_t n_tensors = 0;
  std::int64_t n_keys = 0;
  std::size_t alignment = 32;

 private:
  std::string keys_, infos_, data_;
};

/// "bad_format: the message" of the Error that fn throws, or "nothing thrown".
template <class Fn>
std::string error_of(Fn&& fn) {
  try {
    fn();
  } catch (const Error& error) {
    return std::string(to_string(error.code())) + ": " + error.what();
  }
  return "nothing thrown";
}

}  // namespace gemma4::test

/// The Error of `expression` has this code and its message holds each of these parts.
#define CHECK_ERROR(expression, code, ...)                                                    \
  do {                                                                                        \
    const std::string got = ::gemma4::test::error_of([&] { static_cast<void>(expression); }); \
    INFO("got: ", got);                                                                       \
    CHECK(got.rfind(code ": ", 0) == 0);                                                      \
    for (const std::string& part : std::vector<std::string>{__VA_ARGS__}) {                   \
      INFO("expected: ", part);                                                               \
      CHECK(got.find(part) != std::string::npos);                                             \
    }                                                                                         \
  } while (false)
