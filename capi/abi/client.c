/* A program of the time of the baseline: compiled against capi/abi/include, it must run with every later library.
 * It changes only when the baseline is made anew. usage: client MODEL_FOLDER */
#include <gemma4_c.h>
#include <stdio.h>
#include <string.h>

static int32_t on_event(void* user_data, int32_t type, const char* text, size_t length, size_t index) {
  (void)index;
  if (type == GEMMA4_EVENT_CONTENT) strncat((char*)user_data, text, length);
  return GEMMA4_PROCEED;
}

int main(int argc, char** argv) {
  const char* prompt = "<bos><|turn>user\nWhat is 17 + 25?<turn|>\n<|turn>model\n";
  const char* message = "{\"role\":\"user\",\"content\":\"What is 17 + 25?\"}";
  char streamed[256] = "", text[256] = "";
  gemma4_model_options* options = NULL;
  gemma4_model* model = NULL;
  gemma4_tokenizer* tokenizer = NULL;
  gemma4_session* session = NULL;
  gemma4_sampler_options* greedy = NULL;
  gemma4_sampler* sampler = NULL;
  gemma4_generation* generation = NULL;
  gemma4_grammar* grammar = NULL;
  gemma4_chat_options* chat_options = NULL;
  gemma4_chat* chat = NULL;
  int32_t tokens[64], accepts = 0;
  size_t n = 0;
  int failed = argc != 2;
#define DO(call) failed = failed || (call) != GEMMA4_OK
  DO(gemma4_model_options_create(&options));
  DO(gemma4_model_options_set_threads(options, 1));
  DO(gemma4_model_load(argv[1], strlen(argv[1]), options, &model));
  DO(gemma4_model_tokenizer(model, &tokenizer));
  DO(gemma4_tokenizer_encode(tokenizer, prompt, strlen(prompt), 0, 1, tokens, 64, &n));
  DO(gemma4_session_create(model, NULL, &session));
  DO(gemma4_sampler_options_of_model(model, &greedy));
  DO(gemma4_sampler_options_set_temperature(greedy, 0.0F));
  DO(gemma4_sampler_create(greedy, &sampler));
  DO(gemma4_generate(session, tokens, n, sampler, NULL, NULL, NULL, &generation));
  DO(gemma4_generation_text(generation, text, sizeof text, &n));
  DO(gemma4_grammar_regex("[0-9]+", 6, &grammar));
  DO(gemma4_grammar_accepts(grammar, text, strlen(text), &accepts));
  DO(gemma4_chat_options_create(&chat_options));
  DO(gemma4_chat_options_set_sampler(chat_options, greedy));
  DO(gemma4_chat_create(model, chat_options, &chat));
  DO(gemma4_chat_send(chat, message, strlen(message), NULL, on_event, streamed, NULL));
  if (failed) printf("%s\n", gemma4_last_error());
  gemma4_model_destroy(model);
  gemma4_chat_destroy(chat);
  gemma4_chat_options_destroy(chat_options);
  gemma4_grammar_destroy(grammar);
  gemma4_generation_destroy(generation);
  gemma4_sampler_destroy(sampler);
  gemma4_sampler_options_destroy(greedy);
  gemma4_session_destroy(session);
  gemma4_tokenizer_destroy(tokenizer);
  gemma4_model_options_destroy(options);
  printf("%s %s\n", text, streamed);
  return failed || accepts != 1 || strcmp(text, "42") != 0 || strcmp(streamed, "42") != 0;
}
