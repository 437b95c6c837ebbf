// Regular expressions, as ECMA-262 and Python write them, to terms.
#pragma once

#include <string_view>

#include "grammar/terms.h"

namespace gemma4::grammar {

enum class RegexDialect : unsigned char {
  ecma,    ///< JSON Schema's: `.` is no line terminator, {,3} is refused as ambiguous.
  python,  ///< `.` is anything but \n, {,3} is {0,3}.
};

/// The texts in which the pattern matches somewhere (JSON Schema's `pattern`); kAll stands for every text of whole
/// characters. Look-ahead is supported outside of unlimited repetition; \d, \w and \s are those of ECMA-262.
/// Throws Error bad_format (with the byte), unsupported (naming what), each message beginning with `where`.
TermId parse_search(Terms& terms, std::string_view pattern, std::string_view where);

/// The texts that it matches from end to end.
TermId parse_full(Terms& terms, std::string_view pattern, RegexDialect dialect, std::string_view where);

}  // namespace gemma4::grammar
