#include "grammar/rules.h"

#include <algorithm>

#include "base/check.h"
#include "grammar/schema.h"

namespace gemma4::grammar {
namespace {

constexpr std::size_t kMaxRules = 200000;
constexpr std::size_t kMaxNesting = 5000;  // rules that begin with one another

std::string name_of(RuleId id, const std::vector<std::string>& names) {
  return id < names.size() && !names[id].empty() ? "rule " + names[id] : "rule number " + std::to_string(id);
}

}  // namespace

RuleId Rules::add(Rule rule) {
  GEMMA4_CHECK(rules_.size() < kMaxRules, ErrorCode::unsupported, "grammar: expected at most ", kMaxRules,
               " rules, got more");
  rules_.push_back(std::move(rule));
  return static_cast<RuleId>(rules_.size() - 1);
}

RuleId Rules::term(TermId t) {
  Rule r;
  r.kind = Rule::Kind::term;
  r.a = t;
  return add(std::move(r));
}

RuleId Rules::sequence(std::vector<RuleId> rules) {
  Rule r;
  r.kind = Rule::Kind::sequence;
  r.children = std::move(rules);
  return add(std::move(r));
}

RuleId Rules::choice(std::vector<RuleId> rules) {
  Rule r;
  r.kind = Rule::Kind::choice;
  r.children = std::move(rules);
  return add(std::move(r));
}

RuleId Rules::repeat(RuleId rule, std::uint32_t min, std::uint32_t max) {
  Rule r;
  r.kind = Rule::Kind::repeat;
  r.a = rule;
  r.min = min;
  r.max = max;
  return add(std::move(r));
}

RuleId Rules::token(std::vector<TokenId> ids) {
  Rule r;
  r.kind = Rule::Kind::token;
  r.tokens = std::move(ids);
  return add(std::move(r));
}

RuleId Rules::value(GoalId goal) {
  Rule r;
  r.kind = Rule::Kind::value;
  r.a = goal;
  return add(std::move(r));
}

RuleId Rules::declare() { return add({}); }

void Rules::define(RuleId declared, RuleId rule) {
  Rule r;
  r.kind = Rule::Kind::choice;
  r.children = {rule};
  rules_[declared] = std::move(r);
}

void Rules::check_left_recursion(const std::vector<std::string>& names) {
  // Which rules have the empty text: a least fixed point.
  std::vector<char> empty(rules_.size());
  for (bool changed = true; changed;) {
    changed = false;
    for (std::size_t i = rules_.size(); i > 0; --i) {
      const Rule& r = rules_[i - 1];
      const auto is_empty = [&](RuleId c) { return empty[c] != 0; };
      bool now = empty[i - 1] != 0;
      if (r.kind == Rule::Kind::term) now = terms.nullable(r.a);
      if (r.kind == Rule::Kind::sequence) now = std::all_of(r.children.begin(), r.children.end(), is_empty);
      if (r.kind == Rule::Kind::choice) now = std::any_of(r.children.begin(), r.children.end(), is_empty);
      if (r.kind == Rule::Kind::repeat) now = r.min == 0 || is_empty(r.a);
      if (now && empty[i - 1] == 0) changed = true;
      if (now) empty[i - 1] = 1;
    }
  }
  const auto starts_of = [&](RuleId id) {
    const Rule& r = rules_[id];
    std::vector<RuleId> out;
    if (r.kind == Rule::Kind::choice) out = r.children;
    if (r.kind == Rule::Kind::repeat) out = {r.a};
    if (r.kind == Rule::Kind::sequence) {
      for (const RuleId c : r.children) {
        out.push_back(c);
        if (empty[c] == 0) break;
      }
    }
    return out;
  };
  std::vector<char> state(rules_.size());  // 1: on the way, 2: done
  std::uint32_t rank = 0;
  for (RuleId root = 0; root < rules_.size(); ++root) {
    if (state[root] != 0) continue;
    std::vector<std::pair<RuleId, std::vector<RuleId>>> stack;
    stack.emplace_back(root, starts_of(root));
    state[root] = 1;
    while (!stack.empty()) {
      auto& [id, left] = stack.back();
      if (left.empty()) {
        state[id] = 2;
        ranks_[id] = rank++;
        stack.pop_back();
        continue;
      }
      const RuleId next = left.back();
      left.pop_back();
      if (state[next] == 1) {
        RuleId named = next;
        for (const auto& step : stack) {
          if (step.first < names.size() && !names[step.first].empty()) named = step.first;
        }
        base::fail(ErrorCode::unsupported, "grammar: ", name_of(named, names), " begins with itself (left recursion)");
      }
      if (state[next] == 2) continue;
      state[next] = 1;
      GEMMA4_CHECK(stack.size() < kMaxNesting, ErrorCode::unsupported, "grammar: expected at most ", kMaxNesting,
                   " rules that begin with one another, got more");
      stack.emplace_back(next, starts_of(next));
    }
  }
}

void Rules::finish(const std::vector<std::string>& names) {
  check(names);
  terms.set_running();
}

void Rules::check(const std::vector<std::string>& names) {
  for (RuleId id = 0; id < rules_.size(); ++id) {
    GEMMA4_CHECK(rules_[id].kind != Rule::Kind::undefined, ErrorCode::bad_format, "grammar: ", name_of(id, names),
                 " is used and not defined");
  }
  const PrunedGoals pruned = prune_goals(*this);
  // Rules without a text, to a fixed point, and out of the choices that have others.
  std::vector<char> has(rules_.size());
  for (bool changed = true; changed;) {
    changed = false;
    for (std::size_t i = rules_.size(); i > 0; --i) {
      const Rule& r = rules_[i - 1];
      const auto has_text = [&](RuleId c) { return has[c] != 0; };
      bool now = false;
      switch (r.kind) {
        case Rule::Kind::term: now = terms.live(r.a); break;
        case Rule::Kind::sequence: now = std::all_of(r.children.begin(), r.children.end(), has_text); break;
        case Rule::Kind::choice: now = std::any_of(r.children.begin(), r.children.end(), has_text); break;
        case Rule::Kind::repeat: now = r.min == 0 || has_text(r.a); break;
        case Rule::Kind::value: now = pruned.has[r.a]; break;
        case Rule::Kind::token: now = !r.tokens.empty(); break;
        case Rule::Kind::undefined: break;
      }
      if (now && has[i - 1] == 0) {
        has[i - 1] = 1;
        changed = true;
      }
    }
  }
  for (Rule& r : rules_) {
    if (r.kind == Rule::Kind::choice) {
      r.children.erase(std::remove_if(r.children.begin(), r.children.end(), [&](RuleId c) { return has[c] == 0; }),
                       r.children.end());
    } else if (r.kind == Rule::Kind::repeat && has[r.a] == 0) {
      r.max = 0;
    }
  }
  has_text_ = !rules_.empty() && has[root_] != 0;
  if (!has_text_ && !rules_.empty() && rules_[root_].kind == Rule::Kind::value && !pruned.endless[rules_[root_].a]) {
    root_ = choice({});
    ranks_.resize(rules_.size());
    return;
  }
  GEMMA4_CHECK(has_text_, ErrorCode::invalid_argument,
               "grammar: expected one with a text, got one that nothing satisfies");
  ranks_.resize(rules_.size());
  check_left_recursion(names);
}

}  // namespace gemma4::grammar
