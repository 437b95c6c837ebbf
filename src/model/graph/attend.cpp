#include "model/graph/attend.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

namespace gemma4::graph {
namespace {

using kernels::kKeyBlock;

constexpr std::size_t kWorthSharing = 1 << 18;  // rows times keys times head size below which no other thread is woken

/// Query rows of one sequence that share a key head. They see keys in `blocks` blocks of kKeyBlock positions.
struct Task {
  const SequenceRows* sequence;
  std::size_t kv_head;
  std::size_t begin, count;  // of the head's rows in the sequence: number r is query head r % group of token r / group
  std::size_t first_block, blocks;
  std::size_t before;  // cost of the tasks ahead of this one
  std::size_t cost() const noexcept { return count * blocks; }
};

/// The blocks of a task that one worker computes, counted from the task's first.
struct Part {
  std::size_t from, to;
  bool empty() const noexcept { return from == to; }
};

/// One call of attend: its tasks, and how they are cut among `workers`, by cost, from the shapes alone. A worker's
/// share is a run of whole tasks, with a part of one at either end where tasks may be cut.
class Work {
 public:
  Work(const Kit& kit, const Attention& a) noexcept : kit_(kit), a_(a) {
    for_each_task([&](const Task& task) { cost_ = task.before + task.cost(); });
    workers_ = cost_ * kKeyBlock * a.head_dim >= kWorthSharing ? static_cast<std::size_t>(kit.pool.size()) : 1;
  }

  void run() const {
    if (workers_ == 1) return work(0);
    kit_.pool.run([&](int worker) { work(static_cast<std::size_t>(worker)); });
    for_each_task([&](const Task& task) {
      if (is_cut(task)) finish(task, 0, workers_);
    });
  }

 private:
  static constexpr std::size_t kMultiple = 12;  // whole passes of the kernel

  const KvView& view(const SequenceRows& sequence) const noexcept { return sequence.kv[a_.layer]; }
  const KvView& view(const Task& task) const noexcept { return view(*task.sequence); }
  std::size_t group(const SequenceRows& sequence) const noexcept { return a_.heads / view(sequence).heads; }

  template <class Fn>
  void for_each_task(Fn&& fn) const noexcept {
    std::size_t before = 0;
    for (const SequenceRows& sequence : a_.sequences) {
      const std::size_t rows = sequence.count * group(sequence);
      if (rows == 0) continue;
      const std::size_t per_head = (rows + kAttentionRows - 1) / kAttentionRows;
      const std::size_t task_rows =
          std::min(kAttentionRows, ((rows + per_head - 1) / per_head + kMultiple - 1) / kMultiple * kMultiple);
      for (std::size_t head = 0; head < view(sequence).heads; ++head) {
        for (std::size_t begin = 0; begin < rows; begin += task_rows) {
          Task task{&sequence, head, begin, std::min(task_rows, rows - begin), 0, 0, before};
          place_blocks(task);
          fn(task);
          before += task.cost();
        }
      }
    }
  }

  /// The blocks that some row of the task sees.
  void place_blocks(Task& task) const noexcept {
    KeyRange seen = visible(task, 0);
    for (std::size_t r = 1; r < task.count; ++r) {
      const KeyRange& range = visible(task, r);
      seen = {std::min(seen.begin, range.begin), std::max(seen.end, range.end)};
    }
    task.first_block = static_cast<std::size_t>(seen.begin) / kKeyBlock;
    task.blocks = static_cast<std::size_t>(seen.end - 1) / kKeyBlock - task.first_block + 1;
  }

  /// The step's row that a row of the task is a head of.
  std::size_t step_row(const Task& task, std::size_t r) const noexcept {
    return task.sequence->first + (task.begin + r) / group(*task.sequence);
  }
  const KeyRange& visible(const Task& task, std::size_t r) const noexcept { return a_.visible[step_row(task, r)]; }
  /// Where a row of a task lies in the queries and in dst.
  std::size_t place(const Task& task, std::size_t r) const noexcept {
    const std::size_t heads_in_group = group(*task.sequence);
    const std::size_t head = task.kv_head * heads_in_group + (task.begin + r) % heads_in_group;
    return (step_row(task, r) * a_.heads + head) * a_.head_dim;
  }

  /// The block of a task at which a worker's share begins.
  std::size_t share_begin(const Task& task, std::size_t worker) const noexcept {
    const std::size_t at = cost_ * worker / workers_;
    if (!kit_.arithmetic.cuts_keys()) return at <= task.before + task.cost() / 2 ? 0 : task.blocks;
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
    AttentionScratch& scratch = a_.scratch[worker];
    return p.from == 0 ? scratch.begun : scratch.continued;
  }

  void work(std::size_t worker) const noexcept {
    for_each_task([&](const Task& task) {
      const Part p = part(task, worker);
      if (p.empty()) return;
      compute(task, p, a_.scratch[worker], sums(p, worker));
      if (p.to - p.from == task.blocks) finish(task, worker, worker + 1);
    });
  }

  void compute(const Task& task, const Part& p, AttentionScratch& scratch, AttentionSums& into) const noexcept {
    const std::size_t d = a_.head_dim;
    std::array<KeyRange, kAttentionRows> seen;
    for (std::size_t r = 0; r < task.count; ++r) {
      const std::size_t row = step_row(task, r);
      kit_.kernels.norm_rope(a_.queries.data + place(task, r), a_.q_norm->data(), a_.rotation.cos_row(row),
                             a_.rotation.sin_row(row), scratch.queries.data() + r * d, d, a_.rotation.pairs, a_.eps);
      into.state[r] = {-std::numeric_limits<float>::infinity(), 0.0F};
      seen[r] = a_.visible[row];
    }
    std::memset(into.sums.data(), 0, task.count * d * sizeof(float));

    const KvView& kv = view(task);
    std::array<std::int32_t, kAttentionRows> first, last;
    for (std::size_t b = task.first_block + p.from; b < task.first_block + p.to; ++b) {
      const auto start = static_cast<std::int64_t>(b * kKeyBlock);
      for (std::size_t r = 0; r < task.count; ++r) {
        first[r] = static_cast<std::int32_t>(std::clamp<std::int64_t>(seen[r].begin - start, 0, kKeyBlock));
        last[r] = static_cast<std::int32_t>(std::clamp<std::int64_t>(seen[r].end - start, 0, kKeyBlock));
      }
      const std::size_t offset = block_offset(task, b);
      const void* next = b + 1 < task.first_block + p.to ? kv.keys + block_offset(task, b + 1) : nullptr;
      kit_.kernels.attend_block(scratch.queries.data(), task.count, kv.keys + offset, kv.values + offset, kv.dtype, d,
                                first.data(), last.data(), into.state.data(), into.sums.data(), next);
    }
  }

  std::size_t block_offset(const Task& task, std::size_t block) const noexcept {
    return view(task).offset(task.kv_head, view(task).slot(block * kKeyBlock));
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
      float* dst = a_.dst.data + place(task, r);
      std::memset(dst, 0, a_.head_dim * sizeof(float));
      for_each_part([&](const AttentionSums& s) {
        const float factor = weight(s.state[r].max, max) / total;
        kit_.kernels.add_scaled(s.sums.data() + r * a_.head_dim, factor, dst, a_.head_dim);
      });
    }
  }

  const Kit& kit_;
  const Attention& a_;
  std::size_t workers_ = 1, cost_ = 0;
};

/// Keys and values read once by each sequence, and two products per row and visible key.
void lap(const Kit& kit, const Attention& a) noexcept {
  if (!kit.watch.running()) return;
  std::uint64_t bytes = 0, pairs = 0;
  for (const SequenceRows& sequence : a.sequences) {
    if (sequence.count == 0) continue;
    const KvView& kv = sequence.kv[a.layer];
    KeyRange seen = a.visible[sequence.first];
    for (std::size_t i = sequence.first; i < sequence.first + sequence.count; ++i) {
      seen = {std::min(seen.begin, a.visible[i].begin), std::max(seen.end, a.visible[i].end)};
      pairs += static_cast<std::uint64_t>(a.visible[i].end - a.visible[i].begin);
    }
    bytes += 2 * static_cast<std::uint64_t>(seen.end - seen.begin) * kv.heads * kv.head_dim * size_of(kv.dtype);
  }
  kit.watch.lap(Op::attention, bytes, 4 * pairs * a.heads * a.head_dim);
}

}  // namespace

AttentionScratch::AttentionScratch(std::size_t head_dim)
    : queries(kAttentionRows * head_dim, "activations") {
  begun.sums = base::AlignedBuffer<float>(kAttentionRows * head_dim, "activations");
  continued.sums = base::AlignedBuffer<float>(kAttentionRows * head_dim, "activations");
}

void attend(const Kit& kit, const Attention& attention) {
  Work(kit, attention).run();
  lap(kit, attention);
}

}  // namespace gemma4::graph
