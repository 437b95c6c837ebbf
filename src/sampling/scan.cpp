#include "sampling/scan.h"

#include <algorithm>
#include <functional>
#include <limits>

#include "sampling/lanes.h"

namespace gemma4::sampling {
namespace {

constexpr float kMasked = -std::numeric_limits<float>::infinity();

// The k-th largest of values[0, n), which are reordered. 1 <= k <= n.
float kth_largest(float* values, std::size_t n, std::size_t k) {
  std::nth_element(values, values + (k - 1), values + n, std::greater<>());
  return values[k - 1];
}

}  // namespace

void scan_blocks(Span<const float> logits, BlockMaxima& maxima) {
  const std::size_t n = logits.size();
  maxima.block.resize((n + kScanBlock - 1) / kScanBlock);
  const Lanes largest(std::numeric_limits<float>::max());
  Lanes not_valid(0.0F);
  Lanes all(kMasked);
  for (std::size_t b = 0; b < maxima.block.size(); ++b) {
    Lanes max(kMasked);
    const std::size_t end = std::min(n, (b + 1) * kScanBlock);
    for (std::size_t i = b * kScanBlock; i < end; i += Lanes::kCount) {
      const Lanes x = Lanes::load_some(logits.data() + i, std::min(Lanes::kCount, end - i), kMasked);
      max = larger(max, x);
      not_valid = larger(not_valid, where_not_valid(x, largest));
    }
    maxima.block[b] = max.max();
    all = larger(all, max);
  }
  maxima.valid = not_valid.sum() == 0.0F;
  maxima.max = all.max();
}

std::size_t first_maximum(Span<const float> logits, const BlockMaxima& maxima) noexcept {
  const auto block = std::find(maxima.block.begin(), maxima.block.end(), maxima.max) - maxima.block.begin();
  std::size_t i = static_cast<std::size_t>(block) * kScanBlock;
  while (i + 1 < logits.size() && logits[i] != maxima.max) ++i;
  return i;
}

std::size_t top_k_indices(Span<const float> logits, const BlockMaxima& maxima, std::size_t k, TokenId* ids,
                          float* scratch) {
  const std::size_t blocks = maxima.block.size();
  float bound = kMasked;
  if (k < blocks) {
    std::copy(maxima.block.begin(), maxima.block.end(), scratch);
    bound = kth_largest(scratch, blocks, k);
  }
  std::size_t count = 0;
  for (std::size_t b = 0; b < blocks; ++b) {
    if (maxima.block[b] < bound || maxima.block[b] == kMasked) continue;
    const std::size_t end = std::min(logits.size(), (b + 1) * kScanBlock);
    for (std::size_t i = b * kScanBlock; i < end; ++i) {
      ids[count] = static_cast<TokenId>(i);
      count += (logits[i] >= bound && logits[i] != kMasked) ? 1 : 0;
    }
  }
  if (count <= k) return count;

  for (std::size_t i = 0; i < count; ++i) scratch[i] = logits[static_cast<std::size_t>(ids[i])];
  const float kth = kth_largest(scratch, count, k);
  std::size_t ties =
      k - static_cast<std::size_t>(std::count_if(scratch, scratch + k, [kth](float x) { return x > kth; }));
  std::size_t kept = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const float x = logits[static_cast<std::size_t>(ids[i])];
    if (x < kth) continue;
    if (x == kth) {
      if (ties == 0) continue;
      --ties;
    }
    ids[kept++] = ids[i];
  }
  return kept;
}

}  // namespace gemma4::sampling
