// Types whose values are scale * code: the search for the scale, alone (blocks of 32) or under a scale of scales.
#pragma once

#include "quantize/impl/lanes.hpp"

namespace gemma4::GEMMA4_ISA {
namespace {

/// Integer codes. The largest weight of a group is tried at kTargets places of the code range; since the range may
/// reach one further down than up, both orientations are tried.
template <int low, int high, int targets>
struct Integers {
  static constexpr int kLow = low;
  static constexpr int kTargets = targets;
  /// Where the weight of largest magnitude goes, before rounding: near both ends of the range, outside too (then it is
  /// clamped, and the others have finer steps).
  static float target(int k) noexcept {
    constexpr float kOutside = 0.9F;
    // few codes: down to where the range is used by two thirds; many: the last few codes decide nothing
    constexpr float kInside = high < 8 ? 0.34F * static_cast<float>(high + 1) : 2.0F;
    constexpr int half = targets / 2;
    const bool up = k >= half;
    const float step = (kOutside + kInside) / static_cast<float>(half - 1);
    const float inside = kInside - step * static_cast<float>(up ? k - half : k);
    return up ? static_cast<float>(high) - inside : static_cast<float>(low) + inside;
  }
  static Lanes nearest(Lanes y) noexcept { return round(clamp(y, static_cast<float>(low), static_cast<float>(high))); }
};

/// The sixteen values of IQ4_NL and IQ4_XS. Source: ggml-org/ggml src/ggml-common.h, kvalues_iq4nl.
struct NonLinear {
  static constexpr int kTargets = 18;
  static constexpr float kValues[16] = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};

  static float target(int k) noexcept {
    return k < kTargets / 2 ? -140.0F + 5.0F * static_cast<float>(k)
                            : 90.0F + 4.0F * static_cast<float>(k - kTargets / 2);
  }
  static Lanes nearest(Lanes y) noexcept {
    Lanes value(kValues[0]);
    for (int k = 1; k < 16; ++k) {
      value = select(y > Lanes(0.5F * (kValues[k - 1] + kValues[k])), Lanes(kValues[k]), value);
    }
    return value;
  }
  /// Which of the sixteen.
  static Lanes index(Lanes y) noexcept {
    Lanes at(0.0F);
    for (int k = 1; k < 16; ++k) {
      at = select(y > Lanes(0.5F * (kValues[k - 1] + kValues[k])), Lanes(static_cast<float>(k)), at);
    }
    return at;
  }
};

/// Over a run, for codes c: sum w x c and sum w c c. The scale that fits best is xc / cc, and leaves
/// sum w x x - xc^2 / cc.
struct Moments {
  Lanes xc, cc;
};

template <class Book, int B>
inline Moments moments(const Group<B>& g, Lanes inverse) noexcept {
  Moments m{0.0F, 0.0F};
  for (int i = 0; i < B; ++i) {
    const Lanes x = g.value(i), code = Book::nearest(x * inverse);
    const Lanes wc = g.weight(i) * code;
    m.xc += wc * x;
    m.cc += wc * code;
  }
  return m;
}

/// The scale of every run by itself.
template <class Book, int B>
inline Lanes best_scale(const Group<B>& g) noexcept {
  Lanes extreme(0.0F);
  for (int i = 0; i < B; ++i) {
    const Lanes x = g.value(i);
    extreme = select(abs(x) > abs(extreme), x, extreme);
  }
  const Lanes unit = divide(Lanes(1.0F), extreme);  // keeps squares within range
  Lanes best(0.0F), scale(0.0F);
  const auto consider = [&](Lanes inverse) {
    const Moments m = moments<Book>(g, inverse);
    const Lanes reached = m.xc * unit, gain = divide(reached * reached, m.cc);
    const Mask better = gain > best;
    best = select(better, gain, best);
    scale = select(better, divide(m.xc, m.cc), scale);
  };
  for (int k = 0; k < Book::kTargets; ++k) consider(Lanes(Book::target(k)) * unit);
  constexpr int kRefinements = 2;
  for (int k = 0; k < kRefinements; ++k) consider(divide(Lanes(1.0F), scale));
  return scale;
}

/// Blocks of their own: the scales as halves, in `d`.
template <class Book, int B>
inline Lanes fit_blocks(const Group<B>& g, std::uint16_t* d) noexcept {
  alignas(64) float scale[kLanes];
  best_scale<Book>(g).store(scale);
  for (int l = 0; l < kLanes; ++l) {
    d[l] = to_half(scale[l]);
    scale[l] = from_half(d[l]);
  }
  return Lanes::load(scale);
}

/// Sum w (x - scale c)^2 over each run, c being the best codes for this scale.
template <class Book, int B>
inline Lanes squared_error(const Group<B>& g, Lanes scale) noexcept {
  const Lanes inverse = divide(Lanes(1.0F), scale);
  Lanes sum(0.0F);
  for (int i = 0; i < B; ++i) {
    const Lanes x = g.value(i), rest = x - scale * Book::nearest(x * inverse);
    sum += g.weight(i) * (rest * rest);
  }
  return sum;
}

/// Runs that share scales of scales: super-blocks of S runs, kLanes / S of them in a group.
template <int S>
struct SharedScales {
  std::uint16_t d[kLanes / S];      ///< Halves.
  alignas(64) float code[kLanes];   ///< The run's scale is d * code.
  alignas(64) float scale[kLanes];  ///< That product.
};

/// @param low, high  the range of the scale codes; -low >= high.
template <class Book, int S, int low, int high, int B>
inline SharedScales<S> fit_shared(const Group<B>& g) noexcept {
  constexpr int kBlocks = kLanes / S;
  SharedScales<S> best;
  alignas(64) float wanted[kLanes];
  best_scale<Book>(g).store(wanted);
  float d[kBlocks];
  for (int b = 0; b < kBlocks; ++b) {
    float extreme = 0.0F;
    for (int l = b * S; l < (b + 1) * S; ++l) {
      if ((wanted[l] < 0 ? -wanted[l] : wanted[l]) > (extreme < 0 ? -extreme : extreme)) extreme = wanted[l];
    }
    d[b] = round_to_coarser_half(extreme / static_cast<float>(low));
  }
  float best_error[kBlocks];
  constexpr int kRounds = 3;
  for (int round_no = 0; round_no < kRounds; ++round_no) {
    // Scale codes near the wanted ones, each run for itself.
    alignas(64) float shared[kLanes];
    for (int l = 0; l < kLanes; ++l) shared[l] = d[l / S];
    const Lanes unit = Lanes::load(shared);
    const Lanes centre =
        round(clamp(divide(Lanes::load(wanted), unit), static_cast<float>(low), static_cast<float>(high)));
    Lanes code = centre, error = squared_error<Book>(g, unit * centre);
    for (const float step : {-1.0F, 1.0F}) {
      const Lanes other = clamp(centre + Lanes(step), static_cast<float>(low), static_cast<float>(high));
      const Lanes other_error = squared_error<Book>(g, unit * other);
      const Mask better = other_error < error;
      code = select(better, other, code);
      error = select(better, other_error, error);
    }
    const Lanes scale = unit * code;
    const Moments m = moments<Book>(g, divide(Lanes(1.0F), scale));
    alignas(64) float codes[kLanes], errors[kLanes], scales[kLanes], xc[kLanes], cc[kLanes];
    code.store(codes);
    error.store(errors);
    scale.store(scales);
    m.xc.store(xc);
    m.cc.store(cc);
    for (int b = 0; b < kBlocks; ++b) {
      float total = 0.0F, numerator = 0.0F, denominator = 0.0F;
      for (int l = b * S; l < (b + 1) * S; ++l) {
        total += errors[l];
        numerator += codes[l] * xc[l];
        denominator += codes[l] * codes[l] * cc[l];
      }
      if (round_no == 0 || total < best_error[b]) {
        best_error[b] = total;
        best.d[b] = to_half(d[b]);
        for (int l = b * S; l < (b + 1) * S; ++l) {
          best.code[l] = codes[l];
          best.scale[l] = scales[l];
        }
      }
      // The shared scale that fits these codes best, for the next round.
      if (denominator > 0.0F) d[b] = round_to_half(numerator / denominator);
    }
  }
  return best;
}

}  // namespace
}  // namespace gemma4::GEMMA4_ISA
