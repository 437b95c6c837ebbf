// JSON Schema to goals: the front end of json_schema().
#pragma once

#include <string_view>

#include "grammar/rules.h"

namespace gemma4::grammar {

/// Adds what the schema asks of a value to `rules`. Throws Error as json_schema() does; each message has the path of
/// the offending node.
GoalId add_schema(Rules& rules, std::string_view schema);

/// Removes what has no instance from goals, objects and arrays, until nothing changes. Then every place of a value
/// that can be reached can be completed.
struct PrunedGoals {
  std::vector<bool> has;      ///< By goal: it has an instance.
  std::vector<bool> endless;  ///< It has none because it would never end: a reference to itself without a base.
};
PrunedGoals prune_goals(Rules& rules);

/// The goal of any JSON value.
GoalId add_any_value(Rules& rules);

}  // namespace gemma4::grammar
