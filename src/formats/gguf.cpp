#include "formats/gguf.h"

#include <array>
#include <cstdio>
#include <utility>

#include "base/check.h"

namespace gemma4::formats {
namespace {

constexpr std::int64_t kMaxParts = 1024;

template <class T>
T load(const std::uint8_t* at) noexcept {
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

/// An integer as 64 bits and its size in the file; a u64 beyond i64 becomes nullopt, as does a value of another type.
struct Integer {
  std::optional<std::int64_t> value;
  std::size_t size = 0;
};

Integer load_integer(GgufType type, const std::uint8_t* at) noexcept {
  switch (type) {
    case GgufType::u8:
      return {load<std::uint8_t>(at), 1};
    case GgufType::i8:
      return {load<std::int8_t>(at), 1};
    case GgufType::u16:
      return {load<std::uint16_t>(at), 2};
    case GgufType::i16:
      return {load<std::int16_t>(at), 2};
    case GgufType::u32:
      return {load<std::uint32_t>(at), 4};
    case GgufType::i32:
      return {load<std::int32_t>(at), 4};
    case GgufType::i64:
      return {load<std::int64_t>(at), 8};
    case GgufType::u64: {
      const auto value = load<std::uint64_t>(at);
      if (value > static_cast<std::uint64_t>(INT64_MAX)) return {std::nullopt, 8};
      return {static_cast<std::int64_t>(value), 8};
    }
    default:
      return {};
  }
}

using Metadata = std::unordered_map<std::string_view, GgufValue>;

const GgufValue* look_up(const Metadata& metadata, std::string_view key) noexcept {
  const auto found = metadata.find(key);
  return found == metadata.end() ? nullptr : &found->second;
}

[[noreturn]] void wrong_type(const std::string& path, std::string_view key, const GgufValue& value,
                             const char* wanted) {
  const bool array = value.type == GgufType::array;
  base::fail(ErrorCode::bad_format, path, ": GGUF: key \"", key, "\": expected ", wanted, ", got ",
             array ? "an array of " : "", to_string(array ? value.element_type : value.type));
}

std::optional<std::int64_t> read_int(const std::string& path, const Metadata& metadata, std::string_view key,
                                     std::int64_t min, std::int64_t max) {
  const GgufValue* value = look_up(metadata, key);
  if (value == nullptr) return std::nullopt;
  const Integer integer = load_integer(value->type, value->begin);
  if (integer.size == 0) wrong_type(path, key, *value, "an integer");
  if (integer.value && *integer.value >= min && *integer.value <= max) return integer.value;
  base::fail(ErrorCode::bad_format, path, ": GGUF: key \"", key, "\": expected ", min, " to ", max, ", got ",
             integer.value ? base::concat(*integer.value) : base::concat(load<std::uint64_t>(value->begin)));
}

/// "-00002-of-00003.gguf"
std::string part_suffix(std::int64_t number, std::int64_t count) {
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "-%05d-of-%05d.gguf", static_cast<int>(number), static_cast<int>(count));
  return text.data();
}

}  // namespace

bool GgufFile::is_gguf(const std::string& path) {
  const auto file = base::MappedFile::open(path);
  return file->size() >= 4 && std::memcmp(file->data(), "GGUF", 4) == 0;
}

/// One more part; returns its metadata. `tensors` are the names of those before it.
GgufFile::Keys GgufFile::add(std::shared_ptr<const base::MappedFile> file, Names& tensors) {
  parts_.push_back(file);
  GgufPart part = parse_gguf({file->data(), file->size()}, file->path());
  for (TensorEntry& tensor : part.tensors) {
    GEMMA4_CHECK(tensors.insert(tensor.name).second, ErrorCode::bad_format, file->path(), ": GGUF: tensor \"", tensor.name,
                 "\" is in an earlier part, too");
    tensors_.push_back(std::move(tensor));
  }
  return std::move(part.metadata);
}

/// Returns how many parts there are.
std::int64_t GgufFile::add_first(std::shared_ptr<const base::MappedFile> file, Names& tensors) {
  path_ = file->path();
  keys_ = add(std::move(file), tensors);
  metadata_ = Metadata(keys_.begin(), keys_.end());
  return find_int("split.count", 0, kMaxParts).value_or(1);
}

std::shared_ptr<const GgufFile> GgufFile::open(std::shared_ptr<const base::MappedFile> file) {
  std::shared_ptr<GgufFile> result(new GgufFile);
  Names names;
  const std::int64_t count = result->add_first(std::move(file), names);
  GEMMA4_CHECK(count <= 1, ErrorCode::unsupported, result->path_, ": GGUF: expected a model in one file, got one of ", count,
               " parts (split.count); load those by the path of the first");
  return result;
}

std::shared_ptr<const GgufFile> GgufFile::open(const std::string& path, bool use_mmap) {
  std::shared_ptr<GgufFile> result(new GgufFile);
  Names names;
  const std::int64_t count = result->add_first(base::MappedFile::open(path, use_mmap), names);
  if (count <= 1) return result;
  const std::int64_t own = result->find_int("split.no", 0, UINT16_MAX).value_or(-1);
  GEMMA4_CHECK(own == 0, ErrorCode::bad_format, path, ": GGUF: expected the first of ", count,
               " parts (split.no 0), got split.no ", own);
  const std::string suffix = part_suffix(1, count);
  GEMMA4_CHECK(path.ends_with(suffix), ErrorCode::bad_format, path, ": GGUF: the first of ", count,
               " parts; expected a name that ends in ", suffix);
  for (std::int64_t i = 1; i < count; ++i) {
    const std::string part_path = path.substr(0, path.size() - suffix.size()) + part_suffix(i + 1, count);
    const auto keys = result->add(base::MappedFile::open(part_path, use_mmap), names);
    const Metadata metadata(keys.begin(), keys.end());
    const std::int64_t number = read_int(part_path, metadata, "split.no", 0, UINT16_MAX).value_or(-1);
    const std::int64_t parts = read_int(part_path, metadata, "split.count", 0, UINT16_MAX).value_or(-1);
    GEMMA4_CHECK(number == i && parts == count, ErrorCode::bad_format, part_path, ": GGUF: expected split.no ", i,
                 " and split.count ", count, ", got ", number, " and ", parts);
  }
  const std::int64_t tensors = static_cast<std::int64_t>(result->tensors_.size());
  const std::int64_t total = result->find_int("split.tensors.count", 0, INT32_MAX).value_or(tensors);
  GEMMA4_CHECK(total == tensors, ErrorCode::bad_format, path, ": GGUF: split.tensors.count: expected ", total,
               " tensors in ", count, " parts, got ", tensors);
  return result;
}

std::uint64_t GgufFile::file_bytes() const noexcept {
  std::uint64_t total = 0;
  for (const auto& part : parts_) total += part->size();
  return total;
}

const GgufValue* GgufFile::find(std::string_view key) const noexcept { return look_up(metadata_, key); }

bool GgufFile::is_array(std::string_view key) const noexcept {
  const GgufValue* value = find(key);
  return value != nullptr && value->type == GgufType::array;
}

std::optional<std::string_view> GgufFile::find_string(std::string_view key) const {
  const GgufValue* value = find(key);
  if (value == nullptr) return std::nullopt;
  if (value->type != GgufType::string) wrong_type(path_, key, *value, "a string");
  return std::string_view(reinterpret_cast<const char*>(value->begin) + 8,
                          static_cast<std::size_t>(value->end - value->begin) - 8);
}

std::optional<std::int64_t> GgufFile::find_int(std::string_view key, std::int64_t min, std::int64_t max) const {
  return read_int(path_, metadata_, key, min, max);
}

std::optional<double> GgufFile::find_float(std::string_view key) const {
  const GgufValue* value = find(key);
  if (value == nullptr) return std::nullopt;
  if (value->type == GgufType::f32) return load<float>(value->begin);
  if (value->type == GgufType::f64) return load<double>(value->begin);
  wrong_type(path_, key, *value, "a floating-point number");
}

std::optional<bool> GgufFile::find_bool(std::string_view key) const {
  const GgufValue* value = find(key);
  if (value == nullptr) return std::nullopt;
  if (value->type != GgufType::boolean) wrong_type(path_, key, *value, "a bool");
  return *value->begin != 0;
}

std::optional<GgufStrings> GgufFile::find_strings(std::string_view key) const {
  const GgufValue* value = find(key);
  if (value == nullptr) return std::nullopt;
  if (value->type != GgufType::array || value->element_type != GgufType::string)
    wrong_type(path_, key, *value, "an array of strings");
  return GgufStrings(value->begin, value->end, static_cast<std::size_t>(value->count));
}

std::optional<std::vector<std::int64_t>> GgufFile::find_ints(std::string_view key) const {
  const GgufValue* value = find(key);
  if (value == nullptr) return std::nullopt;
  const bool boolean = value->element_type == GgufType::boolean;
  const GgufType type = boolean ? GgufType::u8 : value->element_type;
  std::vector<std::int64_t> result;
  if (value->type != GgufType::array) wrong_type(path_, key, *value, "an array of integers");
  result.reserve(static_cast<std::size_t>(value->count));
  for (const std::uint8_t* at = value->begin; at != value->end;) {
    const Integer integer = load_integer(type, at);
    if (!integer.value) wrong_type(path_, key, *value, "an array of integers");
    result.push_back(*integer.value);
    at += integer.size;
  }
  return result;
}

std::optional<std::vector<float>> GgufFile::find_floats(std::string_view key) const {
  const GgufValue* value = find(key);
  if (value == nullptr) return std::nullopt;
  if (value->type != GgufType::array || value->element_type != GgufType::f32)
    wrong_type(path_, key, *value, "an array of f32");
  std::vector<float> result(static_cast<std::size_t>(value->count));
  if (!result.empty()) std::memcpy(result.data(), value->begin, result.size() * sizeof(float));
  return result;
}

std::optional<std::vector<bool>> GgufFile::find_bools(std::string_view key) const {
  const GgufValue* value = find(key);
  if (value == nullptr) return std::nullopt;
  if (value->type != GgufType::array || value->element_type != GgufType::boolean)
    wrong_type(path_, key, *value, "an array of bool");
  return std::vector<bool>(value->begin, value->end);
}

}  // namespace gemma4::formats
