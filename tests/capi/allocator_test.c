/* The allocator hook sees every large block, and a block that it refuses becomes a status: for each operation, the
 * first refused, then the second, until all are given. This program's malloc watches that nothing goes round the hook.
 * usage: allocator_test MODEL_FOLDER SCRATCH_FOLDER */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <pthread.h>
#include <stdatomic.h>

#include "check.h"

int checks_failed = 0, checks_made = 0;

#define LARGE ((size_t)65536)

/* ---- malloc, watched ---- */

extern void* __libc_malloc(size_t);
extern void* __libc_calloc(size_t, size_t);
extern void* __libc_realloc(void*, size_t);
extern void* __libc_memalign(size_t, size_t);
extern void __libc_free(void*);

static atomic_int watching = 0;
static atomic_long live_blocks = 0, n_calls = 0; /* of malloc's, whoever asked for them */
static _Thread_local int excused = 0;            /* the hook's own, and what the watch itself does */
static int n_round = 0;                          /* went round the hook */

/* Libraries of others may take what they like. */
static int is_foreign(const char* module) {
  static const char* const names[] = {"libdnnl", "libsimdjson", "libgomp", "ld-linux", "libdl."};
  size_t i;
  for (i = 0; i < sizeof names / sizeof *names; ++i) {
    if (strstr(module, names[i]) != NULL) return 1;
  }
  return 0;
}

static void look_at(size_t bytes) {
  void* frames[64];
  int n, i, library = 0;
  if (bytes < LARGE || !atomic_load(&watching) || excused) return;
  ++excused;
  n = backtrace(frames, 64);
  for (i = 0; i < n; ++i) {
    Dl_info info;
    if (dladdr(frames[i], &info) == 0 || info.dli_fname == NULL) continue;
    if (is_foreign(info.dli_fname)) break;
    if (strstr(info.dli_fname, "libgemma4_c") != NULL) library = 1;
  }
  if (i == n && library && ++n_round <= 5) {
    printf("%lu bytes went round the hook:\n", (unsigned long)bytes);
    fflush(stdout);
    backtrace_symbols_fd(frames, n, 1);
  }
  --excused;
}

void* malloc(size_t bytes) {
  void* block;
  look_at(bytes);
  block = __libc_malloc(bytes);
  atomic_fetch_add(&n_calls, 1);
  if (block != NULL) atomic_fetch_add(&live_blocks, 1);
  return block;
}
void* calloc(size_t n, size_t bytes) {
  void* block;
  look_at(bytes != 0 && n > SIZE_MAX / bytes ? 0 : n * bytes);
  block = __libc_calloc(n, bytes);
  atomic_fetch_add(&n_calls, 1);
  if (block != NULL) atomic_fetch_add(&live_blocks, 1);
  return block;
}
void* realloc(void* block, size_t bytes) {
  void* moved;
  look_at(bytes);
  moved = __libc_realloc(block, bytes);
  atomic_fetch_add(&n_calls, 1);
  if (block == NULL && moved != NULL) atomic_fetch_add(&live_blocks, 1);
  return moved;
}
void* memalign(size_t alignment, size_t bytes) {
  void* block;
  look_at(bytes);
  block = __libc_memalign(alignment, bytes);
  atomic_fetch_add(&n_calls, 1);
  if (block != NULL) atomic_fetch_add(&live_blocks, 1);
  return block;
}
void* aligned_alloc(size_t alignment, size_t bytes) { return memalign(alignment, bytes); }
int posix_memalign(void** out, size_t alignment, size_t bytes) {
  *out = memalign(alignment, bytes);
  return *out == NULL ? ENOMEM : 0;
}
void free(void* block) {
  if (block != NULL) atomic_fetch_sub(&live_blocks, 1);
  __libc_free(block);
}

/* ---- the hook ---- */

static atomic_long n_taken = 0, n_live = 0, fail_at = 0, bytes_live = 0;
static atomic_int n_refused = 0;

static void* take(void* user_data, size_t bytes, size_t alignment) {
  void* block;
  const long number = atomic_fetch_add(&n_taken, 1) + 1;
  CHECK(user_data == &n_taken && bytes >= LARGE && alignment >= 64 && (alignment & (alignment - 1)) == 0);
  if (number == atomic_load(&fail_at)) {
    atomic_fetch_add(&n_refused, 1);
    return NULL;
  }
  ++excused;
  block = memalign(alignment, bytes);
  --excused;
  if (block == NULL) return NULL;
  memset(block, 0xA5, bytes < 4096 ? bytes : 4096);
  atomic_fetch_add(&n_live, 1);
  atomic_fetch_add(&bytes_live, (long)bytes);
  return block;
}
static void give(void* user_data, void* block, size_t bytes) {
  CHECK(user_data == &n_taken && block != NULL);
  atomic_fetch_sub(&n_live, 1);
  atomic_fetch_sub(&bytes_live, (long)bytes);
  free(block);
}

/* ---- operations ---- */

typedef struct {
  gemma4_model* model;
  gemma4_tokenizer* tokenizer;
  gemma4_session* session;
  gemma4_sampler* sampler;
  gemma4_chat* chat;
  int32_t* ids;
  size_t n_ids;
} World;

static const char* path;
static int32_t compute = GEMMA4_COMPUTE_AUTO;
static char scratch[1024]; /* a file */
static char* long_text;    /* 300 kB */
static char* big_schema;   /* some 100 kB */
static char* out_text;
static int32_t* out_ids;
enum { OUT_IDS = 1 << 19, OUT_TEXT = 1 << 21 };

static gemma4_status load_from(World* w, int use_mmap) {
  gemma4_model_options* options = NULL;
  gemma4_status status = gemma4_model_options_create(&options);
  if (status == GEMMA4_OK) status = gemma4_model_options_set_mmap(options, use_mmap);
  if (status == GEMMA4_OK) status = gemma4_model_options_set_threads(options, 2);
  if (status == GEMMA4_OK) status = gemma4_model_options_set_compute(options, compute);
  if (status == GEMMA4_OK) status = gemma4_model_load(path, strlen(path), options, &w->model);
  gemma4_model_options_destroy(options);
  return status;
}
static gemma4_status load(World* w) { return load_from(w, 1); }
static gemma4_status load_owned(World* w) { return load_from(w, 0); }

static gemma4_status with_tokenizer(World* w) {
  const gemma4_status status = load(w);
  return status != GEMMA4_OK ? status : gemma4_model_tokenizer(w->model, &w->tokenizer);
}
static gemma4_status encode_text(World* w) {
  size_t n = 0;
  gemma4_status status =
      gemma4_tokenizer_encode(w->tokenizer, long_text, strlen(long_text), 1, 1, out_ids, OUT_IDS, &n);
  if (status == GEMMA4_OK) status = gemma4_tokenizer_decode(w->tokenizer, out_ids, n, 0, out_text, OUT_TEXT, &n);
  return status;
}
static gemma4_status load_tokenizer(World* w) { return gemma4_tokenizer_load(path, strlen(path), &w->tokenizer); }

static gemma4_status create_session(World* w) { return gemma4_session_create(w->model, NULL, &w->session); }
static gemma4_status with_session(World* w) {
  gemma4_status status = with_tokenizer(w);
  if (status == GEMMA4_OK) status = create_session(w);
  if (status == GEMMA4_OK) status = gemma4_sampler_create(NULL, &w->sampler);
  if (status == GEMMA4_OK) {
    status = gemma4_tokenizer_encode(w->tokenizer, long_text, 8000, 1, 1, out_ids, OUT_IDS, &w->n_ids);
  }
  return status;
}
static gemma4_status prefill(World* w) {
  gemma4_prefill_options* options = NULL;
  gemma4_status status = gemma4_prefill_options_create(&options);
  if (status == GEMMA4_OK) status = gemma4_prefill_options_set_want(options, GEMMA4_WANT_ALL_LOGITS);
  if (status == GEMMA4_OK) status = gemma4_session_prefill(w->session, out_ids, 700, options);
  gemma4_prefill_options_destroy(options);
  return status;
}
static gemma4_status decode(World* w) {
  gemma4_status status = gemma4_session_prefill(w->session, out_ids, 40, NULL);
  int i;
  for (i = 0; status == GEMMA4_OK && i < 20; ++i) status = gemma4_session_decode(w->session, out_ids[i], NULL);
  if (status == GEMMA4_OK) status = gemma4_session_checkpoint(w->session, NULL);
  return status;
}
static gemma4_status fork_session(World* w) {
  gemma4_session* fork = NULL;
  gemma4_status status = gemma4_session_prefill(w->session, out_ids, 600, NULL);
  if (status == GEMMA4_OK) status = gemma4_session_checkpoint(w->session, NULL);
  if (status == GEMMA4_OK) status = gemma4_session_fork(w->session, &fork);
  gemma4_session_destroy(fork);
  return status;
}
static gemma4_status generate(World* w) {
  gemma4_generate_options* options = NULL;
  gemma4_grammar* grammar = NULL;
  gemma4_status status = gemma4_grammar_regex("[a-z ]{10,40}", 13, &grammar);
  if (status == GEMMA4_OK) status = gemma4_generate_options_create(&options);
  if (status == GEMMA4_OK) status = gemma4_generate_options_set_grammar(options, grammar);
  if (status == GEMMA4_OK) status = gemma4_generate_options_set_max_tokens(options, 20);
  if (status == GEMMA4_OK) {
    status = gemma4_generate(w->session, out_ids, 20, w->sampler, options, NULL, NULL, NULL);
  }
  gemma4_grammar_destroy(grammar);
  gemma4_generate_options_destroy(options);
  return status;
}
static gemma4_status compile(World* w) {
  gemma4_grammar* grammar = NULL;
  gemma4_matcher* matcher = NULL;
  int32_t accepts = 0;
  static uint32_t mask[1 << 14];
  gemma4_status status = gemma4_grammar_json_schema(big_schema, strlen(big_schema), NULL, &grammar);
  if (status == GEMMA4_OK) status = gemma4_grammar_accepts(grammar, "{}", 2, &accepts);
  if (status == GEMMA4_OK) status = gemma4_matcher_create(grammar, w->tokenizer, &matcher);
  if (status == GEMMA4_OK) status = gemma4_matcher_mask(matcher, mask, 1 << 14);
  gemma4_grammar_destroy(grammar);
  gemma4_matcher_destroy(matcher);
  return status;
}
static gemma4_status talk(World* w) {
  static const char tools[] =
      "[{\"name\":\"f\",\"parameters\":{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"string\"}}}}]";
  gemma4_chat_options* options = NULL;
  gemma4_send_options* send = NULL;
  gemma4_reply* reply = NULL;
  size_t n = 0;
  gemma4_status status = gemma4_chat_options_create(&options);
  if (status == GEMMA4_OK) status = gemma4_chat_options_set_tools(options, tools, strlen(tools));
  if (status == GEMMA4_OK) status = gemma4_chat_create(w->model, options, &w->chat);
  if (status == GEMMA4_OK) status = gemma4_send_options_create(&send);
  if (status == GEMMA4_OK) status = gemma4_send_options_set_max_tokens(send, 30);
  if (status == GEMMA4_OK) status = gemma4_send_options_set_tool_choice(send, GEMMA4_TOOL_CHOICE_REQUIRED, NULL, 0);
  if (status == GEMMA4_OK) status = gemma4_chat_send_text(w->chat, "What is 17 + 25?", 16, send, NULL, NULL, &reply);
  if (status == GEMMA4_OK) status = gemma4_chat_messages(w->chat, out_text, OUT_TEXT, &n);
  gemma4_reply_destroy(reply);
  gemma4_send_options_destroy(send);
  gemma4_chat_options_destroy(options);
  return status;
}
static gemma4_status say_too_much(World* w) {
  gemma4_status status = gemma4_chat_create(w->model, NULL, &w->chat);
  if (status == GEMMA4_OK)
    status = gemma4_chat_send_text(w->chat, long_text, strlen(long_text), NULL, NULL, NULL, NULL);
  return status == GEMMA4_ERROR_CONTEXT_FULL ? GEMMA4_OK : status;
}
static gemma4_status describe(World* w) {
  size_t n = 0;
  gemma4_status status = gemma4_model_info(w->model, out_text, OUT_TEXT, &n);
  if (status == GEMMA4_OK) status = gemma4_model_tensors(w->model, out_text, OUT_TEXT, &n);
  return status;
}

static gemma4_status verify(World* w) {
  uint64_t problems = 0;
  return gemma4_model_verify(w->model, NULL, NULL, &problems);
}
static gemma4_status quantize(World* w) {
  (void)w;
  return gemma4_quantize(path, strlen(path), scratch, strlen(scratch), "q4_k_m", 6, NULL, NULL);
}

static void end(World* w) {
  CHECK_OK(gemma4_model_destroy(w->model));
  CHECK_OK(gemma4_chat_destroy(w->chat));
  CHECK_OK(gemma4_session_destroy(w->session));
  CHECK_OK(gemma4_sampler_destroy(w->sampler));
  CHECK_OK(gemma4_tokenizer_destroy(w->tokenizer));
}

/* One run of the operation with its k-th large block refused; returns whether it came to that. */
static int refuse(const char* name, gemma4_status (*prepare)(World*), gemma4_status (*operation)(World*), long k,
                  int* survived) {
  World w;
  gemma4_status status = GEMMA4_OK;
  int refused;
  memset(&w, 0, sizeof w);
  if (prepare != NULL) CHECK_OK(prepare(&w));
  atomic_store(&n_taken, 0);
  atomic_store(&n_refused, 0);
  atomic_store(&fail_at, k);
  status = operation(&w);
  refused = atomic_load(&n_refused);
  atomic_store(&fail_at, 0);
  if (refused) {
    CHECK(status == GEMMA4_ERROR_OUT_OF_MEMORY || status == GEMMA4_OK);
    if (status != GEMMA4_OK && status != GEMMA4_ERROR_OUT_OF_MEMORY) printf("%s: %s\n", name, gemma4_last_error());
  } else {
    CHECK_OK(status);
  }
  *survived = status == GEMMA4_OK;
  end(&w);
  CHECK(atomic_load(&n_live) == 0 && atomic_load(&bytes_live) == 0);
  return refused;
}

/* For every k. What a first time leaves behind may be a cache of somebody's; what a second one leaves is lost. */
static void refuse_each(const char* name, gemma4_status (*prepare)(World*), gemma4_status (*operation)(World*)) {
  long k, lost = 0, before;
  int failed = 0, done_without = 0, survived = 0;
  for (k = 1; k < 10000 && refuse(name, prepare, operation, k, &survived); ++k) {
    ++*(survived ? &done_without : &failed);
    before = atomic_load(&live_blocks);
    refuse(name, prepare, operation, k, &survived);
    lost += atomic_load(&live_blocks) - before;
  }
  printf("%-22s %3ld large blocks; refused, %d became a status, %d were done without; %ld small blocks lost\n", name,
         k - 1, failed, done_without, lost);
  CHECK(lost <= 3 + k / 8);
}

int main(int argc, char** argv) {
  size_t i, n = 0;
  void* warm[4];
  if (argc != 3) return 2;
  path = argv[1];
  snprintf(scratch, sizeof scratch, "%s/capi-allocator.gguf", argv[2]);
  backtrace(warm, 4);
  long_text = (char*)malloc(300001);
  big_schema = (char*)malloc(400000);
  out_text = (char*)malloc(OUT_TEXT);
  out_ids = (int32_t*)malloc(OUT_IDS * sizeof *out_ids);
  while (n + 40 < 300000) n += (size_t)sprintf(long_text + n, "The %lu birds sang <bos> again. ", (unsigned long)n);
  n = (size_t)sprintf(big_schema, "{\"type\":\"object\",\"properties\":{");
  for (i = 0; i < 400; ++i) {
    n += (size_t)sprintf(
        big_schema + n,
        "%s\"property_number_%lu\":{\"type\":\"object\",\"properties\":{\"%0200lu\":{\"type\":\"string\"}}}",
        i == 0 ? "" : ",", (unsigned long)i, (unsigned long)i);
  }
  sprintf(big_schema + n, "}}");

  CHECK_REFUSED(gemma4_set_allocator(take, NULL, NULL));
  CHECK_OK(gemma4_set_allocator(take, give, &n_taken));
  atomic_store(&watching, 1);
  refuse_each("load", NULL, load);
  refuse_each("load into memory", NULL, load_owned);
  refuse_each("tokenizer", NULL, load_tokenizer);
  refuse_each("encode and decode", with_tokenizer, encode_text);
  refuse_each("describe", load, describe);
  refuse_each("session", with_tokenizer, create_session);
  refuse_each("prefill, all logits", with_session, prefill);
  refuse_each("prefill and decode", with_session, decode);
  refuse_each("checkpoint and fork", with_session, fork_session);
  refuse_each("generate, grammar", with_session, generate);
  refuse_each("large schema", with_tokenizer, compile);
  refuse_each("chat with tools", load, talk);
  refuse_each("chat, too much said", load, say_too_much);
  refuse_each("verify", load, verify);
  refuse_each("quantize", NULL, quantize);
  compute = GEMMA4_COMPUTE_BF16;
  refuse_each("bf16: prefill", with_session, prefill);
  compute = GEMMA4_COMPUTE_F32;
  refuse_each("f32: prefill", with_session, prefill);
  compute = GEMMA4_COMPUTE_AUTO;
  path = scratch; /* what quantize() wrote */
  refuse_each("GGUF: load", NULL, load);
  refuse_each("GGUF: tokenizer", NULL, load_tokenizer);
  refuse_each("GGUF: prefill", with_session, prefill);
  refuse_each("GGUF: decode", with_session, decode);
  refuse_each("GGUF: chat", load, talk);
  path = argv[1];
  remove(scratch);
  CHECK(n_round == 0);
  atomic_store(&watching, 0);

  { /* a step allocates nothing at all */
    World w;
    int k;
    memset(&w, 0, sizeof w);
    CHECK_OK(with_session(&w));
    CHECK_OK(decode(&w));
    n = (size_t)atomic_load(&n_calls);
    for (k = 0; k < 10; ++k) CHECK_OK(gemma4_session_decode(w.session, out_ids[k], NULL));
    CHECK((size_t)atomic_load(&n_calls) == n);
    end(&w);
  }
  { /* blocks go back where they came from, whatever is set meanwhile */
    World w;
    memset(&w, 0, sizeof w);
    CHECK_OK(load(&w));
    CHECK(atomic_load(&n_live) > 0);
    CHECK_OK(gemma4_set_allocator(NULL, NULL, NULL));
    CHECK_OK(create_session(&w));
    end(&w);
    CHECK(atomic_load(&n_live) == 0);
  }
  free(long_text), free(big_schema), free(out_text), free(out_ids);
  return report("allocator_test");
}
