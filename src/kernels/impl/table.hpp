// The table of this translation unit. Included last by each isa_*.cpp.
#pragma once

#include "kernels/impl/attention.hpp"
#include "kernels/impl/blocks_plain.hpp"
#include "kernels/impl/convert.hpp"
#include "kernels/impl/elementwise.hpp"
#include "kernels/impl/gemm_blocks.hpp"
#include "kernels/impl/gemv.hpp"
#include "kernels/impl/gemv_blocks.hpp"
#include "kernels/kernels.h"

namespace gemma4::GEMMA4_ISA {
namespace {

constexpr kernels::KernelTable make_table(const char* name) noexcept {
  return {name,  to_f32,     from_f32, rms_norm, rms_norm_add, norm_rope,
          gelu_mul, scale, add_scaled, soft_cap, gemv,     store_key, attend_block,
          {quantized_row_bytes, quantize_row, gemv_blocks, quantize_tile, quantize_fine_tile, kPanelRows,
           panel_bytes, pack_panel, gemm_panel}};
}

}  // namespace
}  // namespace gemma4::GEMMA4_ISA
