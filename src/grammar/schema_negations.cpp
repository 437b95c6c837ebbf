// Brancher: negated conditions. Each is one way for an instance to break a schema.
#include <algorithm>

#include "grammar/schema_branches.h"
#include "grammar/string_formats.h"

namespace gemma4::grammar {

void Brancher::negated_conditions(const Schema& s, InstanceType type, std::vector<Choice>& choices) {
  const auto number = [&](const NumberSet& set) {
    choices.push_back({{}, [this, set](Branch& b) {
                         b.number = numbers_.both(b.number, set);
                         return b.number.written != Terms::kNothing;
                       }});
  };
  const auto string = [&](TermId t) {
    choices.push_back({{}, [this, t](Branch& b) {
                         b.content = terms_.both(b.content, t);
                         return b.content != Terms::kNothing;
                       }});
  };
  if (type == InstanceType::number) {
    const auto strict = [&](Keyword k) {
      return s[k] != kNoJson && document_.tree()[s[k]].type == JsonNode::Type::boolean && document_.tree()[s[k]].truth;
    };
    if (s.only_integers) number(numbers_.fractions());
    if (s[Keyword::minimum] != kNoJson) {
      number(numbers_.at_most(document_.number(s[Keyword::minimum]), !strict(Keyword::exclusive_minimum)));
    }
    if (s[Keyword::maximum] != kNoJson) {
      number(numbers_.at_least(document_.number(s[Keyword::maximum]), !strict(Keyword::exclusive_maximum)));
    }
    for (const Keyword k : {Keyword::exclusive_minimum, Keyword::exclusive_maximum}) {
      if (s[k] == kNoJson || document_.tree()[s[k]].type == JsonNode::Type::boolean) continue;
      const Decimal& bound = document_.number(s[k]);
      number(k == Keyword::exclusive_minimum ? numbers_.at_most(bound, false) : numbers_.at_least(bound, false));
    }
    if (s[Keyword::multiple_of] != kNoJson) {
      const auto multiples = numbers_.multiples(document_.number(s[Keyword::multiple_of]), true);
      if (!multiples) document_.unsupported(s[Keyword::multiple_of], "multipleOf with so many digits");
      number(*multiples);
    }
  } else if (type == InstanceType::string) {
    if (s[Keyword::min_length] != kNoJson) {
      const std::uint32_t n = document_.count(s[Keyword::min_length]);
      choices.push_back({{}, [n](Branch& b) {
                           if (n == 0) return false;
                           b.max_length = std::min(b.max_length, n - 1);
                           return b.min_length <= b.max_length;
                         }});
    }
    if (s[Keyword::max_length] != kNoJson) {
      const std::uint32_t n = document_.count(s[Keyword::max_length]);
      choices.push_back({{}, [n](Branch& b) {
                           b.min_length = std::max(b.min_length, n + 1);
                           return b.min_length <= b.max_length;
                         }});
    }
    if (s[Keyword::pattern] != kNoJson) string(without(pattern(s[Keyword::pattern])));
    if (s[Keyword::format] != kNoJson) {
      const TermId t = format(s[Keyword::format]);
      if (t != Terms::kAll) string(without(t));
    }
  } else if (type == InstanceType::array) {
    negated_array(s, choices);
  } else if (type == InstanceType::object) {
    negated_object(s, choices);
  }
}

void Brancher::negated_array(const Schema& s, std::vector<Choice>& choices) {
  const JsonTree& tree = document_.tree();
  const auto item = [&](std::uint32_t i, Literal literal) {
    choices.push_back({{}, [i, literal](Branch& b) {
                         while (b.prefix.size() <= i) b.prefix.push_back(b.rest);
                         add_literal(b.prefix[i], literal);
                         b.min_items = std::max(b.min_items, i + 1);
                         return b.min_items <= b.max_items;
                       }});
  };
  JsonId prefix = kNoJson, rest = kNoJson;
  layer_of_items(s, prefix, rest);
  std::uint32_t n = 0;
  if (prefix != kNoJson) {
    for (const JsonId child : tree[prefix].children) item(n++, fails(child));
  }
  if (rest != kNoJson && document_.is_boolean(rest) && !tree[rest].truth) {
    choices.push_back({{}, [n](Branch& b) {
                         b.min_items = std::max(b.min_items, n + 1);
                         return b.min_items <= b.max_items;
                       }});
  } else if (rest != kNoJson && n == 0) {
    choices.push_back({{}, [rest](Branch& b) {
                         b.contains.push_back({fails(rest), 1, kUnlimited});
                         return true;
                       }});
  } else if (rest != kNoJson) {
    document_.unsupported(rest, "not (or oneOf) over items behind prefixItems");
  }
  if (s[Keyword::min_items] != kNoJson) {
    const std::uint32_t min = document_.count(s[Keyword::min_items]);
    choices.push_back({{}, [min](Branch& b) {
                         if (min == 0) return false;
                         b.max_items = std::min(b.max_items, min - 1);
                         return b.min_items <= b.max_items;
                       }});
  }
  if (s[Keyword::max_items] != kNoJson) {
    const std::uint32_t max = document_.count(s[Keyword::max_items]);
    choices.push_back({{}, [max](Branch& b) {
                         b.min_items = std::max(b.min_items, max + 1);
                         return b.min_items <= b.max_items;
                       }});
  }
  if (s[Keyword::unique_items] != kNoJson && document_.truth(s[Keyword::unique_items])) {
    document_.unsupported(s[Keyword::unique_items], "not (or oneOf) over uniqueItems");
  }
  if (s[Keyword::contains] != kNoJson) {
    if (document_.draft() > 7 && (s[Keyword::min_contains] != kNoJson || s[Keyword::max_contains] != kNoJson)) {
      document_.unsupported(s[Keyword::contains], "not (or oneOf) over minContains and maxContains");
    }
    const JsonId contained = s[Keyword::contains];
    choices.push_back({{}, [contained](Branch& b) {
                         for (Conjunction& c : b.prefix) add_literal(c, fails(contained));
                         add_literal(b.rest, fails(contained));
                         return true;
                       }});
  }
}

void Brancher::negated_object(const Schema& s, std::vector<Choice>& choices) {
  const JsonTree& tree = document_.tree();
  const auto with_value = [&](const std::string& name, Literal literal) {
    choices.push_back({{}, [name, literal](Branch& b) {
                         b.required.insert(name);
                         add_literal(b.extra[name], literal);
                         return true;
                       }});
  };
  const auto lacking = [](Branch& b, const std::string& name) {
    add_literal(b.extra[name], kFalseLiteral);
    return b.required.count(name) == 0;
  };
  if (s[Keyword::properties] != kNoJson) {
    for (const JsonId child : tree[s[Keyword::properties]].children) {
      if (document_.is_boolean(child) ? !tree[child].truth : !document_.schema(child).trivial) {
        with_value(tree[child].key, fails(child));
      }
    }
  }
  const KeyLayer keys = {s[Keyword::properties], s[Keyword::pattern_properties]};
  const auto witness = [&](JsonId pattern, JsonId schema) {
    if (document_.is_boolean(schema) && tree[schema].truth) return;
    choices.push_back({{}, [keys, pattern, schema](Branch& b) {
                         b.witnesses.push_back({keys, pattern, fails(schema)});
                         return true;
                       }});
  };
  if (s[Keyword::pattern_properties] != kNoJson) {
    for (const JsonId member : tree[s[Keyword::pattern_properties]].children) witness(member, member);
  }
  check_unevaluated(s, Keyword::unevaluated_properties, InstanceType::object);
  const JsonId additional = s[Keyword::additional_properties] != kNoJson ? s[Keyword::additional_properties]
                                                                         : s[Keyword::unevaluated_properties];
  if (additional != kNoJson) witness(kNoJson, additional);
  if (s[Keyword::required] != kNoJson) {
    for (const JsonId name : tree[s[Keyword::required]].children) {
      choices.push_back({{}, [lacking, text = tree[name].text](Branch& b) { return lacking(b, text); }});
    }
  }
  if (s[Keyword::min_properties] != kNoJson) {
    const std::uint32_t min = document_.count(s[Keyword::min_properties]);
    choices.push_back({{}, [min](Branch& b) {
                         if (min == 0) return false;
                         b.max_properties = std::min(b.max_properties, min - 1);
                         return b.min_properties <= b.max_properties;
                       }});
  }
  if (s[Keyword::max_properties] != kNoJson) {
    const std::uint32_t max = document_.count(s[Keyword::max_properties]);
    choices.push_back({{}, [max](Branch& b) {
                         b.min_properties = std::max(b.min_properties, max + 1);
                         return b.min_properties <= b.max_properties;
                       }});
  }
  if (s[Keyword::property_names] != kNoJson) {
    document_.unsupported(s[Keyword::property_names], "not (or oneOf) over propertyNames");
  }
  for (const Keyword k : {Keyword::dependencies, Keyword::dependent_required, Keyword::dependent_schemas}) {
    if (s[k] == kNoJson) continue;
    for (const JsonId member : tree[s[k]].children) {
      const std::string name = tree[member].key;
      if (tree[member].type == JsonNode::Type::array) {
        for (const JsonId other : tree[member].children) {
          choices.push_back({{}, [lacking, name, text = tree[other].text](Branch& b) {
                               b.required.insert(name);
                               return lacking(b, text);
                             }});
        }
      } else {
        choices.push_back({{fails(member)}, [name](Branch& b) {
                             b.required.insert(name);
                             return true;
                           }});
      }
    }
  }
}

void Brancher::different_value(JsonId value, std::vector<Choice>& choices) {
  const JsonTree& tree = document_.tree();
  const std::vector<JsonId>& children = tree[value].children;
  const auto n = static_cast<std::uint32_t>(children.size());
  if (tree[value].type == JsonNode::Type::array) {
    if (n > 0) {
      choices.push_back({{}, [n](Branch& b) {
                           b.max_items = std::min(b.max_items, n - 1);
                           return b.min_items <= b.max_items;
                         }});
    }
    choices.push_back({{}, [n](Branch& b) {
                         b.min_items = std::max(b.min_items, n + 1);
                         return b.min_items <= b.max_items;
                       }});
    for (std::uint32_t i = 0; i < n; ++i) {
      choices.push_back({{}, [i, literal = differs(children[i])](Branch& b) {
                           while (b.prefix.size() <= i) b.prefix.push_back(b.rest);
                           add_literal(b.prefix[i], literal);
                           b.min_items = std::max(b.min_items, i + 1);
                           return b.min_items <= b.max_items;
                         }});
    }
    return;
  }
  choices.push_back({{}, [n](Branch& b) {
                       b.min_properties = std::max(b.min_properties, n + 1);
                       return b.min_properties <= b.max_properties;
                     }});
  for (const JsonId child : children) {
    const std::string name = tree[child].key;
    choices.push_back({{}, [name](Branch& b) {
                         add_literal(b.extra[name], kFalseLiteral);
                         return b.required.count(name) == 0;
                       }});
    choices.push_back({{}, [name, literal = differs(child)](Branch& b) {
                         b.required.insert(name);
                         add_literal(b.extra[name], literal);
                         return true;
                       }});
  }
}

}  // namespace gemma4::grammar
