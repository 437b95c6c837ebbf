#include "formats/gguf_writer.h"

#include <cstring>

#include "base/check.h"
#include "formats/tensor_entry.h"

namespace gemma4::formats {
namespace {

constexpr std::uint32_t kVersion = 3;
constexpr std::size_t kMaxDimensions = 4;

using Bytes = std::vector<std::uint8_t>;

void put(Bytes& bytes, const void* data, std::size_t size) {
  if (size == 0) return;
  const std::size_t at = bytes.size();
  bytes.resize(at + size);
  std::memcpy(bytes.data() + at, data, size);
}

/// Little-endian, as every host of this library.
template <class T>
void put(Bytes& bytes, const T& value) {
  put(bytes, &value, sizeof value);
}

void put_string(Bytes& bytes, std::string_view text) {
  put(bytes, static_cast<std::uint64_t>(text.size()));
  put(bytes, text.data(), text.size());
}

void put_type(Bytes& bytes, GgufType type) { put(bytes, static_cast<std::uint32_t>(type)); }

}  // namespace

void GgufHead::begin_key(std::string_view key, GgufType type) {
  put_string(keys_, key);
  put_type(keys_, type);
  ++n_keys_;
}

void GgufHead::begin_array(std::string_view key, GgufType type, std::size_t count) {
  begin_key(key, GgufType::array);
  put_type(keys_, type);
  put(keys_, static_cast<std::uint64_t>(count));
}

void GgufHead::add_u32(std::string_view key, std::uint32_t value) {
  begin_key(key, GgufType::u32);
  put(keys_, value);
}

void GgufHead::add_i32(std::string_view key, std::int32_t value) {
  begin_key(key, GgufType::i32);
  put(keys_, value);
}

void GgufHead::add_f32(std::string_view key, float value) {
  begin_key(key, GgufType::f32);
  put(keys_, value);
}

void GgufHead::add_bool(std::string_view key, bool value) {
  begin_key(key, GgufType::boolean);
  put(keys_, static_cast<std::uint8_t>(value));
}

void GgufHead::add_string(std::string_view key, std::string_view value) {
  begin_key(key, GgufType::string);
  put_string(keys_, value);
}

void GgufHead::add_i32s(std::string_view key, Span<const std::int32_t> values) {
  begin_array(key, GgufType::i32, values.size());
  put(keys_, values.data(), values.size() * sizeof(std::int32_t));
}

void GgufHead::add_f32s(std::string_view key, Span<const float> values) {
  begin_array(key, GgufType::f32, values.size());
  put(keys_, values.data(), values.size() * sizeof(float));
}

void GgufHead::add_bools(std::string_view key, const std::vector<bool>& values) {
  begin_array(key, GgufType::boolean, values.size());
  for (const bool value : values) put(keys_, static_cast<std::uint8_t>(value));
}

void GgufHead::add_strings(std::string_view key, const std::vector<std::string_view>& values) {
  begin_array(key, GgufType::string, values.size());
  for (const std::string_view value : values) put_string(keys_, value);
}

void GgufHead::add_value(std::string_view key, const GgufValue& value) {
  if (value.type == GgufType::array) {
    begin_array(key, value.element_type, static_cast<std::size_t>(value.count));
  } else {
    begin_key(key, value.type);
  }
  put(keys_, value.begin, static_cast<std::size_t>(value.end - value.begin));
}

void GgufHead::add_tensor(std::string_view name, DataType type, const std::vector<std::int64_t>& shape) {
  const auto id = ggml_type_id(type);
  GEMMA4_CHECK(id, ErrorCode::unsupported, "GGUF: tensor \"", name, "\": no type for ", to_string(type));
  GEMMA4_CHECK(!name.empty() && name.size() <= kMaxTensorName, ErrorCode::unsupported, "GGUF: tensor \"", name,
               "\": expected a name of 1 to ", kMaxTensorName, " bytes, got ", name.size());
  const auto elements = element_count(shape);
  GEMMA4_CHECK(!shape.empty() && shape.size() <= kMaxDimensions && elements, ErrorCode::unsupported, "GGUF: tensor \"",
               name, "\": expected 1 to ", kMaxDimensions, " dimensions, got ", shape_string(shape));
  const auto bytes = byte_size(type, *elements);
  GEMMA4_CHECK(bytes && shape.back() % info(type).block_elements == 0, ErrorCode::unsupported, "GGUF: tensor \"", name,
               "\": rows of ", shape.back(), " elements are no whole number of ", to_string(type), " blocks");
  put_string(infos_, name);
  put(infos_, static_cast<std::uint32_t>(shape.size()));
  for (auto dimension = shape.rbegin(); dimension != shape.rend(); ++dimension) put(infos_, *dimension);
  put(infos_, *id);
  put(infos_, data_bytes_);
  data_bytes_ += *bytes + padding(*bytes);
  ++n_tensors_;
}

std::vector<std::uint8_t> GgufHead::head() const {
  Bytes bytes;
  bytes.reserve(keys_.size() + infos_.size() + 64);
  put(bytes, "GGUF", 4);
  put(bytes, kVersion);
  put(bytes, n_tensors_);
  put(bytes, n_keys_);
  put(bytes, keys_.data(), keys_.size());
  put(bytes, infos_.data(), infos_.size());
  bytes.resize(bytes.size() + padding(bytes.size()));
  return bytes;
}

}  // namespace gemma4::formats
