/* gemma4 in a C program: a few greedy tokens, then a turn of a conversation.
 *   cc -std=c99 embed.c $(pkg-config --cflags --libs gemma4_c) -o embed && ./embed ../nano/model */
#include <gemma4_c.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void check(gemma4_status status) {
  if (status == GEMMA4_OK) return;
  fprintf(stderr, "%s: %s\n", gemma4_status_name(status), gemma4_last_error());
  exit(1);
}

/* Called with every token's text, when it is final. */
static int32_t on_piece(void* user_data, const char* text, size_t text_length, const int32_t* tokens, size_t n_tokens) {
  size_t i;
  (void)user_data, (void)text, (void)text_length;
  for (i = 0; i < n_tokens; ++i) printf(" %" PRId32, tokens[i]);
  return GEMMA4_PROCEED;
}

static int32_t on_event(void* user_data, int32_t type, const char* text, size_t text_length, size_t index) {
  (void)user_data, (void)index;
  if (type == GEMMA4_EVENT_CONTENT) fwrite(text, 1, text_length, stdout);
  return GEMMA4_PROCEED;
}

int main(int argc, char** argv) {
  const char* path = argc > 1 ? argv[1] : "examples/nano/model";
  const char* prompt = "<bos><|turn>user\nWhat is 17 + 25?<turn|>\n<|turn>model\n";
  const char* question = "What is the capital of France?";
  gemma4_model* model;
  gemma4_tokenizer* tokenizer;
  gemma4_session* session;
  gemma4_sampler_options* greedy;
  gemma4_sampler* sampler;
  gemma4_chat_options* options;
  gemma4_chat* chat;
  int32_t tokens[256];
  size_t n_tokens;

  check(gemma4_model_load(path, strlen(path), NULL, &model));
  check(gemma4_model_tokenizer(model, &tokenizer));
  check(gemma4_tokenizer_encode(tokenizer, prompt, strlen(prompt), 0, 1, tokens, 256, &n_tokens));
  check(gemma4_session_create(model, NULL, &session));
  check(gemma4_sampler_options_of_model(model, &greedy));
  check(gemma4_sampler_options_set_temperature(greedy, 0.0F));
  check(gemma4_sampler_create(greedy, &sampler));

  printf("tokens:");
  check(gemma4_generate(session, tokens, n_tokens, sampler, NULL, on_piece, NULL, NULL));

  check(gemma4_chat_options_create(&options));
  check(gemma4_chat_options_set_sampler(options, greedy));
  check(gemma4_chat_create(model, options, &chat));
  printf("\nchat: ");
  check(gemma4_chat_send_text(chat, question, strlen(question), NULL, on_event, NULL, NULL));
  printf("\n");

  gemma4_chat_destroy(chat);
  gemma4_chat_options_destroy(options);
  gemma4_sampler_destroy(sampler);
  gemma4_sampler_options_destroy(greedy);
  gemma4_session_destroy(session);
  gemma4_tokenizer_destroy(tokenizer);
  gemma4_model_destroy(model);
  return 0;
}
