#include "session/session.h"

#include <algorithm>
#include <chrono>
#include <new>
#include <numeric>
#include <string>

#include "base/check.h"
#include "base/log.h"

namespace gemma4::session {
namespace {

constexpr std::size_t kMostLogits = std::size_t{1} << 24;  // that a sink gets at once: 64 MiB

std::size_t positive(int value, const char* name) {
  GEMMA4_CHECK(value >= 1, ErrorCode::invalid_argument, name, ": expected at least 1, got ", value);
  return static_cast<std::size_t>(value);
}

DType cache_dtype(const model::LoadedModel& model, const SessionOptions& options) {
  return options.kv_dtype.value_or(model.compute() == Compute::f32 ? DType::f32 : DType::f16);
}

/// Rows of the longest step.
std::size_t step_rows(const SessionOptions& options) {
  GEMMA4_CHECK(options.longest_block >= 0, ErrorCode::invalid_argument, "longest_block: expected at least 0, got ",
               options.longest_block);
  const std::size_t rows = std::max(positive(options.prefill_chunk, "prefill_chunk"),
                                    static_cast<std::size_t>(options.longest_block));
  return std::min(rows, positive(options.context_length, "context_length"));
}

Span<const float> values_of(graph::ConstRows rows) noexcept { return {rows.data, rows.n * rows.width}; }

void require_ascending(Span<const std::int32_t> rows, std::size_t n) {
  for (std::size_t i = 0; i < rows.size(); ++i) {
    GEMMA4_CHECK(rows[i] >= 0 && static_cast<std::size_t>(rows[i]) < n && (i == 0 || rows[i - 1] < rows[i]),
                 ErrorCode::invalid_argument, "prefill: rows must ascend within [0, ", n, "), got ", rows[i], " at index ", i);
  }
}

/// The rows of n whose hidden states a prefill needs.
std::vector<std::int32_t> rows_for(const PrefillOptions& options, std::size_t n) {
  std::vector<std::int32_t> rows;
  switch (options.want) {
    case Want::nothing: break;
    case Want::last_logits: rows = {static_cast<std::int32_t>(n - 1)}; break;
    case Want::hidden_states: [[fallthrough]];
    case Want::all_logits:
      rows.resize(n);
      std::iota(rows.begin(), rows.end(), 0);
      break;
    case Want::rows: rows.assign(options.rows.begin(), options.rows.end()); break;
  }
  return rows;
}

/// The rows within [begin, end), counted from begin.
std::vector<std::int32_t> within(Span<const std::int32_t> rows, std::size_t begin, std::size_t end) {
  const auto from = std::lower_bound(rows.begin(), rows.end(), static_cast<std::int32_t>(begin));
  const auto to = std::lower_bound(from, rows.end(), static_cast<std::int32_t>(end));
  std::vector<std::int32_t> result(from, to);
  for (std::int32_t& row : result) row -= static_cast<std::int32_t>(begin);
  return result;
}

void require_finite(bool finite, std::size_t position) {
  GEMMA4_CHECK(finite, ErrorCode::non_finite, "the step at position ", position, " gave values that are not finite");
}

}  // namespace

/// Tells the host between the layers of a chunk how many tokens are done. The host's function may wait for other
/// threads, and those for the model: it is called while they may have it.
class SessionState::ChunkProgress {
 public:
  ChunkProgress(const Progress& told, model::Turn& turn, std::size_t begin, std::size_t end, std::size_t total) {
    if (!told) return;
    steps_ = [this, &told, &turn, begin, end, total, last = begin](std::size_t done, std::size_t of) mutable {
      const std::size_t now = begin + (end - begin) * done / of;
      if (now <= last || (turn.awaited() && !due())) return;
      last = now;
      turn.pause([&] { told(now, total); });
    };
  }
  ChunkProgress(const ChunkProgress&) = delete;
  ChunkProgress& operator=(const ChunkProgress&) = delete;

  /// For model::Step; null: the host asks for none.
  const Progress* steps() const noexcept { return steps_ ? &steps_ : nullptr; }

 private:
  using Clock = std::chrono::steady_clock;

  /// Long enough after the last time that others were let in.
  bool due() {
    const Clock::time_point now = Clock::now();
    if (now - last_ < std::chrono::milliseconds(100)) return false;
    last_ = now;
    return true;
  }

  Progress steps_;
  Clock::time_point last_ = Clock::now();
};

SessionState::SessionState(std::shared_ptr<const model::LoadedModel> model, const SessionOptions& options) try
    : model_(std::move(model)),
      options_(options),
      context_length_(positive(options.context_length, "context_length")),
      step_rows_(step_rows(options)),
      cache_(model_->config(), context_length_, step_rows_, cache_dtype(*model_, options)),
      logits_(static_cast<std::size_t>(model_->config().vocab_size), "logits") {
  history_.reserve(context_length_);
  chunk_.reserve(step_rows_);
  model_->turns().reserve(step_rows_);
  const int trained = model_->config().max_position_embeddings;
  if (options.context_length > trained) {
    base::log(LogLevel::warning, "session: context_length ", options.context_length,
              " is more than the model's max_position_embeddings, ", trained, ": what stands further on it was not made for");
  }
} catch (const std::bad_alloc&) {
  base::fail(ErrorCode::out_of_memory, "session: context_length ", options.context_length, " and prefill_chunk ",
             options.prefill_chunk, " do not fit the memory");
}

void SessionState::check_input(const InputRows& input) const {
  const ModelConfig& config = model_->config();
  const Span<const TokenId> tokens = input.tokens;
  const int limit = config.hidden_size_per_layer_input != 0
                        ? std::min(config.vocab_size, config.vocab_size_per_layer_input) : config.vocab_size;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    GEMMA4_CHECK(tokens[i] >= 0 && tokens[i] < limit, ErrorCode::token_out_of_range, "token ", i,
                 ": expected an id in [0, ", limit, "), got ", tokens[i]);
  }
  std::size_t end = 0;
  for (const MediumRows& medium : input.media) {
    GEMMA4_CHECK(medium.begin >= end && medium.begin < medium.end && medium.end <= tokens.size() &&
                     medium.embeddings != nullptr && medium.content != 0, ErrorCode::invalid_argument,
                 "media: expected rows that ascend within [0, ", tokens.size(), "), got [", medium.begin, ", ", medium.end, ")");
    GEMMA4_CHECK(!medium.block || medium.end - medium.begin <= step_rows_, ErrorCode::invalid_argument, "media: expected at most ",
                 step_rows_, " rows that see one another (SessionOptions::longest_block), got ", medium.end - medium.begin);
    end = medium.end;
  }
  GEMMA4_CHECK(tokens.size() <= context_length_ - position(), ErrorCode::context_full, "context_length is ",
               context_length_, ": the session holds ", position(), " tokens, ", tokens.size(), " more do not fit");
}

std::size_t SessionState::chunk_end(const InputRows& input, std::size_t begin) const {
  const std::size_t chunk = std::min(static_cast<std::size_t>(options_.prefill_chunk), step_rows_);
  const std::size_t end = std::min(begin + chunk, input.tokens.size());
  for (const MediumRows& medium : input.media) {
    if (medium.block && medium.begin < end && medium.end > end) return medium.begin > begin ? medium.begin : medium.end;
  }
  return end;
}

void SessionState::run_chunk(const model::Turn& turn, const InputRows& input, std::size_t begin, std::size_t end,
                             Span<const std::int32_t> keep, const CancelToken* cancel, const Progress* progress) {
  chunk_.clear();
  for (std::size_t i = begin; i < end; ++i) chunk_.push_back({input.tokens[i], nullptr});
  blocks_.clear();
  const auto width = static_cast<std::size_t>(model_->config().hidden_size);
  for (const MediumRows& medium : input.media) {
    for (std::size_t i = std::max(begin, medium.begin); i < std::min(end, medium.end); ++i) {
      chunk_[i - begin].embedding = medium.embeddings + (i - medium.begin) * width;
    }
    if (medium.block && medium.begin >= begin && medium.end <= end) {
      blocks_.push_back({static_cast<std::int32_t>(medium.begin - begin), static_cast<std::int32_t>(medium.end - begin)});
    }
  }
  const model::SequenceStep sequence{chunk_, position(), cache_.views(), keep, blocks_};
  model::Step step;
  step.sequences = {&sequence, 1};
  step.skip_shared_layers = options_.skip_shared_layers;
  step.cancel = cancel;
  step.progress = progress;
  step.probe = probe_ ? &probe_ : nullptr;
  step.profile = profile_;
  const bool in_vain = cancel != nullptr && cancel->cancelled();  // then the rings keep what they hold
  if (!in_vain) cache_.will_write_to(position() + chunk_.size());
  GEMMA4_CHECK(!in_vain && model_->decoder().forward(step, turn.memory()), ErrorCode::cancelled,
               "cancelled at position ", position());
}

// What is wanted of a chunk of n rows that was run, `kept` of them, to dst.
void SessionState::give(const model::Turn& turn, Want want, std::size_t n, std::size_t kept, float* dst) const {
  const graph::ConstRows hidden = turn.workspace().normed.first(kept);
  if (kept == 0) {  // no logits to tell: what the cache was computed from
    require_finite(model::all_finite(values_of(turn.workspace().x.first(n))), position());
  } else if (want == Want::hidden_states) {
    require_finite(model::all_finite(values_of(hidden)), position());
    std::copy(values_of(hidden).begin(), values_of(hidden).end(), dst);
  } else {
    require_finite(logits(turn, hidden, dst), position());
  }
}

// The host's progress function; what it does to this session in the middle of a prefill would go on in silence.
SessionState::Progress SessionState::guarded(const Progress& told) const {
  if (!told) return {};
  return [this, &told, mine = uses_](std::size_t done, std::size_t total) {
    told(done, total);
    GEMMA4_CHECK(uses_ == mine, ErrorCode::invalid_argument, "prefill: its progress function has used the session");
  };
}

void SessionState::run(const InputRows& input, Span<const std::int32_t> rows, const CancelToken* cancel,
                       const Progress& told, const ChunkDone& done) {
  const std::size_t n = input.tokens.size();
  has_logits_ = false;
  ++uses_;
  const Progress tell = guarded(told);
  for (std::size_t begin = 0; begin < n;) {
    const std::size_t end = chunk_end(input, begin);
    const std::vector<std::int32_t> keep = within(rows, begin, end);
    {
      model::Turn turn = model_->turns().take();
      const ChunkProgress progress(tell, turn, begin, end, n);
      run_chunk(turn, input, begin, end, keep, cancel, progress.steps());
      done(turn, begin, end, keep);
    }
    history_.append(input, begin, end);
    begin = end;
    if (tell) tell(begin, n);
  }
}

Span<const float> SessionState::prefill(const InputRows& input, const PrefillOptions& options) try {
  GEMMA4_CHECK(!input.tokens.empty(), ErrorCode::invalid_argument, "prefill: expected at least one token");
  check_input(input);
  const std::vector<std::int32_t> rows = rows_for(options, input.tokens.size());
  require_ascending(rows, input.tokens.size());
  const bool single = options.want == Want::last_logits;
  const ModelConfig& config = model_->config();
  const auto width = static_cast<std::size_t>(options.want == Want::hidden_states ? config.hidden_size : config.vocab_size);
  const std::size_t row_values = single ? 0 : rows.size() * width;
  if (rows_.size() != row_values) {
    rows_ = {};  // before the new ones come
    rows_ = base::AlignedBuffer<float>(row_values, "prefill: the rows asked for");
  }
  float* dst = single ? logits_.data() : rows_.data();
  run(input, rows, options.cancel ? &*options.cancel : nullptr, options.progress,
      [&](const model::Turn& turn, std::size_t begin, std::size_t end, Span<const std::int32_t> kept) {
        give(turn, options.want, end - begin, kept.size(), dst);
        dst += kept.size() * width;
      });
  has_logits_ = single;
  return single ? logits_.span() : rows_.span();
} catch (const std::bad_alloc&) {
  base::fail(ErrorCode::out_of_memory, "prefill: no memory for a chunk at position ", position());
}

void SessionState::prefill(const InputRows& input, Span<const std::int32_t> rows, bool with_logits, const RowSink& sink,
                           const std::optional<CancelToken>& cancel) try {
  GEMMA4_CHECK(!input.tokens.empty(), ErrorCode::invalid_argument, "prefill: expected at least one token");
  check_input(input);
  require_ascending(rows, input.tokens.size());
  const auto vocab_size = static_cast<std::size_t>(model_->config().vocab_size);
  std::vector<float> values;
  std::vector<std::int32_t> indices;
  run(input, rows, cancel ? &*cancel : nullptr, {},
      [&](const model::Turn& turn, std::size_t begin, std::size_t end, Span<const std::int32_t> kept) {
        if (kept.empty()) return give(turn, Want::nothing, end - begin, 0, nullptr);
        const graph::ConstRows hidden = turn.workspace().normed.first(kept.size());
        require_finite(model::all_finite(values_of(hidden)), position());
        const std::size_t most = with_logits ? std::max(kMostLogits / vocab_size, std::size_t{1}) : kept.size();
        for (std::size_t first = 0; first < kept.size(); first += most) {
          const graph::ConstRows some = hidden.part(first, std::min(most, kept.size() - first));
          if (with_logits) {
            values.resize(some.n * vocab_size);
            require_finite(logits(turn, some, values.data()), position());
          }
          indices.assign(kept.begin() + first, kept.begin() + first + some.n);
          for (std::int32_t& row : indices) row += static_cast<std::int32_t>(begin);
          sink({indices, some, {values.data(), with_logits ? some.n : 0, vocab_size}});
        }
      });
} catch (const std::bad_alloc&) {
  base::fail(ErrorCode::out_of_memory, "prefill: no memory for a chunk at position ", position());
}

Span<const float> SessionState::decode(TokenId token, const CancelToken* cancel) {
  const InputRows input{{&token, 1}, {}};
  check_input(input);
  ++uses_;
  static constexpr std::int32_t kOnlyRow = 0;
  const model::Turn turn = model_->turns().take();
  run_chunk(turn, input, 0, 1, {&kOnlyRow, 1}, cancel, nullptr);
  has_logits_ = false;
  require_finite(logits(turn, turn.workspace().normed.first(1), logits_.data()), position());
  has_logits_ = true;
  history_.append(input, 0, 1);
  return logits_.span();
}

bool SessionState::logits(const model::Turn& turn, graph::ConstRows hidden, float* dst) const {
  return model_->decoder().logits(hidden, matmul::Arithmetic::together(), turn.matmul(), dst, profile_);
}

void SessionState::truncate(std::size_t n) {
  GEMMA4_CHECK(n <= position(), ErrorCode::invalid_argument, "truncate: expected at most position ", position(),
               ", got ", n);
  GEMMA4_CHECK(history_.nearest_cut(n) == n, ErrorCode::invalid_argument, "truncate to ", n,
               ": its rows see one another with those after it; the nearest place before is ", history_.nearest_cut(n));
  if (n == position()) return;
  ++uses_;
  const auto checkpoint = std::find_if(checkpoints_.begin(), checkpoints_.end(),
                                       [&](const auto& snapshot) { return snapshot->position == n; });
  if (n == 0) {
    cache_.reset();
  } else if (!cache_.can_resume_at(n)) {
    const std::size_t smallest = cache_.smallest_resumable();
    if (checkpoint == checkpoints_.end()) {
      std::string others;
      for (const auto& snapshot : checkpoints_) others += base::concat(", or the checkpoint at ", snapshot->position);
      base::fail(ErrorCode::invalid_argument, "truncate to ", n, ": the sliding layers have forgotten; possible are ",
                 smallest, " to ", position(), ", 0", others);
    }
    cache_.restore(**checkpoint);
  }
  history_.truncate(n);
  has_logits_ = false;
  while (!checkpoints_.empty() && checkpoints_.back()->position > n) checkpoints_.pop_back();
}

std::size_t SessionState::nearest_resumable(std::size_t n) const noexcept {
  n = history_.nearest_cut(n);
  if (n == position() || (n != 0 && cache_.can_resume_at(n))) return n;
  std::size_t nearest = 0;
  for (const auto& snapshot : checkpoints_) {
    if (snapshot->position <= n) nearest = snapshot->position;
  }
  return nearest;
}

bool SessionState::checkpoint() {
  const std::size_t here = position();
  if (!checkpoints_.empty() && checkpoints_.back()->position == here) return true;
  const std::size_t needed = cache_.snapshot_bytes(here);
  if (needed > options_.checkpoint_bytes) return false;
  std::size_t total = needed;
  for (const auto& snapshot : checkpoints_) total += snapshot->rows.size();
  while (total > options_.checkpoint_bytes) {
    total -= checkpoints_.front()->rows.size();
    checkpoints_.erase(checkpoints_.begin());
  }
  try {
    checkpoints_.push_back(cache_.take_snapshot(here));
  } catch (const std::bad_alloc&) {
    return false;
  }
  return true;
}

std::shared_ptr<SessionState> SessionState::fork() const {
  auto copy = std::make_shared<SessionState>(model_, options_);
  copy->cache_.copy_from(cache_, position());
  copy->history_ = history_;
  copy->history_.reserve(context_length_);
  copy->checkpoints_ = checkpoints_;
  copy->has_logits_ = has_logits_;
  if (has_logits_) std::copy(logits_.data(), logits_.data() + logits_.size(), copy->logits_.data());
  return copy;
}

std::shared_ptr<float> SessionState::take_rows() {
  if (rows_.size() == 0) return nullptr;
  ++uses_;
  auto taken = std::make_shared<base::AlignedBuffer<float>>(std::move(rows_));
  rows_ = {};
  return {taken, taken->data()};
}

SessionState::Bytes SessionState::bytes_for(const model::LoadedModel& model, const SessionOptions& options) {
  const std::size_t context_length = positive(options.context_length, "context_length"), rows = step_rows(options);
  Bytes bytes;
  bytes.cache = KvCache::bytes_for(model.config(), context_length, rows, cache_dtype(model, options));
  bytes.rest = static_cast<std::size_t>(model.config().vocab_size) * sizeof(float) + History::bytes_for(context_length);
  bytes.workspace = model.turns().bytes_for(rows);
  return bytes;
}

std::uint64_t SessionState::memory_bytes() const noexcept {
  return cache_.bytes() + logits_.bytes() + rows_.bytes() + history_.bytes();
}

}  // namespace gemma4::session
