// One GGUF file's bytes to metadata and tensor entries, through one bounded cursor.
// Source: ggml-org/ggml src/gguf.cpp and docs/gguf.md.
#include <algorithm>
#include <array>
#include <bit>
#include <limits>
#include <string>
#include <type_traits>
#include <unordered_set>

#include "base/check.h"
#include "formats/gguf.h"
#include "formats/placeholder.h"

namespace gemma4::formats {
namespace {

static_assert(std::endian::native == std::endian::little, "numbers are read as they lie in the file");

// House limits, far above any real file, so that nothing is reserved or walked on the word of a hostile header.
constexpr std::int64_t kMaxTensors = 1'000'000;
constexpr std::int64_t kMaxKeys = 100'000;
constexpr std::uint64_t kMaxKeyBytes = 64 << 10;
constexpr std::uint64_t kMaxElementBytes = 1 << 20;
constexpr std::uint64_t kMaxStringBytes = 16 << 20;
constexpr std::uint64_t kMaxCount = 1 << 30;
constexpr std::uint32_t kMaxAlignment = 1 << 20;
constexpr std::size_t kMinKeyBytes = 13;     // key length, type, one byte of value
constexpr std::size_t kMinTensorBytes = 24;  // name length, dimensions, type, offset
constexpr std::size_t kMaxNameBytes = 63;
constexpr std::uint32_t kDefaultAlignment = 32;

/// Bytes of a value of fixed size; 0 for strings and arrays.
std::size_t fixed_size(GgufType type) noexcept {
  switch (type) {
    case GgufType::u8:
    case GgufType::i8:
    case GgufType::boolean:
      return 1;
    case GgufType::u16:
    case GgufType::i16:
      return 2;
    case GgufType::u32:
    case GgufType::i32:
    case GgufType::f32:
      return 4;
    case GgufType::u64:
    case GgufType::i64:
    case GgufType::f64:
      return 8;
    case GgufType::string:
    case GgufType::array:
      return 0;
  }
  return 0;
}

/// Text from a file as it may stand in a message.
std::string printable(std::string_view text) {
  std::string result(text.substr(0, 80));
  for (char& c : result) {
    if (c < 0x20 || c > 0x7E) c = '?';
  }
  return result;
}

/// Reads forward; never past the end.
class Cursor {
 public:
  Cursor(Span<const std::uint8_t> bytes, const std::string& name) : bytes_(bytes), name_(name) {}

  std::size_t position() const noexcept { return position_; }
  std::size_t remaining() const noexcept { return bytes_.size() - position_; }
  const std::uint8_t* here() const noexcept { return bytes_.data() + position_; }

  template <class... Parts>
  [[noreturn]] void fail(const Parts&... parts) const {
    base::fail(ErrorCode::bad_format, name_, ": GGUF: byte ", position_, ": ", parts...);
  }

  void skip(std::uint64_t n, const char* what) {
    if (n > remaining()) fail(what, " needs ", n, " bytes, the file has ", remaining(), " more");
    position_ += static_cast<std::size_t>(n);
  }

  template <class T>
  T number(const char* what) {
    static_assert(std::is_trivially_copyable_v<T>);
    T value;
    const std::uint8_t* at = here();
    skip(sizeof value, what);
    std::memcpy(&value, at, sizeof value);
    return value;
  }

  std::string_view string(std::uint64_t max, const char* what) {
    const auto length = number<std::uint64_t>(what);
    if (length > max) fail(what, " has a length of ", length, ", expected at most ", max);
    const auto* text = reinterpret_cast<const char*>(here());
    skip(length, what);
    return {text, static_cast<std::size_t>(length)};
  }

  GgufType type(std::string_view key) {
    const auto number_read = number<std::int32_t>("a value type");
    if (number_read < 0 || number_read > static_cast<std::int32_t>(GgufType::f64)) {
      fail("key \"", printable(key), "\": unknown value type ", number_read);
    }
    return static_cast<GgufType>(number_read);
  }

 private:
  const Span<const std::uint8_t> bytes_;
  const std::string& name_;
  std::size_t position_ = 0;
};

void skip_values(Cursor& cursor, GgufType type, std::uint64_t count, std::string_view key) {
  const std::uint8_t* begin = cursor.here();
  const std::size_t size = fixed_size(type);
  if (size != 0) {
    cursor.skip(count * size, "a value");  // count <= kMaxCount
    if (type != GgufType::boolean) return;
    for (std::uint64_t i = 0; i < count; ++i) {
      if (begin[i] > 1) cursor.fail("key \"", printable(key), "\": expected a bool of 0 or 1, got ", int{begin[i]});
    }
    return;
  }
  for (std::uint64_t i = 0; i < count; ++i) cursor.string(count == 1 ? kMaxStringBytes : kMaxElementBytes, "a string");
}

GgufValue read_value(Cursor& cursor, std::string_view key) {
  GgufValue value;
  value.type = cursor.type(key);
  if (value.type == GgufType::array) {
    value.element_type = cursor.type(key);
    value.count = cursor.number<std::uint64_t>("an array length");
    if (value.element_type == GgufType::array) cursor.fail("key \"", printable(key), "\": an array of arrays");
    const std::size_t least =
        std::max<std::size_t>(fixed_size(value.element_type), value.element_type == GgufType::string ? 8 : 1);
    if (value.count > kMaxCount || value.count > cursor.remaining() / least) {
      cursor.fail("key \"", printable(key), "\": array of ", value.count, " elements, the file has ",
                  cursor.remaining(), " more bytes");
    }
  }
  value.begin = cursor.here();
  skip_values(cursor, value.type == GgufType::array ? value.element_type : value.type, value.count, key);
  value.end = cursor.here();
  return value;
}

std::uint32_t read_alignment(const GgufPart& part, const Cursor& cursor) {
  for (const auto& [key, value] : part.metadata) {
    if (key != "general.alignment") continue;
    if (value.type != GgufType::u32) cursor.fail("general.alignment: expected u32, got ", to_string(value.type));
    std::uint32_t alignment;
    std::memcpy(&alignment, value.begin, sizeof alignment);
    if (!std::has_single_bit(alignment) || alignment > kMaxAlignment) {
      cursor.fail("general.alignment: expected a power of two up to ", kMaxAlignment, ", got ", alignment);
    }
    return alignment;
  }
  return kDefaultAlignment;
}

struct Placed {
  std::uint64_t offset;  // from the start of the data
  std::size_t index;
};

/// A tensor without its data pointer; `offset` is as the file says.
TensorEntry read_tensor_info(Cursor& cursor, const std::string& file, std::uint64_t& offset) {
  TensorEntry tensor;
  tensor.name = cursor.string(kMaxNameBytes, "a tensor name");
  if (tensor.name.empty()) cursor.fail("a tensor without a name");
  if (printable(tensor.name) != tensor.name)
    cursor.fail("tensor \"", printable(tensor.name), "\": expected a name of printable ASCII");
  const std::string label = base::concat("tensor \"", tensor.name, "\": ");
  const auto n_dims = cursor.number<std::uint32_t>("a number of dimensions");
  if (n_dims < 1 || n_dims > 4) cursor.fail(label, "expected 1 to 4 dimensions, got ", n_dims);
  for (std::uint32_t i = 0; i < n_dims; ++i) tensor.shape.push_back(cursor.number<std::int64_t>("a dimension"));
  const auto id = cursor.number<std::uint32_t>("a tensor type");
  const auto type = data_type_from_ggml(id);
  GEMMA4_CHECK(type, ErrorCode::unsupported, file, ": GGUF: ", label, "unknown or removed ggml type ", id);
  tensor.type = *type;
  offset = cursor.number<std::uint64_t>("a tensor offset");

  const DataTypeInfo& layout = info(tensor.type);
  if (tensor.shape[0] % layout.block_elements != 0) {
    cursor.fail(label, "rows of ", tensor.shape[0], " elements, ", layout.name, " needs a multiple of ",
                layout.block_elements);
  }
  std::reverse(tensor.shape.begin(), tensor.shape.end());
  const auto elements = element_count(tensor.shape);
  const auto bytes = elements ? byte_size(tensor.type, *elements) : std::nullopt;
  if (!bytes) cursor.fail(label, "impossible shape ", shape_string(tensor.shape));
  tensor.bytes = *bytes;
  return tensor;
}

}  // namespace

GgufPart parse_gguf(Span<const std::uint8_t> bytes, const std::string& name) {
  refuse_placeholder({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, name);
  Cursor cursor(bytes, name);
  const auto magic = cursor.number<std::array<char, 4>>("the magic number");
  if (std::string_view(magic.data(), 4) != "GGUF") cursor.fail("expected the magic number \"GGUF\"");
  const auto version = cursor.number<std::uint32_t>("the version");
  GEMMA4_CHECK(version == 0 || (version & 0xFFFF) != 0, ErrorCode::unsupported, name,
               ": GGUF: the file is big-endian, expected little-endian");
  GEMMA4_CHECK(version == 2 || version == 3, ErrorCode::unsupported, name, ": GGUF: expected version 2 or 3, got ",
               version);
  const auto n_tensors = cursor.number<std::int64_t>("the number of tensors");
  const auto n_keys = cursor.number<std::int64_t>("the number of keys");
  const auto fits = [&](std::int64_t n, std::int64_t limit, std::size_t least) {
    return n >= 0 && n <= limit && static_cast<std::uint64_t>(n) <= cursor.remaining() / least;
  };
  if (!fits(n_keys, kMaxKeys, kMinKeyBytes))
    cursor.fail(n_keys, " keys do not fit the file of ", bytes.size(), " bytes");
  if (!fits(n_tensors, kMaxTensors, kMinTensorBytes))
    cursor.fail(n_tensors, " tensors do not fit the file of ", bytes.size(), " bytes");

  GgufPart part;
  std::unordered_set<std::string_view> seen;
  for (std::int64_t i = 0; i < n_keys; ++i) {
    const std::string_view key = cursor.string(kMaxKeyBytes, "a key");
    if (key.empty()) cursor.fail("an empty key");
    if (!seen.insert(key).second) cursor.fail("key \"", printable(key), "\" appears twice");
    part.metadata.emplace_back(key, read_value(cursor, key));
  }

  const std::uint64_t alignment = read_alignment(part, cursor);
  std::vector<Placed> placed;
  std::unordered_set<std::string> names;
  for (std::int64_t i = 0; i < n_tensors; ++i) {
    std::uint64_t offset = 0;
    part.tensors.push_back(read_tensor_info(cursor, name, offset));
    const std::string& tensor = part.tensors.back().name;
    if (!names.insert(tensor).second) cursor.fail("tensor \"", tensor, "\" appears twice");
    if (offset % alignment != 0) {
      cursor.fail("tensor \"", tensor, "\": offset ", offset, " is no multiple of the alignment ", alignment);
    }
    placed.push_back({offset, part.tensors.size() - 1});
  }

  const std::uint64_t data_start = (cursor.position() + alignment - 1) / alignment * alignment;
  const std::uint64_t data_size = bytes.size() - std::min<std::uint64_t>(data_start, bytes.size());
  std::sort(placed.begin(), placed.end(), [&](const Placed& a, const Placed& b) {
    return a.offset != b.offset ? a.offset < b.offset : part.tensors[a.index].bytes < part.tensors[b.index].bytes;
  });
  std::uint64_t end = 0;
  std::string_view before;  // the tensor that ends there
  for (const Placed& at : placed) {
    TensorEntry& tensor = part.tensors[at.index];
    const auto check = [&](bool ok, const auto&... what) {
      GEMMA4_CHECK(ok, ErrorCode::bad_format, name, ": GGUF: tensor \"", tensor.name, "\": ", what..., ": ", tensor.bytes,
                   " bytes at offset ", at.offset, " of ", data_size, " bytes of data");
    };
    check(at.offset <= data_size && tensor.bytes <= data_size - at.offset, "ends past the end of the file");
    check(at.offset >= end || tensor.bytes == 0, "overlaps tensor \"", before, "\"");
    if (at.offset + tensor.bytes > end) before = tensor.name;
    end = std::max(end, at.offset + tensor.bytes);
    tensor.data = bytes.data() + std::min<std::uint64_t>(data_start, bytes.size()) + at.offset;
  }
  return part;
}

const char* to_string(GgufType type) noexcept {
  static constexpr const char* names[] = {"u8",   "i8",     "u16",   "i16", "u32", "i32", "f32",
                                          "bool", "string", "array", "u64", "i64", "f64"};
  return names[static_cast<std::size_t>(type)];
}

}  // namespace gemma4::formats
