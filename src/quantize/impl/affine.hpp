// Types whose values are scale * code + minimum: the search for both, alone (blocks of 32) or under scales of scales.
#pragma once

#include "quantize/impl/lanes.hpp"

namespace gemma4::GEMMA4_ISA {
namespace {

struct Affine {
  Lanes scale, minimum;
};

/// Codes 0..kMax for values scale * code + minimum.
template <int max_code>
inline Lanes affine_code(Lanes x, Lanes minimum, Lanes inverse) noexcept {
  return round(clamp((x - minimum) * inverse, 0.0F, static_cast<float>(max_code)));
}

/// The scale and minimum of every run by itself: codes from several ranges, each followed by the least squares that fit
/// them. @param free_minimum  false: the minimum is at most 0.
template <int max_code, bool free_minimum, int B>
inline Affine best_affine(const Group<B>& g) noexcept {
  Lanes low = g.value(0), high = g.value(0), magnitude(0.0F), sw(0.0F), sx(0.0F);
  for (int i = 0; i < B; ++i) {
    const Lanes x = g.value(i), w = g.weight(i);
    low = min(low, x);
    high = max(high, x);
    magnitude = max(magnitude, abs(x));
    sw += w;
    sx += w * x;
  }
  if (!free_minimum) low = min(low, Lanes(0.0F));
  const Lanes unit = divide(Lanes(1.0F), magnitude);  // keeps squares within range
  Lanes best(0.0F);
  Affine fit{0.0F, free_minimum ? divide(sx, sw) : min(divide(sx, sw), Lanes(0.0F))};
  {  // what the minimum alone explains
    const Lanes m = fit.minimum * unit;
    best = m * (Lanes(2.0F) * (sx * unit) - m * sw);
  }
  const auto consider = [&](Lanes minimum, Lanes inverse) {
    Lanes sc(0.0F), scc(0.0F), sxc(0.0F);
    for (int i = 0; i < B; ++i) {
      const Lanes x = g.value(i), code = affine_code<max_code>(x, minimum, inverse);
      const Lanes wc = g.weight(i) * code;
      sc += wc;
      scc += wc * code;
      sxc += wc * x;
    }
    // No two codes differ where the determinant is nothing but rounding; a scale alone may fit then, too.
    const Lanes product = sw * scc, rest = product - sc * sc;
    const Lanes determinant = select(rest > product * Lanes(1e-5F), rest, Lanes(0.0F));
    Lanes scale = divide(sw * sxc - sc * sx, determinant);
    Lanes m = divide(scc * sx - sc * sxc, determinant);
    if (!free_minimum) {
      const Mask above = select(determinant > Lanes(0.0F), m, Lanes(1.0F)) > Lanes(0.0F);
      scale = select(above, divide(sxc, scc), scale);
      m = select(above, Lanes(0.0F), m);
    }
    // sum w x x - sum w (x - scale c - m)^2, of the normalised weights
    const Lanes s1 = scale * unit, m1 = m * unit;
    const Lanes gain = s1 * (Lanes(2.0F) * (sxc * unit) - s1 * scc - Lanes(2.0F) * m1 * sc) +
                       m1 * (Lanes(2.0F) * (sx * unit) - m1 * sw);
    const Mask fits = scale > Lanes(0.0F);
    const Lanes usable = select(fits, gain, Lanes(0.0F));
    const Mask better = usable > best;
    best = select(better, usable, best);
    fit.scale = select(better, scale, fit.scale);
    fit.minimum = select(better, m, fit.minimum);
  };
  // Ranges that end inside the weights' own, or begin there: outliers are clamped, the others get finer steps.
  constexpr float kCodes = static_cast<float>(max_code);
  constexpr int kWidths = max_code < 8 ? 9 : 7;
  constexpr int kShifts = max_code < 8 ? 4 : 3;
  constexpr float kSpan = max_code < 8 ? 0.45F : max_code < 16 ? 0.20F : 0.10F;  // of the range, cut off at most
  const Lanes range = high - low;
  for (int width = 0; width < kWidths; ++width) {
    const float cut = kSpan * static_cast<float>(width) / static_cast<float>(kWidths - 1);  // share of the range
    for (int shift = 0; shift < kShifts; ++shift) {
      if (cut == 0.0F && shift > 0) continue;
      const float from = cut * static_cast<float>(shift) / static_cast<float>(kShifts - 1);
      consider(low + range * Lanes(from), divide(Lanes(kCodes / (1.0F - cut)), range));
    }
  }
  constexpr int kRefinements = 3;
  for (int k = 0; k < kRefinements; ++k) consider(fit.minimum, divide(Lanes(1.0F), fit.scale));
  return fit;
}

/// Blocks of their own: scales and minima as halves.
template <int max_code, int B>
inline Affine fit_affine_blocks(const Group<B>& g, std::uint16_t* d, std::uint16_t* m) noexcept {
  const Affine fit = best_affine<max_code, true>(g);
  alignas(64) float scale[kLanes], minimum[kLanes];
  fit.scale.store(scale);
  fit.minimum.store(minimum);
  for (int l = 0; l < kLanes; ++l) {
    d[l] = to_half(scale[l]);
    m[l] = to_half(minimum[l]);
    scale[l] = from_half(d[l]);
    minimum[l] = from_half(m[l]);
  }
  return {Lanes::load(scale), Lanes::load(minimum)};
}

/// Runs that share scales of scales and of minima: super-blocks of S runs, kLanes / S of them in a group.
template <int S>
struct SharedAffine {
  std::uint16_t d[kLanes / S], dmin[kLanes / S];  ///< Halves, not negative.
  alignas(64) float scale_code[kLanes], minimum_code[kLanes];
  alignas(64) float scale[kLanes], minimum[kLanes];  ///< d * scale_code and -dmin * minimum_code.
};

/// @param max_shared  the largest scale or minimum code.
template <int max_code, int max_shared, int S, int B>
inline SharedAffine<S> fit_shared_affine(const Group<B>& g) noexcept {
  constexpr int kBlocks = kLanes / S;
  constexpr float kTop = static_cast<float>(max_shared);
  const Affine wanted = best_affine<max_code, false>(g);
  alignas(64) float wanted_scale[kLanes], wanted_minimum[kLanes];
  wanted.scale.store(wanted_scale);
  wanted.minimum.store(wanted_minimum);
  float d[kBlocks], dmin[kBlocks];
  for (int b = 0; b < kBlocks; ++b) {
    float top = 0.0F, bottom = 0.0F;
    for (int l = b * S; l < (b + 1) * S; ++l) {
      top = wanted_scale[l] > top ? wanted_scale[l] : top;
      bottom = wanted_minimum[l] < bottom ? wanted_minimum[l] : bottom;
    }
    d[b] = round_to_coarser_half(top / kTop);
    dmin[b] = round_to_coarser_half(-bottom / kTop);
  }
  Lanes sw(0.0F), sx(0.0F);
  for (int i = 0; i < B; ++i) {
    sw += g.weight(i);
    sx += g.weight(i) * g.value(i);
  }

  SharedAffine<S> best;
  float best_error[kBlocks];
  constexpr int kRounds = 3;
  for (int round_no = 0; round_no < kRounds; ++round_no) {
    alignas(64) float shared_scale[kLanes], shared_minimum[kLanes];
    for (int l = 0; l < kLanes; ++l) {
      shared_scale[l] = d[l / S];
      shared_minimum[l] = dmin[l / S];
    }
    const Lanes d_of = Lanes::load(shared_scale), dmin_of = Lanes::load(shared_minimum);
    const Lanes centre = round(clamp(divide(wanted.scale, d_of), 0.0F, kTop));
    const Lanes first = round(clamp(divide(Lanes(0.0F) - wanted.minimum, dmin_of), 0.0F, kTop));
    Lanes scale_code = centre, minimum_code = first, error(3e38F);
    // Codes of (scale, minimum) for the run alone: with the weights' codes that follow from them, the minimum that fits
    // those best is tried, too.
    const auto consider = [&](Lanes s, Lanes m) {
      const Lanes scale = d_of * s, minimum = Lanes(0.0F) - dmin_of * m, inverse = divide(Lanes(1.0F), scale);
      Lanes sr(0.0F), srr(0.0F);
      for (int i = 0; i < B; ++i) {
        const Lanes x = g.value(i), rest = x - scale * affine_code<max_code>(x, minimum, inverse);
        const Lanes wr = g.weight(i) * rest;
        sr += wr;
        srr += wr * rest;
      }
      const Lanes other = round(clamp(divide(Lanes(0.0F) - divide(sr, sw), dmin_of), 0.0F, kTop));
      for (const Lanes& code : {m, other}) {
        const Lanes value = dmin_of * code, left = srr + value * (Lanes(2.0F) * sr + value * sw);
        const Mask better = left < error;
        error = select(better, left, error);
        scale_code = select(better, s, scale_code);
        minimum_code = select(better, code, minimum_code);
      }
    };
    consider(centre, first);
    consider(clamp(centre - Lanes(1.0F), 0.0F, kTop), first);
    consider(clamp(centre + Lanes(1.0F), 0.0F, kTop), first);
    consider(scale_code, minimum_code);

    // With these, the weights' codes; with those, the shared scales that fit best, for the next round.
    const Lanes scale = d_of * scale_code, minimum = Lanes(0.0F) - dmin_of * minimum_code;
    const Lanes inverse = divide(Lanes(1.0F), scale);
    Lanes sc(0.0F), scc(0.0F), sxc(0.0F), sum(0.0F);
    for (int i = 0; i < B; ++i) {
      const Lanes x = g.value(i), code = affine_code<max_code>(x, minimum, inverse);
      const Lanes wc = g.weight(i) * code, rest = x - scale * code - minimum;
      sc += wc;
      scc += wc * code;
      sxc += wc * x;
      sum += g.weight(i) * (rest * rest);
    }
    alignas(64) float s[kLanes], m[kLanes], e[kLanes], scales[kLanes], minima[kLanes];
    alignas(64) float c1[kLanes], c2[kLanes], xc[kLanes], w1[kLanes], x1[kLanes];
    scale_code.store(s);
    minimum_code.store(m);
    sum.store(e);
    scale.store(scales);
    minimum.store(minima);
    sc.store(c1);
    scc.store(c2);
    sxc.store(xc);
    sw.store(w1);
    sx.store(x1);
    for (int b = 0; b < kBlocks; ++b) {
      float total = 0.0F, a11 = 0.0F, a12 = 0.0F, a22 = 0.0F, b1 = 0.0F, b2 = 0.0F;
      for (int l = b * S; l < (b + 1) * S; ++l) {
        total += e[l];
        a11 += s[l] * s[l] * c2[l];
        a12 += s[l] * m[l] * c1[l];
        a22 += m[l] * m[l] * w1[l];
        b1 += s[l] * xc[l];
        b2 += m[l] * x1[l];
      }
      if (round_no == 0 || total < best_error[b]) {
        best_error[b] = total;
        best.d[b] = to_half(d[b]);
        best.dmin[b] = to_half(dmin[b]);
        for (int l = b * S; l < (b + 1) * S; ++l) {
          best.scale_code[l] = s[l];
          best.minimum_code[l] = m[l];
          best.scale[l] = scales[l];
          best.minimum[l] = minima[l];
        }
      }
      // d a11 - dmin a12 = b1,  d a12 - dmin a22 = b2
      const float determinant = a12 * a12 - a11 * a22;
      if (determinant < -1e-6F * a11 * a22) {
        const float new_d = (a12 * b2 - a22 * b1) / determinant, new_dmin = (a11 * b2 - a12 * b1) / determinant;
        if (new_d > 0.0F) d[b] = round_to_half(new_d);
        if (new_dmin > 0.0F) dmin[b] = round_to_half(new_dmin);
      } else if (a11 > 0.0F && b1 > 0.0F && a22 == 0.0F) {
        d[b] = round_to_half(b1 / a11);
      }
    }
  }
  return best;
}

}  // namespace
}  // namespace gemma4::GEMMA4_ISA
