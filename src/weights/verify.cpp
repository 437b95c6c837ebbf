#include "weights/verify.h"

#include <algorithm>
#include <bit>

#include "blocks/dequantize.h"

namespace gemma4::weights {
namespace {

constexpr std::size_t kAtOnce = 4096;  // elements; a multiple of every block

bool is_finite(float value) noexcept { return (std::bit_cast<std::uint32_t>(value) & 0x7F800000U) != 0x7F800000U; }

/// Adds elements [begin, end) of the tensor, cut at multiples of kAtOnce, to `found`.
void scan(const formats::TensorEntry& entry, std::uint64_t begin, std::uint64_t end, NonFinite& found) noexcept {
  const formats::DataTypeInfo& layout = formats::info(entry.type);
  const auto* const bytes = static_cast<const std::uint8_t*>(entry.data);
  float values[kAtOnce];
  for (std::uint64_t at = begin; at < end; at += kAtOnce) {
    const auto n = static_cast<std::size_t>(std::min<std::uint64_t>(kAtOnce, end - at));
    blocks::dequantize(entry.type, bytes + at / layout.block_elements * layout.block_bytes, values, n);
    std::uint32_t bad = 0;
    for (std::size_t i = 0; i < n; ++i) bad += is_finite(values[i]) ? 0U : 1U;
    if (bad == 0) continue;
    if (found.count == 0) {
      const float* const first = std::find_if_not(values, values + n, is_finite);
      found.first = at + static_cast<std::uint64_t>(first - values);
    }
    found.count += bad;
  }
}

}  // namespace

std::vector<NonFinite> find_non_finite(const Checkpoint& checkpoint, const base::ThreadPool& pool,
                                       const std::function<void(std::uint64_t, std::uint64_t)>& progress) {
  std::vector<NonFinite> result;
  std::vector<NonFinite> found(static_cast<std::size_t>(pool.size()));
  std::uint64_t done = 0;
  const std::uint64_t total = checkpoint.tensor_bytes();
  for (const Checkpoint::Tensor& tensor : checkpoint.tensors()) {
    const auto elements = formats::element_count(tensor.entry.shape).value_or(0);
    if (blocks::can_dequantize(tensor.entry.type) && elements != 0) {
      std::fill(found.begin(), found.end(), NonFinite{});
      const auto turn = pool.acquire();
      const auto part = [&](std::size_t begin, std::size_t end, int worker) {
        scan(tensor.entry, begin, end, found[static_cast<std::size_t>(worker)]);
      };
      pool.parallel_for(static_cast<std::size_t>(elements), kAtOnce, part);
      NonFinite all{&tensor, 0, 0};
      for (const NonFinite& share : found) {  // in the order of the elements
        if (all.count == 0) all.first = share.first;
        all.count += share.count;
      }
      if (all.count != 0) result.push_back(all);
    }
    done += tensor.entry.bytes;
    if (progress) progress(done, total);
  }
  return result;
}

}  // namespace gemma4::weights
