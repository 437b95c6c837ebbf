/* Every function of the C interface, used as meant. usage: interface_test MODEL_FOLDER SCRATCH_FOLDER */
#define _POSIX_C_SOURCE 200809L
#include <fcntl.h>
#include <unistd.h>

#include "interface_test.h"

int checks_failed = 0, checks_made = 0;
char text[1 << 20];
int32_t ids[4096];

gemma4_model* load(const char* path, const gemma4_model_options* options) {
  gemma4_model* model = NULL;
  CHECK_OK(gemma4_model_load(path, strlen(path), options, &model));
  return model;
}

size_t encode(const gemma4_tokenizer* tokenizer, const char* what, int32_t special) {
  size_t n = 0;
  CHECK_OK(gemma4_tokenizer_encode(tokenizer, what, strlen(what), 0, special, ids, 4096, &n));
  return n;
}

int32_t count_progress(void* user_data, uint64_t done, uint64_t total) {
  CHECK(done <= total);
  ++*(int*)user_data;
  return GEMMA4_PROCEED;
}
int32_t stop_bytes(void* user_data, uint64_t done, uint64_t total) {
  (void)done, (void)total;
  return ++*(int*)user_data >= 2 ? GEMMA4_CANCEL : GEMMA4_PROCEED;
}
int32_t stop_tokens(void* user_data, size_t done, size_t total) {
  CHECK(done <= total);
  ++*(int*)user_data;
  return GEMMA4_CANCEL;
}

int32_t ascending_tokens(void* user_data, size_t done, size_t total) {
  progress_seen* seen = (progress_seen*)user_data;
  CHECK(done > seen->done && done <= total);
  seen->done = done;
  ++seen->calls;
  return GEMMA4_PROCEED;
}

static void test_base(void) {
  int32_t major = -1, minor = -1, patch = -1, present = -1;
  char version[64];
  gemma4_cancel_token* token = NULL;
  CHECK_OK(gemma4_version_numbers(&major, &minor, &patch));
  snprintf(version, sizeof version, "%d.%d.%d", (int)major, (int)minor, (int)patch);
  CHECK(strcmp(version, gemma4_version()) == 0);
  CHECK(strcmp(gemma4_status_name(GEMMA4_OK), "ok") == 0);
  CHECK(strcmp(gemma4_status_name(GEMMA4_ERROR_BAD_CHECKPOINT), "bad_checkpoint") == 0);
  CHECK(strcmp(gemma4_status_name(GEMMA4_ERROR_INTERNAL), "internal") == 0);
  CHECK(strcmp(gemma4_status_name(-1), "unknown") == 0 && strcmp(gemma4_status_name(1000), "unknown") == 0);
  FETCH_TEXT(text, sizeof text, gemma4_build_info(b_, c_, n_));
  CHECK(strstr(text, "\"isas\":[\"baseline\"") != NULL && strstr(text, gemma4_version()) != NULL);
  CHECK_OK(gemma4_has_feature("chat", 4, &present));
  CHECK(present == 1);
  CHECK_OK(gemma4_has_feature("baseline", 8, &present));
  CHECK(present == 1);
  CHECK_OK(gemma4_has_feature("teleport", 8, &present));
  CHECK(present == 0);
  CHECK_OK(gemma4_cancel_token_create(&token));
  CHECK_OK(gemma4_cancel_token_is_cancelled(token, &present));
  CHECK(present == 0);
  CHECK_OK(gemma4_cancel_token_cancel(token));
  CHECK_OK(gemma4_cancel_token_is_cancelled(token, &present));
  CHECK(present == 1);
  CHECK_OK(gemma4_cancel_token_destroy(token));
  CHECK_OK(gemma4_cancel_token_destroy(NULL));
}

static int n_lines = 0;
static void count_lines(void* user_data, int32_t level, const char* line, size_t length) {
  CHECK(user_data == &n_lines && level >= GEMMA4_LOG_INFO && length == strlen(line));
  CHECK_REFUSED(gemma4_set_log(NULL, NULL, 0)); /* not from inside */
  ++n_lines;
}

static void test_load(const char* path) {
  gemma4_model_options* options = NULL;
  gemma4_model* model = NULL;
  gemma4_cancel_token* token = NULL;
  int calls = 0;
  int32_t value = 0;
  uint64_t problems = 99, bytes = 0, sum = 0, total = 0;
  CHECK_OK(gemma4_model_options_create(&options));
  CHECK_OK(gemma4_model_options_set_threads(options, 2));
  CHECK_OK(gemma4_model_options_set_compute(options, GEMMA4_COMPUTE_F32));
  CHECK_OK(gemma4_model_options_set_mmap(options, 0));
  CHECK_OK(gemma4_model_options_set_progress(options, count_progress, &calls));
  CHECK_OK(gemma4_set_log(count_lines, &n_lines, GEMMA4_LOG_INFO));
  model = load(path, options);
  CHECK_OK(gemma4_set_log(NULL, NULL, GEMMA4_LOG_INFO));
  CHECK(calls > 1 && n_lines >= 1);
  CHECK_OK(gemma4_model_threads(model, &value));
  CHECK(value == 2);
  CHECK_OK(gemma4_model_vocab_size(model, &value));
  CHECK(value > 100);
  CHECK_OK(gemma4_model_hidden_size(model, &value));
  CHECK(value > 0);
  CHECK_OK(gemma4_model_max_context_length(model, &value));
  CHECK(value > 0);
  {
    size_t n = 0;
    CHECK_OK(gemma4_model_end_tokens(model, ids, 4096, &n));
    CHECK(n >= 1);
  }
  FETCH_TEXT(text, sizeof text, gemma4_model_info(model, b_, c_, n_));
  CHECK(strstr(text, "\"compute\":\"f32\"") != NULL && strstr(text, "\"parts\":[{\"name\":") != NULL);
  FETCH_TEXT(text, sizeof text, gemma4_model_tensors(model, b_, c_, n_));
  CHECK(strstr(text, "\"shape\":[") != NULL);
  calls = 0;
  CHECK_OK(gemma4_model_verify(model, count_progress, &calls, &problems));
  CHECK(problems == 0 && calls > 0);
  calls = 1;
  CHECK_STATUS(GEMMA4_ERROR_CANCELLED, gemma4_model_verify(model, stop_bytes, &calls, &problems));
  for (value = GEMMA4_MEMORY_WEIGHTS; value <= GEMMA4_MEMORY_WORK; ++value) {
    CHECK_OK(gemma4_model_memory(model, NULL, value, &bytes));
    CHECK(bytes > 0);
    sum += bytes;
  }
  CHECK_OK(gemma4_model_memory(model, NULL, GEMMA4_MEMORY_STATE, &bytes));
  CHECK(bytes > 0);
  sum += bytes;
  CHECK_OK(gemma4_model_memory(model, NULL, GEMMA4_MEMORY_CHECKPOINTS, &bytes));
  CHECK_OK(gemma4_model_memory(model, NULL, GEMMA4_MEMORY_TOTAL, &total));
  CHECK(sum == total);
  CHECK_REFUSED(gemma4_model_memory(model, NULL, 77, &bytes));
  CHECK_OK(gemma4_model_destroy(model));

  calls = 0;
  model = (gemma4_model*)&calls;
  CHECK_OK(gemma4_model_options_set_progress(options, stop_bytes, &calls));
  CHECK_STATUS(GEMMA4_ERROR_CANCELLED, gemma4_model_load(path, strlen(path), options, &model));
  CHECK(model == NULL && calls == 2);
  CHECK_OK(gemma4_cancel_token_create(&token));
  CHECK_OK(gemma4_cancel_token_cancel(token));
  CHECK_OK(gemma4_model_options_set_progress(options, NULL, NULL));
  CHECK_OK(gemma4_model_options_set_cancel(options, token));
  CHECK_STATUS(GEMMA4_ERROR_CANCELLED, gemma4_model_load(path, strlen(path), options, &model));
  CHECK_STATUS(GEMMA4_ERROR_NOT_FOUND, gemma4_model_load("/nowhere", 8, NULL, &model));
  CHECK(strstr(gemma4_last_error(), "/nowhere") != NULL);
  CHECK_OK(gemma4_cancel_token_destroy(token));
  CHECK_OK(gemma4_model_options_destroy(options));
}

static size_t last_logits(const gemma4_model* model, float* logits, size_t capacity) {
  const int32_t prompt[4] = {5, 6, 7, 8};
  gemma4_session* session = NULL;
  size_t n = 0;
  CHECK_OK(gemma4_session_create(model, NULL, &session));
  CHECK_OK(gemma4_session_prefill(session, prompt, 4, NULL));
  CHECK_OK(gemma4_session_logits(session, logits, capacity, &n));
  CHECK_OK(gemma4_session_destroy(session));
  return n;
}

/* A GGUF file from memory and from a descriptor is the one that its path gives. */
static void test_load_bytes(const char* path) {
  static float expected[1 << 16], got[1 << 16];
  gemma4_model_options* options = NULL;
  gemma4_cancel_token* token = NULL;
  gemma4_model* model = load(path, NULL);
  FILE* const file = fopen(path, "rb");
  unsigned char* data;
  size_t size, n;
  int fd, way;
  n = last_logits(model, expected, 1 << 16);
  CHECK_OK(gemma4_model_destroy(model));
  CHECK(file != NULL && fseek(file, 0, SEEK_END) == 0);
  size = (size_t)ftell(file);
  data = (unsigned char*)malloc(size);
  rewind(file);
  CHECK(fread(data, 1, size, file) == size);
  fclose(file);
  CHECK_OK(gemma4_model_options_create(&options));
  for (way = 0; way < 4; ++way) {
    CHECK_OK(gemma4_model_options_set_mmap(options, way % 2));
    fd = open(path, O_RDONLY);
    model = NULL;
    if (way < 2) {
      CHECK_OK(gemma4_model_load_memory(data, size, options, &model));
    } else {
      CHECK_OK(gemma4_model_load_fd((int32_t)fd, options, &model));
    }
    close(fd);
    if (way == 0) memset(data, 0, 64); /* it was copied */
    CHECK(last_logits(model, got, 1 << 16) == n && memcmp(expected, got, n * sizeof *got) == 0);
    CHECK_OK(gemma4_model_destroy(model));
    if (way == 0) {
      fd = open(path, O_RDONLY);
      CHECK(read(fd, data, 64) == 64);
      close(fd);
    }
  }
  model = (gemma4_model*)data;
  CHECK_STATUS(GEMMA4_ERROR_BAD_FORMAT, gemma4_model_load_memory(data, size / 2, NULL, &model));
  CHECK(model == NULL && strstr(gemma4_last_error(), "GGUF in memory") != NULL);
  CHECK_STATUS(GEMMA4_ERROR_BAD_FORMAT, gemma4_model_load_memory(NULL, 0, NULL, &model));
  CHECK_REFUSED(gemma4_model_load_memory(NULL, 5, NULL, &model));
  CHECK_REFUSED(gemma4_model_load_memory(data, size, NULL, NULL));
  CHECK_STATUS(GEMMA4_ERROR_IO, gemma4_model_load_fd(-1, NULL, &model));
  CHECK(strstr(gemma4_last_error(), "file descriptor -1") != NULL);
  CHECK_OK(gemma4_cancel_token_create(&token));
  CHECK_OK(gemma4_cancel_token_cancel(token));
  CHECK_OK(gemma4_model_options_set_cancel(options, token));
  CHECK_STATUS(GEMMA4_ERROR_CANCELLED, gemma4_model_load_memory(data, size, options, &model));
  CHECK_OK(gemma4_cancel_token_destroy(token));
  CHECK_OK(gemma4_model_options_destroy(options));
  free(data);
}

static void test_quantize(const char* path, const char* scratch) {
  gemma4_quantize_options* options = NULL;
  gemma4_cancel_token* token = NULL;
  gemma4_model* model = NULL;
  uint64_t bytes = 0;
  int calls = 0;
  char out[1024];
  snprintf(out, sizeof out, "%s/capi-quantized.gguf", scratch);
  FETCH_TEXT(text, sizeof text, gemma4_quantize_types(b_, c_, n_));
  CHECK(strstr(text, "q8_0") != NULL || strstr(text, "Q8_0") != NULL);
  CHECK_OK(gemma4_quantize_options_create(&options));
  CHECK_OK(gemma4_quantize_options_set_threads(options, 2));
  CHECK_OK(gemma4_quantize_options_set_imatrix(options, NULL, 0));
  CHECK_OK(gemma4_quantize_options_add_tensor_type(options, "attn_v", 6, "F16", 3));
  CHECK_OK(gemma4_quantize_options_set_progress(options, count_progress, &calls));
  CHECK_OK(gemma4_quantize(path, strlen(path), out, strlen(out), "q8_0", 4, options, &bytes));
  CHECK(bytes > 1000 && calls > 1);
  model = load(out, NULL);
  CHECK_OK(gemma4_model_destroy(model));
  test_load_bytes(out);
  CHECK_REFUSED(gemma4_quantize(path, strlen(path), out, strlen(out), "q99", 3, NULL, NULL));
  calls = 0;
  CHECK_OK(gemma4_quantize_options_set_progress(options, stop_bytes, &calls));
  CHECK_STATUS(GEMMA4_ERROR_CANCELLED,
               gemma4_quantize(path, strlen(path), out, strlen(out), "q8_0", 4, options, &bytes));
  CHECK_OK(gemma4_quantize_options_set_progress(options, NULL, NULL));
  CHECK_OK(gemma4_cancel_token_create(&token));
  CHECK_OK(gemma4_cancel_token_cancel(token));
  CHECK_OK(gemma4_quantize_options_set_cancel(options, token));
  CHECK_STATUS(GEMMA4_ERROR_CANCELLED,
               gemma4_quantize(path, strlen(path), out, strlen(out), "q8_0", 4, options, &bytes));
  CHECK_OK(gemma4_cancel_token_destroy(token));
  CHECK_OK(gemma4_quantize_options_destroy(options));
  remove(out);
}

int main(int argc, char** argv) {
  gemma4_model* model;
  if (argc != 3) return 2;
  test_base();
  test_load(argv[1]);
  model = load(argv[1], NULL);
  test_tokenizer(argv[1], model);
  test_session(model);
  test_sampler(model);
  test_grammar(model);
  test_generate(model);
  test_chat(model);
  CHECK_OK(gemma4_model_destroy(model));
  test_runner(argv[1]);
  test_quantize(argv[1], argv[2]);
  return report("interface_test");
}
