// Brancher: the keywords that are conditions on one type of instance, and their negations.
#include <algorithm>

#include "base/check.h"
#include "grammar/regex_syntax.h"
#include "grammar/schema_branches.h"
#include "grammar/string_formats.h"

namespace gemma4::grammar {
namespace {

const auto kUnsupportedAfterApplicators = {Keyword::ref,    Keyword::all_of, Keyword::any_of, Keyword::one_of,
                                           Keyword::if_,    Keyword::not_,   Keyword::dependencies,
                                           Keyword::dependent_schemas};

constexpr std::uint32_t kMaxContains = 255;  // the Machine packs counts in bytes
constexpr std::size_t kMaxPrefix = 10000;  // items with schemas of their own

std::string quoted(const std::string& name) { return "\"" + name + "\""; }

}  // namespace

TermId Brancher::without(TermId t) {
  const TermId other = terms_.complement(t);
  return terms_.beyond_ascii(t) ? terms_.both(other, terms_.utf8()) : other;
}

TermId Brancher::pattern(JsonId id) {
  const auto [at, added] = pattern_texts_.emplace(document_.tree()[id].text, 0);
  if (added) {
    try {
      at->second = parse_search(terms_, at->first, document_.where(id));
    } catch (...) {
      pattern_texts_.erase(at);
      throw;
    }
  }
  return at->second;
}

TermId Brancher::key_pattern(JsonId member) {
  const auto [at, added] = patterns_.emplace(member, 0);
  if (added) {
    const std::string& text = document_.tree()[member].key;
    const auto known = pattern_texts_.find(text);
    at->second = known != pattern_texts_.end() ? known->second : parse_search(terms_, text, document_.where(member));
    pattern_texts_.emplace(text, at->second);
  }
  return at->second;
}

// kAll for a format that no draft names.
TermId Brancher::format(JsonId id) {
  document_.expect(id, JsonNode::Type::string, "the name of a format");
  const std::string& name = document_.tree()[id].text;
  const FormatKind kind = format_kind(name);
  if (kind == FormatKind::unknown) return Terms::kAll;
  if (kind == FormatKind::unsupported) document_.unsupported(id, "format " + quoted(name));
  const auto [at, added] = formats_.emplace(name, 0);
  if (added) at->second = parse_full(terms_, format_pattern(name), RegexDialect::ecma, document_.where(id));
  return at->second;
}

void Brancher::check_unevaluated(const Schema& s, Keyword keyword, InstanceType) {
  const JsonId id = s[keyword];
  if (id == kNoJson || (document_.is_boolean(id) && document_.tree()[id].truth)) return;
  for (const Keyword k : kUnsupportedAfterApplicators) {
    if (s[k] != kNoJson) document_.unsupported(id, document_.tree()[id].key + " beside other schemas");
  }
  if (keyword == Keyword::unevaluated_items && s[Keyword::contains] != kNoJson) {
    document_.unsupported(id, "unevaluatedItems beside contains");
  }
}

bool Brancher::conditions(Branch& branch, const Schema& s, InstanceType type) {
  switch (type) {
    case InstanceType::number:
      return number_conditions(branch, s);
    case InstanceType::string:
      return string_conditions(branch, s);
    case InstanceType::array:
      array_conditions(branch, s);
      return branch.min_items <= branch.max_items;
    default:
      return true;
  }
}

bool Brancher::number_conditions(Branch& b, const Schema& s) {
  const auto restrict = [&](const NumberSet& set) { b.number = numbers_.both(b.number, set); };
  if (s.only_integers) restrict(numbers_.integers());
  const auto strict = [&](Keyword k) {
    return s[k] != kNoJson && document_.tree()[s[k]].type == JsonNode::Type::boolean && document_.tree()[s[k]].truth;
  };
  if (s[Keyword::minimum] != kNoJson) {
    restrict(numbers_.at_least(document_.number(s[Keyword::minimum]), strict(Keyword::exclusive_minimum)));
  }
  if (s[Keyword::maximum] != kNoJson) {
    restrict(numbers_.at_most(document_.number(s[Keyword::maximum]), strict(Keyword::exclusive_maximum)));
  }
  for (const Keyword k : {Keyword::exclusive_minimum, Keyword::exclusive_maximum}) {
    if (s[k] == kNoJson || document_.tree()[s[k]].type == JsonNode::Type::boolean) continue;
    const Decimal& bound = document_.number(s[k]);
    restrict(k == Keyword::exclusive_minimum ? numbers_.at_least(bound, true) : numbers_.at_most(bound, true));
  }
  if (s[Keyword::multiple_of] != kNoJson) {
    const Decimal& divisor = document_.number(s[Keyword::multiple_of]);
    if (divisor.zero() || divisor.negative) document_.bad(s[Keyword::multiple_of], "a number above 0");
    const auto multiples = numbers_.multiples(divisor);
    if (!multiples) document_.unsupported(s[Keyword::multiple_of], "multipleOf with so many digits");
    restrict(*multiples);
  }
  return b.number.written != Terms::kNothing;
}

bool Brancher::string_conditions(Branch& b, const Schema& s) {
  if (s[Keyword::min_length] != kNoJson) b.min_length = std::max(b.min_length, document_.count(s[Keyword::min_length]));
  if (s[Keyword::max_length] != kNoJson) b.max_length = std::min(b.max_length, document_.count(s[Keyword::max_length]));
  if (s[Keyword::pattern] != kNoJson) b.content = terms_.both(b.content, pattern(s[Keyword::pattern]));
  if (s[Keyword::format] != kNoJson) b.content = terms_.both(b.content, format(s[Keyword::format]));
  return b.content != Terms::kNothing && b.min_length <= b.max_length;
}

void Brancher::layer_of_items(const Schema& s, JsonId& prefix, JsonId& rest) {
  const JsonId items = s[Keyword::items];
  prefix = s[Keyword::prefix_items];
  rest = items;
  if (prefix == kNoJson && items != kNoJson && document_.tree()[items].type == JsonNode::Type::array) {
    prefix = items;
    rest = s[Keyword::additional_items];
  }
  check_unevaluated(s, Keyword::unevaluated_items, InstanceType::array);
  if (rest == kNoJson) rest = s[Keyword::unevaluated_items];
}

void Brancher::array_conditions(Branch& b, const Schema& s) {
  const JsonTree& tree = document_.tree();
  JsonId prefix = kNoJson, rest = kNoJson;
  layer_of_items(s, prefix, rest);
  const std::size_t n = prefix == kNoJson ? 0 : tree[prefix].children.size();
  GEMMA4_CHECK(n <= kMaxPrefix, ErrorCode::unsupported, document_.where(prefix), ": expected at most ", kMaxPrefix,
               " schemas, got ", n);
  while (b.prefix.size() < n) b.prefix.push_back(b.rest);
  for (std::size_t i = 0; i < b.prefix.size(); ++i) {
    if (i < n) {
      add_literal(b.prefix[i], meets(tree[prefix].children[i]));
    } else if (rest != kNoJson) {
      add_literal(b.prefix[i], meets(rest));
    }
  }
  if (rest != kNoJson) add_literal(b.rest, meets(rest));
  if (s[Keyword::min_items] != kNoJson) b.min_items = std::max(b.min_items, document_.count(s[Keyword::min_items]));
  if (s[Keyword::max_items] != kNoJson) b.max_items = std::min(b.max_items, document_.count(s[Keyword::max_items]));
  if (s[Keyword::unique_items] != kNoJson && document_.truth(s[Keyword::unique_items])) {
    b.unique = s[Keyword::unique_items];
  }
  if (s[Keyword::contains] != kNoJson) {
    Branch::Contains c = {meets(s[Keyword::contains]), 1, kUnlimited};
    if (document_.draft() > 7) {
      if (s[Keyword::min_contains] != kNoJson) c.min = document_.count(s[Keyword::min_contains]);
      if (s[Keyword::max_contains] != kNoJson) c.max = document_.count(s[Keyword::max_contains]);
      if (c.min > kMaxContains) document_.unsupported(s[Keyword::min_contains], "minContains above 255");
      if (c.max != kUnlimited && c.max > kMaxContains) {
        document_.unsupported(s[Keyword::max_contains], "maxContains above 255");
      }
    }
    if (c.min > 0 || c.max != kUnlimited) b.contains.push_back(c);
  }
}

void Brancher::object_conditions(Branch& b, const Schema& s, std::vector<std::vector<Choice>>& choices) {
  const JsonTree& tree = document_.tree();
  Branch::Layer layer;
  layer.keys = {s[Keyword::properties], s[Keyword::pattern_properties]};
  layer.additional = s[Keyword::additional_properties];
  check_unevaluated(s, Keyword::unevaluated_properties, InstanceType::object);
  if (layer.additional == kNoJson) layer.additional = s[Keyword::unevaluated_properties];
  if (layer.keys.properties != kNoJson || layer.keys.patterns != kNoJson || layer.additional != kNoJson) {
    b.layers.push_back(layer);
  }
  if (s[Keyword::required] != kNoJson) {
    for (const JsonId name : tree[s[Keyword::required]].children) b.required.insert(tree[name].text);
  }
  if (document_.draft() == 3 && layer.keys.properties != kNoJson) {
    for (const JsonId property : tree[layer.keys.properties].children) {
      const JsonId required = tree.find(property, "required");
      if (required != kNoJson && tree[required].truth) b.required.insert(tree[property].key);
    }
  }
  if (s[Keyword::min_properties] != kNoJson) {
    b.min_properties = std::max(b.min_properties, document_.count(s[Keyword::min_properties]));
  }
  if (s[Keyword::max_properties] != kNoJson) {
    b.max_properties = std::min(b.max_properties, document_.count(s[Keyword::max_properties]));
  }
  if (s[Keyword::property_names] != kNoJson) add_literal(b.names, meets(s[Keyword::property_names]));
  for (const Keyword k : {Keyword::dependencies, Keyword::dependent_required, Keyword::dependent_schemas}) {
    if (s[k] == kNoJson) continue;
    for (const JsonId member : tree[s[k]].children) {
      const std::string name = tree[member].key;
      if (tree[member].type == JsonNode::Type::array || tree[member].type == JsonNode::Type::string) {
        const bool one = tree[member].type == JsonNode::Type::string;
        for (const JsonId other : one ? std::vector<JsonId>{member} : tree[member].children) {
          document_.expect(other, JsonNode::Type::string, "a string");
          b.implies[name].insert(tree[other].text);
        }
      } else {
        choices.push_back({{{}, [name](Branch& x) {
                              add_literal(x.extra[name], kFalseLiteral);
                              return x.required.count(name) == 0;
                            }},
                           {{meets(member)}, [name](Branch& x) {
                              x.required.insert(name);
                              return true;
                            }}});
      }
    }
  }
}

// Scalars that are (excluded: that are not) among the values.
bool Brancher::one_of_values(Branch& b, const std::vector<JsonId>& values, InstanceType type, bool excluded) {
  const JsonTree& tree = document_.tree();
  unsigned truths = 0;
  bool null = false;
  std::vector<Decimal> numbers;
  std::vector<std::string_view> texts;
  for (const JsonId value : values) {
    const JsonNode& v = tree[value];
    if (static_cast<int>(v.type) != static_cast<int>(type)) continue;
    null = null || v.type == JsonNode::Type::null;
    if (v.type == JsonNode::Type::boolean) truths |= v.truth ? 2U : 1U;
    if (v.type == JsonNode::Type::number) numbers.push_back(v.number);
    if (v.type == JsonNode::Type::string) texts.push_back(v.text);
  }
  switch (type) {
    case InstanceType::null:
      return null != excluded;
    case InstanceType::boolean:
      b.truths &= excluded ? ~truths : truths;
      return b.truths != 0;
    case InstanceType::number: {
      b.number = numbers_.both(b.number, excluded ? numbers_.none_of(numbers) : numbers_.one_of(numbers));
      return b.number.written != Terms::kNothing;
    }
    default: {
      const TermId any = terms_.one_of(texts);
      b.content = terms_.both(b.content, excluded ? without(any) : any);
      return b.content != Terms::kNothing;
    }
  }
}

void Brancher::equal_value(Branch& b, JsonId value) {
  const JsonTree& tree = document_.tree();
  const std::vector<JsonId>& children = tree[value].children;
  const auto n = static_cast<std::uint32_t>(children.size());
  if (tree[value].type == JsonNode::Type::array) {
    while (b.prefix.size() < n) b.prefix.push_back(b.rest);
    for (std::uint32_t i = 0; i < n; ++i) add_literal(b.prefix[i], equals(children[i]));
    b.min_items = std::max(b.min_items, n);
    b.max_items = std::min(b.max_items, n);
    return;
  }
  for (const JsonId child : children) {
    add_literal(b.extra[tree[child].key], equals(child));
    b.required.insert(tree[child].key);
  }
  b.min_properties = std::max(b.min_properties, n);
  b.max_properties = std::min(b.max_properties, n);
}

}  // namespace gemma4::grammar
