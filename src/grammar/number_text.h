// NumberText: a JSON number's text as far as it has been read, against a condition on its value.
//
// However a number is written (0.000003, 3e-06, 30E-7), its value decides. A number is a row of digits from the first
// that is not 0, shifted: of the digits only how they compare with those of a bound counts, or what they leave by a
// divisor. So few states are enough, and each is small. Sign, zeros before, point and exponent only move the shift.
//
// Taken are up to 64 digits before the point and 64 behind it, exponents of up to three digits (and zeros before them),
// and values within the range of double.
#pragma once

#include <cstdint>
#include <optional>

#include "grammar/json_tree.h"

namespace gemma4::grammar {

/// Values from `low` to `high`; or multiples of divisor / 10^scale; or the numbers that are none.
struct NumberTest {
  std::optional<Decimal> low, high;
  bool open_low = false, open_high = false;  ///< The bound itself is none.
  std::uint32_t divisor = 0;                 ///< 0: there is none; at most 10^9.
  int scale = 0;
  bool inverted = false;

  /// True when the bounds leave no value.
  bool empty() const;
};

/// Of the bounds of two tests, the closer ones.
NumberTest closer(const NumberTest& a, const NumberTest& b);

struct NumberText {
  enum class Phase : std::uint8_t { start, minus, zero, whole, point, fraction, e, e_sign, exponent };
  /// How the digits so far compare with a bound's: the same, before or behind them.
  enum class Order : std::uint8_t { same, less, more };
  Phase phase = Phase::start;
  bool negative = false;
  bool small = false;            ///< The exponent has a minus.
  Order low = Order::same;       ///< Against the bound that is nearer to 0.
  Order high = Order::same;
  std::uint8_t whole = 0;        ///< Digits before the point.
  std::uint8_t places = 0;       ///< Digits behind it.
  std::uint8_t digits = 0;       ///< From the first that is not 0; 0: all are.
  std::uint8_t zeros = 0;        ///< The last ones of those that are 0 (of a divisor's test).
  std::uint16_t exponent = 0;
  std::uint32_t left = 0;        ///< What the digits but these zeros leave by the divisor.

  /// The text after `byte`; nullopt when none that passes goes on so.
  std::optional<NumberText> next(const NumberTest& test, unsigned char byte) const;
  /// Whether the text as it stands is a number that passes.
  bool passes(const NumberTest& test) const;
  /// False when no text that goes on from here passes both tests, of which `a` and `b` tell the same text: their shifts
  /// show it, or it is not found.
  static bool may_pass_both(const NumberTest& test_a, const NumberText& a, const NumberTest& test_b, const NumberText& b);
  /// Bytes that a passing text still needs, about: less is nearer.
  std::uint32_t effort() const noexcept;

  /// In 96 bits, equal for equal states.
  struct Packed {
    std::uint32_t a, b, c;
  };
  Packed pack() const noexcept;
  static NumberText unpack(const Packed& packed) noexcept;

 private:
  /// Powers of ten by which the digits, as 0.digits, may be shifted for the value to pass: from first to last.
  struct Shifts {
    int first, last;
  };
  bool ended() const noexcept;
  bool add_digit(const NumberTest& test, unsigned digit);
  Shifts shifts(const NumberTest& test, bool more_digits) const;
  bool may_pass(const NumberTest& test) const;
  Shifts shifts_of_multiples(const NumberTest& test) const;
  Shifts shifts_to_come(const NumberTest& test) const;
  bool reaches(Shifts shifts) const;
  bool in_exponent() const noexcept { return phase == Phase::e || phase == Phase::e_sign || phase == Phase::exponent; }
  int shift() const noexcept { return digits - places; }
  int signed_exponent() const noexcept { return small ? -static_cast<int>(exponent) : exponent; }
};

}  // namespace gemma4::grammar
