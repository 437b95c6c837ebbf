/* The interface: generations. */
#include "interface_test.h"

typedef struct {
  char text[4096];
  size_t tokens;
  int calls, stop_after;
  gemma4_session* session;
} Pieces;

static int32_t on_piece(void* user_data, const char* piece, size_t length, const int32_t* tokens, size_t n_tokens) {
  Pieces* pieces = (Pieces*)user_data;
  size_t position = 0;
  CHECK(n_tokens == 0 || tokens != NULL);
  if (pieces->session != NULL) CHECK_REFUSED(gemma4_session_position(pieces->session, &position)); /* in use */
  strncat(pieces->text, piece, length);
  pieces->tokens += n_tokens;
  return ++pieces->calls == pieces->stop_after ? GEMMA4_CANCEL : GEMMA4_PROCEED;
}

void test_generate(gemma4_model* model) {
  gemma4_tokenizer* tokenizer = NULL;
  gemma4_session* session = NULL;
  gemma4_sampler_options* greedy = NULL;
  gemma4_sampler* sampler = NULL;
  gemma4_generate_options* options = NULL;
  gemma4_generation* generation = NULL;
  gemma4_cancel_token* token = NULL;
  gemma4_grammar* grammar = NULL;
  gemma4_matcher* matcher = NULL;
  size_t n_prompt, n = 0, n_pulled = 0;
  int32_t more = 0, reason = 0;
  double prefill_seconds = -1, decode_seconds = -1, first = -1, rate = -1;
  float logprobs[64];
  char pulled[4096] = "";
  int calls = 0;
  Pieces pieces;
  memset(&pieces, 0, sizeof pieces);
  CHECK_OK(gemma4_model_tokenizer(model, &tokenizer));
  n_prompt = encode(tokenizer, PROMPT, 1);
  CHECK_OK(gemma4_session_create(model, NULL, &session));
  CHECK_OK(gemma4_sampler_options_of_model(model, &greedy));
  CHECK_OK(gemma4_sampler_options_set_temperature(greedy, 0.0F));
  CHECK_OK(gemma4_sampler_create(greedy, &sampler));
  pieces.session = session;
  CHECK_OK(gemma4_generate(session, ids, n_prompt, sampler, NULL, on_piece, &pieces, &generation));
  CHECK(strcmp(pieces.text, "42") == 0 && pieces.tokens >= 1);
  CHECK_OK(gemma4_generation_stop_reason(generation, &reason));
  CHECK(reason == GEMMA4_STOP_END_OF_TURN);
  FETCH_TEXT(text, sizeof text, gemma4_generation_text(generation, b_, c_, n_));
  CHECK(strcmp(text, "42") == 0);
  {
    int32_t out[64];
    CHECK_OK(gemma4_generation_tokens(generation, out, 64, &n));
    CHECK(n == pieces.tokens);
  }
  CHECK_OK(gemma4_generation_seconds(generation, &prefill_seconds, &decode_seconds));
  CHECK(prefill_seconds > 0 && decode_seconds > 0);
  CHECK_OK(gemma4_generation_speed(generation, &first, &rate));
  CHECK(first > prefill_seconds && first <= prefill_seconds + decode_seconds && rate > 0);
  CHECK_OK(gemma4_generation_speed(generation, NULL, NULL));
  CHECK_OK(gemma4_generation_destroy(generation));

  /* pulled */
  CHECK_OK(gemma4_session_truncate(session, 0));
  CHECK_OK(gemma4_generation_create(session, ids, n_prompt, sampler, NULL, &generation));
  CHECK_REFUSED(gemma4_session_position(session, &n));
  CHECK_REFUSED(gemma4_sampler_reset(sampler));
  for (;;) {
    CHECK_OK(gemma4_generation_next(generation, &more));
    if (!more) break;
    FETCH_TEXT(text, sizeof text, gemma4_generation_piece_text(generation, b_, c_, n_));
    strcat(pulled, text);
    CHECK_OK(gemma4_generation_piece_tokens(generation, NULL, 0, &n));
    n_pulled += n;
    CHECK_OK(gemma4_generation_piece_logprobs(generation, logprobs, 64, &n));
    CHECK(n == 0);
    CHECK_OK(gemma4_generation_stop_reason(generation, &reason));
    CHECK(reason == GEMMA4_STOP_NOT_ENDED);
  }
  CHECK(strcmp(pulled, "42") == 0 && n_pulled == pieces.tokens);
  CHECK_OK(gemma4_generation_next(generation, &more));
  CHECK(more == 0);
  CHECK_OK(gemma4_session_truncate(session, 0)); /* free again, though the generation lives */
  CHECK_OK(gemma4_generation_destroy(generation));

  /* options */
  CHECK_OK(gemma4_generate_options_create(&options));
  CHECK_OK(gemma4_generate_options_set_max_tokens(options, 1));
  CHECK_OK(gemma4_generate_options_set_stop_at_end(options, 1));
  CHECK_OK(gemma4_generate_options_set_show_special(options, 0));
  CHECK_OK(gemma4_generate(session, ids, n_prompt, sampler, options, NULL, NULL, &generation));
  CHECK_OK(gemma4_generation_stop_reason(generation, &reason));
  CHECK(reason == GEMMA4_STOP_MAX_TOKENS);
  CHECK_OK(gemma4_generation_destroy(generation));
  CHECK_OK(gemma4_generate_options_set_max_tokens(options, -1));
  CHECK_REFUSED(gemma4_generate_options_add_stop(options, "", 0));
  CHECK_REFUSED(gemma4_generate_options_add_stop(options, NULL, 0));
  CHECK_REFUSED(gemma4_generate_options_add_stop(options, NULL, 1));
  CHECK_REFUSED(gemma4_generate_options_add_stop(options, "\xC3", 1));
  CHECK_REFUSED(gemma4_generate_options_add_stop(options, "a\xED\xA0\x80", 4));
  CHECK_OK(gemma4_generate_options_add_stop(options, "2", 1)); /* those that were refused leave no trace */
  CHECK_OK(gemma4_session_truncate(session, 0));
  CHECK_OK(gemma4_generate(session, ids, n_prompt, sampler, options, NULL, NULL, &generation));
  FETCH_TEXT(text, sizeof text, gemma4_generation_stop_text(generation, b_, c_, n_));
  CHECK(strcmp(text, "2") == 0);
  FETCH_TEXT(text, sizeof text, gemma4_generation_text(generation, b_, c_, n_));
  CHECK(strcmp(text, "4") == 0);
  CHECK_OK(gemma4_generation_destroy(generation));
  CHECK_OK(gemma4_generate_options_destroy(options));

  /* a grammar, and a matcher that is in the middle of it */
  CHECK_OK(gemma4_generate_options_create(&options));
  CHECK_OK(gemma4_grammar_regex("ab[0-9]{3}", 10, &grammar));
  CHECK_OK(gemma4_generate_options_set_grammar(options, grammar));
  CHECK_OK(gemma4_session_truncate(session, 0));
  CHECK_OK(gemma4_generate(session, ids, n_prompt, sampler, options, NULL, NULL, &generation));
  FETCH_TEXT(text, sizeof text, gemma4_generation_text(generation, b_, c_, n_));
  CHECK(strlen(text) == 5 && strncmp(text, "ab", 2) == 0);
  CHECK_OK(gemma4_generation_destroy(generation));
  CHECK_OK(gemma4_matcher_create(grammar, tokenizer, &matcher));
  CHECK_OK(gemma4_matcher_accept_text(matcher, "ab1", 3, &more));
  CHECK_OK(gemma4_generate_options_set_matcher(options, matcher));
  CHECK_OK(gemma4_matcher_destroy(matcher));
  CHECK_OK(gemma4_session_truncate(session, 0));
  CHECK_OK(gemma4_generate(session, ids, n_prompt, sampler, options, NULL, NULL, &generation));
  FETCH_TEXT(text, sizeof text, gemma4_generation_text(generation, b_, c_, n_));
  CHECK(strlen(text) == 2);
  CHECK_OK(gemma4_generation_destroy(generation));
  CHECK_OK(gemma4_generate_options_set_grammar(options, NULL));

  /* ended by the host */
  CHECK_OK(gemma4_generate_options_set_progress(options, stop_tokens, &calls));
  CHECK_OK(gemma4_session_truncate(session, 0));
  CHECK_OK(gemma4_generate(session, ids, n_prompt, sampler, options, NULL, NULL, &generation));
  CHECK_OK(gemma4_generation_stop_reason(generation, &reason));
  CHECK(reason == GEMMA4_STOP_CANCELLED && calls == 1);
  CHECK_OK(gemma4_generation_destroy(generation));
  CHECK_OK(gemma4_generate_options_set_progress(options, NULL, NULL));
  CHECK_OK(gemma4_cancel_token_create(&token));
  CHECK_OK(gemma4_cancel_token_cancel(token));
  CHECK_OK(gemma4_generate_options_set_cancel(options, token));
  CHECK_OK(gemma4_session_truncate(session, 0));
  CHECK_OK(gemma4_generate(session, ids, n_prompt, sampler, options, NULL, NULL, &generation));
  CHECK_OK(gemma4_generation_stop_reason(generation, &reason));
  CHECK(reason == GEMMA4_STOP_CANCELLED);
  CHECK_OK(gemma4_generation_destroy(generation));
  CHECK_OK(gemma4_cancel_token_destroy(token));
  memset(&pieces, 0, sizeof pieces);
  pieces.stop_after = 1;
  CHECK_OK(gemma4_session_truncate(session, 0));
  CHECK_OK(gemma4_generate(session, ids, n_prompt, sampler, NULL, on_piece, &pieces, &generation));
  CHECK_OK(gemma4_generation_stop_reason(generation, &reason));
  CHECK(reason == GEMMA4_STOP_CANCELLED && pieces.calls == 1);
  CHECK_OK(gemma4_generation_destroy(generation));

  /* log-probabilities; handles go in an order that nothing asks for */
  CHECK_OK(gemma4_sampler_options_set_logprobs(greedy, 0));
  CHECK_OK(gemma4_sampler_destroy(sampler));
  CHECK_OK(gemma4_sampler_create(greedy, &sampler));
  CHECK_OK(gemma4_session_truncate(session, 0));
  CHECK_OK(gemma4_generation_create(session, ids, n_prompt, sampler, NULL, &generation));
  CHECK_OK(gemma4_session_destroy(session));
  CHECK_OK(gemma4_sampler_destroy(sampler));
  CHECK_OK(gemma4_generation_next(generation, &more));
  CHECK(more == 1);
  CHECK_OK(gemma4_generation_piece_logprobs(generation, logprobs, 64, &n));
  CHECK(n >= 1 && logprobs[0] <= 0.0F);
  CHECK_OK(gemma4_generation_destroy(generation));
  CHECK_OK(gemma4_grammar_destroy(grammar));
  CHECK_OK(gemma4_generate_options_destroy(options));
  CHECK_OK(gemma4_sampler_options_destroy(greedy));
  CHECK_OK(gemma4_tokenizer_destroy(tokenizer));
}
