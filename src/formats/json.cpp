#include "formats/json.h"

#include <simdjson.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <functional>
#include <new>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/mapped_file.h"
#include "formats/json_syntax.h"
#include "formats/placeholder.h"

namespace gemma4::formats {
namespace dom = simdjson::dom;

struct JsonDocument::Impl {
  std::string name;
  dom::document document;
  dom::element root;
};

// The header keeps the library out by holding its handles as bytes.
struct JsonValue::Access {
  template <class Handle>
  static Handle load(const unsigned char (&bytes)[16]) noexcept {
    static_assert(sizeof(Handle) == 16 && alignof(Handle) <= 8 && std::is_trivially_copyable_v<Handle>);
    Handle handle;
    std::memcpy(static_cast<void*>(&handle), bytes, sizeof handle);
    return handle;
  }
  template <class Handle>
  static void store(unsigned char (&bytes)[16], const Handle& handle) noexcept {
    static_assert(sizeof(Handle) == 16 && std::is_trivially_copyable_v<Handle>);
    std::memcpy(bytes, static_cast<const void*>(&handle), sizeof handle);
  }
  static const JsonDocument::Impl& document(const JsonValue& value) noexcept {
    return *static_cast<const JsonDocument::Impl*>(value.document_);
  }
  static dom::element element(const JsonValue& value) noexcept { return load<dom::element>(value.element_); }
  static JsonValue value(const void* document, const dom::element& element) noexcept {
    JsonValue result;
    result.document_ = document;
    store(result.element_, element);
    return result;
  }
  [[noreturn]] static void wrong_type(const JsonValue& value, const char* expected) {
    static constexpr const char* names[] = {"null",     "a boolean", "an integer", "a real number",
                                            "a string", "an array",  "an object"};
    value.fail(base::concat("expected ", expected, ", got ", names[static_cast<int>(value.type())]));
  }
};

namespace {

/// Builds the path from `from` to the element whose handle is `wanted`, last step first; false when it is not below
/// `from`.
bool find_path(const dom::element& from, const unsigned char (&wanted)[16], std::vector<std::string>& steps) {
  if (std::memcmp(&from, wanted, sizeof wanted) == 0) return true;
  if (from.is_object()) {
    for (const auto member : dom::object(from)) {
      if (!find_path(member.value, wanted, steps)) continue;
      steps.push_back(base::concat(".", member.key));
      return true;
    }
  } else if (from.is_array()) {
    std::size_t index = 0;
    for (const dom::element element : dom::array(from)) {
      if (find_path(element, wanted, steps)) {
        steps.push_back(base::concat("[", index, "]"));
        return true;
      }
      ++index;
    }
  }
  return false;
}

/// "config.json" of the root, else "config.json: text_config.layer_types[3]".
std::string path_of(const JsonDocument::Impl& document, const unsigned char (&wanted)[16]) {
  std::vector<std::string> steps;
  find_path(document.root, wanted, steps);
  std::string path;
  for (auto step = steps.rbegin(); step != steps.rend(); ++step) path += *step;
  if (path.empty()) return document.name;
  return document.name + ": " + path.substr(path[0] == '.' ? 1 : 0);
}

/// Finds a key that an object has twice. Linear in time for any sensible object, n log n for a hostile one.
class DuplicateFinder {
 public:
  std::optional<std::string_view> find(const dom::object& object) {
    keys_.clear();
    for (const auto member : object) keys_.push_back(member.key);
    return keys_.size() <= 8 ? find_by_pairs() : find_by_hash();
  }

 private:
  std::optional<std::string_view> find_by_pairs() const {
    for (auto key = keys_.begin(); key != keys_.end(); ++key) {
      if (std::find(keys_.begin(), key, *key) != key) return *key;
    }
    return std::nullopt;
  }

  std::optional<std::string_view> find_by_hash() {
    constexpr std::size_t kMaxProbes = 128;  // chosen keys may collide on purpose; then sort
    const std::size_t mask = std::bit_ceil(keys_.size() * 2) - 1;
    slots_.assign(mask + 1, 0);
    for (std::uint32_t i = 0; i < keys_.size(); ++i) {
      std::size_t slot = std::hash<std::string_view>()(keys_[i]) & mask;
      std::size_t probes = 0;
      for (; slots_[slot] != 0; slot = (slot + 1) & mask) {
        if (keys_[slots_[slot] - 1] == keys_[i]) return keys_[i];
        if (++probes == kMaxProbes) return find_by_sort();
      }
      slots_[slot] = i + 1;
    }
    return std::nullopt;
  }

  std::optional<std::string_view> find_by_sort() {
    std::sort(keys_.begin(), keys_.end());
    const auto twice = std::adjacent_find(keys_.begin(), keys_.end());
    if (twice == keys_.end()) return std::nullopt;
    return *twice;
  }

  std::vector<std::string_view> keys_;
  std::vector<std::uint32_t> slots_;  // 1 + index into keys_; 0: free
};

void refuse_duplicates(const dom::element& element, DuplicateFinder& finder, const JsonDocument::Impl& document) {
  if (element.is_array()) {
    for (const dom::element child : dom::array(element)) {
      if (child.is_array() || child.is_object()) refuse_duplicates(child, finder, document);
    }
  } else if (element.is_object()) {
    const dom::object object(element);
    if (const auto key = finder.find(object)) {
      unsigned char handle[16];
      std::memcpy(handle, &element, sizeof handle);
      base::fail(ErrorCode::bad_format, path_of(document, handle), ": key \"", *key, "\" appears twice");
    }
    for (const auto member : object) {
      if (member.value.is_array() || member.value.is_object()) refuse_duplicates(member.value, finder, document);
    }
  }
}

/// The bytes around an error, printable.
std::string excerpt(std::string_view text, std::size_t offset) {
  std::string result(text.substr(offset, 24));
  for (char& c : result) {
    if (c < 0x20 || c > 0x7E) c = '?';
  }
  return result;
}

[[noreturn]] void fail_parse(const std::string& name, std::string_view text, const JsonLimits& limits,
                             simdjson::error_code error) {
  GEMMA4_CHECK(error != simdjson::MEMALLOC, ErrorCode::out_of_memory, name, ": no memory to parse ", text.size(),
               " bytes");
  const auto fault = find_syntax_error(text, limits.max_depth);
  if (!fault) base::fail(ErrorCode::bad_format, name, ": not JSON: ", simdjson::error_message(error));
  if (fault->offset >= text.size()) {
    base::fail(ErrorCode::bad_format, name, ": not JSON: ends at byte ", text.size(), ", expected ", fault->expected);
  }
  base::fail(ErrorCode::bad_format, name, ": not JSON: byte ", fault->offset, ": expected ", fault->expected, ", got '",
             excerpt(text, fault->offset), "'");
}

}  // namespace

JsonDocument::JsonDocument(std::unique_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}
JsonDocument::JsonDocument(JsonDocument&&) noexcept = default;
JsonDocument& JsonDocument::operator=(JsonDocument&&) noexcept = default;
JsonDocument::~JsonDocument() = default;

JsonDocument JsonDocument::from_text(std::string_view text, const std::string& name, const JsonLimits& limits) {
  GEMMA4_CHECK(text.size() <= limits.max_bytes, ErrorCode::bad_format, name, ": ", text.size(),
               " bytes of JSON, expected at most ", limits.max_bytes);
  const std::unique_ptr<char[]> padded(new (std::nothrow) char[text.size() + simdjson::SIMDJSON_PADDING]);
  GEMMA4_CHECK(padded, ErrorCode::out_of_memory, name, ": no memory for ", text.size(), " bytes");
  if (!text.empty()) std::memcpy(padded.get(), text.data(), text.size());
  std::memset(padded.get() + text.size(), 0, simdjson::SIMDJSON_PADDING);

  auto impl = std::make_unique<Impl>();
  impl->name = name;
  dom::parser parser(limits.max_bytes);
  simdjson::error_code error = parser.allocate(std::max<std::size_t>(text.size(), 64), limits.max_depth);
  if (error == simdjson::SUCCESS) {
    error = parser.parse_into_document(impl->document, padded.get(), text.size(), false).get(impl->root);
  }
  if (error != simdjson::SUCCESS) fail_parse(name, text, limits, error);
  DuplicateFinder finder;
  refuse_duplicates(impl->root, finder, *impl);
  return JsonDocument(std::move(impl));
}

JsonDocument JsonDocument::from_file(const std::string& path, const JsonLimits& limits) {
  const auto file = base::MappedFile::open(path, false);
  const std::string_view text(reinterpret_cast<const char*>(file->data()), file->size());
  refuse_placeholder(text, path);
  return from_text(text, path, limits);
}

JsonValue JsonDocument::root() const noexcept { return JsonValue::Access::value(impl_.get(), impl_->root); }
const std::string& JsonDocument::name() const noexcept { return impl_->name; }

JsonValue::Type JsonValue::type() const noexcept {
  switch (Access::element(*this).type()) {
    case dom::element_type::ARRAY:
      return Type::array;
    case dom::element_type::OBJECT:
      return Type::object;
    case dom::element_type::INT64:
    case dom::element_type::UINT64:
      return Type::integer;
    case dom::element_type::DOUBLE:
      return Type::real;
    case dom::element_type::STRING:
      return Type::string;
    case dom::element_type::BOOL:
      return Type::boolean;
    default:
      return Type::null;
  }
}

bool JsonValue::as_bool() const {
  bool result = false;
  if (Access::element(*this).get(result) != simdjson::SUCCESS) Access::wrong_type(*this, "a boolean");
  return result;
}

std::int64_t JsonValue::as_int() const {
  std::int64_t result = 0;
  if (type() != Type::integer) Access::wrong_type(*this, "an integer");
  if (Access::element(*this).get(result) != simdjson::SUCCESS) fail("expected an integer of 64 bits, got a larger one");
  return result;
}

std::string JsonValue::as_integer_text() const {
  std::uint64_t large = 0;
  if (type() != Type::integer) Access::wrong_type(*this, "an integer");
  if (Access::element(*this).get(large) == simdjson::SUCCESS) return std::to_string(large);
  return std::to_string(as_int());
}

double JsonValue::as_double() const {
  double result = 0;
  if (Access::element(*this).get(result) != simdjson::SUCCESS) Access::wrong_type(*this, "a number");
  return result;
}

std::string_view JsonValue::as_string() const {
  std::string_view result;
  if (Access::element(*this).get(result) != simdjson::SUCCESS) Access::wrong_type(*this, "a string");
  return result;
}

std::optional<JsonValue> JsonValue::find(std::string_view key) const {
  dom::object object;
  if (Access::element(*this).get(object) != simdjson::SUCCESS) Access::wrong_type(*this, "an object");
  dom::element found;
  if (object.at_key(key).get(found) != simdjson::SUCCESS) return std::nullopt;
  return Access::value(document_, found);
}

JsonValue JsonValue::at(std::string_view key) const {
  const auto found = find(key);
  if (!found) fail(base::concat("expected a member \"", key, "\", found none"));
  return *found;
}

std::size_t JsonValue::size() const {
  // The library's own size() saturates at 2^24 - 1.
  constexpr std::size_t kSaturated = 0xFFFFFF;
  dom::array array;
  dom::object object;
  const dom::element element = Access::element(*this);
  if (element.get(array) == simdjson::SUCCESS) {
    return array.size() < kSaturated ? array.size()
                                     : static_cast<std::size_t>(std::distance(array.begin(), array.end()));
  }
  if (element.get(object) != simdjson::SUCCESS) Access::wrong_type(*this, "an array or an object");
  return object.size() < kSaturated ? object.size()
                                    : static_cast<std::size_t>(std::distance(object.begin(), object.end()));
}

JsonMembers JsonValue::members() const {
  dom::object object;
  if (Access::element(*this).get(object) != simdjson::SUCCESS) Access::wrong_type(*this, "an object");
  JsonMembers result;
  Access::store(result.position_, object.begin());
  Access::store(result.end_, object.end());
  result.value_.document_ = document_;
  return result;
}

bool JsonMembers::next() noexcept {
  auto position = JsonValue::Access::load<dom::object::iterator>(position_);
  if (!(position != JsonValue::Access::load<dom::object::iterator>(end_))) return false;
  key_ = position.key();
  JsonValue::Access::store(value_.element_, position.value());
  JsonValue::Access::store(position_, ++position);
  return true;
}

JsonElements JsonValue::elements() const {
  dom::array array;
  if (Access::element(*this).get(array) != simdjson::SUCCESS) Access::wrong_type(*this, "an array");
  JsonElements result;
  Access::store(result.position_, array.begin());
  Access::store(result.end_, array.end());
  result.value_.document_ = document_;
  return result;
}

bool JsonElements::next() noexcept {
  auto position = JsonValue::Access::load<dom::array::iterator>(position_);
  if (!(position != JsonValue::Access::load<dom::array::iterator>(end_))) return false;
  JsonValue::Access::store(value_.element_, *position);
  JsonValue::Access::store(position_, ++position);
  return true;
}

std::string JsonValue::where() const { return path_of(Access::document(*this), element_); }
void JsonValue::fail(std::string_view what) const { base::fail(ErrorCode::bad_format, where(), ": ", what); }

}  // namespace gemma4::formats
