// JSON behind one strict interface: UTF-8 checked, duplicate keys, deep nesting and overlong documents refused.
// json.cpp is the only file that knows the library underneath.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace gemma4::formats {

class JsonMembers;
class JsonElements;

/// A value inside a JsonDocument, valid as long as the document. Cheap to copy. Accessors throw Error bad_format when
/// the value is of another type, with the document's name and the path of the value
/// ("config.json: text_config.hidden_size: expected an integer, got a string").
class JsonValue {
 public:
  enum class Type : std::uint8_t { null, boolean, integer, real, string, array, object };

  Type type() const noexcept;
  bool is_null() const noexcept { return type() == Type::null; }
  bool is_string() const noexcept { return type() == Type::string; }
  bool is_array() const noexcept { return type() == Type::array; }
  bool is_object() const noexcept { return type() == Type::object; }

  bool as_bool() const;
  std::string as_integer_text() const;  ///< The digits of a number written as an integer.
  std::int64_t as_int() const;         ///< A number written as an integer that fits 64 bits ("2.0" is none).
  double as_double() const;            ///< Any number; JSON has no NaN and no infinity.
  std::string_view as_string() const;  ///< Unescaped UTF-8; valid as long as the document.

  /// Member of an object, or nullopt when absent. A linear search: iterate large objects with members().
  std::optional<JsonValue> find(std::string_view key) const;
  /// Member of an object; throws when absent.
  JsonValue at(std::string_view key) const;

  /// In file order:  for (auto members = value.members(); members.next();) use(members.key(), members.value());
  JsonMembers members() const;
  /// In file order:  for (auto elements = value.elements(); elements.next();) use(elements.value());
  JsonElements elements() const;
  std::size_t size() const;  ///< Elements of an array or members of an object.

  /// Where this value stands, for messages: "tokenizer.json: model.merges[17]". A search of the whole document.
  std::string where() const;
  /// Throws Error bad_format: where(), ": ", what.
  [[noreturn]] void fail(std::string_view what) const;

 private:
  friend class JsonDocument;
  friend class JsonMembers;
  friend class JsonElements;
  struct Access;  // the rest of json.cpp
  const void* document_ = nullptr;
  alignas(8) unsigned char element_[16] = {};  // the library's own handle, copied bit by bit
};

/// A walk over the members of an object.
class JsonMembers {
 public:
  bool next() noexcept;  ///< To the first, then the next member; false after the last.
  std::string_view key() const noexcept { return key_; }
  const JsonValue& value() const noexcept { return value_; }

 private:
  friend class JsonValue;
  alignas(8) unsigned char position_[16] = {};
  alignas(8) unsigned char end_[16] = {};
  std::string_view key_;
  JsonValue value_;
};

/// A walk over the elements of an array.
class JsonElements {
 public:
  bool next() noexcept;  ///< To the first, then the next element; false after the last.
  const JsonValue& value() const noexcept { return value_; }

 private:
  friend class JsonValue;
  alignas(8) unsigned char position_[16] = {};
  alignas(8) unsigned char end_[16] = {};
  JsonValue value_;
};

/// What a document may not exceed.
struct JsonLimits {
  std::size_t max_bytes = std::size_t{256} << 20;  ///< A full tokenizer.json has 14 to 33 MB.
  std::size_t max_depth = 64;
};

/// A parsed document. Immutable; any thread. Movable.
class JsonDocument {
 public:
  /// Reads and parses a file. `name` in messages is the path. Throws Error: not_found, io, bad_format (not JSON, with
  /// the byte where it ends to be; a key twice in one object; a limit exceeded), out_of_memory.
  static JsonDocument from_file(const std::string& path, const JsonLimits& limits = {});
  /// Parses a copy of `text`. `name` stands in messages.
  static JsonDocument from_text(std::string_view text, const std::string& name, const JsonLimits& limits = {});

  JsonValue root() const noexcept;
  const std::string& name() const noexcept;

  JsonDocument(JsonDocument&&) noexcept;
  JsonDocument& operator=(JsonDocument&&) noexcept;
  ~JsonDocument();

  struct Impl;  // defined in json.cpp

 private:
  explicit JsonDocument(std::unique_ptr<Impl> impl) noexcept;
  std::unique_ptr<Impl> impl_;
};

}  // namespace gemma4::formats
