#include "sampling/scan.h"

#include <algorithm>
#include <functional>
#include <limits>

namespace gemma4::sampling {
namespace {

constexpr float kMasked = -std::numeric_limits<float>::infinity();
constexpr float kLargest = std::numeric_limits<float>::max();
constexpr std::size_t kLanes = 16;

// The k-th largest of values[0, n), which are reordered. 1 <= k <= n.
float kth_largest(float* values, std::size_t n, std::size_t k) {
  std::nth_element(values, values + (k - 1), values + n, std::greater<>());
  return values[k - 1];
}

}  // namespace

void scan_blocks(Span<const float> logits, BlockMaxima& maxima) {
  const std::size_t n = logits.size();
  const std::size_t full = n / kScanBlock;
  maxima.block.resize((n + kScanBlock - 1) / kScanBlock);

  // Sixteen independent lanes, so that the compiler needs no licence to reorder. `x > m ? x : m` drops a NaN; `bad`
  // remembers it.
  std::uint32_t bad[kLanes] = {};
  for (std::size_t b = 0; b < full; ++b) {
    const float* x = logits.data() + b * kScanBlock;
    float lane[kLanes];
    for (std::size_t j = 0; j < kLanes; ++j) lane[j] = x[j];
    for (std::size_t j = 0; j < kLanes; ++j) bad[j] |= x[j] <= kLargest ? 0U : 1U;
    for (std::size_t i = kLanes; i < kScanBlock; i += kLanes) {
      for (std::size_t j = 0; j < kLanes; ++j) lane[j] = x[i + j] > lane[j] ? x[i + j] : lane[j];
      for (std::size_t j = 0; j < kLanes; ++j) bad[j] |= x[i + j] <= kLargest ? 0U : 1U;
    }
    for (std::size_t half = kLanes / 2; half > 0; half /= 2) {
      for (std::size_t j = 0; j < half; ++j) lane[j] = lane[j] > lane[j + half] ? lane[j] : lane[j + half];
    }
    maxima.block[b] = lane[0];
  }
  if (full < maxima.block.size()) {
    float m = kMasked;
    for (std::size_t i = full * kScanBlock; i < n; ++i) {
      m = std::max(m, logits[i]);
      bad[0] |= logits[i] <= kLargest ? 0U : 1U;
    }
    maxima.block[full] = m;
  }
  maxima.valid = std::none_of(bad, bad + kLanes, [](std::uint32_t b) { return b != 0; });
  maxima.max = maxima.block.empty() ? kMasked : *std::max_element(maxima.block.begin(), maxima.block.end());
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
  std::size_t ties = k - static_cast<std::size_t>(std::count_if(scratch, scratch + k, [kth](float x) { return x > kth; }));
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
