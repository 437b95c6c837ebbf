#include "grammar/numbers.h"

#include <algorithm>
#include <cmath>
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
std::string fraction_of(const Decimal& d) {
  const std::string text = d.text();
  const std::size_t point = text.find('.');
  return point == std::string::npos ? "" : text.substr(point + 1);
}

}  // namespace

Numbers::Numbers(Terms& terms) : terms_(terms) {
  minus_ = terms_.optional(terms_.byte('-'));
  whole_ = terms_.either(terms_.byte('0'), terms_.cat(digit('1', '9'), digits(0, kDigits - 1)));
  const TermId fraction = terms_.cat(terms_.byte('.'), digits(1, kDigits));
  const TermId zeros = terms_.cat(terms_.byte('.'), terms_.repeat(terms_.byte('0'), 1, kDigits));
  plain_ = terms_.cat(whole_, terms_.optional(fraction));
  const TermId large = exponents(kFirstLarge, kLastLarge);
  const TermId programs = terms_.either(large, exponents(kFirstSmall, kLastSmall));
  ByteSet e, sign;
  e.add('e');
  e.add('E');
  sign.add('+');
  sign.add('-');
  const TermId short_exponent = terms_.cat(terms_.set(e), terms_.cat(terms_.optional(terms_.set(sign)), digits(1, 2)));
  any_ = terms_.cat(minus_, terms_.either(terms_.cat(plain_, terms_.optional(short_exponent)), programs));
  decided_ = terms_.cat(minus_, terms_.either(plain_, programs));
  integers_ = terms_.cat(minus_, terms_.either(terms_.cat(whole_, terms_.optional(zeros)), large));
}

TermId Numbers::digit(char first, char last) {
  ByteSet s;
  if (first <= last) s.add(static_cast<unsigned char>(first), static_cast<unsigned char>(last));
  return terms_.set(s);
}

TermId Numbers::digits(std::uint32_t min, std::uint32_t max) { return terms_.repeat(digit('0', '9'), min, max); }

// d, d.ddd, then an exponent from first to last.
TermId Numbers::exponents(int first, int last) {
  if (first > last) return Terms::kNothing;
  std::vector<std::string> texts;
  for (int e = first; e <= last; ++e) {
    const std::string n = std::to_string(std::abs(e));
    if (e < 0) {
      texts.push_back("-" + n);
      if (n.size() == 1) texts.push_back("-0" + n);
    } else {
      texts.push_back(n);
      texts.push_back("+" + n);
    }
  }
  ByteSet e;
  e.add('e');
  e.add('E');
  const TermId mantissa =
      terms_.cat(digit('1', '9'), terms_.optional(terms_.cat(terms_.byte('.'), digits(1, kMantissa))));
  const TermId usual = terms_.cat(mantissa, terms_.cat(terms_.set(e), terms_.one_of({texts.begin(), texts.end()})));
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
  if (n > kDigits) return whole_;
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

TermId Numbers::with_fraction(TermId whole, TermId fraction) {
  const TermId some = terms_.both(fraction, digits(1, kDigits));
  const TermId behind = terms_.cat(terms_.byte('.'), some);
  return terms_.cat(whole, terms_.nullable(fraction) ? terms_.optional(behind) : behind);
}

// Texts without sign of numbers from the bound (>= 0) up.
TermId Numbers::magnitude_above(const Decimal& b, bool strictly) {
  const std::string whole = whole_of(b), fraction = fraction_of(b);
  const TermId more = terms_.cat(whole_above(whole), terms_.optional(terms_.cat(terms_.byte('.'), digits(1, kDigits))));
  const TermId same = with_fraction(whole.size() > kDigits ? Terms::kNothing : terms_.literal(whole),
                                    fraction_above(fraction, 0, strictly));
  // 10^e and above, from the first e for which that is enough.
  const double v = b.value();
  const int e = v <= 0 ? kFirstSmall : static_cast<int>(std::ceil(std::log10(v) + 1e-9)) + (strictly ? 1 : 0);
  return terms_.either({more, same, exponents(std::max(e, kFirstLarge), kLastLarge),
                        exponents(std::max(e, kFirstSmall), kLastSmall)});
}

TermId Numbers::magnitude_below(const Decimal& b, bool strictly) {
  const std::string whole = whole_of(b), fraction = fraction_of(b);
  const TermId less = terms_.cat(whole_below(whole), terms_.optional(terms_.cat(terms_.byte('.'), digits(1, kDigits))));
  const TermId same = with_fraction(whole.size() > kDigits ? Terms::kNothing : terms_.literal(whole),
                                    fraction_below(fraction, 0, strictly));
  const double v = b.value();
  const int e = v <= 0 ? kFirstSmall - 1 : static_cast<int>(std::floor(std::log10(v) - 1e-9)) - 1;
  return terms_.either({less, same, exponents(kFirstLarge, std::min(e, kLastLarge)),
                        exponents(kFirstSmall, std::min(e, kLastSmall))});
}

TermId Numbers::at_least(const Decimal& bound, bool strictly) {
  const TermId minus = terms_.byte('-');
  if (bound.negative) {
    const TermId all = terms_.either({plain_, exponents(kFirstLarge, kLastLarge), exponents(kFirstSmall, kLastSmall)});
    return terms_.either(all, terms_.cat(minus, magnitude_below(bound.negated(), strictly)));
  }
  const TermId above = magnitude_above(bound, strictly);
  if (!bound.zero() || strictly) return above;
  return terms_.either(above, terms_.cat(minus, magnitude_below(bound, false)));  // -0
}

TermId Numbers::at_most(const Decimal& bound, bool strictly) {
  const TermId minus = terms_.byte('-');
  if (bound.negative) return terms_.cat(minus, magnitude_above(bound.negated(), strictly));
  const TermId below = magnitude_below(bound, strictly);
  if (bound.zero() && strictly) return terms_.cat(minus, magnitude_above(bound, true));
  const TermId all = terms_.either({plain_, exponents(kFirstLarge, kLastLarge), exponents(kFirstSmall, kLastSmall)});
  return terms_.either(below, terms_.cat(minus, all));
}

std::optional<TermId> Numbers::multiples(const Decimal& divisor) {
  if (divisor.zero() || divisor.negative || divisor.digits.size() > 9 || divisor.scale > 18) return std::nullopt;
  const auto m = static_cast<std::uint32_t>(std::stoul(divisor.digits));
  // The automaton has a state for each remainder. Where zeros lead to a multiple, few of them are looked at.
  std::uint32_t odd = m;
  while (odd % 2 == 0) odd /= 2;
  while (odd % 5 == 0) odd /= 5;
  if (odd > kMaxRemainders) return std::nullopt;
  std::vector<TermId> parts;
  const TermId zeros = terms_.repeat(terms_.byte('0'), 0, kDigits / 2);
  for (int places = 0; places <= divisor.scale; ++places) {
    // n of these places is a multiple when n * 10^(scale - places) is one of m.
    std::uint32_t left = m;
    for (int i = places; i < divisor.scale; ++i) {
      left /= left % 10 == 0 ? 10 : left % 5 == 0 ? 5 : left % 2 == 0 ? 2 : 1;
    }
    TermId form = whole_;
    if (places > 0) {
      const auto n = static_cast<std::uint32_t>(places);
      form = terms_.cat(terms_.both(whole_, digits(1, kExact)), terms_.cat(terms_.byte('.'), digits(n, n)));
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
  return terms_.cat(minus_, terms_.either(std::move(parts)));
}

TermId Numbers::equal_to(const Decimal& value) {
  std::vector<TermId> parts;
  const std::string whole = whole_of(value), fraction = fraction_of(value);
  const TermId zeros = terms_.repeat(terms_.byte('0'), 0, kDigits);
  if (whole.size() <= kDigits && fraction.size() <= kDigits) {
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
    const TermId form = exponents(std::max(exponent, kFirstSmall), std::min(exponent, kLastLarge));
    const std::string n = std::to_string(std::abs(exponent));
    std::vector<std::string> texts = {(exponent < 0 ? "-" : "") + n, (exponent < 0 ? "-0" : "+") + n};
    ByteSet e;
    e.add('e');
    e.add('E');
    t = terms_.cat(t, terms_.cat(terms_.set(e), terms_.one_of({texts.begin(), texts.end()})));
    parts.push_back(terms_.both(t, form));
  }
  const TermId magnitude = terms_.either(std::move(parts));
  if (value.zero()) return terms_.cat(minus_, magnitude);
  return value.negative ? terms_.cat(terms_.byte('-'), magnitude) : magnitude;
}

}  // namespace gemma4::grammar
