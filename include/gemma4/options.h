// Option structs of the public API: every field with its default and the reason for it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gemma4/constraint.h"
#include "gemma4/types.h"

namespace gemma4 {

/// How exactly a model computes. Weights keep their file's type in memory, whatever is chosen.
enum class Compute : std::uint8_t {
  automatic,  ///< F32 activations and accumulation; the KV cache in f16, unless the weights are F32: then as f32.
  f32,        ///< The KV cache in F32 too: matches an F32 reference to 1e-4 of a logit.
  bf16,       ///< Activations rounded to bf16 for the products of a prefill, where weights are bf16 and the CPU has
              ///< instructions for it: up to twice as fast there, with errors about fifteen times those of automatic.
              ///< As automatic elsewhere.
};

/// "auto", "f32" or "bf16"; static storage.
const char* to_string(Compute compute) noexcept;

/// Runs part(index) once for each index below `count`, in any order, on any threads, and returns when all are done. Parts do
/// not wait for each other. Called by the thread that works with the model, one call at a time for each model; what it
/// throws ends the step that needed it.
using Runner = std::function<void(int count, const std::function<void(int index)>& part)>;

/// Options of Model::load.
struct ModelOptions {
  // Affects results
  Compute compute = Compute::automatic;

  // Affects performance
  int threads = -1;      ///< Threads of the model's pool, the calling thread included; -1: one per physical core.
  Runner runner;         ///< The host's threads instead of a pool: a step's work is cut into `threads` parts for it, with
                         ///< the results of as many threads of the pool, bit for bit. Empty: the model has a pool.
  bool use_mmap = true;  ///< False: read the weights into memory, for files that may be cut short while in use
                         ///< (a mapped file that shrinks ends the process with SIGBUS).

  /// Called while loading with 0 <= done <= total (bytes looked at); from the loading thread. May be empty. What it
  /// throws ends loading.
  std::function<void(std::uint64_t done, std::uint64_t total)> progress;
};

/// Options of Session.
struct SessionOptions {
  /// Tokens the session can hold; memory for them is committed when it is made. More than the model's
  /// ModelConfig::max_position_embeddings is allowed and logged as a warning: the model was not made for such texts.
  int context_length = 4096;
  int prefill_chunk = 512;         ///< Tokens computed together in prefill; larger is faster and needs more memory.
  int longest_block = 0;           ///< Rows of the longest picture whose rows see one another (up to 1,120; models with
                                   ///< use_bidirectional_attention): such a step may exceed prefill_chunk. 0: text alone.
  std::optional<DType> kv_dtype;   ///< Element type of the KV cache; default f32 when computing in F32, else f16.
  std::uint64_t checkpoint_bytes = std::uint64_t{256} << 20;  ///< Memory for Session::checkpoint(); oldest dropped first.
  bool skip_shared_layers = true;  ///< Rows nobody asked for skip the KV-shared layers in prefill (exact; for tests).
};

/// What Session::prefill should return.
enum class Want : std::uint8_t {
  nothing,        ///< Fill the cache only.
  last_logits,    ///< Logits of the last token: [1, vocab_size].
  rows,           ///< Logits of the tokens in PrefillOptions::rows: [rows, vocab_size].
  all_logits,     ///< Logits of every token: [n_tokens, vocab_size].
  hidden_states,  ///< Hidden state of every token after the final norm: [n_tokens, hidden_size].
};

/// Options of Session::prefill.
struct PrefillOptions {
  Want want = Want::last_logits;
  std::vector<int> rows;             ///< For Want::rows: indices into the given tokens, strictly ascending.
  std::optional<CancelToken> cancel;
  /// Called with the tokens done and the tokens in all, from the calling thread: after each chunk, and within a chunk
  /// between two layers, in so far as the work done amounts to a token more. `done` ascends, so there are at most
  /// `total` calls, and the last has done == total. Within a chunk others may have a turn on the model meanwhile; where
  /// they wait for one, there are ten calls a second at most. What it throws ends the prefill as a cancel does. May be
  /// empty.
  std::function<void(std::size_t done, std::size_t total)> progress;
};

/// How to choose a token from logits. Transforms are applied in the order of the fields, each to what the one before
/// it left. The defaults of a given model come from Model::sampler_defaults().
struct SamplerOptions {
  std::vector<TokenId> suppress;                         ///< Never chosen.
  std::vector<std::pair<TokenId, float>> logit_bias;     ///< Added to these tokens' logits.
  float repetition_penalty = 1.0F;  ///< > 1 divides positive (multiplies negative) logits of tokens seen; 1: off.
  float presence_penalty = 0.0F;    ///< Subtracted once from logits of tokens seen; 0: off.
  float frequency_penalty = 0.0F;   ///< Subtracted per occurrence; 0: off.
  int penalty_last_n = 64;          ///< How many latest tokens count as seen; -1: all, 0: none.
  /// DRY: a token that would go on with a repetition loses dry_multiplier * dry_base ^ (n - dry_allowed_length) of its
  /// logit, where n >= dry_allowed_length is how many of the latest tokens stand before that token elsewhere in the text
  /// too (the longest such run counts). 0: off; finite, not negative. No token becomes impossible by it.
  float dry_multiplier = 0.0F;
  float dry_base = 1.75F;           ///< How fast it grows with each token repeated; finite, at least 1.
  int dry_allowed_length = 2;       ///< Repetitions shorter than this cost nothing; 0 or more.
  int dry_penalty_last_n = -1;      ///< In how many latest tokens repetitions are looked for; -1: all, 0: none, DRY is off.
  /// Texts that end a repetition: none reaches back beyond the token that completes one, and tokens that contain one are
  /// not penalized. Not empty, valid UTF-8; however they are cut into tokens. They need a tokenizer: generate() and Chat
  /// have theirs, a Sampler that is used alone gets one from Sampler::set_tokenizer(). An empty list needs none.
  std::vector<std::string> dry_sequence_breakers = {"\n", ":", "\"", "*"};
  /// No run of so many tokens comes twice: tokens that would complete one are never chosen, the prompt's runs and its end
  /// tokens included (as in HF's generate). 1: no token comes twice; 0: off; at least 0. Where it would leave nothing to
  /// choose from, it gives way: what a constraint and `suppress` allow stays possible.
  int no_repeat_ngram_size = 0;
  float temperature = 1.0F;         ///< Logits are divided by it; 0: greedy, the first maximum wins, nothing is drawn.
  int top_k = 0;                    ///< Keep the k largest; 0: all.
  float typical_p = 1.0F;           ///< Keep the locally typical tokens up to this mass; 1: off.
  float top_p = 1.0F;               ///< Keep the smallest set whose mass reaches it; 1: off, 0: the best token alone.
  float min_p = 0.0F;               ///< Drop tokens below min_p times the best probability; 0: off.
  /// XTC: with this probability, drop the likeliest tokens: where two or more have xtc_threshold or more of the
  /// probability, all of those but the least likely. 0 to 1; 0: off. Nothing is dropped where temperature is 0.
  float xtc_probability = 0.0F;
  float xtc_threshold = 0.1F;       ///< 0 to 1; above 0.5 no two tokens can have it.
  /// Equal seeds give equal draws on every platform. Unset: each Sampler draws one from the system (Sampler::seed).
  std::optional<std::uint64_t> seed;

  bool logprobs = false;  ///< Fill SampledToken::logprob.
  int top_logprobs = 0;   ///< Fill SampledToken::top with this many; implies logprobs.
};

/// Options of generate().
struct GenerateOptions {
  int max_tokens = -1;             ///< Most tokens to generate; -1: until the context is full; 0: prefill only.
  /// Texts that end the answer: none of their bytes is emitted. The one that is complete first wins, the longest of
  /// several. The tokens they were made of are in token_ids up to the one that completed it. Not empty, valid UTF-8.
  std::vector<std::string> stop;
  bool stop_at_eos = true;         ///< End at the model's end-of-generation tokens (ModelConfig::eos_token_ids).
  bool show_special = false;       ///< Emit the text of control tokens (they are always in token_ids).
  std::optional<CancelToken> cancel;
  /// What the answer is held to; used by this generation alone, which begins in the state it is in. Every token of the
  /// answer is one that its masks allow. End tokens are allowed where it may stop, and when it is finished the
  /// generation ends with StopReason::end_of_turn, without an end token. (Where stop_at_eos is off, end tokens are as
  /// any other: only masks that name them allow them.)
  std::shared_ptr<TokenConstraint> constraint;
  /// Progress of the prompt's prefill, as PrefillOptions::progress.
  std::function<void(std::size_t done, std::size_t total)> prefill_progress;
};

/// How a generation went.
struct GenerateResult {
  StopReason reason = StopReason::max_tokens;
  std::string text;                ///< The pieces' text, joined.
  std::vector<TokenId> token_ids;  ///< The pieces' tokens, joined; without the end-of-turn token.
  std::string stop;                ///< The stop string that ended it (StopReason::stop_sequence), else empty.
  double prefill_seconds = 0.0;    ///< Spent on the prompt.
  double decode_seconds = 0.0;     ///< Spent on the answer, what chooses tokens included.
  /// Seconds from the beginning of the generation, the prompt included, until its first token was chosen; 0 where none was.
  double time_to_first_token = 0.0;
  /// Tokens chosen after the first (an end token among them) by the seconds they took; 0 where there were none.
  double tokens_per_second = 0.0;
};

}  // namespace gemma4
