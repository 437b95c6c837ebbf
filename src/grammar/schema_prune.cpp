// prune_goals(): which values have an instance.
#include <algorithm>

#include "grammar/schema.h"

namespace gemma4::grammar {
namespace {

/// Whether goals, arrays and objects have an instance; a least fixed point.
class Instances {
 public:
  explicit Instances(Rules& rules) : rules_(rules), goals(rules.goals.size()) {}

  void find() {
    for (bool changed = true; changed;) {
      changed = false;
      for (std::size_t i = goals.size(); i > 0; --i) {
        if (goals[i - 1] || !has(rules_.goals[i - 1])) continue;
        goals[i - 1] = true;
        changed = true;
      }
    }
  }

  /// Instances without end among them: a greatest fixed point.
  void find_endless() {
    goals.assign(goals.size(), true);
    for (bool changed = true; changed;) {
      changed = false;
      for (std::size_t i = goals.size(); i > 0; --i) {
        if (!goals[i - 1] || has(rules_.goals[i - 1])) continue;
        goals[i - 1] = false;
        changed = true;
      }
    }
  }

  bool any(const std::vector<Variant>& variants, std::uint32_t marks = 0) const {
    return std::any_of(variants.begin(), variants.end(),
                       [&](const Variant& v) { return (v.marks & marks) == marks && goals[v.goal]; });
  }

  bool has(const ArrayRule& a) const {
    if (a.min > a.max) return false;
    for (std::size_t i = 0; i < a.min && i < a.prefix.size(); ++i) {
      if (!any(a.prefix[i])) return false;
    }
    if (a.min > a.prefix.size() && !any(a.rest)) return false;
    for (std::size_t c = 0; c < a.counted.size(); ++c) {
      if (a.counted[c].min > a.counted[c].max || a.counted[c].min > a.max) return false;
      std::size_t found = a.max > a.prefix.size() && any(a.rest, 1U << c) ? a.counted[c].min : 0;
      for (const auto& variants : a.prefix) found += any(variants, 1U << c) ? 1 : 0;
      if (found < a.counted[c].min) return false;
    }
    return true;
  }

  bool has(const ObjectRule& o) const {
    std::size_t required = 0, possible = 0;
    std::uint32_t marks = 0;
    const auto see = [&](const std::vector<Variant>& variants) {
      for (const Variant& v : variants) marks |= goals[v.goal] ? v.marks : 0;
    };
    for (const ObjectRule::Entry& e : o.entries) {
      const bool usable = any(e.variants);
      if (e.required && !usable) return false;
      required += e.required ? 1 : 0;
      possible += usable ? 1 : 0;
      see(e.variants);
    }
    bool open = false;
    for (const ObjectRule::KeyClass& c : o.classes) {
      open = open || any(c.variants);
      see(c.variants);
    }
    return required <= o.max && o.min <= o.max && (open || o.min <= possible) && (marks & o.marks) == o.marks;
  }

  bool has(const Goal& g) const {
    return g.scalar != Terms::kNothing || !g.strings.empty() ||
           std::any_of(g.arrays.begin(), g.arrays.end(), [&](std::uint32_t a) { return has(rules_.arrays[a]); }) ||
           std::any_of(g.objects.begin(), g.objects.end(), [&](std::uint32_t o) { return has(rules_.objects[o]); });
  }

  void drop(std::vector<Variant>& variants) const {
    variants.erase(std::remove_if(variants.begin(), variants.end(), [&](const Variant& v) { return !goals[v.goal]; }),
                   variants.end());
  }

 private:
  Rules& rules_;

 public:
  std::vector<bool> goals;
};

// What required keys imply is required; a key that implies one that cannot come, or more than there is room for, cannot
// come itself.
void drop_impossible_entries(ObjectRule& o) {
  const bool implies =
      std::any_of(o.entries.begin(), o.entries.end(), [](const auto& e) { return !e.implies.empty(); });
  if (!implies) return;
  const auto with = [&](std::size_t entry) {  // the keys that come where this one does
    std::vector<bool> needed(o.entries.size());
    std::vector<std::size_t> todo;
    for (std::size_t i = 0; i < o.entries.size(); ++i) {
      if (o.entries[i].required || i == entry) todo.push_back(i);
    }
    while (!todo.empty()) {
      const std::size_t i = todo.back();
      todo.pop_back();
      if (needed[i]) continue;
      needed[i] = true;
      todo.insert(todo.end(), o.entries[i].implies.begin(), o.entries[i].implies.end());
    }
    return needed;
  };
  const std::vector<bool> required = with(o.entries.size());
  for (std::size_t i = 0; i < o.entries.size(); ++i) o.entries[i].required = required[i];
  for (bool changed = true; changed;) {
    changed = false;
    for (std::size_t i = 0; i < o.entries.size(); ++i) {
      ObjectRule::Entry& e = o.entries[i];
      if (e.variants.empty() || e.implies.empty()) continue;
      const std::vector<bool> needed = with(i);
      bool possible = static_cast<std::uint32_t>(std::count(needed.begin(), needed.end(), true)) <= o.max;
      for (std::size_t j = 0; j < needed.size(); ++j) {
        possible = possible && (!needed[j] || !o.entries[j].variants.empty());
      }
      if (possible) continue;
      e.variants.clear();
      changed = true;
    }
  }
}

void drop_items(ArrayRule& a, const Instances& instances) {
  for (auto& variants : a.prefix) instances.drop(variants);
  instances.drop(a.rest);
  const auto closed = std::find_if(a.prefix.begin(), a.prefix.end(), [](const auto& v) { return v.empty(); });
  const bool ends = closed != a.prefix.end() || a.rest.empty();
  a.prefix.erase(closed, a.prefix.end());
  if (ends) a.max = std::min(a.max, static_cast<std::uint32_t>(a.prefix.size()));
}

/// True when a named key can no longer come.
bool drop_keys(Rules& rules, ObjectRule& o, const Instances& instances) {
  const auto usable = [&] {
    return std::count_if(o.entries.begin(), o.entries.end(), [](const auto& e) { return !e.variants.empty(); });
  };
  const auto before = usable();
  for (ObjectRule::Entry& e : o.entries) instances.drop(e.variants);
  drop_impossible_entries(o);
  for (ObjectRule::KeyClass& c : o.classes) instances.drop(c.variants);
  const auto dead =
      std::remove_if(o.classes.begin(), o.classes.end(), [](const auto& c) { return c.variants.empty(); });
  if (dead != o.classes.end()) {
    o.classes.erase(dead, o.classes.end());
    std::vector<TermId> all;
    for (const ObjectRule::KeyClass& c : o.classes) all.push_back(c.term);
    o.keys = rules.terms.either(std::move(all));
  }
  return usable() != before;
}

/// Prunes to the least fixed point, or (endless) to the greatest. Returns the goals that are left.
std::vector<bool> prune(Rules& rules, bool endless) {
  for (ObjectRule& o : rules.objects) drop_impossible_entries(o);
  while (true) {
    Instances instances(rules);
    if (endless) {
      instances.find_endless();
    } else {
      instances.find();
    }
    bool again = false;
    for (ArrayRule& a : rules.arrays) drop_items(a, instances);
    for (ObjectRule& o : rules.objects) again = drop_keys(rules, o, instances) || again;
    for (Goal& g : rules.goals) {
      const auto no_array = [&](std::uint32_t a) { return !instances.has(rules.arrays[a]); };
      const auto no_object = [&](std::uint32_t o) { return !instances.has(rules.objects[o]); };
      g.arrays.erase(std::remove_if(g.arrays.begin(), g.arrays.end(), no_array), g.arrays.end());
      g.objects.erase(std::remove_if(g.objects.begin(), g.objects.end(), no_object), g.objects.end());
    }
    if (!again) return instances.goals;
  }
}

}  // namespace

PrunedGoals prune_goals(Rules& rules) {
  Instances all(rules);
  all.find();
  PrunedGoals out;
  if (std::find(all.goals.begin(), all.goals.end(), false) != all.goals.end()) {
    // Which have none because they would never end: on a copy.
    const std::vector<Goal> goals = rules.goals;
    const std::vector<ArrayRule> arrays = rules.arrays;
    const std::vector<ObjectRule> objects = rules.objects;
    out.endless = prune(rules, true);
    rules.goals = goals;
    rules.arrays = arrays;
    rules.objects = objects;
  }
  out.has = prune(rules, false);
  out.endless.resize(out.has.size());
  for (std::size_t i = 0; i < out.has.size(); ++i) out.endless[i] = out.endless[i] && !out.has[i];
  return out;
}

}  // namespace gemma4::grammar
