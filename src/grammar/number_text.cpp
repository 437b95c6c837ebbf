#include "grammar/number_text.h"

#include <algorithm>
#include <string_view>

namespace gemma4::grammar {
namespace {

constexpr int kMaxDigits = 64;         // before the point, and behind it
constexpr int kMaxExponent = 999;
constexpr int kLastShift = 309, kFirstShift = -323;  // of double, as 0.digits
constexpr std::string_view kLargest = "17976931348623157";  // digits of the largest double, which is 0.1797... * 10^309

/// A bound's value without its sign, as 0.digits * 10^shift.
struct Magnitude {
  const std::string* digits;
  int shift;
};

Magnitude magnitude(const Decimal& d) { return {&d.digits, static_cast<int>(d.digits.size()) - d.scale}; }

/// The bounds of a sign's magnitudes.
struct Bounds {
  const Decimal* low = nullptr;   // none: 0 or less
  const Decimal* high = nullptr;  // none: no bound
  bool open_low = false, open_high = false;
  bool empty = false;  // but for 0, maybe
};

Bounds bounds_of(const NumberTest& t, bool negative) {
  Bounds b;
  const auto& near = negative ? t.high : t.low;
  const auto& far = negative ? t.low : t.high;
  if (near && !near->zero() && near->negative == negative) {
    b.low = &*near;
    b.open_low = negative ? t.open_high : t.open_low;
  }
  if (far) {
    b.empty = far->zero() || far->negative != negative;
    b.high = &*far;
    b.open_high = negative ? t.open_low : t.open_high;
  }
  return b;
}

bool zero_passes(const NumberTest& t) {
  if (t.divisor != 0) return !t.inverted;
  if (t.low && !t.low->zero() && !t.low->negative) return false;
  if (t.high && !t.high->zero() && t.high->negative) return false;
  return !(t.low && t.low->zero() && t.open_low) && !(t.high && t.high->zero() && t.open_high);
}

char digit_at(std::string_view digits, std::size_t i) { return i < digits.size() ? digits[i] : '0'; }

bool rest_is_zero(const std::string& digits, std::size_t from) {
  return from >= digits.size() || digits.find_first_not_of('0', from) == std::string::npos;
}

using Order = NumberText::Order;

Order compare_digit(Order order, std::string_view bound, std::size_t i, unsigned digit) {
  if (order != Order::same) return order;
  const auto other = static_cast<unsigned>(digit_at(bound, i) - '0');
  return digit == other ? Order::same : digit < other ? Order::less : Order::more;
}

}  // namespace

bool NumberTest::empty() const {
  if (!low || !high) return false;
  const int order = compare(*low, *high);
  return order > 0 || (order == 0 && (open_low || open_high));
}

NumberTest closer(const NumberTest& a, const NumberTest& b) {
  NumberTest out = a;
  if (b.low) {
    const int order = a.low ? compare(*b.low, *a.low) : 1;
    if (order > 0) out.low = b.low;
    if (order >= 0) out.open_low = b.open_low || (order == 0 && a.open_low);
  }
  if (b.high) {
    const int order = a.high ? compare(*b.high, *a.high) : -1;
    if (order < 0) out.high = b.high;
    if (order <= 0) out.open_high = b.open_high || (order == 0 && a.open_high);
  }
  return out;
}

std::optional<NumberText> NumberText::next(const NumberTest& test, unsigned char b) const {
  NumberText t = *this;
  const bool is_digit = b >= '0' && b <= '9';
  const unsigned digit = b - '0';
  switch (phase) {
    case Phase::start:
    case Phase::minus:
      if (b == '-' && phase == Phase::start) {
        t.negative = true;
        t.phase = Phase::minus;
        break;
      }
      if (!is_digit) return std::nullopt;
      t.phase = b == '0' ? Phase::zero : Phase::whole;
      t.whole = 1;
      if (!t.add_digit(test, digit)) return std::nullopt;
      break;
    case Phase::zero:
    case Phase::whole:
    case Phase::fraction:
      if (b == 'e' || b == 'E') {
        t.phase = Phase::e;
      } else if (b == '.' && phase != Phase::fraction) {
        t.phase = Phase::point;
      } else {
        if (!is_digit || phase == Phase::zero) return std::nullopt;
        if ((phase == Phase::whole ? ++t.whole : ++t.places) > kMaxDigits) return std::nullopt;
        if (!t.add_digit(test, digit)) return std::nullopt;
      }
      break;
    case Phase::point:
      if (!is_digit) return std::nullopt;
      t.phase = Phase::fraction;
      ++t.places;
      if (!t.add_digit(test, digit)) return std::nullopt;
      break;
    case Phase::e:
      if (b == '+' || b == '-') {
        t.phase = Phase::e_sign;
        t.small = b == '-';
        break;
      }
      [[fallthrough]];
    case Phase::e_sign:
    case Phase::exponent: {
      if (!is_digit) return std::nullopt;
      const unsigned value = exponent * 10U + digit;
      if (value > kMaxExponent) return std::nullopt;
      t.phase = Phase::exponent;
      t.exponent = static_cast<std::uint16_t>(value);
      break;
    }
  }
  if (t.phase != Phase::whole) t.whole = 0;  // of no use any more
  if (!t.may_pass(test)) return std::nullopt;
  return t;
}

bool NumberText::add_digit(const NumberTest& test, unsigned digit) {
  if (digits == 0 && digit == 0) return true;
  if (test.divisor == 0) {
    const Bounds b = bounds_of(test, negative);
    if (b.low != nullptr) low = compare_digit(low, b.low->digits, digits, digit);
    high = compare_digit(high, b.high != nullptr ? std::string_view(b.high->digits) : kLargest, digits, digit);
  } else if (digit == 0) {
    ++zeros;
  } else {
    std::uint64_t r = left;
    for (; zeros > 0; --zeros) r = r * 10 % test.divisor;
    left = static_cast<std::uint32_t>((r * 10 + digit) % test.divisor);
  }
  ++digits;
  return true;
}

bool NumberText::ended() const noexcept {
  return phase == Phase::zero || phase == Phase::whole || phase == Phase::fraction || phase == Phase::exponent;
}

NumberText::Shifts NumberText::shifts(const NumberTest& test, bool more_digits) const {
  Shifts s{kFirstShift, kLastShift};
  const Bounds b = bounds_of(test, negative);
  if (b.empty) return {1, 0};
  if (b.low != nullptr) {
    const Magnitude m = magnitude(*b.low);
    const bool behind = low == Order::more ||
                        (low == Order::same && (more_digits || (rest_is_zero(*m.digits, digits) && !b.open_low)));
    s.first = std::max(s.first, behind ? m.shift : m.shift + 1);
  }
  if (b.high != nullptr) {
    const Magnitude m = magnitude(*b.high);
    const bool rest = rest_is_zero(*m.digits, digits);
    const bool before = high == Order::less || (high == Order::same && (!rest || !b.open_high));
    s.last = std::min(s.last, before ? m.shift : m.shift - 1);
  } else if (high == Order::more) {
    s.last = kLastShift - 1;
  }
  return s;
}

// The digits but their last zeros are to be a multiple when shifted so far at least: (left * 10^power) % divisor == 0.
NumberText::Shifts NumberText::shifts_of_multiples(const NumberTest& test) const {
  constexpr int kMaxPower = 30;  // of 2 or 5 in a divisor
  std::uint64_t r = left;
  int power = 0;
  for (; r != 0 && power < kMaxPower; ++power) r = r * 10 % test.divisor;
  const int first = power + digits - zeros - test.scale;
  if (test.inverted) return {kFirstShift, r != 0 ? kLastShift : std::min(kLastShift, first - 1)};
  if (r != 0) return {1, 0};
  return {std::max(kFirstShift, first), kLastShift};
}

bool NumberText::passes(const NumberTest& test) const {
  if (!ended()) return false;
  if (digits == 0) return zero_passes(test);
  const int value_shift = shift() + signed_exponent();
  if (value_shift < kFirstShift || value_shift > kLastShift) return false;
  const Shifts s = test.divisor != 0 ? shifts_of_multiples(test) : shifts(test, false);
  return value_shift >= s.first && value_shift <= s.last;
}

// False when no text that passes goes on from here. (More digits lead to a multiple from everywhere, and to others.)
bool NumberText::may_pass(const NumberTest& test) const {
  if (digits == 0) {
    if (in_exponent()) return zero_passes(test);
    if (phase == Phase::start || test.divisor != 0 || zero_passes(test)) return true;
    const Shifts s = shifts(test, true);
    return s.first <= s.last;
  }
  if (test.divisor != 0 && !in_exponent()) return true;
  return reaches(test.divisor != 0 ? shifts_of_multiples(test) : shifts(test, !in_exponent()));
}

// Those of all texts that pass, or more: a multiple has no digits but zeros behind the last place of the divisor.
NumberText::Shifts NumberText::shifts_to_come(const NumberTest& test) const {
  if (test.divisor == 0) return shifts(test, !in_exponent());
  if (in_exponent()) return shifts_of_multiples(test);
  if (test.inverted) return {kFirstShift, kLastShift};
  return {std::max(kFirstShift, digits - zeros - test.scale), kLastShift};
}

bool NumberText::may_pass_both(const NumberTest& test_a, const NumberText& a, const NumberTest& test_b,
                               const NumberText& b) {
  if (a.digits == 0 || b.digits == 0) return true;
  const Shifts x = a.shifts_to_come(test_a), y = b.shifts_to_come(test_b);
  return a.reaches({std::max(x.first, y.first), std::min(x.last, y.last)});
}

// Whether the exponent, as far as it has been read, may become one that shifts so.
bool NumberText::reaches(Shifts s) const {
  if (s.first > s.last) return false;
  if (!in_exponent()) return true;
  const int first = s.first - shift(), last = s.last - shift();
  const auto reaches = [&](bool minus) {
    const int from = minus ? -last : first, to = minus ? -first : last;
    if (exponent == 0) return to >= 0 && from <= kMaxExponent;
    for (int least = exponent, most = exponent; least <= kMaxExponent; least *= 10, most = most * 10 + 9) {
      if (least <= to && most >= from) return true;
    }
    return false;
  };
  return (phase == Phase::e && (reaches(false) || reaches(true))) || (phase != Phase::e && reaches(small));
}

std::uint32_t NumberText::effort() const noexcept {
  switch (phase) {
    case Phase::e: return 2;
    case Phase::e_sign: return 2;
    case Phase::exponent: return 1;
    default: return 3;
  }
}

NumberText::Packed NumberText::pack() const noexcept {
  const auto bits = [](auto value, int at) { return static_cast<std::uint32_t>(value) << at; };
  Packed p;
  p.a = bits(phase, 0) | bits(negative, 4) | bits(small, 5) | bits(low, 6) | bits(high, 8) | bits(exponent, 10);
  p.b = bits(whole, 0) | bits(places, 8) | bits(digits, 16) | bits(zeros, 24);
  p.c = left;
  return p;
}

NumberText NumberText::unpack(const Packed& p) noexcept {
  NumberText t;
  t.phase = static_cast<Phase>(p.a & 15);
  t.negative = (p.a >> 4 & 1) != 0;
  t.small = (p.a >> 5 & 1) != 0;
  t.low = static_cast<Order>(p.a >> 6 & 3);
  t.high = static_cast<Order>(p.a >> 8 & 3);
  t.exponent = static_cast<std::uint16_t>(p.a >> 10 & 1023);
  t.whole = static_cast<std::uint8_t>(p.b & 255);
  t.places = static_cast<std::uint8_t>(p.b >> 8 & 255);
  t.digits = static_cast<std::uint8_t>(p.b >> 16 & 255);
  t.zeros = static_cast<std::uint8_t>(p.b >> 24);
  t.left = p.c;
  return t;
}

}  // namespace gemma4::grammar
