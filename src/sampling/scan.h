// Scans over a whole vocabulary of logits: the maxima of its blocks, and the k largest found through them.
//
// With 262,144 logits a scan is what sampling costs, so there is one: it checks every logit and keeps the maximum of
// each block of 64. The k-th largest of those maxima is a lower bound of the k-th largest logit, so whatever comes
// after looks only into the few blocks that reach it.
#pragma once

#include <cstddef>
#include <vector>

#include "gemma4/types.h"

namespace gemma4::sampling {

inline constexpr std::size_t kScanBlock = 64;

/// Maxima of consecutive blocks of kScanBlock logits; the last block may be shorter.
struct BlockMaxima {
  std::vector<float> block;
  float max = 0.0F;    ///< Of all; -inf when every logit is.
  bool valid = false;  ///< No logit is NaN or +inf. (-inf is a masked token.)
};

/// Fills `maxima` from `logits`; allocates only while `maxima.block` grows.
void scan_blocks(Span<const float> logits, BlockMaxima& maxima);

/// Index of the first logit equal to maxima.max.
std::size_t first_maximum(Span<const float> logits, const BlockMaxima& maxima) noexcept;

/// Writes the indices of the k largest logits to `ids`, ascending, and returns how many there are: fewer than k when
/// fewer are above -inf. Of equal logits the smaller index is preferred.
/// `ids` and `scratch` have room for logits.size().
std::size_t top_k_indices(Span<const float> logits, const BlockMaxima& maxima, std::size_t k, TokenId* ids,
                          float* scratch);

}  // namespace gemma4::sampling
