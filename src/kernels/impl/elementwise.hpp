// Norms, RoPE, gated GELU, soft-capping: one pass over a row each.
#pragma once

#include <cmath>

#include "kernels/impl/exp.hpp"
#include "kernels/impl/simd.hpp"

namespace gemma4::GEMMA4_ISA {
namespace {

/// 1 / sqrt(mean(x^2) + eps). The sum runs in four vectors, then in one order, whatever the alignment.
inline float inverse_rms(const float* x, std::size_t n, float eps) noexcept {
  Vec s0(0.0F), s1(0.0F), s2(0.0F), s3(0.0F);
  std::size_t i = 0;
  for (; i + 4 * kWidth <= n; i += 4 * kWidth) {
    const Vec a = load(F32{}, x + i), b = load(F32{}, x + i + kWidth);
    const Vec c = load(F32{}, x + i + 2 * kWidth), d = load(F32{}, x + i + 3 * kWidth);
    s0 = fma(a, a, s0);
    s1 = fma(b, b, s1);
    s2 = fma(c, c, s2);
    s3 = fma(d, d, s3);
  }
  for (; i + kWidth <= n; i += kWidth) {
    const Vec a = load(F32{}, x + i);
    s0 = fma(a, a, s0);
  }
  float total = sum((s0 + s1) + (s2 + s3));
  for (; i < n; ++i) total += x[i] * x[i];
  return 1.0F / __builtin_sqrtf(total / static_cast<float>(n) + eps);
}

void rms_norm(const float* x, const float* weights, float* dst, std::size_t n, float eps) noexcept {
  const float factor = inverse_rms(x, n, eps);
  const Vec f(factor);
  std::size_t i = 0;
  if (weights == nullptr) {
    for (; i + kWidth <= n; i += kWidth) store(F32{}, dst + i, load(F32{}, x + i) * f);
    for (; i < n; ++i) dst[i] = x[i] * factor;
  } else {
    for (; i + kWidth <= n; i += kWidth) store(F32{}, dst + i, load(F32{}, x + i) * f * load(F32{}, weights + i));
    for (; i < n; ++i) dst[i] = x[i] * factor * weights[i];
  }
}

void rms_norm_add(const float* x, const float* weights, const float* residual, float* dst, std::size_t n,
                  float eps) noexcept {
  const float factor = inverse_rms(x, n, eps);
  const Vec f(factor);
  std::size_t i = 0;
  for (; i + kWidth <= n; i += kWidth) {
    store(F32{}, dst + i, fma(load(F32{}, x + i) * f, load(F32{}, weights + i), load(F32{}, residual + i)));
  }
  for (; i < n; ++i) dst[i] = x[i] * factor * weights[i] + residual[i];
}

void norm_rope(const float* x, const float* weights, const float* cos, const float* sin, float* dst,
               std::size_t head_dim, std::size_t pairs, float eps) noexcept {
  const float factor = inverse_rms(x, head_dim, eps);
  const Vec f(factor);
  const std::size_t half = head_dim / 2;
  const auto normed = [&](std::size_t i) noexcept { return load(F32{}, x + i) * f * load(F32{}, weights + i); };
  std::size_t i = 0;
  for (; i + kWidth <= pairs; i += kWidth) {
    const Vec a = normed(i), b = normed(half + i);
    const Vec c = load(F32{}, cos + i), s = load(F32{}, sin + i);
    store(F32{}, dst + i, a * c - b * s);
    store(F32{}, dst + half + i, b * c + a * s);
  }
  for (; i < pairs; ++i) {
    const float a = x[i] * factor * weights[i], b = x[half + i] * factor * weights[half + i];
    dst[i] = a * cos[i] - b * sin[i];
    dst[half + i] = b * cos[i] + a * sin[i];
  }
  for (const std::size_t end : {half, head_dim}) {  // the pairs that do not turn
    for (i = end - half + pairs; i + kWidth <= end; i += kWidth) store(F32{}, dst + i, normed(i));
    for (; i < end; ++i) dst[i] = x[i] * factor * weights[i];
  }
}

/// u = 0.5 u (1 + tanh(t)), t = sqrt(2/pi) (u + 0.044715 u^3), written as u / (1 + exp(-2t)): one exponential, no loss
/// of digits at either end. Source: HF "gelu_pytorch_tanh".
template <std::size_t kCount>
inline void gelu(Vec (&u)[kCount]) noexcept {
  constexpr float kFactor = -2.0F * 0.7978845608028654F;
  Vec e[kCount];
  for (std::size_t i = 0; i < kCount; ++i) {
    e[i] = xsimd::min(u[i] * fma(u[i] * u[i], Vec(0.044715F * kFactor), Vec(kFactor)), Vec(88.0F));  // there u * 6e-39
  }
  exp_below_88(e);
  for (std::size_t i = 0; i < kCount; ++i) u[i] = u[i] / (Vec(1.0F) + e[i]);
}

/// One partial vector through the same code as the whole ones, so that a value does not depend on its place.
inline Vec load_partial(const float* p, std::size_t n) noexcept {
  alignas(64) float lanes[kWidth] = {};
  for (std::size_t i = 0; i < n; ++i) lanes[i] = p[i];
  return Vec::load_aligned(lanes);
}
inline void store_partial(float* p, Vec v, std::size_t n) noexcept {
  alignas(64) float lanes[kWidth];
  v.store_aligned(lanes);
  for (std::size_t i = 0; i < n; ++i) p[i] = lanes[i];
}

void gelu_mul(const float* gate, const float* up, float* dst, std::size_t n) noexcept {
  std::size_t i = 0;
  for (; i + kSideBySide * kWidth <= n; i += kSideBySide * kWidth) {
    Vec u[kSideBySide];
    for (std::size_t j = 0; j < kSideBySide; ++j) u[j] = load(F32{}, gate + i + j * kWidth);
    gelu(u);
    for (std::size_t j = 0; j < kSideBySide; ++j) {
      store(F32{}, dst + i + j * kWidth, u[j] * load(F32{}, up + i + j * kWidth));
    }
  }
  for (; i < n; i += kWidth) {
    const std::size_t count = n - i < kWidth ? n - i : kWidth;
    Vec u[1] = {load_partial(gate + i, count)};
    gelu(u);
    store_partial(dst + i, u[0] * load_partial(up + i, count), count);
  }
}

void scale(float* x, float factor, std::size_t n) noexcept {
  const Vec f(factor);
  std::size_t i = 0;
  for (; i + kWidth <= n; i += kWidth) store(F32{}, x + i, load(F32{}, x + i) * f);
  for (; i < n; ++i) x[i] *= factor;
}

void add_scaled(const float* x, float factor, float* dst, std::size_t n) noexcept {
  const Vec f(factor);
  std::size_t i = 0;
  for (; i + kWidth <= n; i += kWidth) store(F32{}, dst + i, fma(load(F32{}, x + i), f, load(F32{}, dst + i)));
  for (; i < n; ++i) dst[i] += x[i] * factor;
}

/// cap * tanh(x / cap) = cap - 2 cap / (1 + exp(2 x / cap)) loses digits near 0; xsimd's tanh does not.
bool soft_cap(float* x, float cap, std::size_t n) noexcept {
  Vec not_finite(0.0F);  // x - x is 0 for finite x, NaN otherwise; sums keep a NaN
  const Vec c(cap), inverse(cap != 0.0F ? 1.0F / cap : 0.0F);
  const auto capped = [&](Vec v) noexcept {
    not_finite += v - v;
    return cap != 0.0F ? c * xsimd::tanh(v * inverse) : v;
  };
  std::size_t i = 0;
  for (; i + kWidth <= n; i += kWidth) store(F32{}, x + i, capped(load(F32{}, x + i)));
  if (i < n) store_partial(x + i, capped(load_partial(x + i, n - i)), n - i);
  return sum(not_finite) == 0.0F;
}

}  // namespace
}  // namespace gemma4::GEMMA4_ISA
