/* Eight threads over one model, each in step with the rules; then eight that break them. usage: threads_test
 * MODEL_FOLDER */
#define _POSIX_C_SOURCE 200809L
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "check.h"

int checks_failed = 0, checks_made = 0; /* the main thread's */

enum { THREADS = 8 };

static gemma4_model* model;
static gemma4_tokenizer* tokenizer;
static gemma4_grammar* grammar;
static int32_t prompt[64];
static size_t n_prompt;
static atomic_int n_wrong = 0;

/* In threads: counts and says what went wrong. */
static int ok(gemma4_status status, const char* what) {
  if (status == GEMMA4_OK) return 1;
  if (atomic_fetch_add(&n_wrong, 1) < 5) printf("%s: %s: %s\n", what, gemma4_status_name(status), gemma4_last_error());
  return 0;
}
static void expect(int condition, const char* what) {
  if (!condition && atomic_fetch_add(&n_wrong, 1) < 5) printf("not so: %s\n", what);
}

static void sleep_ms(long ms) {
  struct timespec t;
  t.tv_sec = 0, t.tv_nsec = ms * 1000000;
  nanosleep(&t, NULL);
}

/* A session of its own: the same answer every time; an error text of its own too. */
static void* answer(void* argument) {
  const long number = (long)(intptr_t)argument;
  int round;
  for (round = 0; round < 3; ++round) {
    gemma4_session_options* options = NULL;
    gemma4_session* session = NULL;
    gemma4_sampler_options* greedy = NULL;
    gemma4_sampler* sampler = NULL;
    gemma4_generate_options* generate = NULL;
    gemma4_generation* generation = NULL;
    gemma4_matcher* matcher = NULL;
    char text[64] = "", missing[64];
    size_t n = 0;
    int32_t accepts = 0;
    snprintf(missing, sizeof missing, "/nowhere/%ld", number);
    expect(gemma4_tokenizer_load(missing, strlen(missing), NULL) == GEMMA4_ERROR_INVALID_ARGUMENT,
           "an output is missing");
    ok(gemma4_session_options_create(&options), "options");
    ok(gemma4_session_options_set_context_length(options, 128), "context");
    ok(gemma4_session_create(model, options, &session), "session");
    ok(gemma4_sampler_options_of_model(model, &greedy), "greedy");
    ok(gemma4_sampler_options_set_temperature(greedy, 0.0F), "temperature");
    ok(gemma4_sampler_create(greedy, &sampler), "sampler");
    ok(gemma4_generate_options_create(&generate), "generate options");
    if (number % 2 != 0) {
      ok(gemma4_generate_options_set_grammar(generate, grammar), "grammar");
      ok(gemma4_matcher_create(grammar, tokenizer, &matcher), "matcher");
      ok(gemma4_matcher_accept_text(matcher, "4", 1, &accepts), "accept");
      expect(accepts == 1, "4 begins a number");
      ok(gemma4_matcher_destroy(matcher), "matcher");
    }
    {
      gemma4_model* none = NULL;
      expect(gemma4_model_load(missing, strlen(missing), NULL, &none) == GEMMA4_ERROR_NOT_FOUND, "not found");
    }
    ok(gemma4_generate(session, prompt, n_prompt, sampler, generate, NULL, NULL, &generation), "generate");
    if (ok(gemma4_generation_text(generation, text, sizeof text, &n), "text")) expect(strcmp(text, "42") == 0, text);
    expect(strstr(gemma4_last_error(), missing) != NULL, "a thread's last error is its own");
    gemma4_generation_destroy(generation);
    gemma4_session_destroy(session);
    gemma4_sampler_destroy(sampler);
    gemma4_generate_options_destroy(generate);
    gemma4_sampler_options_destroy(greedy);
    gemma4_session_options_destroy(options);
  }
  return NULL;
}

/* Cancel from another thread. */
typedef struct {
  gemma4_cancel_token* token;
  atomic_int pieces;
} Running;

static int32_t count(void* user_data, const char* text, size_t length, const int32_t* tokens, size_t n_tokens) {
  (void)text, (void)length, (void)tokens, (void)n_tokens;
  atomic_fetch_add(&((Running*)user_data)->pieces, 1);
  return GEMMA4_PROCEED;
}

static void* endless(void* argument) {
  Running* running = (Running*)argument;
  gemma4_session* session = NULL;
  gemma4_session_options* options = NULL;
  gemma4_sampler* sampler = NULL;
  gemma4_generate_options* generate = NULL;
  gemma4_generation* generation = NULL;
  int32_t reason = 0;
  ok(gemma4_session_options_create(&options), "options");
  ok(gemma4_session_options_set_context_length(options, 100000), "context");
  ok(gemma4_session_create(model, options, &session), "session");
  ok(gemma4_sampler_create(NULL, &sampler), "sampler");
  ok(gemma4_generate_options_create(&generate), "options");
  ok(gemma4_generate_options_set_stop_at_end(generate, 0), "on and on");
  ok(gemma4_generate_options_set_cancel(generate, running->token), "cancel");
  ok(gemma4_generate(session, prompt, n_prompt, sampler, generate, count, running, &generation), "generate");
  ok(gemma4_generation_stop_reason(generation, &reason), "reason");
  expect(reason == GEMMA4_STOP_CANCELLED, "cancelled");
  gemma4_generation_destroy(generation);
  gemma4_generate_options_destroy(generate);
  gemma4_sampler_destroy(sampler);
  gemma4_session_destroy(session);
  gemma4_session_options_destroy(options);
  return NULL;
}

/* All on the same handles, which some destroy meanwhile: statuses, nothing else. */
static gemma4_session* _Atomic shared_session;
static gemma4_sampler* _Atomic shared_sampler;
static gemma4_chat* _Atomic shared_chat;
static gemma4_generate_options* shared_options;

static void* misuse(void* argument) {
  unsigned state = 77U + (unsigned)(intptr_t)argument;
  int i;
  for (i = 0; i < 300; ++i) {
    gemma4_session* session = atomic_load(&shared_session);
    gemma4_sampler* sampler = atomic_load(&shared_sampler);
    gemma4_chat* chat = atomic_load(&shared_chat);
    gemma4_generation* generation = NULL;
    int32_t value = 0;
    size_t n = 0;
    gemma4_status status = GEMMA4_OK;
    state = state * 1664525U + 1013904223U;
    switch (state >> 24 & 15) {
      case 0:
        status = gemma4_session_prefill(session, prompt, n_prompt, NULL);
        break;
      case 1:
        status = gemma4_session_decode(session, prompt[0], NULL);
        break;
      case 2:
        status = gemma4_session_truncate(session, 0);
        break;
      case 3:
        status = gemma4_session_position(session, &n);
        break;
      case 4:
        status = gemma4_generate(session, prompt, n_prompt, sampler, shared_options, NULL, NULL, NULL);
        break;
      case 5:
        status = gemma4_generation_create(session, prompt, n_prompt, sampler, shared_options, &generation);
        if (status == GEMMA4_OK) status = gemma4_generation_next(generation, &value);
        gemma4_generation_destroy(generation);
        break;
      case 6:
        status = gemma4_sampler_observe(sampler, prompt, n_prompt);
        break;
      case 7:
        status = gemma4_chat_reset(chat);
        break;
      case 8:
        status = gemma4_chat_position(chat, &n, NULL);
        break;
      case 9:
        status = gemma4_generate_options_add_stop(shared_options, "x", 1);
        break;
      case 10: {
        gemma4_session* made = NULL;
        status = gemma4_session_create(model, NULL, &made);
        if (status == GEMMA4_OK) status = gemma4_session_destroy(atomic_exchange(&shared_session, made));
        break;
      }
      case 11: {
        gemma4_sampler* made = NULL;
        status = gemma4_sampler_create(NULL, &made);
        if (status == GEMMA4_OK) status = gemma4_sampler_destroy(atomic_exchange(&shared_sampler, made));
        break;
      }
      case 12:
        status = gemma4_chat_tokens(chat, NULL, 0, &n);
        break;
      case 13: {
        const float* view = NULL;
        status = gemma4_session_logits_view(session, &view, &n);
        break;
      }
      case 14:
        status = gemma4_session_destroy((gemma4_session*)sampler);
        break;
      default:
        status = gemma4_sampler_destroy(NULL);
        break;
    }
    expect(status == GEMMA4_OK || status == GEMMA4_ERROR_INVALID_ARGUMENT || status == GEMMA4_ERROR_CONTEXT_FULL,
           gemma4_last_error());
  }
  return NULL;
}

static void in_threads(void* (*work)(void*)) {
  pthread_t threads[THREADS];
  intptr_t i;
  for (i = 0; i < THREADS; ++i) CHECK(pthread_create(&threads[i], NULL, work, (void*)i) == 0);
  for (i = 0; i < THREADS; ++i) pthread_join(threads[i], NULL);
}

int main(int argc, char** argv) {
  gemma4_model_options* options = NULL;
  if (argc != 2) return 2;
  CHECK_OK(gemma4_model_options_create(&options));
  CHECK_OK(gemma4_model_options_set_threads(options, 2));
  CHECK_OK(gemma4_model_load(argv[1], strlen(argv[1]), options, &model));
  CHECK_OK(gemma4_model_options_destroy(options));
  CHECK_OK(gemma4_model_tokenizer(model, &tokenizer));
  CHECK_OK(gemma4_grammar_regex("[0-9]+", 6, &grammar));
  CHECK_OK(gemma4_tokenizer_encode(tokenizer, PROMPT, strlen(PROMPT), 0, 1, prompt, 64, &n_prompt));
  in_threads(answer);
  {
    Running running;
    pthread_t thread;
    running.token = NULL;
    atomic_init(&running.pieces, 0);
    CHECK_OK(gemma4_cancel_token_create(&running.token));
    CHECK(pthread_create(&thread, NULL, endless, &running) == 0);
    while (atomic_load(&running.pieces) < 5 && atomic_load(&n_wrong) == 0) sleep_ms(1);
    CHECK_OK(gemma4_cancel_token_cancel(running.token));
    CHECK_OK(gemma4_cancel_token_destroy(running.token)); /* the work has its own hold on it */
    pthread_join(thread, NULL);
  }
  {
    gemma4_session* session = NULL;
    gemma4_sampler* sampler = NULL;
    gemma4_chat* chat = NULL;
    CHECK_OK(gemma4_session_create(model, NULL, &session));
    CHECK_OK(gemma4_sampler_create(NULL, &sampler));
    CHECK_OK(gemma4_chat_create(model, NULL, &chat));
    CHECK_OK(gemma4_generate_options_create(&shared_options));
    CHECK_OK(gemma4_generate_options_set_max_tokens(shared_options, 3));
    atomic_store(&shared_session, session);
    atomic_store(&shared_sampler, sampler);
    atomic_store(&shared_chat, chat);
    in_threads(misuse);
    CHECK_OK(gemma4_session_destroy(atomic_load(&shared_session)));
    CHECK_OK(gemma4_sampler_destroy(atomic_load(&shared_sampler)));
    CHECK_OK(gemma4_chat_destroy(chat));
    CHECK_OK(gemma4_generate_options_destroy(shared_options));
  }
  CHECK(atomic_load(&n_wrong) == 0);
  CHECK_OK(gemma4_grammar_destroy(grammar));
  CHECK_OK(gemma4_model_destroy(model));
  CHECK_OK(gemma4_tokenizer_destroy(tokenizer));
  return report("threads_test");
}
