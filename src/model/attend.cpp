#include "model/attend.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>

namespace gemma4::model {
namespace {

using kernels::kKeyBlock;

constexpr std::size_t kWorthSharing = 1 << 18;  // rows times keys times head size below which no other thread is woken

/// Query rows that share a key head: row r of the head's rows is query head r % group of token r / group. They see
/// keys in `blocks` blocks of kKeyBlock positions.
struct Task {
  std::size_t kv_head, begin, count;
  std::size_t first_block, blocks;
  std::size_t before;  // cost of the tasks ahead of this one
};

/// The blocks of a task that one worker computes, counted from the task's first.
struct Part {
  std::size_t from, to;
  bool empty() const noexcept { return from == to; }
};

/// One call of attend: its tasks, and how they are cut among `workers`, by cost, from the shapes alone. A worker's
/// share is a run of whole tasks with a part of one at either end.
class Attention {
 public:
  Attention(const Context& c, const LayerConfig& layer, const Vector& q_norm, const RotaryRows& rotary,
            const KvView& kv, std::size_t n) noexcept
      : c_(c), q_norm_(q_norm), rotary_(rotary), kv_(kv) {
    heads_ = static_cast<std::size_t>(c.config.num_attention_heads);
    group_ = heads_ / kv.heads;
    rows_ = n * group_;
    window_ = layer.attention_type == AttentionType::sliding ? c.config.sliding_window
                                                             : std::numeric_limits<std::int64_t>::max();
    const std::size_t per_head = (rows_ + kAttentionRows - 1) / kAttentionRows;
    task_rows_ = std::min(kAttentionRows, ((rows_ + per_head - 1) / per_head + kMultiple - 1) / kMultiple * kMultiple);
    for_each_task([&](const Task& task) { cost_ = task.before + task.count * task.blocks; });
    workers_ = cost_ * kKeyBlock * kv.head_dim >= kWorthSharing ? static_cast<std::size_t>(c.pool.size()) : 1;
  }

  void run() const {
    if (workers_ == 1) return work(0);
    c_.pool.run([&](int worker) { work(static_cast<std::size_t>(worker)); });
    for_each_task([&](const Task& task) {
      if (is_cut(task)) finish(task, 0, workers_);
    });
  }

 private:
  static constexpr std::size_t kMultiple = 12;  // whole passes of the kernel

  template <class Fn>
  void for_each_task(Fn&& fn) const noexcept {
    std::size_t before = 0;
    for (std::size_t head = 0; head < kv_.heads; ++head) {
      for (std::size_t begin = 0; begin < rows_; begin += task_rows_) {
        const std::size_t count = std::min(task_rows_, rows_ - begin);
        const std::size_t first = static_cast<std::size_t>(first_visible(position(begin))) / kKeyBlock;
        const std::size_t last = static_cast<std::size_t>(position(begin + count - 1)) / kKeyBlock;
        const Task task{head, begin, count, first, last - first + 1, before};
        fn(task);
        before += count * task.blocks;
      }
    }
  }

  std::int64_t position(std::size_t row) const noexcept { return c_.ws.positions[row / group_]; }
  std::int64_t first_visible(std::int64_t p) const noexcept { return p >= window_ ? p - window_ + 1 : 0; }
  /// Where a row of a task lies in ws.q and ws.attended.
  std::size_t place(const Task& task, std::size_t r) const noexcept {
    const std::size_t row = task.begin + r;
    return ((row / group_) * heads_ + task.kv_head * group_ + row % group_) * kv_.head_dim;
  }

  /// The block of a task at which a worker's share begins.
  std::size_t share_begin(const Task& task, std::size_t worker) const noexcept {
    const std::size_t at = cost_ * worker / workers_;
    return at <= task.before ? 0 : std::min((at - task.before + task.count / 2) / task.count, task.blocks);
  }
  Part part(const Task& task, std::size_t worker) const noexcept {
    return {share_begin(task, worker), worker + 1 == workers_ ? task.blocks : share_begin(task, worker + 1)};
  }
  bool is_cut(const Task& task) const noexcept {
    for (std::size_t worker = 0; worker < workers_; ++worker) {
      const Part p = part(task, worker);
      if (!p.empty()) return p.to != task.blocks;
    }
    return false;
  }
  AttentionSums& sums(const Part& p, std::size_t worker) const noexcept {
    AttentionScratch& scratch = c_.ws.attention[worker];
    return p.from == 0 ? scratch.begun : scratch.continued;
  }

  void work(std::size_t worker) const noexcept {
    for_each_task([&](const Task& task) {
      const Part p = part(task, worker);
      if (p.empty()) return;
      compute(task, p, c_.ws.attention[worker], sums(p, worker));
      if (p.to - p.from == task.blocks) finish(task, worker, worker + 1);
    });
  }

  void compute(const Task& task, const Part& p, AttentionScratch& scratch, AttentionSums& into) const noexcept {
    const std::size_t d = kv_.head_dim;
    std::array<std::int64_t, kAttentionRows> first_seen, end_seen;
    for (std::size_t r = 0; r < task.count; ++r) {
      const std::size_t token = (task.begin + r) / group_;
      c_.kernels.norm_rope(c_.ws.q.data() + place(task, r), q_norm_.data(), rotary_.cos.data() + token * rotary_.pairs,
                           rotary_.sin.data() + token * rotary_.pairs, scratch.queries.data() + r * d, d,
                           rotary_.pairs, c_.config.rms_norm_eps);
      into.state[r] = {-std::numeric_limits<float>::infinity(), 0.0F};
      end_seen[r] = position(task.begin + r) + 1;
      first_seen[r] = first_visible(position(task.begin + r));
    }
    std::memset(into.sums.data(), 0, task.count * d * sizeof(float));

    std::array<std::int32_t, kAttentionRows> first, last;
    for (std::size_t b = task.first_block + p.from; b < task.first_block + p.to; ++b) {
      const auto start = static_cast<std::int64_t>(b * kKeyBlock);
      for (std::size_t r = 0; r < task.count; ++r) {
        first[r] = static_cast<std::int32_t>(std::clamp<std::int64_t>(first_seen[r] - start, 0, kKeyBlock));
        last[r] = static_cast<std::int32_t>(std::clamp<std::int64_t>(end_seen[r] - start, 0, kKeyBlock));
      }
      const std::size_t offset = block_offset(task, b);
      const void* next = b + 1 < task.first_block + p.to ? kv_.keys + block_offset(task, b + 1) : nullptr;
      c_.kernels.attend_block(scratch.queries.data(), task.count, kv_.keys + offset, kv_.values + offset, kv_.dtype,
                              d, first.data(), last.data(), into.state.data(), into.sums.data(), next);
    }
  }

  std::size_t block_offset(const Task& task, std::size_t block) const noexcept {
    return kv_.offset(task.kv_head, kv_.slot(block * kKeyBlock));
  }

  /// Joins the parts of a task that workers [begin, end) hold, in their order.
  void finish(const Task& task, std::size_t begin, std::size_t end) const noexcept {
    const auto for_each_part = [&](auto&& fn) {
      for (std::size_t worker = begin; worker < end; ++worker) {
        const Part p = part(task, worker);
        if (!p.empty()) fn(sums(p, worker));
      }
    };
    const auto weight = [](float part_max, float max) { return part_max == max ? 1.0F : std::exp(part_max - max); };
    for (std::size_t r = 0; r < task.count; ++r) {
      float max = -std::numeric_limits<float>::infinity(), total = 0;
      for_each_part([&](const AttentionSums& s) { max = std::max(max, s.state[r].max); });
      for_each_part([&](const AttentionSums& s) { total += s.state[r].sum * weight(s.state[r].max, max); });
      float* dst = c_.ws.attended.data() + place(task, r);
      std::memset(dst, 0, kv_.head_dim * sizeof(float));
      for_each_part([&](const AttentionSums& s) {
        const float factor = weight(s.state[r].max, max) / total;
        c_.kernels.add_scaled(s.sums.data() + r * kv_.head_dim, factor, dst, kv_.head_dim);
      });
    }
  }

  const Context& c_;
  const Vector& q_norm_;
  const RotaryRows& rotary_;
  const KvView& kv_;
  std::size_t workers_ = 1, heads_, group_, rows_, task_rows_, cost_ = 0;
  std::int64_t window_;
};

}  // namespace

void attend(const Context& c, const LayerConfig& layer, const Vector& q_norm, const RotaryRows& rotary, const KvView& kv,
            std::size_t n) {
  Attention(c, layer, q_norm, rotary, kv, n).run();
}

}  // namespace gemma4::model
