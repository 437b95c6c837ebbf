// SchemaDocument: the schemas of a JSON Schema document by their keywords, checked, with references resolved.
#pragma once

#include <array>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "grammar/json_tree.h"

namespace gemma4::grammar {

/// Keywords that say which instances are valid; all others are annotations.
enum class Keyword : std::uint8_t {
  ref, type, enum_, const_,
  properties, pattern_properties, additional_properties, property_names, required, min_properties, max_properties,
  dependencies, dependent_required, dependent_schemas, unevaluated_properties,
  items, prefix_items, additional_items, min_items, max_items, unique_items, contains, min_contains, max_contains,
  unevaluated_items,
  min_length, max_length, pattern, format,
  minimum, maximum, exclusive_minimum, exclusive_maximum, multiple_of,
  all_of, any_of, one_of, not_, if_, then_, else_,
  dynamic_ref, recursive_ref, extends, disallow, divisible_by,
  count
};

/// Types of an instance; `integer` is a condition on numbers.
enum class InstanceType : std::uint8_t { null, boolean, number, string, array, object };
constexpr int kInstanceTypes = 6;

/// A schema object's keywords: the nodes of their values, kNoJson where absent.
struct Schema {
  std::array<JsonId, static_cast<std::size_t>(Keyword::count)> values;
  JsonId operator[](Keyword k) const noexcept { return values[static_cast<std::size_t>(k)]; }
  JsonId target = kNoJson;  ///< What `$ref` refers to.
  std::uint8_t types = 0x3F;     ///< By InstanceType; 0x3F without `type`.
  bool only_integers = false;    ///< Of numbers: "integer" without "number".
  bool trivial = true;           ///< No keyword at all.
};

class SchemaDocument {
 public:
  explicit SchemaDocument(std::string_view text);

  const JsonTree& tree() const noexcept { return tree_; }
  /// A node that stands where a schema must: an object, checked on first sight; `true` and `false` are not asked for.
  /// Throws Error bad_format, unsupported.
  const Schema& schema(JsonId id);
  bool is_boolean(JsonId id) const { return tree_[id].type == JsonNode::Type::boolean; }

  std::string where(JsonId id) const { return "json_schema: " + tree_.path(id); }
  [[noreturn]] void bad(JsonId id, const std::string& expected) const;
  [[noreturn]] void unsupported(JsonId id, const std::string& what) const;
  /// A non-negative integer, at most 2^32 - 2.
  std::uint32_t count(JsonId id) const;
  const Decimal& number(JsonId id) const;
  bool truth(JsonId id) const;
  void expect(JsonId id, JsonNode::Type type, const char* expected) const;
  /// The year of the dialect, as in 2020; drafts 3 to 7 are 3 to 7.
  int draft() const noexcept { return draft_; }

 private:
  void check(JsonId id, Schema& schema);
  void read_types(JsonId id, Schema& schema);
  JsonId resolve(JsonId ref);
  JsonId pointer(JsonId from, std::string_view fragment) const;
  std::string base_of(JsonId id, JsonId* resource) const;
  const std::string* id_of(JsonId id) const;
  bool in_value(JsonId id) const;
  void index_ids();

  JsonTree tree_;
  int draft_ = 2020;
  std::unordered_map<JsonId, std::unique_ptr<Schema>> schemas_;
  std::map<std::string, JsonId> ids_;  // absolute URIs, with #anchor for anchors
};

}  // namespace gemma4::grammar
