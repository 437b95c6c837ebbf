#include "session/kv_cache.h"

#include <algorithm>
#include <cstring>

namespace gemma4::session {
namespace {

using kernels::kKeyLanes;

constexpr std::size_t kAlignment = 64;

std::size_t rounded_up(std::size_t n, std::size_t multiple) noexcept {
  return (n + multiple - 1) / multiple * multiple;
}

/// Bytes of a view's keys, and as many of its values.
std::size_t half_bytes(const graph::KvView& view) noexcept {
  return rounded_up(view.heads * view.capacity * view.head_dim * size_of(view.dtype), kAlignment);
}

/// Positions a sliding layer holds.
std::size_t ring_capacity(const ModelConfig& config, std::size_t context_length, std::size_t prefill_chunk) noexcept {
  return std::min(context_length, static_cast<std::size_t>(config.sliding_window) + prefill_chunk);
}

/// A layer's own cache, without its memory.
graph::KvView view_of(const ModelConfig& config, const LayerConfig& layer, std::size_t context_length,
                      std::size_t prefill_chunk, DType dtype) noexcept {
  graph::KvView view;
  view.dtype = dtype;
  view.heads = static_cast<std::size_t>(layer.num_key_value_heads);
  view.head_dim = static_cast<std::size_t>(layer.head_dim);
  const bool sliding = layer.attention_type == AttentionType::sliding;
  view.capacity = rounded_up(sliding ? ring_capacity(config, context_length, prefill_chunk) : context_length, kernels::kKeyBlock);
  return view;
}

/// fn(cache bytes, offset of a run, bytes of a run) over the runs that hold positions [begin, end) and nothing else.
template <class Fn>
void for_each_run(const graph::KvView& view, std::size_t begin, std::size_t end, Fn&& fn) {
  const std::size_t element = size_of(view.dtype), row = view.head_dim * element;
  for (std::size_t head = 0; head < view.heads; ++head) {
    for (std::size_t p = begin; p < end;) {
      const std::size_t slot = view.slot(p);
      const std::size_t count = std::min(end - p, view.capacity - slot);
      fn(view.values, view.offset(head, slot), count * row);
      p += count;
    }
    for (std::size_t p = begin; p < end;) {
      const std::size_t slot = view.slot(p), lane = slot % kKeyLanes;
      std::size_t count = std::min(end - p, view.capacity - slot);
      if (lane == 0 && count >= kKeyLanes) {
        count = count / kKeyLanes * kKeyLanes;
        fn(view.keys, view.offset(head, slot), count * row);
      } else {  // part of a group
        count = std::min(count, kKeyLanes - lane);
        for (std::size_t i = 0; i < view.head_dim; ++i) {
          fn(view.keys, view.key_offset(head, slot) + i * kKeyLanes * element, count * element);
        }
      }
      p += count;
    }
  }
}

}  // namespace

KvCache::KvCache(const ModelConfig& config, std::size_t context_length, std::size_t prefill_chunk, DType dtype)
    : window_(static_cast<std::size_t>(config.sliding_window)) {
  views_.resize(config.layers.size());
  std::size_t bytes = 0;
  for (std::size_t l = 0; l < config.layers.size(); ++l) {
    const LayerConfig& layer = config.layers[l];
    if (layer.kv_source != static_cast<int>(l)) continue;
    if (layer.attention_type == AttentionType::sliding) ring_capacity_ = ring_capacity(config, context_length, prefill_chunk);
    views_[l] = view_of(config, layer, context_length, prefill_chunk, dtype);
    bytes += 2 * half_bytes(views_[l]);
  }
  storage_ = base::AlignedBuffer<std::uint8_t>(bytes, "KV cache");
  std::uint8_t* next = storage_.data();
  for (std::size_t l = 0; l < config.layers.size(); ++l) {
    if (config.layers[l].kv_source != static_cast<int>(l)) continue;
    views_[l].keys = next;
    views_[l].values = next + half_bytes(views_[l]);
    next += 2 * half_bytes(views_[l]);
    owned_.push_back(views_[l]);
    if (config.layers[l].attention_type == AttentionType::sliding) rings_.push_back(views_[l]);
  }
  for (std::size_t l = 0; l < config.layers.size(); ++l) {
    views_[l] = views_[static_cast<std::size_t>(config.layers[l].kv_source)];
  }
}

std::uint64_t KvCache::bytes_for(const ModelConfig& config, std::size_t context_length, std::size_t prefill_chunk, DType dtype) {
  std::uint64_t bytes = 0;
  for (std::size_t l = 0; l < config.layers.size(); ++l) {
    const LayerConfig& layer = config.layers[l];
    if (layer.kv_source == static_cast<int>(l)) bytes += 2 * half_bytes(view_of(config, layer, context_length, prefill_chunk, dtype));
  }
  return bytes;
}

void KvCache::will_write_to(std::size_t end) noexcept {
  if (ring_capacity_ != 0 && end > ring_capacity_) valid_begin_ = std::max(valid_begin_, end - ring_capacity_);
}

std::size_t KvCache::snapshot_begin(std::size_t position) const noexcept {
  return position >= window_ ? position - window_ + 1 : 0;
}

bool KvCache::can_resume_at(std::size_t n) const noexcept { return snapshot_begin(n) >= valid_begin_; }

std::size_t KvCache::smallest_resumable() const noexcept {
  return valid_begin_ == 0 ? 1 : valid_begin_ + window_ - 1;
}

std::size_t KvCache::snapshot_bytes(std::size_t position) const noexcept {
  std::size_t bytes = 0;
  for (const graph::KvView& view : rings_) {
    bytes += 2 * view.heads * (position - snapshot_begin(position)) * view.head_dim * size_of(view.dtype);
  }
  return bytes;
}

std::shared_ptr<const KvSnapshot> KvCache::take_snapshot(std::size_t position) const {
  auto snapshot = std::make_shared<KvSnapshot>();
  snapshot->position = position;
  snapshot->rows.reserve(snapshot_bytes(position));
  for (const graph::KvView& view : rings_) {
    for_each_run(view, snapshot_begin(position), position, [&](const std::uint8_t* data, std::size_t at, std::size_t n) {
      snapshot->rows.insert(snapshot->rows.end(), data + at, data + at + n);
    });
  }
  return snapshot;
}

void KvCache::restore(const KvSnapshot& snapshot) noexcept {
  const std::uint8_t* from = snapshot.rows.data();
  for (const graph::KvView& view : rings_) {
    for_each_run(view, snapshot_begin(snapshot.position), snapshot.position,
                 [&](std::uint8_t* data, std::size_t at, std::size_t n) {
                   std::memcpy(data + at, from, n);
                   from += n;
                 });
  }
  valid_begin_ = snapshot_begin(snapshot.position);
}

void KvCache::copy_from(const KvCache& other, std::size_t position) noexcept {
  for (std::size_t i = 0; i < owned_.size(); ++i) {
    const graph::KvView& mine = owned_[i];
    const graph::KvView& theirs = other.owned_[i];
    const std::size_t begin = position > mine.capacity ? position - mine.capacity : 0;
    for_each_run(mine, begin, position, [&](std::uint8_t* data, std::size_t at, std::size_t n) {
      std::memcpy(data + at, (data == mine.keys ? theirs.keys : theirs.values) + at, n);
    });
  }
  valid_begin_ = other.valid_begin_;
}

}  // namespace gemma4::session
