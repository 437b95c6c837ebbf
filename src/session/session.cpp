#include "session/session.h"

#include <algorithm>
#include <chrono>
#include <mutex>
#include <new>
#include <numeric>

#include "base/check.h"
#include "base/log.h"

namespace gemma4::session {
namespace {

std::size_t positive(int value, const char* name) {
  GEMMA4_CHECK(value >= 1, ErrorCode::invalid_argument, name, ": expected at least 1, got ", value);
  return static_cast<std::size_t>(value);
}

DType cache_dtype(const model::LoadedModel& model, const SessionOptions& options) {
  return options.kv_dtype.value_or(model.compute() == Compute::f32 ? DType::f32 : DType::f16);
}

std::size_t chunk_rows(const SessionOptions& options) {
  return std::min(positive(options.prefill_chunk, "prefill_chunk"), positive(options.context_length, "context_length"));
}

void require_finite(bool finite, std::size_t position) {
  GEMMA4_CHECK(finite, ErrorCode::non_finite, "the step at position ", position, " gave values that are not finite");
}

}  // namespace

/// What a prefill returns, row by row over its chunks.
struct SessionState::Wanted {
  Want want;
  std::size_t width;               // values per row returned
  std::vector<std::int32_t> rows;  // indices into the whole prompt, ascending

  /// The wanted rows within [begin, end), counted from begin.
  std::vector<std::int32_t> within(std::size_t begin, std::size_t end) const {
    const auto from = std::lower_bound(rows.begin(), rows.end(), static_cast<std::int32_t>(begin));
    const auto to = std::lower_bound(from, rows.end(), static_cast<std::int32_t>(end));
    std::vector<std::int32_t> result(from, to);
    for (std::int32_t& row : result) row -= static_cast<std::int32_t>(begin);
    return result;
  }

  static Wanted of(const PrefillOptions& options, std::size_t n, const ModelConfig& config) {
    Wanted wanted{options.want, static_cast<std::size_t>(config.vocab_size), {}};
    switch (options.want) {
      case Want::nothing: break;
      case Want::last_logits: wanted.rows = {static_cast<std::int32_t>(n - 1)}; break;
      case Want::hidden_states: wanted.width = static_cast<std::size_t>(config.hidden_size); [[fallthrough]];
      case Want::all_logits:
        wanted.rows.resize(n);
        std::iota(wanted.rows.begin(), wanted.rows.end(), 0);
        break;
      case Want::rows: wanted.rows.assign(options.rows.begin(), options.rows.end()); break;
    }
    for (std::size_t i = 0; i < wanted.rows.size(); ++i) {
      const std::int32_t row = wanted.rows[i];
      GEMMA4_CHECK(row >= 0 && static_cast<std::size_t>(row) < n && (i == 0 || wanted.rows[i - 1] < row),
                   ErrorCode::invalid_argument, "prefill: rows must ascend within [0, ", n, "), got ", row, " at index ", i);
    }
    return wanted;
  }
};

/// Tells the host between the layers of a chunk how many tokens are done. The host's function may wait for other
/// threads, and those for the model: it is called while they may have it.
class SessionState::ChunkProgress {
 public:
  ChunkProgress(const Progress& told, std::unique_lock<base::TurnLock>& turn, std::size_t begin, std::size_t end,
                std::size_t total) {
    if (!told) return;
    steps_ = [this, &told, &turn, begin, end, total, last = begin](std::size_t done, std::size_t of) mutable {
      const std::size_t now = begin + (end - begin) * done / of;
      if (now <= last || (turn.mutex()->awaited() && !due())) return;
      last = now;
      turn.unlock();
      told(now, total);
      turn.lock();
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
      cache_(model_->config(), context_length_, chunk_rows(options), cache_dtype(*model_, options)),
      workspace_(model_->config(), chunk_rows(options), model_->pool().size()),
      logits_(static_cast<std::size_t>(model_->config().vocab_size), "logits") {
  tokens_.reserve(context_length_);
  const int trained = model_->config().max_position_embeddings;
  if (options.context_length > trained) {
    base::log(LogLevel::warning, "session: context_length ", options.context_length,
              " is more than the model's max_position_embeddings, ", trained, ": what stands further on it was not made for");
  }
} catch (const std::bad_alloc&) {
  base::fail(ErrorCode::out_of_memory, "session: context_length ", options.context_length, " and prefill_chunk ",
             options.prefill_chunk, " do not fit the memory");
}

void SessionState::check_tokens(Span<const TokenId> tokens) const {
  const ModelConfig& config = model_->config();
  const int limit = config.hidden_size_per_layer_input != 0
                        ? std::min(config.vocab_size, config.vocab_size_per_layer_input) : config.vocab_size;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    GEMMA4_CHECK(tokens[i] >= 0 && tokens[i] < limit, ErrorCode::token_out_of_range, "token ", i,
                 ": expected an id in [0, ", limit, "), got ", tokens[i]);
  }
  GEMMA4_CHECK(tokens.size() <= context_length_ - position(), ErrorCode::context_full, "context_length is ",
               context_length_, ": the session holds ", position(), " tokens, ", tokens.size(), " more do not fit");
}

void SessionState::run_chunk(Span<const TokenId> chunk, Span<const std::int32_t> keep, const CancelToken* cancel,
                             const Progress* progress) {
  model::Step step;
  step.tokens = chunk;
  step.position = position();
  step.keep = keep;
  step.skip_shared_layers = options_.skip_shared_layers;
  step.cancel = cancel;
  step.progress = progress;
  step.probe = probe_ ? &probe_ : nullptr;
  step.profile = profile_;
  const bool in_vain = cancel != nullptr && cancel->cancelled();  // then the rings keep what they hold
  if (!in_vain) cache_.will_write_to(position() + chunk.size());
  GEMMA4_CHECK(!in_vain && model_->decoder().forward(step, cache_.views(), workspace_), ErrorCode::cancelled,
               "cancelled at position ", position());
}

// What is wanted of a chunk of n rows that was run, `kept` of them, to dst.
void SessionState::give(const Wanted& wanted, std::size_t n, std::size_t kept, float* dst) {
  const float* hidden = workspace_.normed.data();
  const auto d = static_cast<std::size_t>(model_->config().hidden_size);
  if (kept == 0) {  // no logits to tell: what the cache was computed from
    require_finite(model_->decoder().all_finite(workspace_.x.data(), n * d), position());
  } else if (wanted.want == Want::hidden_states) {
    require_finite(model_->decoder().all_finite(hidden, kept * d), position());
    std::copy(hidden, hidden + kept * d, dst);
  } else {
    require_finite(model_->decoder().logits(hidden, kept, dst, profile_), position());
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

Span<const float> SessionState::prefill(Span<const TokenId> tokens, const PrefillOptions& options) try {
  GEMMA4_CHECK(!tokens.empty(), ErrorCode::invalid_argument, "prefill: expected at least one token");
  check_tokens(tokens);
  const Wanted wanted = Wanted::of(options, tokens.size(), model_->config());
  const bool single = wanted.want == Want::last_logits;
  const std::size_t row_values = single ? 0 : wanted.rows.size() * wanted.width;
  if (rows_.size() != row_values) {
    rows_ = {};  // before the new ones come
    rows_ = base::AlignedBuffer<float>(row_values, "prefill: the rows asked for");
  }
  has_logits_ = false;
  ++uses_;
  const Progress tell = guarded(options.progress);
  float* dst = single ? logits_.data() : rows_.data();
  const CancelToken* cancel = options.cancel ? &*options.cancel : nullptr;

  for (std::size_t begin = 0; begin < tokens.size();) {
    const std::size_t end = std::min(begin + workspace_.rows, tokens.size());
    const std::vector<std::int32_t> keep = wanted.within(begin, end);
    {
      auto turn = model_->pool().acquire();
      const ChunkProgress within(tell, turn, begin, end, tokens.size());
      run_chunk(tokens.subspan(begin, end - begin), keep, cancel, within.steps());
      give(wanted, end - begin, keep.size(), dst);
    }
    dst += keep.size() * wanted.width;
    tokens_.insert(tokens_.end(), tokens.begin() + begin, tokens.begin() + end);
    begin = end;
    if (tell) tell(begin, tokens.size());
  }
  has_logits_ = single;
  return single ? logits_.span() : rows_.span();
} catch (const std::bad_alloc&) {
  base::fail(ErrorCode::out_of_memory, "prefill: no memory for a chunk at position ", position());
}

Span<const float> SessionState::decode(TokenId token, const CancelToken* cancel) {
  check_tokens({&token, 1});
  ++uses_;
  static constexpr std::int32_t kOnlyRow = 0;
  const auto turn = model_->pool().acquire();
  run_chunk({&token, 1}, {&kOnlyRow, 1}, cancel, nullptr);
  has_logits_ = false;
  require_finite(model_->decoder().logits(workspace_.normed.data(), 1, logits_.data(), profile_), position());
  has_logits_ = true;
  tokens_.push_back(token);
  return logits_.span();
}

void SessionState::truncate(std::size_t n) {
  GEMMA4_CHECK(n <= position(), ErrorCode::invalid_argument, "truncate: expected at most position ", position(),
               ", got ", n);
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
  tokens_.resize(n);
  has_logits_ = false;
  while (!checkpoints_.empty() && checkpoints_.back()->position > n) checkpoints_.pop_back();
}

std::size_t SessionState::nearest_resumable(std::size_t n) const noexcept {
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
  copy->tokens_.assign(tokens_.begin(), tokens_.end());
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
  const std::size_t context_length = positive(options.context_length, "context_length"), rows = chunk_rows(options);
  Bytes bytes;
  bytes.cache = KvCache::bytes_for(model.config(), context_length, rows, cache_dtype(model, options));
  bytes.rest = model::Workspace::bytes_for(model.config(), rows, model.pool().size()) +
               static_cast<std::size_t>(model.config().vocab_size) * sizeof(float) + context_length * sizeof(TokenId);
  return bytes;
}

std::uint64_t SessionState::memory_bytes() const noexcept {
  return cache_.bytes() + workspace_.bytes() + logits_.bytes() + rows_.bytes() + tokens_.capacity() * sizeof(TokenId);
}

}  // namespace gemma4::session
