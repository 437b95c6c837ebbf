// Rules: a compiled grammar. Terms for what is regular, numbered rules for what nests, JSON values by their goals.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "gemma4/types.h"
#include "grammar/terms.h"

namespace gemma4::grammar {

using GoalId = std::uint32_t;
constexpr GoalId kNoGoal = 0xFFFFFFFF;

/// Strings whose content is in `term` and has min to max characters.
struct StringSet {
  TermId term = Terms::kAll;
  std::uint32_t min = 0;
  std::uint32_t max = kUnlimited;
  friend bool operator==(const StringSet&, const StringSet&) = default;
};

/// A value that may stand at a place, and what it counts for there (ObjectRule::marks, ArrayRule::counted).
struct Variant {
  GoalId goal = kNoGoal;
  std::uint32_t marks = 0;
};

struct ObjectRule {
  struct Entry {
    std::string name;
    bool required = false;
    std::vector<Variant> variants;       ///< None: the key may not come.
    std::vector<std::uint32_t> implies;  ///< Entries that are required where this one comes.
  };
  /// Keys that no entry names.
  struct KeyClass {
    TermId term = Terms::kNothing;
    std::vector<Variant> variants;
  };
  std::vector<Entry> entries;  ///< By name, bytewise.
  std::vector<KeyClass> classes;
  TermId keys = Terms::kNothing;  ///< Those of all classes together, in a simpler form than their union.
  std::uint32_t min = 0;
  std::uint32_t max = kUnlimited;
  std::uint32_t marks = 0;  ///< Each of these bits must have been counted once at least.
};

struct ArrayRule {
  struct Counted {  ///< `contains`
    std::uint32_t min = 0;
    std::uint32_t max = kUnlimited;
  };
  std::vector<std::vector<Variant>> prefix;
  std::vector<Variant> rest;
  std::uint32_t min = 0;
  std::uint32_t max = kUnlimited;
  std::vector<Counted> counted;  ///< By bit of Variant::marks; at most 4.
};

/// What a JSON value may be.
struct Goal {
  TermId scalar = Terms::kNothing;  ///< Null, true, false and numbers, as a generation may write them.
  TermId meant = Terms::kNothing;   ///< And every text that means one of those.
  std::vector<StringSet> strings;
  std::vector<std::uint32_t> arrays;
  std::vector<std::uint32_t> objects;
};

/// How JSON values are written.
struct JsonStyle {
  bool call = false;            ///< Gemma's tool calls: bare keys, strings raw between two `quote` tokens.
  TokenId quote = -1;           ///< For `call`.
  bool bounded_space = false;   ///< JsonSchemaOptions::Whitespace::bounded.
};

using RuleId = std::uint32_t;

struct Rule {
  enum class Kind : std::uint8_t { term, sequence, choice, repeat, value, token, undefined };
  Kind kind = Kind::undefined;
  std::uint32_t a = 0;            ///< term: TermId; repeat: RuleId; value: GoalId.
  std::uint32_t min = 0;
  std::uint32_t max = 0;
  std::vector<RuleId> children;   ///< sequence, choice.
  std::vector<TokenId> tokens;    ///< token: any of these.
};

/// Built once, by one thread; what a Machine runs. To write a grammar by hand: make rules bottom up, declare() and
/// define() those that refer to themselves, set the root, finish().
class Rules {
 public:
  Terms terms;
  std::vector<Goal> goals;
  std::vector<ObjectRule> objects;
  std::vector<ArrayRule> arrays;
  JsonStyle style;

  RuleId term(TermId t);
  RuleId text(std::string_view literal) { return term(terms.literal(literal)); }
  RuleId sequence(std::vector<RuleId> rules);
  RuleId choice(std::vector<RuleId> rules);
  RuleId repeat(RuleId rule, std::uint32_t min, std::uint32_t max);
  /// One token of these, control tokens among them. It has no text.
  RuleId token(std::vector<TokenId> ids);
  /// A JSON value, written in `style`.
  RuleId value(GoalId goal);
  /// A rule to refer to before it is known.
  RuleId declare();
  void define(RuleId declared, RuleId rule);

  void set_root(RuleId rule) noexcept { root_ = rule; }
  RuleId root() const noexcept { return root_; }
  /// Checks that every rule is defined, that none begins with itself (Error unsupported) and that the root has a text
  /// (Error invalid_argument, unless it is a JSON value that contradicts itself); `names` names rules in messages.
  /// Removes what has no text.
  void finish(const std::vector<std::string>& names = {});
  /// False for rules that contradict themselves (JSON schemas only): they have no text, and that is what they say.
  bool has_text() const noexcept { return has_text_; }

  /// Rules that others begin with have lower ranks than those.
  std::uint32_t rank(RuleId rule) const { return ranks_[rule]; }
  std::vector<Rule>& all() noexcept { return rules_; }
  const Rule& operator[](RuleId id) const { return rules_[id]; }
  std::size_t size() const noexcept { return rules_.size(); }

 private:
  RuleId add(Rule rule);
  void check(const std::vector<std::string>& names);
  void check_left_recursion(const std::vector<std::string>& names);
  std::vector<Rule> rules_;
  std::vector<std::uint32_t> ranks_;
  RuleId root_ = 0;
  bool has_text_ = true;
};

}  // namespace gemma4::grammar
