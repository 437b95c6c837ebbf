// Json: a JSON value as a tree, for messages, tools and arguments of tool calls.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace gemma4 {

/// Null, a boolean, a number, a string, an array, or an object whose members keep their order. Numbers keep their text,
/// so that neither large integers nor "1.0" change on the way. A value: copies are deep.
///
/// Reading: the as_...() functions and at() throw Error invalid_argument when the value is of another type or the
/// member is missing; find() does not.
class Json {
 public:
  enum class Type : std::uint8_t { null, boolean, integer, real, string, array, object };

  Json() noexcept = default;
  Json(std::nullptr_t) noexcept {}
  Json(std::string text) noexcept : type_(Type::string), text_(std::move(text)) {}
  Json(std::string_view text) : Json(std::string(text)) {}
  Json(const char* text) : Json(std::string(text)) {}
  Json(double value);  ///< Throws Error invalid_argument for NaN and infinities, which JSON has not.
  template <class T, class = std::enable_if_t<std::is_integral_v<T>>>
  Json(T value) : type_(std::is_same_v<T, bool> ? Type::boolean : Type::integer) {
    if constexpr (std::is_same_v<T, bool>) {
      boolean_ = value;
    } else {
      text_ = std::to_string(value);
    }
  }
  static Json array(std::vector<Json> elements = {});
  static Json object(std::vector<std::pair<std::string, Json>> members = {});
  /// A number by its JSON text, of any size. Throws Error invalid_argument when it is none.
  static Json number(std::string_view text);

  /// Parses UTF-8 text. Throws Error bad_format for what is not strict JSON (a key twice in an object and nesting
  /// beyond kMaxDepth are none), with `name` and the place. Integers beyond 64 bits are refused here too.
  static Json parse(std::string_view text, const std::string& name = "JSON");
  /// As parse(), of a file. Throws Error not_found, io, too.
  static Json parse_file(const std::string& path);
  /// Compact JSON. Throws Error invalid_argument beyond kMaxDepth.
  std::string dump() const;

  /// Arrays and objects inside each other, at most. What is deeper is refused wherever values are read.
  static constexpr std::size_t kMaxDepth = 128;

  Type type() const noexcept { return type_; }
  bool is_null() const noexcept { return type_ == Type::null; }
  bool is_bool() const noexcept { return type_ == Type::boolean; }
  bool is_number() const noexcept { return type_ == Type::integer || type_ == Type::real; }
  bool is_string() const noexcept { return type_ == Type::string; }
  bool is_array() const noexcept { return type_ == Type::array; }
  bool is_object() const noexcept { return type_ == Type::object; }

  bool as_bool() const;
  std::int64_t as_int() const;  ///< An integer that fits 64 bits.
  double as_double() const;     ///< Any number.
  const std::string& as_string() const;
  const std::string& number_text() const;  ///< As it was written: "1e3", "12345678901234567890".

  /// Elements of an array or members of an object, else 0.
  std::size_t size() const noexcept { return values_.size(); }
  /// Of an array or an object, in order; empty for anything else.
  const std::vector<Json>& values() const noexcept { return values_; }
  /// Of an object, in order, key i with value i.
  const std::vector<std::string>& keys() const noexcept { return keys_; }
  const Json& operator[](std::size_t i) const { return values_[i]; }  ///< i < size()
  /// The member, or null when there is none (or this is no object).
  const Json* find(std::string_view key) const noexcept;
  const Json& at(std::string_view key) const;

  /// Makes this an object if it is null; replaces the member or adds it at the end.
  void set(std::string key, Json value);
  /// Makes this an array if it is null.
  void push_back(Json value);

  /// Equal types and contents; numbers by their text, members in any order.
  friend bool operator==(const Json& a, const Json& b) noexcept;
  friend bool operator!=(const Json& a, const Json& b) noexcept { return !(a == b); }

 private:
  Type type_ = Type::null;
  bool boolean_ = false;
  std::string text_;          // of a string or a number
  std::vector<Json> values_;  // of an array or an object
  std::vector<std::string> keys_;
};

/// "null", "a boolean", "an integer", "a real number", "a string", "an array", "an object"; static storage.
const char* describe(Json::Type type) noexcept;

}  // namespace gemma4
