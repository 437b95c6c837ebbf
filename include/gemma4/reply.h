// Reply and what it is made of: a model's answer as values, and the events of one that is being written.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "gemma4/json.h"
#include "gemma4/message.h"
#include "gemma4/types.h"

namespace gemma4 {

/// Why a reply ended, as chat APIs say it.
enum class FinishReason : std::uint8_t {
  stop,        ///< The model ended its turn, or a stop string came (StopReason says which).
  tool_calls,  ///< The model wants tools called.
  length,      ///< max_tokens, or the context is full.
  cancelled,
  loop,        ///< It repeated itself without end.
};

/// "stop", "tool_calls", "length", "cancelled" or "loop"; static storage.
const char* to_string(FinishReason reason) noexcept;

/// A step of a reply. Texts of one type, joined, are the reply's.
struct ChatEvent {
  enum class Type : std::uint8_t {
    content,            ///< `text`: more of the answer.
    reasoning,          ///< `text`: more of the thought.
    tool_call_started,  ///< `index`, `call.name`: a call whose arguments are still being written. Should they turn out to
                        ///< be none, its text comes as content.
    tool_call,          ///< `index`, `call`: a call, whole.
  };
  Type type = Type::content;
  std::string text;
  std::size_t index = 0;  ///< Of the call, from 0.
  ToolCall call;
  /// Where SamplerOptions::logprobs is set, of content and reasoning: the tokens that `text` completes (as Piece::samples).
  /// Where a stop string has come, those up to the one that completed it, and `text` may be empty. Tokens whose text goes
  /// elsewhere or nowhere (markup, calls, white space around them) are in no event.
  std::vector<SampledToken> samples;
};

/// "content", "reasoning", "tool_call_started" or "tool_call"; static storage.
const char* to_string(ChatEvent::Type type) noexcept;

/// Whether the model thinks before it answers, and for how long.
struct Thinking {
  bool enabled = false;
  int budget = -1;  ///< Most tokens of a reply's thoughts; then the thought is closed and the answer goes on. -1: no limit.

  static Thinking off() { return {}; }
  static Thinking on() { return {true, -1}; }
  static Thinking up_to(int tokens) { return {true, tokens}; }
};

/// What a reply cost, in tokens.
struct Usage {
  std::size_t prompt_tokens = 0;      ///< Of the whole conversation, up to where the model spoke.
  std::size_t reused_tokens = 0;      ///< Of those, the ones that were not computed again.
  std::size_t completion_tokens = 0;  ///< Chosen, thoughts and markup among them.
  std::size_t reasoning_tokens = 0;   ///< Of those, the ones of thoughts.
  double prefill_seconds = 0.0;       ///< Spent reading what is new of the conversation.
  double decode_seconds = 0.0;        ///< Spent writing, what chooses tokens included.
  double time_to_first_token = 0.0;   ///< As GenerateResult::time_to_first_token.
  double tokens_per_second = 0.0;     ///< As GenerateResult::tokens_per_second.
};

/// A model's answer.
struct Reply {
  std::string text;
  std::string reasoning;  ///< The thought; empty when thinking is off (but for a reply that holds nothing else).
  std::vector<ToolCall> tool_calls;
  FinishReason finish_reason = FinishReason::stop;
  StopReason stop_reason = StopReason::end_of_turn;
  std::string stop;  ///< The stop string that ended it (StopReason::stop_sequence), else empty.
  Usage usage;
  /// Of the content's events, joined: the tokens that `text` was made of, where SamplerOptions::logprobs is set.
  std::vector<SampledToken> samples;
  /// What the host should know of this reply: tools whose calls are not held to their schemas (and why), calls without a
  /// result that left the conversation. The log has them too (set_log).
  std::vector<std::string> warnings;

  /// As a message of the conversation: what Chat keeps of it, for a history of your own.
  Message message() const;
};

/// {"prompt_tokens", "reused_tokens", "completion_tokens", "reasoning_tokens", "prefill_seconds", "decode_seconds",
/// "time_to_first_token", "tokens_per_second"}.
Json to_json(const Usage& usage);
/// Every member by its name; the reasons by theirs, calls as to_json(ToolCall), samples as {"token", "logprob", "top":
/// [{"token", "logprob"}]}.
Json to_json(const Reply& reply);
/// {"type", "text", "index", "call", "samples"}; "call" is null where there is none.
Json to_json(const ChatEvent& event);

}  // namespace gemma4
