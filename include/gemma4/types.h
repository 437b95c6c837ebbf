// Value types shared by every layer: token ids, element types, spans, endings, cancellation.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace gemma4 {

/// Index of a vocabulary entry, 0 <= id < vocab_size.
using TokenId = std::int32_t;

/// Element type of a tensor or of a KV cache.
enum class DType : std::uint8_t { f32, f16, bf16 };

/// "f32", "f16" or "bf16"; static storage.
const char* to_string(DType dtype) noexcept;

/// Bytes of one element.
constexpr std::size_t size_of(DType dtype) noexcept { return dtype == DType::f32 ? 4 : 2; }

/// A pointer and a length; never owns. (std::span's shape, for C++17.)
template <class T>
class Span {
 public:
  constexpr Span() noexcept = default;
  constexpr Span(T* data, std::size_t size) noexcept : data_(data), size_(size) {}
  template <class U, class = std::enable_if_t<std::is_convertible_v<U (*)[], T (*)[]>>>
  constexpr Span(Span<U> other) noexcept : data_(other.data()), size_(other.size()) {}
  template <class U = std::remove_const_t<T>, class = std::enable_if_t<std::is_const_v<T>, U>>
  Span(const std::vector<U>& v) noexcept : data_(v.data()), size_(v.size()) {}
  template <class U = std::remove_const_t<T>, class = std::enable_if_t<!std::is_const_v<T>, U>>
  Span(std::vector<U>& v) noexcept : data_(v.data()), size_(v.size()) {}

  constexpr T* data() const noexcept { return data_; }
  constexpr std::size_t size() const noexcept { return size_; }
  constexpr bool empty() const noexcept { return size_ == 0; }
  constexpr T& operator[](std::size_t i) const noexcept { return data_[i]; }
  constexpr T* begin() const noexcept { return data_; }
  constexpr T* end() const noexcept { return data_ + size_; }
  constexpr Span subspan(std::size_t offset, std::size_t count) const noexcept { return {data_ + offset, count}; }
  constexpr Span subspan(std::size_t offset) const noexcept { return {data_ + offset, size_ - offset}; }

 private:
  T* data_ = nullptr;
  std::size_t size_ = 0;
};

/// Why a generation ended.
enum class StopReason : std::int32_t {
  end_of_turn = 1,    ///< The model emitted one of its end-of-generation tokens.
  stop_sequence = 2,  ///< One of GenerateOptions::stop appeared in the text.
  max_tokens = 3,     ///< GenerateOptions::max_tokens tokens were generated.
  context_full = 4,   ///< The session holds context_length tokens.
  cancelled = 5,      ///< The CancelToken was cancelled, or the callback returned StreamAction::cancel.
  loop = 6,           ///< A reply of Chat repeated itself without end (ChatOptions::loop_tokens).
};

/// The reason's name as spelled above; static storage.
const char* to_string(StopReason reason) noexcept;

/// What a streaming callback wants next.
enum class StreamAction : std::int32_t {
  proceed = 0,  ///< Go on.
  cancel = 1,   ///< End now; the generation returns StopReason::cancelled.
};

/// A flag that ends work from another thread. Copies share the flag. cancel() and cancelled() may be called from any
/// thread at any time; work that sees the flag stops within one layer of the model. Once cancelled it stays cancelled:
/// use a new token for new work.
///
/// cancel() may also be called from a signal handler: it stores to a lock-free atomic and does nothing else. The token
/// that the handler uses must live as long as the handler is installed; making, copying and destroying one is not for
/// handlers.
class CancelToken {
 public:
  CancelToken() : state_(std::make_shared<State>()) {}
  /// A token that also asks the host: work that looks at the token, between any two layers, calls `poll` from the
  /// thread that called the library, until it returns true, which cancels the token. So does an exception. For hosts
  /// whose wish to stop comes by a way of their own (a window's events, an interpreter's signals). `poll` must not use
  /// the model.
  explicit CancelToken(std::function<bool()> poll) : CancelToken() { state_->poll = std::move(poll); }

  void cancel() const noexcept { state_->flag.store(true, std::memory_order_relaxed); }
  bool cancelled() const noexcept {
    if (state_->flag.load(std::memory_order_relaxed)) return true;
    return state_->poll && ask();
  }

 private:
  struct State {
    std::atomic<bool> flag{false};
    std::function<bool()> poll;
  };
  static_assert(std::atomic<bool>::is_always_lock_free, "cancel() is promised to signal handlers");

  bool ask() const noexcept;

  std::shared_ptr<State> state_;
};

/// One candidate of a sampling step.
struct TokenProbability {
  TokenId token = 0;
  float logprob = 0.0F;  ///< Natural log of the softmax over the raw logits (before every transform).
};

/// What a sampling step chose.
struct SampledToken {
  TokenId token = 0;
  float logprob = 0.0F;               ///< As TokenProbability::logprob; 0 unless logprobs were asked for.
  std::vector<TokenProbability> top;  ///< The SamplerOptions::top_logprobs most likely tokens, best first.
};

/// One step of a streamed answer: text that is final, and the tokens whose text it completes. Concatenated over a
/// generation, `text` is the answer and `token_ids` are its tokens (without the end-of-turn token). `text` is valid
/// UTF-8 on its own: half a character is held back until it is complete. Either member may be empty.
struct Piece {
  std::string text;
  std::vector<TokenId> token_ids;
  std::vector<SampledToken> samples;  ///< One per token id when SamplerOptions::logprobs is set, else empty.
};

}  // namespace gemma4
