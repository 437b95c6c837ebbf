// Branches: what a conjunction of schemas asks of instances of one type, as alternatives without applicators.
//
// A literal is a schema or its negation; a conjunction of them is what a value at some place must meet. For one type of
// instance, keywords that do not apply to it are true and fall away, which keeps the alternatives few. `allOf` and
// `$ref` add literals, `anyOf` and its kin split the branch, `not` turns a literal round; a negated schema splits into
// the negations of its keywords. What remains are conditions that the type's own rule can hold a text to.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "grammar/numbers.h"
#include "grammar/rules.h"
#include "grammar/schema_document.h"

namespace gemma4::grammar {

/// Node * 4; + 1 when negated; + 2 when the node is a value to be equal to, not a schema.
using Literal = std::uint32_t;
constexpr Literal kFalseLiteral = 0xFFFFFFFE;
constexpr Literal meets(JsonId schema) noexcept { return schema * 4; }
constexpr Literal fails(JsonId schema) noexcept { return schema * 4 + 1; }
constexpr Literal equals(JsonId value) noexcept { return value * 4 + 2; }
constexpr Literal differs(JsonId value) noexcept { return value * 4 + 3; }

using Conjunction = std::vector<Literal>;  ///< Ascending.
void add_literal(Conjunction& conjunction, Literal literal);

/// Keys that another condition is about: those of a pattern, or those that a schema's additionalProperties sees.
struct KeyLayer {
  JsonId properties = kNoJson;
  JsonId patterns = kNoJson;
};

struct Branch {
  // boolean: bit 0 false, bit 1 true
  unsigned truths = 3;
  // number
  NumberSet number;
  // string
  TermId content = Terms::kAll;
  std::uint32_t min_length = 0, max_length = kUnlimited;
  // array
  std::vector<Conjunction> prefix;
  Conjunction rest;
  std::uint32_t min_items = 0, max_items = kUnlimited;
  struct Contains {
    Literal item;
    std::uint32_t min, max;
  };
  std::vector<Contains> contains;
  JsonId unique = kNoJson;  // the uniqueItems that asks for it
  // object
  struct Layer {
    KeyLayer keys;
    JsonId additional = kNoJson;
  };
  std::vector<Layer> layers;
  std::map<std::string, Conjunction> extra;  // on the values of single keys
  std::set<std::string> required;
  std::map<std::string, std::set<std::string>> implies;
  std::uint32_t min_properties = 0, max_properties = kUnlimited;
  Conjunction names;
  struct Witness {  // some key of these has such a value
    KeyLayer keys;
    JsonId pattern = kNoJson;  // a member of patternProperties; else the additional ones
    Literal value;
  };
  std::vector<Witness> witnesses;
};

class Brancher {
 public:
  Brancher(SchemaDocument& document, Terms& terms) : document_(document), terms_(terms), numbers_(terms) {}

  /// The alternatives of a conjunction for one type. Throws Error; unsupported when there are too many.
  std::vector<Branch> expand(const Conjunction& conjunction, InstanceType type);
  /// True when it is certain that no value of the type meets it, seen from so far down.
  bool empty(const Conjunction& conjunction, InstanceType type, int depth);

  /// The keys a patternProperties member is about.
  TermId key_pattern(JsonId member);
  /// The literals that the layers put on a key; `matches` tells which patterns match it.
  Conjunction value_of(const Branch& branch, const std::string* name, const std::function<bool(JsonId)>& matches);
  Numbers& numbers() noexcept { return numbers_; }
  SchemaDocument& document() noexcept { return document_; }
  /// The texts of strings in `sets` as one term.
  TermId folded(const StringSet& set);

 private:
  struct Choice {
    Conjunction literals;
    std::function<bool(Branch&)> edit;  // false: the branch has no instance
  };
  struct Pending {
    Literal literal;
    std::vector<JsonId> chain;  // schemas it came from without going into an instance
  };
  struct State;

  void run(State state, InstanceType type, std::vector<Branch>& out);
  bool apply(State& state, const Pending& item, InstanceType type);
  bool apply_schema(State& state, const Pending& item, InstanceType type);
  bool apply_negated(State& state, const Pending& item, InstanceType type);
  bool apply_value(State& state, const Pending& item, InstanceType type);
  bool conditions(Branch& branch, const Schema& schema, InstanceType type);
  bool number_conditions(Branch& branch, const Schema& s);
  bool string_conditions(Branch& branch, const Schema& s);
  void array_conditions(Branch& branch, const Schema& s);
  void object_conditions(Branch& branch, const Schema& s, std::vector<std::vector<Choice>>& choices);
  void negated_conditions(const Schema& s, InstanceType type, std::vector<Choice>& choices);
  void negated_object(const Schema& s, std::vector<Choice>& choices);
  void negated_array(const Schema& s, std::vector<Choice>& choices);
  std::vector<Choice> one_of(JsonId list, InstanceType type, bool negated);
  std::vector<Choice> enumerated(const std::vector<JsonId>& values, InstanceType type);
  void equal_value(Branch& branch, JsonId value);
  void different_value(JsonId value, std::vector<Choice>& choices);
  bool one_of_values(Branch& branch, const std::vector<JsonId>& values, InstanceType type, bool excluded);
  void layer_of_items(const Schema& s, JsonId& prefix, JsonId& rest);
  TermId without(TermId t);
  TermId pattern(JsonId id);
  TermId format(JsonId id);
  void check_unevaluated(const Schema& s, Keyword keyword, InstanceType type);
  bool branch_empty(const Branch& branch, InstanceType type, int depth);
  void spend(std::size_t n);

  SchemaDocument& document_;
  Terms& terms_;
  Numbers numbers_;
  std::map<JsonId, TermId> patterns_;
  std::map<std::string, TermId> pattern_texts_;
  std::map<std::string, TermId> formats_;
  std::map<std::pair<Conjunction, int>, bool> empty_;
  std::size_t spent_ = 0;
  int depth_ = 0;  // of expand()
  int look_ = 4;   // how far down one_of() may look for contradictions
};

}  // namespace gemma4::grammar
