/* The interface: threads of the host. */
#include "interface_test.h"

/* Parts in another order than asked for, on this thread. */
static int32_t backwards(void* user_data, gemma4_task task, void* task_data, int32_t count) {
  int32_t i;
  ++*(int*)user_data;
  for (i = count; i-- > 0;) task(task_data, i);
  return 0;
}
static int32_t lazy(void* user_data, gemma4_task task, void* task_data, int32_t count) {
  (void)user_data, (void)count;
  task(task_data, 0);
  task(task_data, 0);
  task(task_data, -3);
  task(task_data, 1 << 20);
  return 0;
}
static int32_t failing(void* user_data, gemma4_task task, void* task_data, int32_t count) {
  (void)user_data, (void)task, (void)task_data, (void)count;
  return -7;
}

static void logits_of(gemma4_model* model, float* out, size_t capacity, gemma4_status expected) {
  gemma4_tokenizer* tokenizer = NULL;
  gemma4_session* session = NULL;
  size_t n;
  CHECK_OK(gemma4_model_tokenizer(model, &tokenizer));
  n = encode(tokenizer, PROMPT, 1);
  CHECK_OK(gemma4_session_create(model, NULL, &session));
  CHECK_STATUS(expected, gemma4_session_prefill(session, ids, n, NULL));
  if (expected == GEMMA4_OK) CHECK_OK(gemma4_session_logits(session, out, capacity, &n));
  CHECK_OK(gemma4_session_destroy(session));
  CHECK_OK(gemma4_tokenizer_destroy(tokenizer));
}

void test_runner(const char* path) {
  gemma4_model_options* options = NULL;
  gemma4_model* model = NULL;
  int32_t vocab = 0;
  int calls = 0;
  float *own, *hosted;
  CHECK_OK(gemma4_model_options_create(&options));
  CHECK_OK(gemma4_model_options_set_threads(options, 3));
  model = load(path, options);
  CHECK_OK(gemma4_model_vocab_size(model, &vocab));
  own = (float*)calloc((size_t)vocab, sizeof *own);
  hosted = (float*)calloc((size_t)vocab, sizeof *hosted);
  logits_of(model, own, (size_t)vocab, GEMMA4_OK);
  CHECK_OK(gemma4_model_destroy(model));
  CHECK_OK(gemma4_model_options_set_runner(options, backwards, &calls, 3));
  model = load(path, options);
  logits_of(model, hosted, (size_t)vocab, GEMMA4_OK);
  CHECK(calls > 10 && memcmp(own, hosted, (size_t)vocab * sizeof *own) == 0);
  CHECK_OK(gemma4_model_destroy(model));
  CHECK_OK(gemma4_model_options_set_runner(options, lazy, NULL, 3));
  model = load(path, options);
  logits_of(model, hosted, (size_t)vocab, GEMMA4_ERROR_INTERNAL);
  CHECK_OK(gemma4_model_destroy(model));
  CHECK_OK(gemma4_model_options_set_runner(options, failing, NULL, 3));
  model = load(path, options);
  logits_of(model, hosted, (size_t)vocab, GEMMA4_ERROR_INTERNAL);
  CHECK(strstr(gemma4_last_error(), "-7") != NULL);
  CHECK_OK(gemma4_model_destroy(model));
  CHECK_REFUSED(gemma4_model_options_set_runner(options, backwards, &calls, 0));
  CHECK_OK(gemma4_model_options_set_runner(options, NULL, NULL, 0));
  CHECK_OK(gemma4_model_options_destroy(options));
  free(own);
  free(hosted);
}
