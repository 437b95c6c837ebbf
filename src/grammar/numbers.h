// JSON numbers as terms: every form, integers, ranges, multiples, single values.
//
// What a text means is its value, however it is written: NumberText decides that. What a generation may write is less,
// so that every beginning leads to an end that a reader expects ("1." of an integer must not have to become "1.5e1"): a
// plain form (-?digits, up to 64, with or without a fraction of up to 64 digits), and the exponents that programs print:
// one digit before the point, at most 16 behind it, e-5 and below or e16 and above, within the range of double. Numbers
// under no condition may have other exponents too.
#pragma once

#include <optional>

#include "grammar/json_tree.h"
#include "grammar/terms.h"

namespace gemma4::grammar {

/// Texts of numbers: those that a generation may write, and all that mean one of them.
struct NumberSet {
  TermId written = Terms::kAll;
  TermId meant = Terms::kAll;
};

class Numbers {
 public:
  explicit Numbers(Terms& terms) : terms_(terms) {}

  /// Any number, in any form.
  NumberSet any();
  /// Any number in the forms that conditions are decided for.
  NumberSet decided();
  /// Whole numbers ("2.0" is one).
  NumberSet integers();
  NumberSet fractions();

  NumberSet at_least(const Decimal& bound, bool strictly);
  NumberSet at_most(const Decimal& bound, bool strictly);
  /// nullopt when the divisor has too many digits.
  std::optional<NumberSet> multiples(const Decimal& divisor, bool inverted = false);
  NumberSet one_of(const std::vector<Decimal>& values);
  NumberSet none_of(std::vector<Decimal> values);

  NumberSet either(const std::vector<NumberSet>& sets);
  NumberSet both(const NumberSet& a, const NumberSet& b);

 private:
  TermId digits(std::uint32_t min, std::uint32_t max);
  TermId digit(char first, char last);
  TermId minus();
  TermId whole();
  TermId plain();
  TermId programs();
  TermId whole_above(const std::string& i);
  TermId whole_below(const std::string& i);
  TermId fraction_above(const std::string& f, std::size_t at, bool strictly);
  TermId fraction_below(const std::string& f, std::size_t at, bool strictly);
  TermId with_fraction(TermId whole, TermId fraction, std::uint32_t max);
  TermId magnitude_above(const Decimal& bound, bool strictly);
  TermId magnitude_below(const Decimal& bound, bool strictly);
  TermId counting(int first, int last);
  TermId counting(const std::string& first, const std::string& last);
  TermId mantissa();
  TermId exponents(int first, int last);
  TermId exponents(TermId mantissa, int first, int last);
  TermId written_at_least(const Decimal& bound, bool strictly);
  TermId written_at_most(const Decimal& bound, bool strictly);
  std::optional<TermId> written_multiples(std::uint32_t m, int scale);
  TermId written_equal(const Decimal& value);

  Terms& terms_;
  std::optional<NumberSet> any_, decided_, integers_;
  std::optional<TermId> programs_;
};

}  // namespace gemma4::grammar
