#include "grammar/json_tree.h"

#include <algorithm>
#include <charconv>

#include "base/check.h"
#include "formats/json.h"

namespace gemma4::grammar {

Decimal Decimal::parse(std::string_view s) {
  Decimal d;
  std::size_t i = 0;
  d.negative = !s.empty() && s[0] == '-';
  if (d.negative) ++i;
  d.digits.clear();
  long exponent = 0;
  for (bool fraction = false; i < s.size(); ++i) {
    if (s[i] == '.') {
      fraction = true;
    } else if (s[i] == 'e' || s[i] == 'E') {
      const std::size_t start = i + 1 + (i + 1 < s.size() && s[i + 1] == '+' ? 1 : 0);
      long e = 0;
      std::from_chars(s.data() + start, s.data() + s.size(), e);
      exponent += std::clamp(e, -400L, 400L);
      break;
    } else {
      d.digits += s[i];
      if (fraction) --exponent;
    }
  }
  while (d.digits.size() > 1 && exponent < 0 && d.digits.back() == '0') {
    d.digits.pop_back();
    ++exponent;
  }
  d.digits.erase(0, std::min(d.digits.find_first_not_of('0'), d.digits.size()));
  if (d.digits.empty()) return {};
  if (exponent > 0) d.digits.append(static_cast<std::size_t>(exponent), '0');
  d.scale = exponent < 0 ? static_cast<int>(-exponent) : 0;
  return d;
}

double Decimal::value() const {
  const std::string s = digits + "e-" + std::to_string(scale);
  double v = 0;
  const auto r = std::from_chars(s.data(), s.data() + s.size(), v);
  if (r.ec == std::errc::result_out_of_range) v = digits.size() > static_cast<std::size_t>(scale) ? 1e308 : 0;
  return negative ? -v : v;
}

std::string Decimal::text() const {
  std::string s = digits;
  const auto places = static_cast<std::size_t>(scale);
  if (s.size() <= places) s.insert(0, places + 1 - s.size(), '0');
  if (places > 0) s.insert(s.size() - places, 1, '.');
  return negative ? "-" + s : s;
}

int compare(const Decimal& a, const Decimal& b) {
  if (a.negative != b.negative) return a.negative ? -1 : 1;
  std::string x = a.digits, y = b.digits;
  if (a.scale < b.scale) x.append(static_cast<std::size_t>(b.scale - a.scale), '0');
  if (b.scale < a.scale) y.append(static_cast<std::size_t>(a.scale - b.scale), '0');
  if (a.zero()) x = "";
  if (b.zero()) y = "";
  int c = x.size() != y.size() ? (x.size() < y.size() ? -1 : 1) : x.compare(y);
  c = c < 0 ? -1 : c > 0 ? 1 : 0;
  return a.negative ? -c : c;
}

JsonTree::JsonTree(std::string_view text) {
  formats::JsonLimits limits;
  limits.max_bytes = kMaxBytes;
  limits.max_depth = kMaxDepth;
  const formats::JsonDocument document = formats::JsonDocument::from_text(text, "json_schema", limits);
  add(document.root(), kNoJson);
}

// Recursion is as deep as the document, at most kMaxDepth.
JsonId JsonTree::add(const formats::JsonValue& value, JsonId parent) {
  using Type = formats::JsonValue::Type;
  const auto id = static_cast<JsonId>(nodes_.size());
  nodes_.emplace_back();
  JsonNode node;
  node.parent = parent;
  char buffer[64];
  switch (value.type()) {
    case Type::null:
      break;
    case Type::boolean:
      node.type = JsonNode::Type::boolean;
      node.truth = value.as_bool();
      break;
    case Type::integer:
      node.type = JsonNode::Type::number;
      node.number = Decimal::parse(value.as_integer_text());
      break;
    case Type::real: {  // the shortest digits that mean this double; a fixed form would have those of its exact value
      node.type = JsonNode::Type::number;
      const char* const end =
          std::to_chars(buffer, buffer + sizeof buffer, value.as_double(), std::chars_format::scientific).ptr;
      node.number = Decimal::parse({buffer, static_cast<std::size_t>(end - buffer)});
      break;
    }
    case Type::string:
      node.type = JsonNode::Type::string;
      node.text = value.as_string();
      break;
    case Type::array: {
      node.type = JsonNode::Type::array;
      for (auto elements = value.elements(); elements.next();) {
        const JsonId child = add(elements.value(), id);
        nodes_[child].index = static_cast<std::uint32_t>(node.children.size());
        node.children.push_back(child);
      }
      break;
    }
    case Type::object: {
      node.type = JsonNode::Type::object;
      for (auto members = value.members(); members.next();) {
        const JsonId child = add(members.value(), id);
        nodes_[child].key = members.key();
        node.children.push_back(child);
      }
      break;
    }
  }
  node.key = std::move(nodes_[id].key);
  nodes_[id] = std::move(node);
  return id;
}

JsonId JsonTree::find(JsonId id, std::string_view key) const {
  if (nodes_[id].type != JsonNode::Type::object) return kNoJson;
  for (const JsonId child : nodes_[id].children) {
    if (nodes_[child].key == key) return child;
  }
  return kNoJson;
}

std::string JsonTree::path(JsonId id) const {
  std::vector<std::string> parts;
  for (; nodes_[id].parent != kNoJson; id = nodes_[id].parent) {
    if (nodes_[nodes_[id].parent].type == JsonNode::Type::array) {
      parts.push_back(std::to_string(nodes_[id].index));
      continue;
    }
    std::string escaped;
    for (const char c : nodes_[id].key) {
      escaped += c == '~' ? "~0" : c == '/' ? "~1" : std::string(1, c);
    }
    parts.push_back(escaped);
  }
  std::string path = "#";
  for (std::size_t i = parts.size(); i > 0; --i) path += "/" + parts[i - 1];
  return path;
}

bool JsonTree::equal(JsonId a, JsonId b) const {
  const JsonNode &x = nodes_[a], &y = nodes_[b];
  if (x.type != y.type || x.children.size() != y.children.size()) return false;
  switch (x.type) {
    case JsonNode::Type::null:
      return true;
    case JsonNode::Type::boolean:
      return x.truth == y.truth;
    case JsonNode::Type::number:
      return compare(x.number, y.number) == 0;
    case JsonNode::Type::string:
      return x.text == y.text;
    case JsonNode::Type::array:
      for (std::size_t i = 0; i < x.children.size(); ++i) {
        if (!equal(x.children[i], y.children[i])) return false;
      }
      return true;
    case JsonNode::Type::object:
      for (const JsonId child : x.children) {
        const JsonId other = find(b, nodes_[child].key);
        if (other == kNoJson || !equal(child, other)) return false;
      }
      return true;
  }
  return false;
}

}  // namespace gemma4::grammar
