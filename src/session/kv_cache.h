// KvCache: a ring per sliding layer, a linear store per full layer, nothing for KV-shared layers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/aligned_buffer.h"
#include "gemma4/config.h"
#include "model/graph/kv_view.h"

namespace gemma4::session {

/// The sliding layers' visible keys and values at one position: what a ring forgets.
struct KvSnapshot {
  std::size_t position = 0;
  std::vector<std::uint8_t> rows;
};

/// Memory is reserved and committed when made. A ring holds sliding_window + prefill_chunk positions, so that a whole
/// chunk can be written before its first row is read, and at least one chunk can be taken back.
class KvCache {
 public:
  KvCache(const ModelConfig& config, std::size_t context_length, std::size_t prefill_chunk, DType dtype);

  /// bytes() of a cache that nobody makes.
  static std::uint64_t bytes_for(const ModelConfig& config, std::size_t context_length, std::size_t prefill_chunk, DType dtype);

  /// One view per layer; a KV-shared layer has its donor's.
  Span<const graph::KvView> views() const noexcept { return views_; }

  /// Records that positions up to `end` are being written: what lies a ring's length before is gone.
  void will_write_to(std::size_t end) noexcept;
  /// True when the keys a token at position n can see are all there.
  bool can_resume_at(std::size_t n) const noexcept;
  /// The smallest n >= 1 for which can_resume_at(n) holds.
  std::size_t smallest_resumable() const noexcept;
  void reset() noexcept { valid_begin_ = 0; }

  std::size_t snapshot_bytes(std::size_t position) const noexcept;
  std::shared_ptr<const KvSnapshot> take_snapshot(std::size_t position) const;
  void restore(const KvSnapshot& snapshot) noexcept;

  /// Takes over the first `position` positions of a cache of the same shape.
  void copy_from(const KvCache& other, std::size_t position) noexcept;
  std::uint64_t bytes() const noexcept { return storage_.bytes(); }

 private:
  std::size_t snapshot_begin(std::size_t position) const noexcept;

  std::size_t window_ = 0;         // keys a sliding layer sees
  std::size_t ring_capacity_ = 0;  // 0: no sliding layer
  std::size_t valid_begin_ = 0;    // rings hold every position from here on
  base::AlignedBuffer<std::uint8_t> storage_;
  std::vector<graph::KvView> views_;  // [layers]
  std::vector<graph::KvView> owned_;  // the views that own memory
  std::vector<graph::KvView> rings_;  // those of sliding layers
};

}  // namespace gemma4::session
