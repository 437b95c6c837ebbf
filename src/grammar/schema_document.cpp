#include "grammar/schema_document.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace gemma4::grammar {
namespace {

constexpr std::pair<std::string_view, Keyword> kKeywords[] = {
    {"$ref", Keyword::ref}, {"type", Keyword::type}, {"enum", Keyword::enum_}, {"const", Keyword::const_},
    {"properties", Keyword::properties}, {"patternProperties", Keyword::pattern_properties},
    {"additionalProperties", Keyword::additional_properties}, {"propertyNames", Keyword::property_names},
    {"required", Keyword::required}, {"minProperties", Keyword::min_properties},
    {"maxProperties", Keyword::max_properties}, {"dependencies", Keyword::dependencies},
    {"dependentRequired", Keyword::dependent_required}, {"dependentSchemas", Keyword::dependent_schemas},
    {"unevaluatedProperties", Keyword::unevaluated_properties}, {"items", Keyword::items},
    {"prefixItems", Keyword::prefix_items}, {"additionalItems", Keyword::additional_items},
    {"minItems", Keyword::min_items}, {"maxItems", Keyword::max_items}, {"uniqueItems", Keyword::unique_items},
    {"contains", Keyword::contains}, {"minContains", Keyword::min_contains}, {"maxContains", Keyword::max_contains},
    {"unevaluatedItems", Keyword::unevaluated_items}, {"minLength", Keyword::min_length},
    {"maxLength", Keyword::max_length}, {"pattern", Keyword::pattern}, {"format", Keyword::format},
    {"minimum", Keyword::minimum}, {"maximum", Keyword::maximum}, {"exclusiveMinimum", Keyword::exclusive_minimum},
    {"exclusiveMaximum", Keyword::exclusive_maximum}, {"multipleOf", Keyword::multiple_of},
    {"allOf", Keyword::all_of}, {"anyOf", Keyword::any_of}, {"oneOf", Keyword::one_of}, {"not", Keyword::not_},
    {"if", Keyword::if_}, {"then", Keyword::then_}, {"else", Keyword::else_}, {"$dynamicRef", Keyword::dynamic_ref},
    {"$recursiveRef", Keyword::recursive_ref}, {"extends", Keyword::extends}, {"disallow", Keyword::disallow},
    {"divisibleBy", Keyword::divisible_by}};

/// Scheme, authority and so on joined as RFC 3986, section 5.2 has it, as far as `$id`s need.
std::string join_uri(const std::string& base, const std::string& uri) {
  const std::size_t colon = uri.find(':');
  if (colon != std::string::npos && uri.find_first_of("/?#") > colon) return uri;
  const std::size_t scheme = base.find(':');
  if (uri.empty()) return base;
  if (uri.rfind("//", 0) == 0) return scheme == std::string::npos ? uri : base.substr(0, scheme + 1) + uri;
  const std::size_t authority = base.find("//");
  const std::size_t path = authority == std::string::npos ? (scheme == std::string::npos ? 0 : scheme + 1)
                                                          : std::min(base.find('/', authority + 2), base.size());
  if (uri[0] == '/') return base.substr(0, path) + uri;
  const std::size_t slash = base.rfind('/');
  std::string joined = slash == std::string::npos || slash < path ? base.substr(0, path) + (path > 0 ? "/" : "") + uri
                                                                  : base.substr(0, slash + 1) + uri;
  for (std::size_t at; (at = joined.find("/./", path)) != std::string::npos;) joined.erase(at, 2);
  for (std::size_t at; (at = joined.find("/../", path)) != std::string::npos;) {
    const std::size_t start = at == 0 ? std::string::npos : joined.rfind('/', at - 1);
    if (start == std::string::npos || start < path) {
      joined.erase(at, 3);
    } else {
      joined.erase(start, at + 3 - start);
    }
  }
  return joined;
}

std::string unescaped_pointer(std::string_view token) {
  std::string out;
  for (std::size_t i = 0; i < token.size(); ++i) {
    if (token[i] == '~' && i + 1 < token.size()) {
      out += token[++i] == '1' ? '/' : '~';
    } else {
      out += token[i];
    }
  }
  return out;
}

std::string percent_decoded(std::string_view text) {
  std::string out;
  const auto hex = [](char c) { return c <= '9' ? c - '0' : (c | 32) - 'a' + 10; };
  const auto is_hex = [](char c) { return (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'f'); };
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && is_hex(text[i + 1]) && is_hex(text[i + 2])) {
      out += static_cast<char>(hex(text[i + 1]) * 16 + hex(text[i + 2]));
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

}  // namespace

SchemaDocument::SchemaDocument(std::string_view text) : tree_(text) {
  const JsonId dialect = tree_.find(tree_.root(), "$schema");
  if (dialect != kNoJson) {
    const std::string& uri = tree_[dialect].text;
    for (const auto& [mark, draft] : {std::pair<const char*, int>{"draft-03", 3}, {"draft-04", 4}, {"draft-06", 6},
                                      {"draft-07", 7}, {"2019-09", 2019}}) {
      if (uri.find(mark) != std::string::npos) draft_ = draft;
    }
  }
  index_ids();
}

void SchemaDocument::bad(JsonId id, const std::string& expected) const {
  base::fail(ErrorCode::bad_format, where(id), ": expected ", expected);
}

void SchemaDocument::unsupported(JsonId id, const std::string& what) const {
  base::fail(ErrorCode::unsupported, where(id), ": unsupported: ", what);
}

void SchemaDocument::expect(JsonId id, JsonNode::Type type, const char* expected) const {
  if (tree_[id].type != type) bad(id, expected);
}

std::uint32_t SchemaDocument::count(JsonId id) const {
  expect(id, JsonNode::Type::number, "a number that is not negative");
  const Decimal& n = tree_[id].number;
  if (n.negative || !n.integer()) bad(id, "a whole number that is not negative");
  return n.digits.size() > 9 ? kNoJson - 1 : static_cast<std::uint32_t>(std::stoul(n.digits));
}

const Decimal& SchemaDocument::number(JsonId id) const {
  expect(id, JsonNode::Type::number, "a number");
  return tree_[id].number;
}

bool SchemaDocument::truth(JsonId id) const {
  expect(id, JsonNode::Type::boolean, "true or false");
  return tree_[id].truth;
}

const Schema& SchemaDocument::schema(JsonId id) {
  std::unique_ptr<Schema>& known = schemas_[id];
  if (known) return *known;
  if (tree_[id].type != JsonNode::Type::object) bad(id, "a schema: an object, true or false");
  auto schema = std::make_unique<Schema>();
  schema->values.fill(kNoJson);
  for (const JsonId child : tree_[id].children) {
    for (const auto& [name, keyword] : kKeywords) {
      if (name == tree_[child].key) {
        schema->values[static_cast<std::size_t>(keyword)] = child;
        schema->trivial = false;
        break;
      }
    }
  }
  check(id, *schema);
  return *(schemas_[id] = std::move(schema));
}

void SchemaDocument::check(JsonId id, Schema& s) {
  using Type = JsonNode::Type;
  if (s[Keyword::ref] != kNoJson && draft_ <= 7) {  // siblings of $ref are ignored there
    const JsonId ref = s[Keyword::ref];
    s.values.fill(kNoJson);
    s.values[static_cast<std::size_t>(Keyword::ref)] = ref;
  }
  if (s[Keyword::ref] != kNoJson) s.target = resolve(s[Keyword::ref]);
  for (const Keyword k : {Keyword::dynamic_ref, Keyword::recursive_ref}) {
    if (s[k] != kNoJson) unsupported(s[k], tree_[s[k]].key);
  }
  for (const Keyword k : {Keyword::extends, Keyword::disallow, Keyword::divisible_by}) {
    if (s[k] != kNoJson && draft_ == 3) unsupported(s[k], tree_[s[k]].key + " of draft 3");
  }
  if (draft_ == 3 && s[Keyword::required] != kNoJson && tree_[s[Keyword::required]].type == Type::boolean) {
    s.values[static_cast<std::size_t>(Keyword::required)] = kNoJson;  // read with the properties that hold it
  }
  for (const Keyword k : {Keyword::properties, Keyword::pattern_properties, Keyword::dependencies,
                          Keyword::dependent_required, Keyword::dependent_schemas}) {
    if (s[k] != kNoJson) expect(s[k], Type::object, "an object");
  }
  for (const Keyword k : {Keyword::enum_, Keyword::required, Keyword::all_of, Keyword::any_of, Keyword::one_of,
                          Keyword::prefix_items}) {
    if (s[k] != kNoJson) expect(s[k], Type::array, "an array");
  }
  for (const Keyword k : {Keyword::all_of, Keyword::any_of, Keyword::one_of}) {
    if (s[k] != kNoJson && tree_[s[k]].children.empty()) bad(s[k], "an array that is not empty");
  }
  if (s[Keyword::required] != kNoJson) {
    for (const JsonId name : tree_[s[Keyword::required]].children) expect(name, Type::string, "a string");
  }
  for (const Keyword k : {Keyword::pattern}) {
    if (s[k] != kNoJson) expect(s[k], Type::string, "a string");
  }
  if (s[Keyword::type] != kNoJson) read_types(id, s);
}

void SchemaDocument::read_types(JsonId, Schema& s) {
  const JsonId id = s[Keyword::type];
  const bool several = tree_[id].type == JsonNode::Type::array;
  s.types = 0;
  bool integer = false, number = false;
  for (const JsonId name : several ? tree_[id].children : std::vector<JsonId>{id}) {
    if (tree_[name].type != JsonNode::Type::string) {
      if (draft_ == 3) unsupported(name, "a schema in type, of draft 3");
      bad(name, "the name of a type");
    }
    const std::string& t = tree_[name].text;
    constexpr std::string_view kNames[] = {"null", "boolean", "number", "string", "array", "object"};
    const auto* const found = std::find(std::begin(kNames), std::end(kNames), t);
    if (t == "any" && draft_ == 3) {
      s.types = 0x3F;
      number = true;
    } else if (t == "integer") {
      integer = true;
      s.types |= 1U << static_cast<int>(InstanceType::number);
    } else if (found == std::end(kNames)) {
      bad(name, "one of null, boolean, integer, number, string, array, object");
    } else {
      number = number || t == "number";
      s.types |= static_cast<std::uint8_t>(1U << (found - kNames));
    }
  }
  s.only_integers = integer && !number;
}

const std::string* SchemaDocument::id_of(JsonId id) const {
  const JsonId found = tree_.find(id, draft_ <= 4 ? "id" : "$id");
  if (found == kNoJson || tree_[found].type != JsonNode::Type::string) return nullptr;
  if (draft_ <= 7 && tree_.find(id, "$ref") != kNoJson) return nullptr;
  return &tree_[found].text;
}

// The URI that references of a node start from, and the node that has it.
std::string SchemaDocument::base_of(JsonId id, JsonId* resource) const {
  std::vector<JsonId> chain;
  for (JsonId at = id; at != kNoJson; at = tree_[at].parent) chain.push_back(at);
  std::string base;
  if (resource != nullptr) *resource = tree_.root();
  for (std::size_t i = chain.size(); i > 0; --i) {
    const std::string* const uri = id_of(chain[i - 1]);
    if (uri == nullptr || uri->empty() || (*uri)[0] == '#') continue;
    base = join_uri(base, uri->substr(0, uri->find('#')));
    if (resource != nullptr) *resource = chain[i - 1];
  }
  return base;
}

// Inside `enum` or `const`, where nothing is a schema.
bool SchemaDocument::in_value(JsonId id) const {
  for (JsonId at = id; tree_[at].parent != kNoJson; at = tree_[at].parent) {
    if (tree_[at].key != "enum" && tree_[at].key != "const") continue;
    const std::string& holder = tree_[tree_[at].parent].key;
    if (holder != "properties" && holder != "patternProperties" && holder != "$defs" && holder != "definitions") {
      return true;
    }
  }
  return false;
}

void SchemaDocument::index_ids() {
  for (JsonId id = 0; id < tree_.size(); ++id) {
    if (tree_[id].type != JsonNode::Type::object || in_value(id)) continue;
    if (const std::string* const uri = id_of(id)) {
      const std::size_t hash = uri->find('#');
      const std::string base = base_of(id, nullptr);
      if (hash != 0) ids_.emplace(base, id);
      if (hash != std::string::npos && hash + 1 < uri->size()) ids_.emplace(base + uri->substr(hash), id);
    }
    for (const char* const anchor : {"$anchor", "$dynamicAnchor"}) {
      const JsonId found = tree_.find(id, anchor);
      if (found == kNoJson || tree_[found].type != JsonNode::Type::string) continue;
      ids_.emplace(base_of(id, nullptr) + "#" + tree_[found].text, id);
    }
  }
}

JsonId SchemaDocument::resolve(JsonId ref) {
  expect(ref, JsonNode::Type::string, "a string");
  const std::string& uri = tree_[ref].text;
  const std::size_t hash = uri.find('#');
  const std::string document = uri.substr(0, hash);
  const std::string fragment = hash == std::string::npos ? "" : percent_decoded(uri.substr(hash + 1));
  JsonId resource = tree_.root();
  // The schema that holds $ref may have an $id of its own, which counts.
  const std::string base = base_of(tree_[ref].parent, &resource);
  const std::string absolute = join_uri(base, document);
  if (!document.empty() && absolute != base) {
    auto found = ids_.find(absolute);
    if (found == ids_.end()) found = ids_.find(document);
    if (found == ids_.end()) unsupported(ref, "$ref to another document, " + uri);
    resource = found->second;
  }
  if (fragment.empty()) return resource;
  if (fragment[0] == '/') {
    // Schemas in the wild have `id`s that are none; what is not below the resource may be below the root.
    const JsonId found = pointer(resource, fragment);
    if (found != kNoJson) return found;
    const JsonId other = document.empty() ? pointer(tree_.root(), fragment) : kNoJson;
    if (other == kNoJson) bad(ref, "a reference to something in this document, got " + uri);
    return other;
  }
  auto found = ids_.find(absolute + "#" + fragment);
  if (found == ids_.end()) found = ids_.find("#" + fragment);
  if (found == ids_.end()) bad(ref, "a reference to something in this document, got " + uri);
  return found->second;
}

// kNoJson when there is nothing.
JsonId SchemaDocument::pointer(JsonId from, std::string_view fragment) const {
  JsonId at = from;
  while (!fragment.empty()) {
    fragment.remove_prefix(1);
    const std::size_t slash = std::min(fragment.find('/'), fragment.size());
    const std::string token = unescaped_pointer(fragment.substr(0, slash));
    fragment.remove_prefix(slash);
    const JsonNode& node = tree_[at];
    JsonId next = tree_.find(at, token);
    if (node.type == JsonNode::Type::array && !token.empty() && token.size() < 8 &&
        token.find_first_not_of("0123456789") == std::string::npos && std::stoul(token) < node.children.size()) {
      next = node.children[std::stoul(token)];
    }
    if (next == kNoJson) return kNoJson;
    at = next;
  }
  return at;
}

}  // namespace gemma4::grammar
