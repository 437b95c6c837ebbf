// Samplers: logits to a token, seeded. gemma4_c.h has the conventions.
#ifndef GEMMA4_C_SAMPLER_H
#define GEMMA4_C_SAMPLER_H

#include "model.h"
#include "tokenizer.h"

#ifdef __cplusplus
extern "C" {
#endif

/// How to choose. Transforms come in the order of the setters here, each to what the one before left. One thread at a
/// time.
typedef struct gemma4_sampler_options gemma4_sampler_options;
/// Chooses tokens; remembers those seen. One thread at a time.
typedef struct gemma4_sampler gemma4_sampler;

/// Nothing is transformed: temperature 1, all tokens, and a random seed for each sampler.
GEMMA4_API gemma4_status gemma4_sampler_options_create(gemma4_sampler_options** out_options);
/// The model's own defaults (its generation_config.json or GGUF metadata).
GEMMA4_API gemma4_status gemma4_sampler_options_of_model(const gemma4_model* model,
                                                         gemma4_sampler_options** out_options);
GEMMA4_API gemma4_status gemma4_sampler_options_destroy(gemma4_sampler_options* options);

/// Tokens that are never chosen, instead of those before.
GEMMA4_API gemma4_status gemma4_sampler_options_set_suppress(gemma4_sampler_options* options, const int32_t* tokens,
                                                             size_t n_tokens);
/// Adds `bias` to a token's logit; one more entry with each call.
GEMMA4_API gemma4_status gemma4_sampler_options_add_logit_bias(gemma4_sampler_options* options, int32_t token,
                                                               float bias);
/// Above 1: divides positive (multiplies negative) logits of tokens seen; 1: off.
GEMMA4_API gemma4_status gemma4_sampler_options_set_repetition_penalty(gemma4_sampler_options* options, float penalty);
/// Subtracted once from logits of tokens seen; 0: off.
GEMMA4_API gemma4_status gemma4_sampler_options_set_presence_penalty(gemma4_sampler_options* options, float penalty);
/// Subtracted per occurrence; 0: off.
GEMMA4_API gemma4_status gemma4_sampler_options_set_frequency_penalty(gemma4_sampler_options* options, float penalty);
/// How many latest tokens count as seen, by default 64; -1: all, 0: none.
GEMMA4_API gemma4_status gemma4_sampler_options_set_penalty_last_n(gemma4_sampler_options* options, int32_t tokens);
/// DRY: a token that would go on with a repetition loses multiplier * base ^ (n - allowed_length) of its logit, n being
/// how many of the latest tokens stand before it elsewhere in the text too, allowed_length or more. 0: off, the default.
GEMMA4_API gemma4_status gemma4_sampler_options_set_dry_multiplier(gemma4_sampler_options* options, float multiplier);
/// At least 1; by default 1.75.
GEMMA4_API gemma4_status gemma4_sampler_options_set_dry_base(gemma4_sampler_options* options, float base);
/// 0 or more; by default 2: shorter repetitions cost nothing.
GEMMA4_API gemma4_status gemma4_sampler_options_set_dry_allowed_length(gemma4_sampler_options* options, int32_t tokens);
/// In how many latest tokens repetitions are looked for; -1, the default: all, 0: none.
GEMMA4_API gemma4_status gemma4_sampler_options_set_dry_penalty_last_n(gemma4_sampler_options* options, int32_t tokens);
/// One more text beyond which no repetition reaches back, besides "\n", ":", "\"" and "*". Errors: invalid_argument where
/// it is empty or not valid UTF-8. A sampler with such texts and DRY needs gemma4_sampler_set_tokenizer before
/// gemma4_sampler_sample; generations and chats see to it themselves.
GEMMA4_API gemma4_status gemma4_sampler_options_add_dry_sequence_breaker(gemma4_sampler_options* options,
                                                                         const char* text, size_t text_length);
/// Forgets these texts, those of the beginning too.
GEMMA4_API gemma4_status gemma4_sampler_options_clear_dry_sequence_breakers(gemma4_sampler_options* options);
/// No run of so many tokens comes twice, the prompt's included, unless a mask or a grammar leaves nothing else; 0: off.
GEMMA4_API gemma4_status gemma4_sampler_options_set_no_repeat_ngram_size(gemma4_sampler_options* options,
                                                                         int32_t tokens);
/// Logits are divided by it; 0: greedy, the first maximum wins.
GEMMA4_API gemma4_status gemma4_sampler_options_set_temperature(gemma4_sampler_options* options, float temperature);
/// Keep the k largest; 0: all.
GEMMA4_API gemma4_status gemma4_sampler_options_set_top_k(gemma4_sampler_options* options, int32_t k);
/// Keep the locally typical tokens up to this mass; 1: off.
GEMMA4_API gemma4_status gemma4_sampler_options_set_typical_p(gemma4_sampler_options* options, float mass);
/// Keep the smallest set whose mass reaches it, 0 to 1; 1: off, 0: the best token alone.
GEMMA4_API gemma4_status gemma4_sampler_options_set_top_p(gemma4_sampler_options* options, float mass);
/// Drop tokens below min_p times the best probability; 0: off.
GEMMA4_API gemma4_status gemma4_sampler_options_set_min_p(gemma4_sampler_options* options, float min_p);
/// XTC: with this probability, 0 to 1, the likeliest tokens are dropped: where two or more have the threshold or more, all of
/// those but the least likely. 0: off, the default. Nothing is dropped where the temperature is 0.
GEMMA4_API gemma4_status gemma4_sampler_options_set_xtc_probability(gemma4_sampler_options* options, float probability);
/// 0 to 1; by default 0.1.
GEMMA4_API gemma4_status gemma4_sampler_options_set_xtc_threshold(gemma4_sampler_options* options, float threshold);
/// Equal seeds give equal draws on every platform. Without this call each sampler draws a seed from the system.
GEMMA4_API gemma4_status gemma4_sampler_options_set_seed(gemma4_sampler_options* options, uint64_t seed);
/// -1, the default: no log-probabilities. 0 or more: those of the chosen token and of so many most likely ones.
GEMMA4_API gemma4_status gemma4_sampler_options_set_logprobs(gemma4_sampler_options* options, int32_t top);

/// `options` may be NULL. Errors: invalid_argument for values outside their range; io where the system has no random
/// seed to give. Destroy with gemma4_sampler_destroy.
GEMMA4_API gemma4_status gemma4_sampler_create(const gemma4_sampler_options* options, gemma4_sampler** out_sampler);
GEMMA4_API gemma4_status gemma4_sampler_destroy(gemma4_sampler* sampler);
/// A second sampler in the same state: it draws on alike.
GEMMA4_API gemma4_status gemma4_sampler_copy(const gemma4_sampler* sampler, gemma4_sampler** out_sampler);

/// Says what tokens say, for the sequence breakers of DRY: the tokenizer of the model that the logits are of.
GEMMA4_API gemma4_status gemma4_sampler_set_tokenizer(gemma4_sampler* sampler, const gemma4_tokenizer* tokenizer);
/// Draws a token from n logits (the model's vocab_size) and counts it as seen. `mask`, [n_words], holds the draw to the
/// tokens whose bit (id % 32) of mask[id / 32] is set, n_words = (n + 31) / 32; NULL with 0 words: any. Errors:
/// non_finite when nothing finite is left to choose from; invalid_argument, also where gemma4_sampler_set_tokenizer is
/// missing.
GEMMA4_API gemma4_status gemma4_sampler_sample(gemma4_sampler* sampler, const float* logits, size_t n_logits,
                                               const uint32_t* mask, size_t n_words, int32_t* out_token);
/// Natural log of the probability of the last drawn token by the raw logits; 0 where log-probabilities are not asked
/// for.
GEMMA4_API gemma4_status gemma4_sampler_logprob(const gemma4_sampler* sampler, float* out_logprob);
/// The most likely tokens of the last draw, best first: two arrays of one capacity (both NULL to ask).
GEMMA4_API gemma4_status gemma4_sampler_top_logprobs(const gemma4_sampler* sampler, int32_t* tokens, float* logprobs,
                                                     size_t capacity, size_t* out_count);
/// Counts tokens as seen (a prompt, or tokens chosen elsewhere).
GEMMA4_API gemma4_status gemma4_sampler_observe(gemma4_sampler* sampler, const int32_t* tokens, size_t n_tokens);
/// Forgets what was seen and restarts from the seed: the same draws come again.
GEMMA4_API gemma4_status gemma4_sampler_reset(gemma4_sampler* sampler);
/// The seed that is used, given or drawn: given to another sampler, it repeats this one's draws.
GEMMA4_API gemma4_status gemma4_sampler_seed(const gemma4_sampler* sampler, uint64_t* out_seed);

#ifdef __cplusplus
}
#endif

#endif
