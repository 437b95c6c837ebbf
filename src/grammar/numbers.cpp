#include "grammar/numbers.h"

#include <algorithm>
#include <numeric>

namespace gemma4::grammar {
namespace {

constexpr std::uint32_t kDigits = 64;
constexpr std::uint32_t kExact = 15;     // digits that every double holds
constexpr std::uint32_t kMantissa = 16;  // digits of a fraction before an exponent
constexpr std::uint32_t kMaxRemainders = 1000;
constexpr int kFirstLarge = 16, kLastLarge = 307, kFirstSmall = -307, kLastSmall = -5;

std::string whole_of(const Decimal& d) {
  const auto places = static_cast<std::size_t>(d.scale);
  return d.digits.size() > places ? d.digits.substr(0, d.digits.size() - places) : "0";
}
/// Of the form d.ddd * 10^e; value above 0.
int exponent_of(const Decimal& d) { return static_cast<int>(d.digits.size()) - 1 - d.scale; }
/// Whether numbers with this exponent are written with it.
bool has_form(int e) { return (e >= kFirstLarge && e <= kLastLarge) || (e >= kFirstSmall && e <= kLastSmall); }
std::string fraction_of(const Decimal& d) {
  const std::string text = d.text();
  const std::size_t point = text.find('.');
  return point == std::string::npos ? "" : text.substr(point + 1);
}

}  // namespace

TermId Numbers::minus() { return terms_.optional(terms_.byte('-')); }
TermId Numbers::whole() { return terms_.either(terms_.byte('0'), terms_.cat(digit('1', '9'), digits(0, kDigits - 1))); }
TermId Numbers::plain() {
  return terms_.cat(whole(), terms_.optional(terms_.cat(terms_.byte('.'), digits(1, kDigits))));
}
TermId Numbers::programs() {
  if (!programs_) {
    programs_ = terms_.either(exponents(kFirstLarge, kLastLarge), exponents(kFirstSmall, kLastSmall));
  }
  return *programs_;
}

NumberSet Numbers::any() {
  if (!any_) {
    ByteSet e, sign;
    e.add('e');
    e.add('E');
    sign.add('+');
    sign.add('-');
    const TermId short_exponent =
        terms_.cat(terms_.set(e), terms_.cat(terms_.optional(terms_.set(sign)), digits(1, 2)));
    const TermId forms = terms_.either(terms_.cat(plain(), terms_.optional(short_exponent)), programs());
    any_ = {terms_.cat(minus(), forms), terms_.number({})};
  }
  return *any_;
}

NumberSet Numbers::decided() {
  if (!decided_) decided_ = {terms_.cat(minus(), terms_.either(plain(), programs())), any().meant};
  return *decided_;
}

NumberSet Numbers::integers() {
  if (!integers_) {
    NumberTest test;
    test.divisor = 1;
    const TermId zeros = terms_.cat(terms_.byte('.'), terms_.repeat(terms_.byte('0'), 1, kDigits));
    const TermId large = exponents(kFirstLarge, kLastLarge);
    integers_ = {terms_.cat(minus(), terms_.either(terms_.cat(whole(), terms_.optional(zeros)), large)),
                 terms_.number(test)};
  }
  return *integers_;
}

NumberSet Numbers::either(const std::vector<NumberSet>& sets) {
  std::vector<TermId> written, meant;
  for (const NumberSet& set : sets) {
    written.push_back(set.written);
    meant.push_back(set.meant);
  }
  return {terms_.either(std::move(written)), terms_.either(std::move(meant))};
}

NumberSet Numbers::both(const NumberSet& a, const NumberSet& b) {
  return {terms_.both(a.written, b.written), terms_.both(a.meant, b.meant)};
}

NumberSet Numbers::fractions() {
  NumberTest test;
  test.divisor = 1;
  test.inverted = true;
  return {terms_.both(decided().written, terms_.complement(integers().written)), terms_.number(test)};
}

NumberSet Numbers::at_least(const Decimal& bound, bool strictly) {
  NumberTest test;
  test.low = bound;
  test.open_low = strictly;
  return {written_at_least(bound, strictly), terms_.number(test)};
}

NumberSet Numbers::at_most(const Decimal& bound, bool strictly) {
  NumberTest test;
  test.high = bound;
  test.open_high = strictly;
  return {written_at_most(bound, strictly), terms_.number(test)};
}

NumberSet Numbers::one_of(const std::vector<Decimal>& values) {
  std::vector<NumberSet> all;
  for (const Decimal& value : values) {
    NumberTest test;
    test.low = test.high = value;
    all.push_back({written_equal(value), terms_.number(test)});
  }
  return either(all);
}

// What lies between them.
NumberSet Numbers::none_of(std::vector<Decimal> values) {
  std::sort(values.begin(), values.end(), [](const Decimal& a, const Decimal& b) { return compare(a, b) < 0; });
  std::vector<TermId> between;
  NumberTest gap;
  for (const Decimal& value : values) {
    gap.high = value;
    gap.open_high = true;
    if (!gap.empty()) between.push_back(terms_.number(gap));
    gap = {};
    gap.low = value;
    gap.open_low = true;
  }
  between.push_back(terms_.number(gap));
  return {terms_.both(decided().written, terms_.complement(one_of(values).written)), terms_.either(std::move(between))};
}

std::optional<NumberSet> Numbers::multiples(const Decimal& divisor, bool inverted) {
  if (divisor.zero() || divisor.negative || divisor.digits.size() > 9 || divisor.scale > 18) return std::nullopt;
  NumberTest test;
  test.divisor = static_cast<std::uint32_t>(std::stoul(divisor.digits));
  test.scale = divisor.scale;
  test.inverted = inverted;
  auto written = written_multiples(test.divisor, test.scale);
  if (!written) return std::nullopt;
  if (inverted) written = terms_.both(decided().written, terms_.complement(*written));
  return NumberSet{*written, terms_.number(test)};
}

TermId Numbers::digit(char first, char last) {
  ByteSet s;
  if (first <= last) s.add(static_cast<unsigned char>(first), static_cast<unsigned char>(last));
  return terms_.set(s);
}

TermId Numbers::digits(std::uint32_t min, std::uint32_t max) { return terms_.repeat(digit('0', '9'), min, max); }

// The numbers from first to last, without zeros before them.
TermId Numbers::counting(int first, int last) {
  std::vector<TermId> parts;
  for (int low = first; low <= last;) {
    const std::size_t n = std::to_string(low).size();
    const int high = std::min(last, std::stoi(std::string(n, '9')));
    parts.push_back(counting(std::to_string(low), std::to_string(high)));
    low = high + 1;
  }
  return terms_.either(std::move(parts));
}

TermId Numbers::counting(const std::string& first, const std::string& last) {
  const auto n = static_cast<std::uint32_t>(first.size());
  if (n == 0) return Terms::kEmpty;
  if (first[0] == last[0]) return terms_.cat(digit(first[0], first[0]), counting(first.substr(1), last.substr(1)));
  const TermId low = terms_.cat(digit(first[0], first[0]), counting(first.substr(1), std::string(n - 1, '9')));
  const TermId high = terms_.cat(digit(last[0], last[0]), counting(std::string(n - 1, '0'), last.substr(1)));
  const TermId inner = digit(static_cast<char>(first[0] + 1), static_cast<char>(last[0] - 1));
  return terms_.either({low, terms_.cat(inner, digits(n - 1, n - 1)), high});
}

// d, d.ddd
TermId Numbers::mantissa() {
  return terms_.cat(digit('1', '9'), terms_.optional(terms_.cat(terms_.byte('.'), digits(1, kMantissa))));
}

TermId Numbers::exponents(int first, int last) { return exponents(mantissa(), first, last); }

// Then an exponent from first to last.
TermId Numbers::exponents(TermId mantissa, int first, int last) {
  if (first > last || mantissa == Terms::kNothing) return Terms::kNothing;
  const int least = std::min(std::abs(first), std::abs(last)), most = std::max(std::abs(first), std::abs(last));
  TermId number = counting(least, most);
  if (first < 0) {
    const TermId padded = terms_.cat(terms_.byte('0'), counting(least, std::min(most, 9)));
    number = terms_.cat(terms_.byte('-'), terms_.either(number, padded));
  } else {
    number = terms_.cat(terms_.optional(terms_.byte('+')), number);
  }
  ByteSet e;
  e.add('e');
  e.add('E');
  const TermId usual = terms_.cat(mantissa, terms_.cat(terms_.set(e), number));
  if (last != kLastLarge) return usual;
  // The last ones of double: 1.6999...e308.
  const TermId few = terms_.cat(terms_.byte('.'), terms_.cat(digit('0', '6'), digits(0, kMantissa - 1)));
  const TermId limit = terms_.cat(terms_.set(e), terms_.cat(terms_.optional(terms_.byte('+')), terms_.literal("308")));
  return terms_.either(usual, terms_.cat(terms_.byte('1'), terms_.cat(terms_.optional(few), limit)));
}

// Whole numbers greater than i.
TermId Numbers::whole_above(const std::string& i) {
  const auto n = static_cast<std::uint32_t>(i.size());
  if (n > kDigits) return Terms::kNothing;
  std::vector<TermId> parts;
  if (n < kDigits) parts.push_back(terms_.cat(digit('1', '9'), digits(n, kDigits - 1)));
  TermId same = Terms::kNothing;
  for (std::size_t at = n; at > 0; --at) {
    const char c = i[at - 1];
    const auto left = n - static_cast<std::uint32_t>(at);
    const TermId more = terms_.cat(digit(static_cast<char>(c + 1), '9'), digits(left, left));
    same = terms_.either(more, terms_.cat(digit(c, c), same));
  }
  parts.push_back(same);
  return terms_.either(std::move(parts));
}

// Whole numbers less than i.
TermId Numbers::whole_below(const std::string& i) {
  const auto n = static_cast<std::uint32_t>(i.size());
  if (n > kDigits) return whole();
  std::vector<TermId> parts;
  if (i != "0" && n >= 1) {
    if (n > 1) parts.push_back(terms_.either(digit('0', '0'), terms_.cat(digit('1', '9'), digits(0, n - 2))));
    TermId same = Terms::kNothing;
    for (std::size_t at = n; at > 0; --at) {
      const char c = i[at - 1], low = at == 1 && n > 1 ? '1' : '0';
      const auto left = n - static_cast<std::uint32_t>(at);
      const TermId less = terms_.cat(digit(low, static_cast<char>(c - 1)), digits(left, left));
      same = terms_.either(less, terms_.cat(digit(c, c), same));
    }
    parts.push_back(same);
  }
  return terms_.either(std::move(parts));
}

// Digits s with 0.s above 0.f; the empty text counts as 0.
TermId Numbers::fraction_above(const std::string& f, std::size_t at, bool strictly) {
  const TermId tail = digits(0, kDigits);
  if (at == f.size()) {
    return strictly ? terms_.cat(terms_.repeat(digit('0', '0'), 0, kDigits), terms_.cat(digit('1', '9'), tail)) : tail;
  }
  const TermId more =
      f[at] < '9' ? terms_.cat(digit(static_cast<char>(f[at] + 1), '9'), tail) : static_cast<TermId>(Terms::kNothing);
  return terms_.either(more, terms_.cat(digit(f[at], f[at]), fraction_above(f, at + 1, strictly)));
}

TermId Numbers::fraction_below(const std::string& f, std::size_t at, bool strictly) {
  if (at == f.size()) return strictly ? Terms::kNothing : terms_.repeat(digit('0', '0'), 0, kDigits);
  const TermId less = f[at] > '0' ? terms_.cat(digit('0', static_cast<char>(f[at] - 1)), digits(0, kDigits))
                                  : static_cast<TermId>(Terms::kNothing);
  const TermId same = terms_.cat(digit(f[at], f[at]), fraction_below(f, at + 1, strictly));
  return terms_.either({Terms::kEmpty, less, same});
}

TermId Numbers::with_fraction(TermId whole, TermId fraction, std::uint32_t max) {
  const TermId some = terms_.both(fraction, digits(1, max));
  const TermId behind = terms_.cat(terms_.byte('.'), some);
  return terms_.cat(whole, terms_.nullable(fraction) ? terms_.optional(behind) : behind);
}

// Texts without sign of numbers from the bound (>= 0) up.
TermId Numbers::magnitude_above(const Decimal& b, bool strictly) {
  const std::string whole = whole_of(b), fraction = fraction_of(b);
  const TermId more = terms_.cat(whole_above(whole), terms_.optional(terms_.cat(terms_.byte('.'), digits(1, kDigits))));
  const TermId same = with_fraction(whole.size() > kDigits ? Terms::kNothing : terms_.literal(whole),
                                    fraction_above(fraction, 0, strictly), kDigits);
  if (b.zero()) return terms_.either({more, same, programs()});
  const int e = exponent_of(b);
  std::vector<TermId> parts = {more, same, exponents(std::max(e + 1, kFirstLarge), kLastLarge),
                               exponents(std::max(e + 1, kFirstSmall), kLastSmall)};
  if (has_form(e)) {  // the bound's own exponent
    const char first = b.digits[0];
    const TermId rest = with_fraction(digit(first, first), fraction_above(b.digits.substr(1), 0, strictly), kMantissa);
    const TermId above = terms_.cat(digit(static_cast<char>(first + 1), '9'),
                                    terms_.optional(terms_.cat(terms_.byte('.'), digits(1, kMantissa))));
    parts.push_back(exponents(terms_.either(rest, above), e, e));
  }
  return terms_.either(std::move(parts));
}

TermId Numbers::magnitude_below(const Decimal& b, bool strictly) {
  const std::string whole = whole_of(b), fraction = fraction_of(b);
  const TermId less = terms_.cat(whole_below(whole), terms_.optional(terms_.cat(terms_.byte('.'), digits(1, kDigits))));
  const TermId same = with_fraction(whole.size() > kDigits ? Terms::kNothing : terms_.literal(whole),
                                    fraction_below(fraction, 0, strictly), kDigits);
  if (b.zero()) return terms_.either(less, same);
  const int e = exponent_of(b);
  std::vector<TermId> parts = {less, same, exponents(kFirstLarge, std::min(e - 1, kLastLarge)),
                               exponents(kFirstSmall, std::min(e - 1, kLastSmall))};
  if (has_form(e)) {
    const char first = b.digits[0];
    const TermId rest = with_fraction(digit(first, first), fraction_below(b.digits.substr(1), 0, strictly), kMantissa);
    const TermId below = terms_.cat(digit('1', static_cast<char>(first - 1)),
                                    terms_.optional(terms_.cat(terms_.byte('.'), digits(1, kMantissa))));
    parts.push_back(exponents(terms_.either(rest, below), e, e));
  }
  return terms_.either(std::move(parts));
}

TermId Numbers::written_at_least(const Decimal& bound, bool strictly) {
  const TermId minus = terms_.byte('-');
  if (bound.negative) {
    return terms_.either(terms_.either(plain(), programs()), terms_.cat(minus, magnitude_below(bound.negated(), strictly)));
  }
  const TermId above = magnitude_above(bound, strictly);
  if (!bound.zero() || strictly) return above;
  return terms_.either(above, terms_.cat(minus, magnitude_below(bound, false)));  // -0
}

TermId Numbers::written_at_most(const Decimal& bound, bool strictly) {
  const TermId minus = terms_.byte('-');
  if (bound.negative) return terms_.cat(minus, magnitude_above(bound.negated(), strictly));
  const TermId below = magnitude_below(bound, strictly);
  if (bound.zero() && strictly) return terms_.cat(minus, magnitude_above(bound, true));
  return terms_.either(below, terms_.cat(minus, terms_.either(plain(), programs())));
}

std::optional<TermId> Numbers::written_multiples(std::uint32_t m, int scale) {
  // The automaton has a state for each remainder. Where zeros lead to a multiple, few of them are looked at.
  std::uint32_t odd = m;
  while (odd % 2 == 0) odd /= 2;
  while (odd % 5 == 0) odd /= 5;
  if (odd > kMaxRemainders) return std::nullopt;
  std::vector<TermId> parts;
  const TermId zeros = terms_.repeat(terms_.byte('0'), 0, kDigits / 2);
  for (int places = 0; places <= scale; ++places) {
    // n of these places is a multiple when n * 10^(scale - places) is one of m.
    std::uint32_t left = m;
    for (int i = places; i < scale; ++i) {
      left /= left % 10 == 0 ? 10 : left % 5 == 0 ? 5 : left % 2 == 0 ? 2 : 1;
    }
    TermId form = whole();
    if (places > 0) {
      const auto n = static_cast<std::uint32_t>(places);
      form = terms_.cat(terms_.both(whole(), digits(1, kExact)), terms_.cat(terms_.byte('.'), digits(n, n)));
    }
    const TermId exact = terms_.both(form, terms_.multiple(left, 0));
    if (places == 0) {  // with a point, as long as a double is exact
      const TermId few = terms_.both(exact, digits(1, kExact));
      const TermId point = terms_.cat(terms_.byte('.'), terms_.repeat(terms_.byte('0'), 1, kDigits));
      parts.push_back(terms_.cat(few, point));
      parts.push_back(exact);
      if (left == 1) parts.push_back(exponents(kFirstLarge, kLastLarge));
      continue;
    }
    parts.push_back(terms_.cat(exact, zeros));
  }
  return terms_.cat(minus(), terms_.either(std::move(parts)));
}

TermId Numbers::written_equal(const Decimal& value) {
  std::vector<TermId> parts;
  const std::string whole = whole_of(value), fraction = fraction_of(value);
  if (whole.size() <= kDigits && fraction.size() <= kDigits) {
    const TermId zeros = terms_.repeat(terms_.byte('0'), 0, kDigits - static_cast<std::uint32_t>(fraction.size()));
    const TermId behind = terms_.cat(terms_.byte('.'), fraction.empty() ? terms_.repeat(terms_.byte('0'), 1, kDigits)
                                                                        : terms_.cat(terms_.literal(fraction), zeros));
    parts.push_back(terms_.cat(terms_.literal(whole), fraction.empty() ? terms_.optional(behind) : behind));
  }
  const int exponent = static_cast<int>(value.digits.size()) - 1 - value.scale;
  if (!value.zero() && (exponent >= kFirstLarge || exponent <= kLastSmall)) {
    std::string mantissa = value.digits;
    while (mantissa.size() > 1 && mantissa.back() == '0') mantissa.pop_back();
    const TermId trailing = terms_.repeat(terms_.byte('0'), 0, kMantissa);
    TermId t = terms_.byte(static_cast<unsigned char>(mantissa[0]));
    if (mantissa.size() > 1) t = terms_.cat(t, terms_.cat(terms_.literal("." + mantissa.substr(1)), trailing));
    if (mantissa.size() == 1) {
      const TermId point = terms_.cat(terms_.byte('.'), terms_.repeat(terms_.byte('0'), 1, kMantissa));
      t = terms_.cat(t, terms_.optional(point));
    }
    const std::string n = std::to_string(std::abs(exponent));
    std::vector<std::string> texts = {(exponent < 0 ? "-" : "") + n, (exponent < 0 ? "-0" : "+") + n};
    ByteSet e;
    e.add('e');
    e.add('E');
    t = terms_.cat(t, terms_.cat(terms_.set(e), terms_.one_of({texts.begin(), texts.end()})));
    parts.push_back(t);
  }
  const TermId magnitude = terms_.either(std::move(parts));
  if (value.zero()) return terms_.cat(minus(), magnitude);
  return value.negative ? terms_.cat(terms_.byte('-'), magnitude) : magnitude;
}

}  // namespace gemma4::grammar
