// KernelTable: one documented function pointer per kernel, one table per instruction set.
//
// Kernels never throw, never allocate, and take pointers of any alignment; shapes are checked by those who call them.
// Results do not depend on alignment, so that equal tensors from different files give equal bits.
#pragma once

#include <cstddef>
#include <cstdint>

#include "formats/data_type.h"
#include "gemma4/types.h"

namespace gemma4::kernels {

/// Keys of a block that attend_block takes, and of a group within it, whose keys lie lane by lane.
inline constexpr std::size_t kKeyBlock = 64;
inline constexpr std::size_t kKeyLanes = 16;
/// Rows that attend_block takes at most.
inline constexpr std::size_t kAttendRows = 96;
/// Rows of x that gemv takes at most.
inline constexpr std::size_t kGemvRows = 4;

/// Running state of one attention row: maximum score and sum of exponentials so far.
struct SoftmaxState {
  float max;  ///< -infinity before the first key
  float sum;
};

/// Rows of activations that a tile holds.
inline constexpr std::size_t kTileRows = 4;

/// 32 consecutive elements of kTileRows activation rows in 8 bits: x[r][i] = scale[r] * q[r][i].
struct TileBlock {
  alignas(16) float scale[kTileRows];
  float sum[2][kTileRows];           ///< of x as rounded: of all 32, of the last 16
  std::int32_t total[2][kTileRows];  ///< of q, the same
  std::int8_t q[kTileRows][32];
};

/// Up to kTileRows rows of activations.
/// Coarse: 8 bits with a scale per 32. A block whose rounding would disturb its row too much comes twice; then the second
/// holds the remainder of the first. Fine: 16 bits with a scale per row, two blocks for each 32: x = scale * (256 high +
/// low), the high ones, their scale and the sum first (that sum is of 256 high + low, without the scale).
struct Tile {
  const TileBlock* data = nullptr;       ///< [blocks]
  const std::uint16_t* index = nullptr;  ///< [blocks], ascending: which 32 elements; not where fine
  std::size_t blocks = 0, plain_blocks = 0;  ///< those stored; k / 32
  std::size_t first_row = 0, rows = 0;   ///< place in the results
  bool fine = false;
};

/// Products of weights in blocks (formats/data_type.h; those with a blocks::code_format) with activations quantised on
/// the fly. Integer sums are exact within a block; an activation row that is not finite gives results that are not.
struct BlockKernels {
  /// Bytes of a row of k elements in 16 bits, as gemv wants it.
  std::size_t (*quantized_row_bytes)(std::size_t k) noexcept;
  /// x [k] to `dst`, aligned to 64 bytes. k is a multiple of 32.
  void (*quantize_row)(const float* x, std::size_t k, void* dst) noexcept;
  /// y[r * ldy + j] = sum_i w[j, i] * x[r][i] for j < n, r < rows <= kGemvRows. w [n, k] blocks, x[r] by quantize_row.
  void (*gemv)(formats::DataType type, const void* w, const void* const* x, std::size_t rows, float* y, std::size_t ldy,
               std::size_t n, std::size_t k) noexcept;

  /// count <= kTileRows rows of k elements to at most k / 16 blocks of a coarse tile; returns how many. Blocks whose share
  /// of the rounding would take a row's noise above `noise` times its size come twice, so that the row's stays below that
  /// however its energy is spread (real activations have channels 100 times the others). Normal rows have 0.0054.
  std::size_t (*quantize_tile)(const float* const* rows, std::size_t count, std::size_t k, float noise, TileBlock* dst,
                               std::uint16_t* index) noexcept;
  /// The same rows to the k / 16 blocks of a fine tile.
  void (*quantize_fine_tile)(const float* const* rows, std::size_t count, std::size_t k, TileBlock* dst) noexcept;
  std::size_t panel_rows;  ///< rows of weights in a panel
  /// Bytes of a panel of `blocks` times 32 elements a row.
  std::size_t (*panel_bytes)(formats::DataType type, std::size_t blocks) noexcept;
  /// Rows of w [rows <= panel_rows, k], blocks [first_block, first_block + blocks) of 32 elements, both multiples of 8
  /// unless they end the row, to `panel`, aligned to 64 bytes.
  void (*pack_panel)(formats::DataType type, const void* w, std::size_t rows, std::size_t k, std::size_t first_block,
                     std::size_t blocks, void* panel) noexcept;
  /// dst[row * ldd + j] = sums[row * panel_rows + j] (0 where sums is null) + products of the tiles' rows with the panel's
  /// row j < rows. dst may be sums.
  void (*gemm_panel)(formats::DataType type, const void* panel, std::size_t rows, std::size_t first_block,
                     std::size_t blocks, const Tile* tiles, std::size_t count, const float* sums, float* dst,
                     std::size_t ldd) noexcept;
};

struct KernelTable {
  const char* name;  ///< "baseline", "avx2", "avx512"

  /// dst[i] = float(src[i]), i < n.
  void (*to_f32)(const void* src, DType dtype, float* dst, std::size_t n) noexcept;
  /// dst[i] = src[i] rounded to nearest even, i < n.
  void (*from_f32)(const float* src, DType dtype, void* dst, std::size_t n) noexcept;

  /// dst[i] = x[i] / sqrt(mean(x^2) + eps) * weights[i]; weights may be null (all ones). The weight is used as stored:
  /// Gemma 4 has no "+1". dst may be x. Source: HF modeling_gemma4.py, Gemma4RMSNorm.
  void (*rms_norm)(const float* x, const float* weights, float* dst, std::size_t n, float eps) noexcept;
  /// dst[i] = residual[i] + rms_norm(x)[i] * weights[i]. dst may be residual or x.
  void (*rms_norm_add)(const float* x, const float* weights, const float* residual, float* dst, std::size_t n,
                       float eps) noexcept;
  /// dst = rope(rms_norm(x) * weights) of one head: pair (i, i + head_dim / 2) turns by the angle whose cos[i], sin[i]
  /// are given, i < pairs <= head_dim / 2; the other pairs stay. dst may be x.
  void (*norm_rope)(const float* x, const float* weights, const float* cos, const float* sin, float* dst,
                    std::size_t head_dim, std::size_t pairs, float eps) noexcept;
  /// dst[i] = gelu_tanh(gate[i]) * up[i]. dst may be either source.
  void (*gelu_mul)(const float* gate, const float* up, float* dst, std::size_t n) noexcept;
  /// x[i] *= factor.
  void (*scale)(float* x, float factor, std::size_t n) noexcept;
  /// dst[i] += factor * x[i].
  void (*add_scaled)(const float* x, float factor, float* dst, std::size_t n) noexcept;
  /// x[i] = cap * tanh(x[i] / cap), or unchanged when cap is 0. Returns false when some x[i] was not finite.
  bool (*soft_cap)(float* x, float cap, std::size_t n) noexcept;

  /// y[r * ldy + j] = sum_i w[j * k + i] * x[r * ldx + i] for j < n, r < rows <= kGemvRows. F32 accumulation.
  /// w [n, k] of dtype, rows contiguous.
  void (*gemv)(const void* w, DType dtype, const float* x, std::size_t ldx, std::size_t rows, float* y,
               std::size_t ldy, std::size_t n, std::size_t k) noexcept;

  /// dst[i * kKeyLanes] = src[i] rounded to dtype, i < head_dim: one key into its lane of a group of kKeyLanes.
  void (*store_key)(const float* src, DType dtype, void* dst, std::size_t head_dim) noexcept;
  /// Adds the keys of one block to `rows` <= kAttendRows rows of attention with running softmax (scale 1):
  ///   s[r, j] = q[r] . k[j]  where first[r] <= j < last[r], else hidden;
  ///   acc[r] = acc[r] * exp(old max - new max) + sum_j exp(s[r, j] - new max) v[j]; state[r] likewise.
  /// q, acc [rows, head_dim] F32; k [kKeyBlock / kKeyLanes, head_dim, kKeyLanes] and v [kKeyBlock, head_dim] of dtype.
  /// 0 <= first[r], last[r] <= kKeyBlock; a row with first[r] >= last[r] stays as it is. Keys and values that no row
  /// sees may hold anything. next_k: the keys of the block that comes next, which are fetched meanwhile; may be null.
  void (*attend_block)(const float* q, std::size_t rows, const void* k, const void* v, DType dtype,
                       std::size_t head_dim, const std::int32_t* first, const std::int32_t* last, SoftmaxState* state,
                       float* acc, const void* next_k) noexcept;

  BlockKernels blocks;
};

}  // namespace gemma4::kernels
