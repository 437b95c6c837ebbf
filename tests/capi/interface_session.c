/* The interface: sessions and samplers. */
#include <math.h>

#include "interface_test.h"

void test_session(gemma4_model* model) {
  gemma4_tokenizer* tokenizer = NULL;
  gemma4_session_options* options = NULL;
  gemma4_prefill_options* prefill = NULL;
  gemma4_session *session = NULL, *fork = NULL;
  gemma4_cancel_token* token = NULL;
  int32_t vocab = 0, hidden = 0, kept = -1, next = 0;
  size_t n_prompt, n = 0, i;
  uint64_t bytes = 0, planned = 0;
  const float *view = NULL, *other = NULL;
  float* rows;
  int32_t wanted_rows[2];
  int calls = 0;
  size_t before = 0;
  progress_seen last = {0, 0};
  CHECK_OK(gemma4_model_tokenizer(model, &tokenizer));
  CHECK_OK(gemma4_model_vocab_size(model, &vocab));
  CHECK_OK(gemma4_model_hidden_size(model, &hidden));
  n_prompt = encode(tokenizer, PROMPT, 1);
  rows = (float*)malloc(n_prompt * (size_t)vocab * sizeof *rows);
  CHECK_OK(gemma4_session_options_create(&options));
  CHECK_OK(gemma4_session_options_set_context_length(options, 256));
  CHECK_OK(gemma4_session_options_set_prefill_chunk(options, 8));
  CHECK_OK(gemma4_session_options_set_kv_dtype(options, GEMMA4_DTYPE_F32));
  CHECK_OK(gemma4_session_options_set_checkpoint_bytes(options, 1 << 20));
  CHECK_OK(gemma4_session_create(model, options, &session));
  CHECK_OK(gemma4_session_context_length(session, &n));
  CHECK(n == 256);
  CHECK_OK(gemma4_session_memory_bytes(session, &bytes));
  CHECK_OK(gemma4_model_memory(model, options, GEMMA4_MEMORY_KV_CACHE, &planned));
  CHECK(planned > 0 && planned < bytes);

  CHECK_OK(gemma4_prefill_options_create(&prefill));
  CHECK_OK(gemma4_prefill_options_set_want(prefill, GEMMA4_WANT_ALL_LOGITS));
  CHECK_OK(gemma4_session_prefill(session, ids, n_prompt, prefill));
  CHECK_OK(gemma4_session_logits(session, rows, n_prompt * (size_t)vocab, &n));
  CHECK(n == n_prompt * (size_t)vocab);
  CHECK_OK(gemma4_session_truncate(session, 0));
  CHECK_OK(gemma4_session_logits_view(session, &view, &n));
  CHECK(n == 0);
  wanted_rows[0] = 1, wanted_rows[1] = (int32_t)n_prompt - 1;
  CHECK_OK(gemma4_prefill_options_set_rows(prefill, wanted_rows, 2));
  CHECK_OK(gemma4_session_prefill(session, ids, n_prompt, prefill));
  CHECK_OK(gemma4_session_logits_view(session, &view, &n));
  CHECK(n == 2 * (size_t)vocab);
  for (i = 0; i < (size_t)vocab && n != 0; ++i) {
    CHECK(fabsf(view[i] - rows[(size_t)vocab + i]) < 1e-3F);
    if (checks_failed > 20) break;
  }
  CHECK_OK(gemma4_session_truncate(session, 0));
  CHECK_OK(gemma4_prefill_options_set_want(prefill, GEMMA4_WANT_HIDDEN_STATES));
  CHECK_OK(gemma4_session_prefill(session, ids, n_prompt, prefill));
  CHECK_OK(gemma4_session_logits_view(session, &view, &n));
  CHECK(n == n_prompt * (size_t)hidden);
  CHECK_OK(gemma4_session_truncate(session, 0));
  CHECK_OK(gemma4_session_prefill(session, ids, n_prompt, NULL));
  CHECK_OK(gemma4_session_logits_view(session, &view, &n));
  CHECK(n == (size_t)vocab);
  for (next = 0, i = 1; i < n; ++i) next = view[i] > view[next] ? (int32_t)i : next;
  {
    /* the log-probability of the likeliest token, and of two; the session does not notice */
    float scores[2] = {1.0F, 1.0F};
    int32_t two[2];
    double sum = 0.0;
    for (i = 0; i < n; ++i) sum += exp((double)view[i] - (double)view[next]);
    two[0] = next, two[1] = ids[0];
    CHECK_OK(gemma4_session_score(session, two, 1, NULL, scores));
    CHECK(fabs((double)scores[0] + log(sum)) < 1e-4 && scores[1] == 1.0F);
    CHECK_OK(gemma4_session_score(session, two, 2, NULL, scores));
    CHECK(fabs((double)scores[0] + log(sum)) < 1e-4 && scores[1] < 0.0F);
    CHECK_OK(gemma4_session_score(session, NULL, 0, NULL, NULL));
    CHECK_REFUSED(gemma4_session_score(session, two, 2, NULL, NULL));
    CHECK_REFUSED(gemma4_session_score(session, NULL, 2, NULL, scores));
    CHECK_REFUSED(gemma4_session_score(NULL, two, 2, NULL, scores));
    two[1] = vocab;
    CHECK_STATUS(GEMMA4_ERROR_TOKEN_OUT_OF_RANGE, gemma4_session_score(session, two, 2, NULL, scores));
    CHECK_STATUS(GEMMA4_ERROR_CONTEXT_FULL, gemma4_session_score(session, ids, 4096, NULL, rows));
    CHECK_OK(gemma4_cancel_token_create(&token));
    CHECK_OK(gemma4_cancel_token_cancel(token));
    CHECK_STATUS(GEMMA4_ERROR_CANCELLED, gemma4_session_score(session, ids, 2, token, scores));
    CHECK_OK(gemma4_cancel_token_destroy(token));
    CHECK_OK(gemma4_session_position(session, &n));
    CHECK(n == n_prompt);
    CHECK_OK(gemma4_session_logits_view(session, &view, &n));
    CHECK(n == (size_t)vocab);
  }
  CHECK_OK(gemma4_session_checkpoint(session, &kept));
  CHECK_OK(gemma4_session_checkpoint(session, NULL));
  CHECK_OK(gemma4_session_fork(session, &fork));
  CHECK_OK(gemma4_session_decode(session, next, NULL));
  CHECK_OK(gemma4_session_decode(fork, next, NULL));
  CHECK_OK(gemma4_session_logits_view(session, &view, &n));
  CHECK_OK(gemma4_session_logits_view(fork, &other, &n));
  CHECK(n == (size_t)vocab && memcmp(view, other, n * sizeof *view) == 0);
  CHECK_OK(gemma4_session_position(session, &n));
  CHECK(n == n_prompt + 1);
  {
    int32_t held[256];
    CHECK_OK(gemma4_session_tokens(session, held, 256, &n));
    CHECK(n == n_prompt + 1 && memcmp(held, ids, n_prompt * sizeof *ids) == 0 && held[n_prompt] == next);
  }
  CHECK_STATUS(GEMMA4_ERROR_TOKEN_OUT_OF_RANGE, gemma4_session_decode(session, vocab, NULL));
  CHECK_OK(gemma4_session_logits_view(session, &view, &n));
  CHECK(n == (size_t)vocab); /* a call that was refused leaves them */

  CHECK_OK(gemma4_prefill_options_set_want(prefill, GEMMA4_WANT_NOTHING));
  CHECK_OK(gemma4_prefill_options_set_progress(prefill, stop_tokens, &calls));
  CHECK_OK(gemma4_session_position(fork, &before));
  CHECK_STATUS(GEMMA4_ERROR_CANCELLED, gemma4_session_prefill(fork, ids, n_prompt, prefill));
  CHECK(calls == 1);
  CHECK_OK(gemma4_session_position(fork, &n));
  CHECK(n == before); /* within the first chunk */
  CHECK_OK(gemma4_prefill_options_set_progress(prefill, ascending_tokens, &last));
  CHECK_OK(gemma4_session_prefill(fork, ids, n_prompt, prefill));
  CHECK(last.done == n_prompt && last.calls > 1 && last.calls <= n_prompt);
  CHECK_OK(gemma4_cancel_token_create(&token));
  CHECK_OK(gemma4_cancel_token_cancel(token));
  CHECK_OK(gemma4_prefill_options_set_progress(prefill, NULL, NULL));
  CHECK_OK(gemma4_prefill_options_set_cancel(prefill, token));
  CHECK_STATUS(GEMMA4_ERROR_CANCELLED, gemma4_session_prefill(fork, ids, n_prompt, prefill));
  CHECK_STATUS(GEMMA4_ERROR_CANCELLED, gemma4_session_decode(fork, next, token));
  CHECK_OK(gemma4_cancel_token_destroy(token));
  CHECK_OK(gemma4_prefill_options_set_cancel(prefill, NULL));
  while (gemma4_session_prefill(fork, ids, n_prompt, prefill) == GEMMA4_OK) continue;
  CHECK_STATUS(GEMMA4_ERROR_CONTEXT_FULL, gemma4_session_prefill(fork, ids, n_prompt, prefill));
  CHECK_OK(gemma4_session_destroy(fork));
  CHECK_OK(gemma4_session_destroy(session));
  CHECK_OK(gemma4_prefill_options_destroy(prefill));
  CHECK_OK(gemma4_session_options_destroy(options));
  CHECK_OK(gemma4_tokenizer_destroy(tokenizer));
  free(rows);
}

void test_sampler(gemma4_model* model) {
  gemma4_sampler_options *options = NULL, *of_model = NULL;
  gemma4_sampler *sampler = NULL, *copy = NULL;
  gemma4_tokenizer* tokenizer = NULL;
  const float logits[6] = {0.5F, 3.0F, 2.0F, 1.0F, 0.0F, -1.0F};
  const int32_t one = 1;
  uint32_t mask = 1U << 4;
  int32_t token = -1, again = -2, top[3];
  uint64_t seed = 0, other = 0;
  float logprob = 1.0F, values[3];
  size_t n = 0;
  int i;
  CHECK_OK(gemma4_sampler_options_of_model(model, &of_model));
  CHECK_OK(gemma4_sampler_options_destroy(of_model));
  CHECK_OK(gemma4_sampler_options_create(&options));
  CHECK_OK(gemma4_sampler_options_set_temperature(options, 0.0F));
  CHECK_OK(gemma4_sampler_options_set_logprobs(options, 3));
  CHECK_OK(gemma4_sampler_create(options, &sampler));
  CHECK_OK(gemma4_sampler_sample(sampler, logits, 6, NULL, 0, &token));
  CHECK(token == 1);
  CHECK_OK(gemma4_sampler_logprob(sampler, &logprob));
  CHECK(logprob < 0.0F && logprob > -1.0F);
  CHECK_OK(gemma4_sampler_top_logprobs(sampler, top, values, 3, &n));
  CHECK(n == 3 && top[0] == 1 && top[1] == 2 && top[2] == 3 && values[0] == logprob && values[1] < values[0]);
  CHECK_OK(gemma4_sampler_sample(sampler, logits, 6, &mask, 1, &token));
  CHECK(token == 4);
  mask = 0;
  CHECK_STATUS(GEMMA4_ERROR_NON_FINITE, gemma4_sampler_sample(sampler, logits, 6, &mask, 1, &token));
  CHECK_OK(gemma4_sampler_destroy(sampler));
  CHECK_OK(gemma4_sampler_options_set_suppress(options, &one, 1));
  CHECK_OK(gemma4_sampler_options_add_logit_bias(options, 5, 100.0F));
  CHECK_OK(gemma4_sampler_create(options, &sampler));
  CHECK_OK(gemma4_sampler_sample(sampler, logits, 6, NULL, 0, &token));
  CHECK(token == 5);
  CHECK_OK(gemma4_sampler_destroy(sampler));
  CHECK_OK(gemma4_sampler_options_destroy(options));

  CHECK_OK(gemma4_sampler_options_create(&options));
  CHECK_OK(gemma4_sampler_options_set_repetition_penalty(options, 1.1F));
  CHECK_OK(gemma4_sampler_options_set_presence_penalty(options, 0.1F));
  CHECK_OK(gemma4_sampler_options_set_frequency_penalty(options, 0.1F));
  CHECK_OK(gemma4_sampler_options_set_penalty_last_n(options, -1));
  CHECK_OK(gemma4_sampler_options_set_dry_multiplier(options, 0.8F));
  CHECK_OK(gemma4_sampler_options_set_dry_base(options, 1.5F));
  CHECK_OK(gemma4_sampler_options_set_dry_allowed_length(options, 1));
  CHECK_OK(gemma4_sampler_options_set_dry_penalty_last_n(options, 100));
  CHECK_OK(gemma4_sampler_options_add_dry_sequence_breaker(options, "end", 3));
  CHECK_REFUSED(gemma4_sampler_options_add_dry_sequence_breaker(options, "", 0));
  CHECK_REFUSED(gemma4_sampler_options_add_dry_sequence_breaker(options, "\xFF", 1));
  CHECK_OK(gemma4_sampler_options_set_no_repeat_ngram_size(options, 3));
  CHECK_OK(gemma4_sampler_options_set_xtc_probability(options, 0.5F));
  CHECK_OK(gemma4_sampler_options_set_xtc_threshold(options, 0.2F));
  CHECK_OK(gemma4_sampler_options_set_temperature(options, 2.0F));
  CHECK_OK(gemma4_sampler_options_set_top_k(options, 5));
  CHECK_OK(gemma4_sampler_options_set_typical_p(options, 0.99F));
  CHECK_OK(gemma4_sampler_options_set_top_p(options, 0.99F));
  CHECK_OK(gemma4_sampler_options_set_min_p(options, 0.001F));
  CHECK_OK(gemma4_sampler_options_set_seed(options, 7));
  CHECK_OK(gemma4_sampler_create(options, &sampler));
  CHECK_OK(gemma4_sampler_observe(sampler, &one, 1));
  CHECK_REFUSED(gemma4_sampler_sample(sampler, logits, 6, NULL, 0, &token)); /* the breakers need a tokenizer */
  CHECK(strstr(gemma4_last_error(), "set_tokenizer") != NULL);
  CHECK_OK(gemma4_model_tokenizer(model, &tokenizer));
  CHECK_OK(gemma4_sampler_set_tokenizer(sampler, tokenizer));
  CHECK_REFUSED(gemma4_sampler_set_tokenizer(sampler, NULL));
  CHECK_OK(gemma4_tokenizer_destroy(tokenizer));
  CHECK_OK(gemma4_sampler_copy(sampler, &copy));
  for (i = 0; i < 20; ++i) {
    CHECK_OK(gemma4_sampler_sample(sampler, logits, 6, NULL, 0, &token));
    CHECK_OK(gemma4_sampler_sample(copy, logits, 6, NULL, 0, &again));
    CHECK(token == again && token >= 0 && token < 6);
  }
  CHECK_OK(gemma4_sampler_reset(sampler));
  CHECK_OK(gemma4_sampler_seed(sampler, &seed));
  CHECK(seed == 7);
  CHECK_OK(gemma4_sampler_destroy(copy));
  CHECK_OK(gemma4_sampler_destroy(sampler));
  CHECK_OK(gemma4_sampler_options_clear_dry_sequence_breakers(options));
  CHECK_OK(gemma4_sampler_create(options, &sampler));
  CHECK_OK(gemma4_sampler_sample(sampler, logits, 6, NULL, 0, &token));
  CHECK_OK(gemma4_sampler_destroy(sampler));
  CHECK_OK(gemma4_sampler_options_set_top_p(options, 0.0F)); /* the best token alone */
  CHECK_OK(gemma4_sampler_create(options, &sampler));
  CHECK_OK(gemma4_sampler_destroy(sampler));
  sampler = NULL;
  CHECK_OK(gemma4_sampler_options_set_top_p(options, 7.0F));
  CHECK_REFUSED(gemma4_sampler_create(options, &sampler));
  CHECK(sampler == NULL);
  CHECK_OK(gemma4_sampler_options_destroy(options));

  /* a seed that nobody gave is drawn, and repeats the draws */
  CHECK_OK(gemma4_sampler_create(NULL, &sampler));
  CHECK_OK(gemma4_sampler_create(NULL, &copy));
  CHECK_OK(gemma4_sampler_seed(sampler, &seed));
  CHECK_OK(gemma4_sampler_seed(copy, &other));
  CHECK(seed != other);
  CHECK_OK(gemma4_sampler_destroy(copy));
  CHECK_OK(gemma4_sampler_options_create(&options));
  CHECK_OK(gemma4_sampler_options_set_seed(options, seed));
  CHECK_OK(gemma4_sampler_create(options, &copy));
  for (i = 0; i < 20; ++i) {
    CHECK_OK(gemma4_sampler_sample(sampler, logits, 6, NULL, 0, &token));
    CHECK_OK(gemma4_sampler_sample(copy, logits, 6, NULL, 0, &again));
    CHECK(token == again);
  }
  CHECK_REFUSED(gemma4_sampler_seed(sampler, NULL));
  CHECK_REFUSED(gemma4_sampler_seed(NULL, &seed));
  CHECK_OK(gemma4_sampler_destroy(copy));
  CHECK_OK(gemma4_sampler_destroy(sampler));
  CHECK_OK(gemma4_sampler_options_destroy(options));
}
