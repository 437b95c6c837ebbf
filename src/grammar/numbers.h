// JSON numbers as terms: every form, integers, ranges, multiples, single values.
//
// A condition on a number is a condition on its text, so the texts it is decided for are limited: a plain form
// (-?digits, up to 64, with or without a fraction of up to 64 digits), and the exponents that programs print: one digit
// before the point, at most 16 behind it, e-5 and below or e16 and above, within the range of double. Numbers under no
// condition may have other exponents too.
#pragma once

#include <optional>

#include "grammar/json_tree.h"
#include "grammar/terms.h"

namespace gemma4::grammar {

class Numbers {
 public:
  explicit Numbers(Terms& terms);

  /// Any number, in any form.
  TermId any() const noexcept { return any_; }
  /// Any number in the forms that conditions are decided for.
  TermId decided() const noexcept { return decided_; }
  /// Whole numbers ("2.0" is one).
  TermId integers() const noexcept { return integers_; }
  TermId fractions() { return terms_.both(decided_, terms_.complement(integers_)); }

  TermId at_least(const Decimal& bound, bool strictly);
  TermId at_most(const Decimal& bound, bool strictly);
  /// nullopt when the divisor has too many digits.
  std::optional<TermId> multiples(const Decimal& divisor);
  TermId equal_to(const Decimal& value);

 private:
  TermId digits(std::uint32_t min, std::uint32_t max);
  TermId digit(char first, char last);
  TermId whole_above(const std::string& i);
  TermId whole_below(const std::string& i);
  TermId fraction_above(const std::string& f, std::size_t at, bool strictly);
  TermId fraction_below(const std::string& f, std::size_t at, bool strictly);
  TermId with_fraction(TermId whole, TermId fraction);
  TermId magnitude_above(const Decimal& bound, bool strictly);
  TermId magnitude_below(const Decimal& bound, bool strictly);
  TermId exponents(int first, int last);

  Terms& terms_;
  TermId whole_, plain_, any_, decided_, integers_, minus_;
};

}  // namespace gemma4::grammar
