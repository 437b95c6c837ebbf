#include "formats/safetensors.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/check.h"
#include "formats/json.h"
#include "formats/placeholder.h"

namespace gemma4::formats {
namespace {

constexpr std::uint64_t kMaxHeader = 100'000'000;  // as the reference parser

struct Range {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
};

std::uint64_t as_size(const JsonValue& value) {
  const std::int64_t number = value.as_int();
  if (number < 0) value.fail(base::concat("expected a size, got ", number));
  return static_cast<std::uint64_t>(number);
}

Range read_offsets(const JsonValue& value) {
  if (value.size() != 2) value.fail(base::concat("expected [begin, end], got ", value.size(), " numbers"));
  Range range;
  auto elements = value.elements();
  elements.next();
  range.begin = as_size(elements.value());
  elements.next();
  range.end = as_size(elements.value());
  return range;
}

void check_metadata(const JsonValue& metadata) {
  for (auto members = metadata.members(); members.next();) members.value().as_string();
}

}  // namespace

std::vector<TensorEntry> parse_safetensors(Span<const std::uint8_t> bytes, const std::string& name) {
  refuse_placeholder({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, name);
  GEMMA4_CHECK(bytes.size() >= 8, ErrorCode::bad_format, name,
               ": safetensors: expected a header length of 8 bytes, file has ", bytes.size(), " bytes");
  std::uint64_t header_size = 0;
  std::memcpy(&header_size, bytes.data(), sizeof header_size);
  GEMMA4_CHECK(header_size <= kMaxHeader, ErrorCode::bad_format, name, ": safetensors: header length ", header_size,
               " exceeds the limit of ", kMaxHeader);
  GEMMA4_CHECK(header_size <= bytes.size() - 8, ErrorCode::bad_format, name, ": safetensors: header length ",
               header_size, " exceeds the ", bytes.size() - 8, " bytes that follow it");
  const std::string_view header(reinterpret_cast<const char*>(bytes.data()) + 8, static_cast<std::size_t>(header_size));
  GEMMA4_CHECK(!header.empty() && header[0] == '{', ErrorCode::bad_format, name,
               ": safetensors: expected the header to start with '{'");

  const JsonDocument document = JsonDocument::from_text(header, name + ": safetensors header", {kMaxHeader, 8});
  const Span<const std::uint8_t> buffer = bytes.subspan(8 + header.size());
  std::vector<std::pair<Range, TensorEntry>> found;
  for (auto members = document.root().members(); members.next();) {
    const JsonValue& value = members.value();
    if (members.key() == "__metadata__") {
      check_metadata(value);
      continue;
    }
    TensorEntry tensor;
    tensor.name = members.key();
    const std::string_view dtype = value.at("dtype").as_string();
    const auto type = data_type_from_safetensors(dtype);
    if (!type) value.fail(base::concat("unknown dtype \"", dtype, "\""));
    tensor.type = *type;
    for (auto shape = value.at("shape").elements(); shape.next();) {
      tensor.shape.push_back(static_cast<std::int64_t>(as_size(shape.value())));
    }
    const Range range = read_offsets(value.at("data_offsets"));
    const auto elements = element_count(tensor.shape);
    const auto size = elements ? byte_size(tensor.type, *elements) : std::nullopt;
    if (!size) value.fail(base::concat("shape ", shape_string(tensor.shape), " of ", dtype, " has no valid size"));
    if (range.end < range.begin || range.end > buffer.size()) {
      value.fail(base::concat("data_offsets [", range.begin, ", ", range.end, "] do not lie in the ", buffer.size(),
                              " bytes of data"));
    }
    if (range.end - range.begin != *size) {
      value.fail(base::concat("data_offsets [", range.begin, ", ", range.end, "] hold ", range.end - range.begin,
                              " bytes, shape ", shape_string(tensor.shape), " of ", dtype, " takes ", *size));
    }
    tensor.data = buffer.data() + range.begin;
    tensor.bytes = *size;
    found.emplace_back(range, std::move(tensor));
  }

  std::stable_sort(found.begin(), found.end(), [](const auto& a, const auto& b) {
    return std::pair(a.first.begin, a.first.end) < std::pair(b.first.begin, b.first.end);
  });
  std::vector<TensorEntry> tensors;
  tensors.reserve(found.size());
  std::uint64_t expected = 0;
  for (auto& [range, tensor] : found) {
    GEMMA4_CHECK(range.begin == expected, ErrorCode::bad_format, name, ": safetensors: tensor \"", tensor.name,
                 "\": data begins at ", range.begin, ", expected ", expected,
                 range.begin < expected ? " (tensors overlap)" : " (a hole before it)");
    expected = range.end;
    tensors.push_back(std::move(tensor));
  }
  GEMMA4_CHECK(expected == buffer.size(), ErrorCode::bad_format, name, ": safetensors: tensors end at byte ", expected,
               " of the data, expected all ", buffer.size(), " bytes to be used");
  return tensors;
}

SafetensorsFile SafetensorsFile::open(const std::string& path, bool use_mmap) {
  SafetensorsFile result;
  result.file_ = base::MappedFile::open(path, use_mmap);
  result.tensors_ = parse_safetensors({result.file_->data(), result.file_->size()}, path);
  return result;
}

}  // namespace gemma4::formats
