/* What the parts of interface_test.c share. */
#ifndef GEMMA4_TESTS_INTERFACE_TEST_H
#define GEMMA4_TESTS_INTERFACE_TEST_H

#include "check.h"

/* Scratch for outputs of any test. */
extern char text[1 << 20];
extern int32_t ids[4096];

gemma4_model* load(const char* path, const gemma4_model_options* options);
size_t encode(const gemma4_tokenizer* tokenizer, const char* what, int32_t special); /* into ids */

/* Progress callbacks; user_data is an int that counts the calls. stop_bytes ends the work with the second. */
int32_t count_progress(void* user_data, uint64_t done, uint64_t total);
int32_t stop_bytes(void* user_data, uint64_t done, uint64_t total);
int32_t stop_tokens(void* user_data, size_t done, size_t total);

/* A progress that must ascend; user_data is a progress_seen. */
typedef struct {
  size_t done, calls;
} progress_seen;
int32_t ascending_tokens(void* user_data, size_t done, size_t total);

void test_tokenizer(const char* path, gemma4_model* model);
void test_session(gemma4_model* model);
void test_sampler(gemma4_model* model);
void test_grammar(gemma4_model* model);
void test_generate(gemma4_model* model);
void test_chat(gemma4_model* model);
void test_requests(gemma4_model* model);
void test_runner(const char* path);

#endif
