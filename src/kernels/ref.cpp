#include "kernels/ref.h"

#include <algorithm>
#include <cmath>

#include "base/bf16.h"

#define GEMMA4_ISA reference
#include "kernels/impl/blocks_plain.hpp"

namespace gemma4::kernels {
namespace {

float element(const void* data, DType dtype, std::size_t i) noexcept {
  switch (dtype) {
    case DType::f32: return static_cast<const float*>(data)[i];
    case DType::f16: return base::f16_to_float(static_cast<const std::uint16_t*>(data)[i]);
    case DType::bf16: return base::bf16_to_float(static_cast<const std::uint16_t*>(data)[i]);
  }
  return 0.0F;
}

void to_f32(const void* src, DType dtype, float* dst, std::size_t n) noexcept {
  for (std::size_t i = 0; i < n; ++i) dst[i] = element(src, dtype, i);
}

void from_f32(const float* src, DType dtype, void* dst, std::size_t n) noexcept {
  for (std::size_t i = 0; i < n; ++i) {
    switch (dtype) {
      case DType::f32: static_cast<float*>(dst)[i] = src[i]; break;
      case DType::f16: static_cast<std::uint16_t*>(dst)[i] = base::float_to_f16(src[i]); break;
      case DType::bf16: static_cast<std::uint16_t*>(dst)[i] = base::float_to_bf16(src[i]); break;
    }
  }
}

double inverse_rms(const float* x, std::size_t n, float eps) noexcept {
  double total = 0;
  for (std::size_t i = 0; i < n; ++i) total += static_cast<double>(x[i]) * x[i];
  return 1.0 / std::sqrt(total / static_cast<double>(n) + eps);
}

void rms_norm(const float* x, const float* weights, float* dst, std::size_t n, float eps) noexcept {
  const double factor = inverse_rms(x, n, eps);
  for (std::size_t i = 0; i < n; ++i) dst[i] = static_cast<float>(x[i] * factor * (weights != nullptr ? weights[i] : 1.0F));
}

void rms_norm_add(const float* x, const float* weights, const float* residual, float* dst, std::size_t n,
                  float eps) noexcept {
  const double factor = inverse_rms(x, n, eps);
  for (std::size_t i = 0; i < n; ++i) dst[i] = static_cast<float>(residual[i] + x[i] * factor * weights[i]);
}

void norm_rope(const float* x, const float* weights, const float* cos, const float* sin, float* dst,
               std::size_t head_dim, std::size_t pairs, float eps) noexcept {
  const std::size_t half = head_dim / 2;
  const double factor = inverse_rms(x, head_dim, eps);
  for (std::size_t i = 0; i < half; ++i) {
    const double a = x[i] * factor * weights[i], b = x[half + i] * factor * weights[half + i];
    const double c = i < pairs ? cos[i] : 1.0, s = i < pairs ? sin[i] : 0.0;
    dst[i] = static_cast<float>(a * c - b * s);
    dst[half + i] = static_cast<float>(b * c + a * s);
  }
}

void gelu_mul(const float* gate, const float* up, float* dst, std::size_t n) noexcept {
  for (std::size_t i = 0; i < n; ++i) {
    const double u = gate[i];
    dst[i] = static_cast<float>(0.5 * u * (1.0 + std::tanh(std::sqrt(2.0 / M_PI) * (u + 0.044715 * u * u * u))) * up[i]);
  }
}

void scale(float* x, float factor, std::size_t n) noexcept {
  for (std::size_t i = 0; i < n; ++i) x[i] *= factor;
}

void add_scaled(const float* x, float factor, float* dst, std::size_t n) noexcept {
  for (std::size_t i = 0; i < n; ++i) dst[i] = static_cast<float>(dst[i] + static_cast<double>(x[i]) * factor);
}

bool soft_cap(float* x, float cap, std::size_t n) noexcept {
  bool finite = true;
  for (std::size_t i = 0; i < n; ++i) {
    finite = finite && std::isfinite(x[i]);
    if (cap != 0.0F) x[i] = static_cast<float>(cap * std::tanh(static_cast<double>(x[i]) / cap));
  }
  return finite;
}

void gemv(const void* w, DType dtype, const float* x, std::size_t ldx, std::size_t rows, float* y, std::size_t ldy,
          std::size_t n, std::size_t k) noexcept {
  for (std::size_t r = 0; r < rows; ++r) {
    for (std::size_t j = 0; j < n; ++j) {
      double total = 0;
      for (std::size_t i = 0; i < k; ++i) total += static_cast<double>(element(w, dtype, j * k + i)) * x[r * ldx + i];
      y[r * ldy + j] = static_cast<float>(total);
    }
  }
}

void store_key(const float* src, DType dtype, void* dst, std::size_t head_dim) noexcept {
  for (std::size_t i = 0; i < head_dim; ++i) {
    from_f32(src + i, dtype, static_cast<std::uint8_t*>(dst) + i * kKeyLanes * size_of(dtype), 1);
  }
}

void attend_block(const float* q, std::size_t rows, const void* k, const void* v, DType dtype, std::size_t head_dim,
                  const std::int32_t* first, const std::int32_t* last, SoftmaxState* state, float* acc,
                  const void* /*next_k*/) noexcept {
  for (std::size_t r = 0; r < rows; ++r) {
    for (std::int32_t key = first[r]; key < last[r]; ++key) {
      const auto j = static_cast<std::size_t>(key);
      const std::size_t group = j / kKeyLanes * kKeyLanes * head_dim;
      double score = 0;
      for (std::size_t i = 0; i < head_dim; ++i) {
        score += static_cast<double>(q[r * head_dim + i]) * element(k, dtype, group + i * kKeyLanes + j % kKeyLanes);
      }
      const double max = std::max<double>(state[r].max, score);
      const double rescale = std::exp(state[r].max - max), weight = std::exp(score - max);
      for (std::size_t i = 0; i < head_dim; ++i) {
        float& sum = acc[r * head_dim + i];
        sum = static_cast<float>(sum * rescale + weight * element(v, dtype, j * head_dim + i));
      }
      state[r] = {static_cast<float>(max), static_cast<float>(state[r].sum * rescale + weight)};
    }
  }
}

}  // namespace

const KernelTable kReferenceTable = {"reference", to_f32, from_f32,   rms_norm, rms_norm_add, norm_rope,
                                     gelu_mul,    scale,  add_scaled, soft_cap, gemv,      store_key, attend_block,
                                     {reference::quantized_row_bytes, reference::quantize_row, reference::gemv_blocks,
                                      reference::quantize_tile, reference::quantize_fine_tile,
                                      reference::kPanelRows, reference::panel_bytes, reference::pack_panel, reference::gemm_panel}};

}  // namespace gemma4::kernels
