#include "grammar/schema_branches.h"

#include <algorithm>

#include "base/check.h"

namespace gemma4::grammar {
namespace {

constexpr std::size_t kMaxSteps = 200000;  // literals applied and branches copied, of a whole schema
constexpr int kMaxNested = 60;             // oneOf inside oneOf, and the like
constexpr int kMaxChoices = 400;           // alternatives inside alternatives

constexpr unsigned bit(InstanceType type) noexcept { return 1U << static_cast<unsigned>(type); }

}  // namespace

void add_literal(Conjunction& conjunction, Literal literal) {
  const auto at = std::lower_bound(conjunction.begin(), conjunction.end(), literal);
  if (at == conjunction.end() || *at != literal) conjunction.insert(at, literal);
}

struct Brancher::State {
  struct Group {
    std::vector<Choice> choices;
    std::vector<JsonId> chain;
  };
  Branch branch;
  Conjunction done;
  std::vector<Pending> pending;
  std::vector<Group> groups;
  int depth = 0;
};

void Brancher::spend(std::size_t n) {
  constexpr std::size_t kLook = 256;
  if (spent_ / kLook != (spent_ + n) / kLook) terms_.look_for_cancel();
  spent_ += n;
  GEMMA4_CHECK(spent_ <= kMaxSteps, ErrorCode::unsupported,
               "json_schema: #: expected a schema whose combinations take at most ", kMaxSteps, " steps, got more");
}

std::vector<Branch> Brancher::expand(const Conjunction& conjunction, InstanceType type) {
  struct Depth {
    int& depth;
    ~Depth() { --depth; }
  };
  ++depth_;
  const Depth depth{depth_};
  GEMMA4_CHECK(depth_ <= kMaxNested, ErrorCode::unsupported,
               "json_schema: #: expected oneOf to be nested less deep than ", kMaxNested,
               ", got more (or a $ref that leads back to itself)");
  std::vector<Branch> out;
  State state;
  for (const Literal literal : conjunction) state.pending.push_back({literal, {}});
  run(std::move(state), type, out);
  return out;
}

void Brancher::run(State state, InstanceType type, std::vector<Branch>& out) {
  while (!state.pending.empty()) {
    const Pending item = std::move(state.pending.back());
    state.pending.pop_back();
    if (item.literal == kFalseLiteral) return;
    if (std::find(item.chain.begin(), item.chain.end(), item.literal / 4) != item.chain.end()) {
      document_.bad(item.literal / 4, "a schema that does not lead back to itself without going into an instance");
    }
    if (std::binary_search(state.done.begin(), state.done.end(), item.literal)) continue;
    if (std::binary_search(state.done.begin(), state.done.end(), item.literal ^ 1U)) return;
    add_literal(state.done, item.literal);
    spend(1);
    if (!apply(state, item, type)) return;
  }
  if (state.groups.empty()) {
    out.push_back(std::move(state.branch));
    return;
  }
  State::Group group = std::move(state.groups.back());
  state.groups.pop_back();
  GEMMA4_CHECK(++state.depth <= kMaxChoices, ErrorCode::unsupported,
               "json_schema: #: expected at most ", kMaxChoices, " alternatives inside alternatives, got more");
  for (std::size_t i = 0; i < group.choices.size(); ++i) {
    Choice& choice = group.choices[i];
    State next = i + 1 < group.choices.size() ? state : std::move(state);
    spend(1);
    if (choice.edit && !choice.edit(next.branch)) continue;
    for (const Literal literal : choice.literals) next.pending.push_back({literal, group.chain});
    run(std::move(next), type, out);
  }
}

bool Brancher::apply(State& state, const Pending& item, InstanceType type) {
  if ((item.literal & 2U) != 0) return apply_value(state, item, type);
  return (item.literal & 1U) != 0 ? apply_negated(state, item, type) : apply_schema(state, item, type);
}

bool Brancher::apply_value(State& state, const Pending& item, InstanceType type) {
  const JsonId value = item.literal / 4;
  const bool same_type = static_cast<int>(document_.tree()[value].type) == static_cast<int>(type);
  const bool excluded = (item.literal & 1U) != 0;
  if (!same_type) return excluded;
  if (type != InstanceType::array && type != InstanceType::object) {
    return one_of_values(state.branch, {value}, type, excluded);
  }
  if (!excluded) {
    equal_value(state.branch, value);
    return true;
  }
  std::vector<Choice> choices;
  different_value(value, choices);
  state.groups.push_back({std::move(choices), {}});
  return true;
}

bool Brancher::apply_schema(State& state, const Pending& item, InstanceType type) {
  const JsonId id = item.literal / 4;
  if (document_.is_boolean(id)) return document_.tree()[id].truth;
  const Schema& s = document_.schema(id);
  if (s.trivial) return true;
  if ((s.types & bit(type)) == 0) return false;
  std::vector<JsonId> chain = item.chain;
  chain.push_back(id);
  const auto add = [&](Literal literal) { state.pending.push_back({literal, chain}); };
  const auto& tree = document_.tree();

  if (!conditions(state.branch, s, type)) return false;
  if (s.target != kNoJson) add(meets(s.target));
  if (s[Keyword::const_] != kNoJson) add(equals(s[Keyword::const_]));
  if (s[Keyword::enum_] != kNoJson) {
    const std::vector<JsonId>& values = tree[s[Keyword::enum_]].children;
    if (type == InstanceType::array || type == InstanceType::object) {
      state.groups.push_back({enumerated(values, type), chain});
    } else if (!one_of_values(state.branch, values, type, false)) {
      return false;
    }
  }
  if (type == InstanceType::object) {
    std::vector<std::vector<Choice>> groups;
    object_conditions(state.branch, s, groups);
    for (auto& choices : groups) state.groups.push_back({std::move(choices), chain});
  }
  if (s[Keyword::all_of] != kNoJson) {
    for (const JsonId child : tree[s[Keyword::all_of]].children) add(meets(child));
  }
  if (s[Keyword::any_of] != kNoJson) {
    std::vector<Choice> choices;
    for (const JsonId child : tree[s[Keyword::any_of]].children) choices.push_back({{meets(child)}, {}});
    state.groups.push_back({std::move(choices), chain});
  }
  if (s[Keyword::one_of] != kNoJson) state.groups.push_back({one_of(s[Keyword::one_of], type, false), chain});
  if (s[Keyword::not_] != kNoJson) add(fails(s[Keyword::not_]));
  if (s[Keyword::if_] != kNoJson && (s[Keyword::then_] != kNoJson || s[Keyword::else_] != kNoJson)) {
    Choice yes = {{meets(s[Keyword::if_])}, {}}, no = {{fails(s[Keyword::if_])}, {}};
    if (s[Keyword::then_] != kNoJson) yes.literals.push_back(meets(s[Keyword::then_]));
    if (s[Keyword::else_] != kNoJson) no.literals.push_back(meets(s[Keyword::else_]));
    state.groups.push_back({{std::move(yes), std::move(no)}, chain});
  }
  return true;
}

std::vector<Brancher::Choice> Brancher::enumerated(const std::vector<JsonId>& values, InstanceType type) {
  std::vector<Choice> choices;
  for (const JsonId value : values) {
    if (static_cast<int>(document_.tree()[value].type) == static_cast<int>(type)) {
      choices.push_back({{equals(value)}, {}});
    }
  }
  return choices;
}

// Exactly one: each with the negations of those that may hold beside it.
std::vector<Brancher::Choice> Brancher::one_of(JsonId list, InstanceType type, bool negated) {
  std::vector<JsonId> alive;
  for (const JsonId child : document_.tree()[list].children) {
    if (!empty({meets(child)}, type, std::min(2, look_))) alive.push_back(child);
  }
  std::vector<Choice> choices;
  if (look_ <= 0 && !negated) {  // only asked whether there is a contradiction: at least one will do
    for (const JsonId child : alive) choices.push_back({{meets(child)}, {}});
    return choices;
  }
  Choice none;
  for (std::size_t i = 0; i < alive.size(); ++i) {
    Choice one = {{meets(alive[i])}, {}};
    none.literals.push_back(fails(alive[i]));
    for (std::size_t j = 0; j < alive.size(); ++j) {
      if (i == j) continue;
      Conjunction both;
      add_literal(both, meets(alive[i]));
      add_literal(both, meets(alive[j]));
      if (empty(both, type, std::min(3, look_))) continue;
      one.literals.push_back(fails(alive[j]));
      if (negated && i < j) choices.push_back({both, {}});
    }
    if (!negated) choices.push_back(std::move(one));
  }
  if (negated) choices.push_back(std::move(none));
  return choices;
}

bool Brancher::apply_negated(State& state, const Pending& item, InstanceType type) {
  const JsonId id = item.literal / 4;
  if (document_.is_boolean(id)) return !document_.tree()[id].truth;
  const Schema& s = document_.schema(id);
  if (s.trivial) return false;
  if ((s.types & bit(type)) == 0) return true;
  std::vector<JsonId> chain = item.chain;
  chain.push_back(id);
  const auto& tree = document_.tree();

  std::vector<Choice> choices;
  negated_conditions(s, type, choices);
  if (s.target != kNoJson) choices.push_back({{fails(s.target)}, {}});
  if (s[Keyword::const_] != kNoJson) choices.push_back({{differs(s[Keyword::const_])}, {}});
  if (s[Keyword::enum_] != kNoJson) {
    const std::vector<JsonId>& values = tree[s[Keyword::enum_]].children;
    Choice none;
    if (type == InstanceType::array || type == InstanceType::object) {
      for (const Choice& choice : enumerated(values, type)) none.literals.push_back(choice.literals[0] ^ 1U);
    } else {
      none.edit = [this, &values, type](Branch& b) { return one_of_values(b, values, type, true); };
    }
    choices.push_back(std::move(none));
  }
  if (s[Keyword::all_of] != kNoJson) {
    for (const JsonId child : tree[s[Keyword::all_of]].children) choices.push_back({{fails(child)}, {}});
  }
  if (s[Keyword::any_of] != kNoJson) {
    Choice none;
    for (const JsonId child : tree[s[Keyword::any_of]].children) none.literals.push_back(fails(child));
    choices.push_back(std::move(none));
  }
  if (s[Keyword::one_of] != kNoJson) {
    for (Choice& choice : one_of(s[Keyword::one_of], type, true)) choices.push_back(std::move(choice));
  }
  if (s[Keyword::not_] != kNoJson) choices.push_back({{meets(s[Keyword::not_])}, {}});
  if (s[Keyword::if_] != kNoJson) {
    if (s[Keyword::then_] != kNoJson) choices.push_back({{meets(s[Keyword::if_]), fails(s[Keyword::then_])}, {}});
    if (s[Keyword::else_] != kNoJson) choices.push_back({{fails(s[Keyword::if_]), fails(s[Keyword::else_])}, {}});
  }
  if (choices.empty()) return false;
  state.groups.push_back({std::move(choices), chain});
  return true;
}

bool Brancher::empty(const Conjunction& conjunction, InstanceType type, int depth) {
  if (depth <= 0) return false;
  const auto key = std::pair(conjunction, static_cast<int>(type) * 8 + depth);
  if (const auto known = empty_.find(key); known != empty_.end()) return known->second;
  struct Look {
    int& look;
    const int before;
    ~Look() { look = before; }
  };
  const Look look{look_, look_};
  look_ = depth - 1;
  bool none = true;
  for (const Branch& branch : expand(conjunction, type)) {
    if (!branch_empty(branch, type, depth)) {
      none = false;
      break;
    }
  }
  empty_[key] = none;
  return none;
}

bool Brancher::branch_empty(const Branch& b, InstanceType type, int depth) {
  const auto no_value = [&](const Conjunction& c) {
    for (int t = 0; t < kInstanceTypes; ++t) {
      if (!empty(c, static_cast<InstanceType>(t), depth - 1)) return false;
    }
    return true;
  };
  switch (type) {
    case InstanceType::null:
      return false;
    case InstanceType::boolean:
      return b.truths == 0;
    case InstanceType::number:
      return !terms_.live(b.number.written);
    case InstanceType::string:
      return b.min_length > b.max_length || !terms_.live(folded({b.content, b.min_length, b.max_length}));
    case InstanceType::array:
      if (b.min_items > b.max_items) return true;
      for (std::size_t i = 0; i < b.min_items && i < b.prefix.size(); ++i) {
        if (no_value(b.prefix[i])) return true;
      }
      return b.min_items > b.prefix.size() && no_value(b.rest);
    case InstanceType::object:
      if (b.min_properties > b.max_properties || b.required.size() > b.max_properties) return true;
      for (const std::string& name : b.required) {
        const Conjunction value = value_of(b, &name, [&](JsonId member) {
          return terms_.nullable(terms_.run(key_pattern(member), name));
        });
        if (no_value(value)) return true;
      }
      return false;
  }
  return false;
}

TermId Brancher::folded(const StringSet& set) {
  if (set.min == 0 && set.max == kUnlimited) return set.term;
  if (set.min > set.max) return Terms::kNothing;
  return terms_.both(set.term, terms_.repeat(terms_.any_character(), set.min, set.max));
}

Conjunction Brancher::value_of(const Branch& branch, const std::string* name,
                               const std::function<bool(JsonId)>& matches) {
  const JsonTree& tree = document_.tree();
  Conjunction all;
  for (const Branch::Layer& layer : branch.layers) {
    bool seen = false;
    if (name != nullptr && layer.keys.properties != kNoJson) {
      const JsonId child = tree.find(layer.keys.properties, *name);
      if (child != kNoJson) {
        add_literal(all, meets(child));
        seen = true;
      }
    }
    if (layer.keys.patterns != kNoJson) {
      for (const JsonId member : tree[layer.keys.patterns].children) {
        if (!matches(member)) continue;
        add_literal(all, meets(member));
        seen = true;
      }
    }
    if (!seen && layer.additional != kNoJson) add_literal(all, meets(layer.additional));
  }
  if (name != nullptr) {
    const auto extra = branch.extra.find(*name);
    if (extra != branch.extra.end()) {
      for (const Literal literal : extra->second) add_literal(all, literal);
    }
  }
  return all;
}

}  // namespace gemma4::grammar
