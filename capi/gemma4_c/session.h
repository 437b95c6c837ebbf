// Sessions: one sequence of tokens, its KV cache, and the logits of its last step. gemma4_c.h has the conventions.
#ifndef GEMMA4_C_SESSION_H
#define GEMMA4_C_SESSION_H

#include "model.h"

#ifdef __cplusplus
extern "C" {
#endif

/// One sequence over a model. One thread at a time; different sessions of a model may run in different threads.
typedef struct gemma4_session gemma4_session;
/// Options of gemma4_session_prefill. One thread at a time.
typedef struct gemma4_prefill_options gemma4_prefill_options;

/// Element types of a KV cache (C++'s gemma4::DType).
enum { GEMMA4_DTYPE_F32 = 0, GEMMA4_DTYPE_F16 = 1, GEMMA4_DTYPE_BF16 = 2 };

/// What a prefill leaves in the session (C++'s gemma4::Want).
enum {
  GEMMA4_WANT_NOTHING = 0,       ///< The cache is filled, that is all.
  GEMMA4_WANT_LAST_LOGITS = 1,   ///< Logits of the last token: [1, vocab_size].
  GEMMA4_WANT_ROWS = 2,          ///< Logits of chosen tokens: [rows, vocab_size].
  GEMMA4_WANT_ALL_LOGITS = 3,    ///< Logits of every token: [n_tokens, vocab_size].
  GEMMA4_WANT_HIDDEN_STATES = 4  ///< Hidden state of every token after the final norm: [n_tokens, hidden_size].
};

/// done of total tokens have been read; GEMMA4_CANCEL ends the call as a cancel does.
typedef int32_t (*gemma4_token_progress)(void* user_data, size_t done, size_t total);

/// Defaults: context_length 4096, prefill_chunk 512, 256 MiB of checkpoints, a cache of f16 (f32 when computing in
/// F32). One thread at a time.
GEMMA4_API gemma4_status gemma4_session_options_create(gemma4_session_options** out_options);
GEMMA4_API gemma4_status gemma4_session_options_destroy(gemma4_session_options* options);
/// Tokens the session can hold. More than gemma4_model_max_context_length is allowed and logged as a warning.
GEMMA4_API gemma4_status gemma4_session_options_set_context_length(gemma4_session_options* options, int32_t tokens);
/// Tokens computed together in prefill; larger is faster and needs more memory.
GEMMA4_API gemma4_status gemma4_session_options_set_prefill_chunk(gemma4_session_options* options, int32_t tokens);
/// A GEMMA4_DTYPE_... number.
GEMMA4_API gemma4_status gemma4_session_options_set_kv_dtype(gemma4_session_options* options, int32_t dtype);
/// Memory for gemma4_session_checkpoint; the oldest make room.
GEMMA4_API gemma4_status gemma4_session_options_set_checkpoint_bytes(gemma4_session_options* options, uint64_t bytes);

/// Reserves and commits every byte the session will ever need. `options` may be NULL. Errors: invalid_argument (a
/// length below 1), out_of_memory. Destroy with gemma4_session_destroy.
GEMMA4_API gemma4_status gemma4_session_create(const gemma4_model* model, const gemma4_session_options* options,
                                               gemma4_session** out_session);
GEMMA4_API gemma4_status gemma4_session_destroy(gemma4_session* session);

/// Defaults: GEMMA4_WANT_LAST_LOGITS, no cancel, no progress.
GEMMA4_API gemma4_status gemma4_prefill_options_create(gemma4_prefill_options** out_options);
GEMMA4_API gemma4_status gemma4_prefill_options_destroy(gemma4_prefill_options* options);
/// A GEMMA4_WANT_... number.
GEMMA4_API gemma4_status gemma4_prefill_options_set_want(gemma4_prefill_options* options, int32_t want);
/// GEMMA4_WANT_ROWS with these indices into the tokens, strictly ascending.
GEMMA4_API gemma4_status gemma4_prefill_options_set_rows(gemma4_prefill_options* options, const int32_t* rows,
                                                         size_t n_rows);
/// NULL: none.
GEMMA4_API gemma4_status gemma4_prefill_options_set_cancel(gemma4_prefill_options* options,
                                                           const gemma4_cancel_token* token);
/// Called from the calling thread after each chunk, and within a chunk between two layers, in so far as the work done
/// amounts to a token more: `done` ascends, there are at most `total` calls, and the last has done == total. NULL:
/// nothing is.
GEMMA4_API gemma4_status gemma4_prefill_options_set_progress(gemma4_prefill_options* options,
                                                             gemma4_token_progress progress, void* user_data);

/// Appends tokens; gemma4_session_logits then has what `options` (NULL: defaults) want. Errors: token_out_of_range and
/// context_full before anything is computed; cancelled and non_finite, after which the session is at its last completed
/// chunk (gemma4_session_position); invalid_argument for no tokens or bad rows.
GEMMA4_API gemma4_status gemma4_session_prefill(gemma4_session* session, const int32_t* tokens, size_t n_tokens,
                                                const gemma4_prefill_options* options);
/// Appends one token; gemma4_session_logits then has its logits. Allocates nothing. `cancel` may be NULL. Errors:
/// token_out_of_range, context_full, cancelled, non_finite.
GEMMA4_API gemma4_status gemma4_session_decode(gemma4_session* session, int32_t token,
                                               const gemma4_cancel_token* cancel);
/// What the last prefill or decode left, row after row, F32, an array (0 items where it left nothing).
GEMMA4_API gemma4_status gemma4_session_logits(const gemma4_session* session, float* logits, size_t capacity,
                                               size_t* out_count);
/// The same without a copy: *out_logits points into the session, valid until the next prefill, decode, generation or
/// truncate of it, or its end.
GEMMA4_API gemma4_status gemma4_session_logits_view(const gemma4_session* session, const float** out_logits,
                                                    size_t* out_count);

/// Tokens held.
GEMMA4_API gemma4_status gemma4_session_position(const gemma4_session* session, size_t* out_position);
/// Tokens it can hold.
GEMMA4_API gemma4_status gemma4_session_context_length(const gemma4_session* session, size_t* out_tokens);
/// The tokens held, oldest first, an array.
GEMMA4_API gemma4_status gemma4_session_tokens(const gemma4_session* session, int32_t* tokens, size_t capacity,
                                               size_t* out_count);
/// Keeps the first n tokens, as if the rest had never been. Any n while no sliding layer's ring has wrapped; later 0,
/// at least one prefill chunk back, or a checkpoint's position. Errors: invalid_argument, with the smallest n possible.
GEMMA4_API gemma4_status gemma4_session_truncate(gemma4_session* session, size_t n_tokens);
/// Makes truncating to the present position possible for ever. *out_kept, which may be NULL, is 0 where one checkpoint
/// alone does not fit its memory.
GEMMA4_API gemma4_status gemma4_session_checkpoint(gemma4_session* session, int32_t* out_kept);
/// A second session with the same tokens; both go on independently, each to the bits that the same calls would have given
/// without the fork. Errors: out_of_memory.
GEMMA4_API gemma4_status gemma4_session_fork(const gemma4_session* session, gemma4_session** out_session);
/// How likely a continuation is: the natural log of each token's probability after what the session holds and the tokens
/// before it, to out_logprobs [n_tokens]. A fork is used, with a fork's memory; the session stays as it is. `cancel` may be
/// NULL. Errors: token_out_of_range, context_full (all but the last token must fit), invalid_argument (the session holds no
/// tokens), cancelled, non_finite, out_of_memory; out_logprobs is then as it was.
GEMMA4_API gemma4_status gemma4_session_score(const gemma4_session* session, const int32_t* tokens, size_t n_tokens,
                                              const gemma4_cancel_token* cancel, float* out_logprobs);
/// Bytes of KV cache and work space that it has committed.
GEMMA4_API gemma4_status gemma4_session_memory_bytes(const gemma4_session* session, uint64_t* out_bytes);

#ifdef __cplusplus
}
#endif

#endif
