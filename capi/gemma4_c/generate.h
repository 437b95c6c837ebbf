// Generations: session + sampler + grammar + stop rules, with text that streams. gemma4_c.h has the conventions.
#ifndef GEMMA4_C_GENERATE_H
#define GEMMA4_C_GENERATE_H

#include "grammar.h"
#include "sampler.h"
#include "session.h"

#ifdef __cplusplus
extern "C" {
#endif

/// Options of a generation. One thread at a time.
typedef struct gemma4_generate_options gemma4_generate_options;
/// A generation, pulled piece by piece, and afterwards its result. One thread at a time.
typedef struct gemma4_generation gemma4_generation;

/// Why a generation ended (C++'s gemma4::StopReason).
enum {
  GEMMA4_STOP_NOT_ENDED = 0,
  GEMMA4_STOP_END_OF_TURN = 1,    ///< An end token of the model; or its grammar was finished.
  GEMMA4_STOP_STOP_SEQUENCE = 2,  ///< One of the stop texts appeared.
  GEMMA4_STOP_MAX_TOKENS = 3,
  GEMMA4_STOP_CONTEXT_FULL = 4,
  GEMMA4_STOP_CANCELLED = 5,
  GEMMA4_STOP_LOOP = 6  ///< A chat's reply repeated itself without end.
};

/// Called with every piece: text that is final, valid UTF-8, and the tokens whose text it completes. Either may be
/// empty. GEMMA4_CANCEL ends the generation as a cancel does.
typedef int32_t (*gemma4_piece_callback)(void* user_data, const char* text, size_t text_length, const int32_t* tokens,
                                         size_t n_tokens);

GEMMA4_API gemma4_status gemma4_generate_options_create(gemma4_generate_options** out_options);
GEMMA4_API gemma4_status gemma4_generate_options_destroy(gemma4_generate_options* options);
/// Most tokens to generate; -1, the default: until the context is full; 0: prefill only.
GEMMA4_API gemma4_status gemma4_generate_options_set_max_tokens(gemma4_generate_options* options, int32_t max_tokens);
/// One more text that ends the answer; none of its bytes is emitted. Errors: invalid_argument where it is empty or not
/// valid UTF-8.
GEMMA4_API gemma4_status gemma4_generate_options_add_stop(gemma4_generate_options* options, const char* text,
                                                          size_t text_length);
/// 0: the model's end tokens do not end it.
GEMMA4_API gemma4_status gemma4_generate_options_set_stop_at_end(gemma4_generate_options* options, int32_t stop_at_end);
/// 1: the text of control tokens is emitted too.
GEMMA4_API gemma4_status gemma4_generate_options_set_show_special(gemma4_generate_options* options, int32_t show);
/// Ends the generation with GEMMA4_STOP_CANCELLED, and a status of GEMMA4_OK. NULL: none.
GEMMA4_API gemma4_status gemma4_generate_options_set_cancel(gemma4_generate_options* options,
                                                            const gemma4_cancel_token* token);
/// Holds the answer to a grammar, from its beginning. NULL: to none.
GEMMA4_API gemma4_status gemma4_generate_options_set_grammar(gemma4_generate_options* options,
                                                             const gemma4_grammar* grammar);
/// The same, from the state that the matcher is in now (a copy is used). NULL: to none.
GEMMA4_API gemma4_status gemma4_generate_options_set_matcher(gemma4_generate_options* options,
                                                             const gemma4_matcher* matcher);
/// Called while the prompt is read, as gemma4_prefill_options_set_progress says. NULL: nothing is.
GEMMA4_API gemma4_status gemma4_generate_options_set_progress(gemma4_generate_options* options,
                                                              gemma4_token_progress progress, void* user_data);

/// Runs a generation to its end, with `callback` (which may be NULL) on every piece. `prompt` is appended to the
/// session and shown to the sampler; it may be empty only right after a call that left logits in the session. `options`
/// may be NULL. Afterwards the session holds the prompt and the generated tokens that were fed back. *out_generation,
/// which may be NULL, is then the result: destroy it. A cancelled generation is not an error. Errors:
/// token_out_of_range, context_full, invalid_argument, non_finite.
GEMMA4_API gemma4_status gemma4_generate(gemma4_session* session, const int32_t* prompt, size_t n_prompt,
                                         gemma4_sampler* sampler, const gemma4_generate_options* options,
                                         gemma4_piece_callback callback, void* user_data,
                                         gemma4_generation** out_generation);

/// The same, to be pulled with gemma4_generation_next; nothing is computed yet. The session and the sampler are in use
/// until the generation has ended or is destroyed: other calls on them are refused.
GEMMA4_API gemma4_status gemma4_generation_create(gemma4_session* session, const int32_t* prompt, size_t n_prompt,
                                                  gemma4_sampler* sampler, const gemma4_generate_options* options,
                                                  gemma4_generation** out_generation);
GEMMA4_API gemma4_status gemma4_generation_destroy(gemma4_generation* generation);
/// *out_more 1: there is a piece more, in gemma4_generation_piece_text and _piece_tokens; 0: it has ended. The first
/// call reads the prompt. Errors: non_finite, and it has then ended.
GEMMA4_API gemma4_status gemma4_generation_next(gemma4_generation* generation, int32_t* out_more);
GEMMA4_API gemma4_status gemma4_generation_piece_text(const gemma4_generation* generation, char* buffer,
                                                      size_t capacity, size_t* out_length);
GEMMA4_API gemma4_status gemma4_generation_piece_tokens(const gemma4_generation* generation, int32_t* tokens,
                                                        size_t capacity, size_t* out_count);
/// One log-probability for each of the piece's tokens, where the sampler's options ask for them; else 0 items.
GEMMA4_API gemma4_status gemma4_generation_piece_logprobs(const gemma4_generation* generation, float* logprobs,
                                                          size_t capacity, size_t* out_count);

/// GEMMA4_STOP_..., and of what has come so far the whole text, all tokens (without the end token), the stop text that
/// ended it ("" for none), seconds of reading and of writing (each may be NULL). Complete once it has ended.
GEMMA4_API gemma4_status gemma4_generation_stop_reason(const gemma4_generation* generation, int32_t* out_reason);
GEMMA4_API gemma4_status gemma4_generation_text(const gemma4_generation* generation, char* buffer, size_t capacity,
                                                size_t* out_length);
GEMMA4_API gemma4_status gemma4_generation_tokens(const gemma4_generation* generation, int32_t* tokens, size_t capacity,
                                                  size_t* out_count);
GEMMA4_API gemma4_status gemma4_generation_stop_text(const gemma4_generation* generation, char* buffer, size_t capacity,
                                                     size_t* out_length);
GEMMA4_API gemma4_status gemma4_generation_seconds(const gemma4_generation* generation, double* out_prefill_seconds,
                                                   double* out_decode_seconds);

/// Seconds from the beginning of the generation, the prompt included, until its first token was chosen, and the tokens
/// after it by the seconds they took; 0 where there are none. Each may be NULL.
GEMMA4_API gemma4_status gemma4_generation_speed(const gemma4_generation* generation, double* out_time_to_first_token,
                                                 double* out_tokens_per_second);

#ifdef __cplusplus
}
#endif

#endif
