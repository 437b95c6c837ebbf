// JsonTree: a schema document as numbered nodes with paths; decimal numbers kept exact.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace gemma4::formats {
class JsonValue;
}

namespace gemma4::grammar {

/// sign * digits * 10^-scale; digits without leading zeros (zero: "0"), scale >= 0 without trailing zeros behind it.
struct Decimal {
  bool negative = false;
  std::string digits = "0";
  int scale = 0;

  static Decimal parse(std::string_view json_number);
  bool zero() const noexcept { return digits == "0"; }
  bool integer() const noexcept { return scale == 0; }
  double value() const;
  std::string text() const;  ///< As JSON, without exponent.
  Decimal negated() const {
    Decimal d = *this;
    d.negative = !negative && !zero();
    return d;
  }
};

/// -1, 0 or 1.
int compare(const Decimal& a, const Decimal& b);

using JsonId = std::uint32_t;
constexpr JsonId kNoJson = 0xFFFFFFFF;

struct JsonNode {
  enum class Type : std::uint8_t { null, boolean, number, string, array, object };
  Type type = Type::null;
  bool truth = false;
  JsonId parent = kNoJson;
  std::uint32_t index = 0;    ///< In an array.
  std::string key;            ///< In an object.
  std::string text;           ///< Of a string.
  Decimal number;
  std::vector<JsonId> children;
};

/// Immutable.
class JsonTree {
 public:
  /// Throws Error bad_format. At most kMaxBytes, nested kMaxDepth deep.
  explicit JsonTree(std::string_view text);
  static constexpr std::size_t kMaxBytes = std::size_t{4} << 20;
  static constexpr std::size_t kMaxDepth = 128;

  const JsonNode& operator[](JsonId id) const { return nodes_[id]; }
  JsonId root() const noexcept { return 0; }
  std::size_t size() const noexcept { return nodes_.size(); }
  /// Member of an object; kNoJson when absent or when `id` is no object.
  JsonId find(JsonId id, std::string_view key) const;
  /// "#/properties/a", a JSON pointer in a fragment.
  std::string path(JsonId id) const;
  bool equal(JsonId a, JsonId b) const;

 private:
  JsonId add(const formats::JsonValue& value, JsonId parent);
  std::vector<JsonNode> nodes_;
};

}  // namespace gemma4::grammar
