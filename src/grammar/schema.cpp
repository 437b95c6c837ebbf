#include "grammar/schema.h"

#include <algorithm>
#include <map>

#include "base/check.h"
#include "grammar/schema_branches.h"

namespace gemma4::grammar {
namespace {

constexpr std::size_t kMaxGoals = 30000;
constexpr std::size_t kMaxRules = 4000;     // objects and arrays at one place
constexpr std::size_t kMaxClasses = 64;     // kinds of keys that patterns tell apart
constexpr std::uint32_t kMaxCounted = 4;    // `contains` at one place
constexpr std::size_t kMaxMarks = 16;

class Compiler {
 public:
  Compiler(Rules& rules, std::string_view schema)
      : rules_(rules), document_(schema), brancher_(document_, rules.terms) {}

  GoalId run() {
    const GoalId root = goal({meets(document_.tree().root())});
    for (std::size_t next = 0; next < wanted_.size(); ++next) {
      // A copy: wanted_ grows meanwhile.
      const auto [conjunction, id] = std::pair(wanted_[next]->first, wanted_[next]->second);
      Goal made = make(conjunction);
      rules_.goals[id] = std::move(made);
    }
    return root;
  }

 private:
  using Known = std::map<Conjunction, GoalId>;

  bool always(Literal literal) {
    const JsonId id = literal / 4;
    if (literal == kFalseLiteral || (literal & 3U) != 0) return false;
    return document_.is_boolean(id) ? document_.tree()[id].truth : document_.schema(id).trivial;
  }

  GoalId goal(Conjunction conjunction) {
    conjunction.erase(std::remove_if(conjunction.begin(), conjunction.end(), [&](Literal l) { return always(l); }),
                      conjunction.end());
    const auto [at, added] = known_.emplace(std::move(conjunction), static_cast<GoalId>(rules_.goals.size()));
    if (added) {
      GEMMA4_CHECK(rules_.goals.size() < kMaxGoals, ErrorCode::unsupported,
                   "json_schema: #: expected at most ", kMaxGoals, " kinds of values, got more");
      rules_.goals.emplace_back();
      wanted_.push_back(at);
    }
    return at->second;
  }

  Goal make(const Conjunction& conjunction) {
    Terms& terms = rules_.terms;
    Goal goal;
    if (std::find(conjunction.begin(), conjunction.end(), kFalseLiteral) != conjunction.end()) return goal;
    std::vector<TermId> scalars;
    std::vector<NumberSet> numbers;
    if (!brancher_.expand(conjunction, InstanceType::null).empty()) scalars.push_back(terms.literal("null"));
    unsigned truths = 0;
    for (const Branch& b : brancher_.expand(conjunction, InstanceType::boolean)) truths |= b.truths;
    if ((truths & 1U) != 0) scalars.push_back(terms.literal("false"));
    if ((truths & 2U) != 0) scalars.push_back(terms.literal("true"));
    for (const Branch& b : brancher_.expand(conjunction, InstanceType::number)) {
      const NumberSet set = b.number.written == Terms::kAll ? brancher_.numbers().any() : b.number;
      if (terms.live(set.written)) numbers.push_back(set);
    }
    const TermId words = terms.either(std::move(scalars));
    const NumberSet number = brancher_.numbers().either(numbers);
    goal.scalar = terms.either(words, number.written);
    goal.meant = terms.either(words, number.meant);
    goal.strings = strings(brancher_.expand(conjunction, InstanceType::string));
    for (const Branch& b : brancher_.expand(conjunction, InstanceType::array)) add_array(goal, b);
    for (const Branch& b : brancher_.expand(conjunction, InstanceType::object)) add_object(goal, b);
    GEMMA4_CHECK(goal.arrays.size() + goal.objects.size() <= kMaxRules, ErrorCode::unsupported,
                 conjunction.empty() ? "json_schema" : document_.where(conjunction[0] / 4), ": expected at most ",
                 kMaxRules, " alternatives, got more");
    return goal;
  }

  std::vector<StringSet> strings(const std::vector<Branch>& branches) {
    Terms& terms = rules_.terms;
    std::vector<TermId> contents;
    std::vector<StringSet> sets;
    for (const Branch& b : branches) {
      if (b.min_length > b.max_length) continue;
      const StringSet set = {b.content, b.min_length, b.max_length};
      const bool lengths = set.min > 0 || set.max != kUnlimited;
      if (!lengths || set.term != Terms::kAll) {
        const TermId t = brancher_.folded(set);
        if (terms.live(t)) contents.push_back(t);
      } else if (std::find(sets.begin(), sets.end(), set) == sets.end()) {
        sets.push_back(set);
      }
    }
    if (!contents.empty()) sets.push_back({terms.either(std::move(contents)), 0, kUnlimited});
    if (!sets.empty() && sets.back() == StringSet{}) return {StringSet{}};
    return sets;
  }

  void add_array(Goal& goal, const Branch& b) {
    ArrayRule rule;
    rule.min = b.min_items;
    rule.max = b.max_items;
    if (b.unique != kNoJson && b.max_items > 1) {
      document_.unsupported(b.unique, "uniqueItems where there may be more than one item");
    }
    if (b.contains.size() > kMaxCounted) document_.unsupported(b.contains[0].item / 4, "so many contains at one place");
    for (const Branch::Contains& c : b.contains) rule.counted.push_back({c.min, c.max});
    for (const Conjunction& c : b.prefix) {
      if (rule.prefix.size() < b.max_items) rule.prefix.push_back(item_variants(b, c));
    }
    rule.rest = item_variants(b, b.rest);
    goal.arrays.push_back(static_cast<std::uint32_t>(rules_.arrays.size()));
    rules_.arrays.push_back(std::move(rule));
  }

  // An item counts for a `contains` or not. Where there is no limit from above, one that counts may be left uncounted,
  // so its negation is not needed.
  std::vector<Variant> item_variants(const Branch& b, const Conjunction& base) {
    std::vector<Variant> variants;
    for (std::uint32_t marks = 0; marks < 1U << b.contains.size(); ++marks) {
      Conjunction c = base;
      for (std::size_t i = 0; i < b.contains.size(); ++i) {
        if ((marks >> i & 1U) != 0) {
          add_literal(c, b.contains[i].item);
        } else if (b.contains[i].max != kUnlimited) {
          add_literal(c, b.contains[i].item ^ 1U);
        }
      }
      variants.push_back({goal(std::move(c)), marks});
    }
    return variants;
  }

  // Keys of `keys` that a pattern or additionalProperties is about, given which patterns match.
  template <class Matches>
  bool witnessed(const Branch::Witness& w, const std::string* name, const Matches& matches) const {
    if (w.pattern != kNoJson) return matches(w.pattern);
    const JsonTree& tree = document_.tree();
    if (name != nullptr && w.keys.properties != kNoJson && tree.find(w.keys.properties, *name) != kNoJson) return false;
    if (w.keys.patterns == kNoJson) return true;
    const std::vector<JsonId>& members = tree[w.keys.patterns].children;
    return std::none_of(members.begin(), members.end(), matches);
  }

  template <class Matches>
  std::vector<Variant> key_variants(const Branch& b, const std::string* name, const Matches& matches) {
    const Conjunction base = brancher_.value_of(b, name, matches);
    if (std::find(base.begin(), base.end(), kFalseLiteral) != base.end()) return {};
    std::vector<Variant> variants = {{goal(base), 0}};
    for (std::size_t i = 0; i < b.witnesses.size(); ++i) {
      if (!witnessed(b.witnesses[i], name, matches)) continue;
      for (std::size_t v = 0, n = variants.size(); v < n; ++v) {
        Conjunction c = base;
        for (std::size_t j = 0; j <= i; ++j) {
          if (j == i || (variants[v].marks >> j & 1U) != 0) add_literal(c, b.witnesses[j].value);
        }
        variants.push_back({goal(std::move(c)), variants[v].marks | 1U << i});
      }
    }
    return variants;
  }

  void add_object(Goal& goal, const Branch& b) {
    Terms& terms = rules_.terms;
    const JsonTree& tree = document_.tree();
    ObjectRule rule;
    rule.min = b.min_properties;
    rule.max = b.max_properties;
    if (b.witnesses.size() > kMaxMarks) {
      document_.unsupported(b.witnesses[0].value / 4, "so many negated schemas at one place");
    }
    rule.marks = (1U << b.witnesses.size()) - 1;

    std::set<std::string> names = b.required;
    std::vector<JsonId> patterns;
    const auto gather = [&](const KeyLayer& keys) {
      if (keys.properties != kNoJson) {
        for (const JsonId child : tree[keys.properties].children) names.insert(tree[child].key);
      }
      if (keys.patterns == kNoJson) return;
      for (const JsonId member : tree[keys.patterns].children) {
        const auto same = [&](JsonId p) { return tree[p].key == tree[member].key; };
        if (std::none_of(patterns.begin(), patterns.end(), same)) patterns.push_back(member);
      }
    };
    for (const Branch::Layer& layer : b.layers) gather(layer.keys);
    for (const Branch::Witness& w : b.witnesses) gather(w.keys);
    for (const auto& [name, literals] : b.extra) names.insert(name);
    for (const auto& [name, others] : b.implies) {
      names.insert(name);
      names.insert(others.begin(), others.end());
    }
    TermId keys = Terms::kAll;
    if (!b.names.empty()) {
      std::vector<TermId> allowed;
      for (const StringSet& set : strings(brancher_.expand(b.names, InstanceType::string))) {
        allowed.push_back(brancher_.folded(set));
      }
      keys = terms.either(std::move(allowed));
    }

    for (const std::string& name : names) {
      ObjectRule::Entry entry;
      entry.name = name;
      entry.required = b.required.count(name) != 0;
      if (terms.nullable(terms.run(keys, name))) {
        entry.variants = key_variants(b, &name, [&](JsonId member) {
          return terms.nullable(terms.run(brancher_.key_pattern(member), name));
        });
      }
      rule.entries.push_back(std::move(entry));
    }
    for (const auto& [name, others] : b.implies) {
      for (const std::string& other : others) entry(rule, name).implies.push_back(index(rule, other));
    }
    add_classes(rule, b, rules_.style.call ? terms.both(keys, bare_key()) : keys, names, patterns);
    goal.objects.push_back(static_cast<std::uint32_t>(rules_.objects.size()));
    rules_.objects.push_back(std::move(rule));
  }

  static std::uint32_t index(const ObjectRule& rule, const std::string& name) {
    const auto at = std::lower_bound(rule.entries.begin(), rule.entries.end(), name,
                                     [](const ObjectRule::Entry& e, const std::string& n) { return e.name < n; });
    return static_cast<std::uint32_t>(at - rule.entries.begin());
  }
  static ObjectRule::Entry& entry(ObjectRule& rule, const std::string& name) { return rule.entries[index(rule, name)]; }

  // Keys that a tool call, which quotes none, can hold whatever they are: \w+
  TermId bare_key() {
    ByteSet word;
    word.add('0', '9');
    word.add('A', 'Z');
    word.add('a', 'z');
    word.add('_');
    return rules_.terms.repeat(rules_.terms.set(word), 1, kUnlimited);
  }

  // The other keys, split by the patterns that match them.
  void add_classes(ObjectRule& rule, const Branch& b, TermId keys, const std::set<std::string>& names,
                   const std::vector<JsonId>& patterns) {
    Terms& terms = rules_.terms;
    struct Part {
      TermId term;
      std::vector<std::string_view> matched;
    };
    const TermId named = terms.one_of({names.begin(), names.end()});
    std::vector<Part> parts = {{terms.both(keys, terms.complement(named)), {}}};
    for (const JsonId member : patterns) {
      const TermId pattern = brancher_.key_pattern(member);
      TermId other = terms.complement(pattern);
      if (terms.beyond_ascii(pattern)) other = terms.both(other, terms.utf8());
      std::vector<Part> split;
      for (Part& part : parts) {
        Part in = {terms.both(part.term, pattern), part.matched}, out = {terms.both(part.term, other), part.matched};
        in.matched.push_back(document_.tree()[member].key);
        if (terms.live(in.term)) split.push_back(std::move(in));
        if (terms.live(out.term)) split.push_back(std::move(out));
      }
      parts = std::move(split);
      if (parts.size() > kMaxClasses) document_.unsupported(member, "patternProperties that overlap in so many ways");
    }
    bool complete = true;
    for (const Part& part : parts) {
      if (!terms.live(part.term)) continue;
      ObjectRule::KeyClass made;
      made.term = part.term;
      made.variants = key_variants(b, nullptr, [&](JsonId member) {
        return std::find(part.matched.begin(), part.matched.end(), document_.tree()[member].key) != part.matched.end();
      });
      complete = complete && !made.variants.empty();
      if (!made.variants.empty()) rule.classes.push_back(std::move(made));
    }
    if (complete) {
      rule.keys = terms.both(keys, terms.complement(named));
    } else {
      std::vector<TermId> all;
      for (const ObjectRule::KeyClass& c : rule.classes) all.push_back(c.term);
      rule.keys = terms.either(std::move(all));
    }
  }

  Rules& rules_;
  SchemaDocument document_;
  Brancher brancher_;
  Known known_;
  std::vector<Known::iterator> wanted_;
};

}  // namespace

GoalId add_schema(Rules& rules, std::string_view schema) { return Compiler(rules, schema).run(); }

GoalId add_any_value(Rules& rules) { return add_schema(rules, "true"); }

}  // namespace gemma4::grammar
