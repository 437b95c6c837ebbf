/* Chats configured per reply: an agent that swaps tools, an editor that rewinds, edits and draws again, a server. */
#include "interface_test.h"

#include <stdio.h>
#include <string.h>

static gemma4_chat* new_chat(gemma4_model* model, float temperature) {
  gemma4_sampler_options* sampler = NULL;
  gemma4_chat_options* options = NULL;
  gemma4_chat* chat = NULL;
  CHECK_OK(gemma4_sampler_options_create(&sampler));
  CHECK_OK(gemma4_sampler_options_set_temperature(sampler, temperature));
  CHECK_OK(gemma4_sampler_options_set_seed(sampler, 4));
  CHECK_OK(gemma4_chat_options_create(&options));
  CHECK_OK(gemma4_chat_options_set_sampler(options, sampler));
  CHECK_OK(gemma4_chat_create(model, options, &chat));
  CHECK_OK(gemma4_chat_options_destroy(options));
  CHECK_OK(gemma4_sampler_options_destroy(sampler));
  return chat;
}

/* The text or, with `calls`, the calls of a reply, into `text`; destroys it. */
static void take(gemma4_reply* reply, int calls) {
  if (calls) {
    FETCH_TEXT(text, sizeof text, gemma4_reply_tool_calls(reply, b_, c_, n_));
  } else {
    FETCH_TEXT(text, sizeof text, gemma4_reply_text(reply, b_, c_, n_));
  }
  CHECK_OK(gemma4_reply_destroy(reply));
}

static void test_agent(gemma4_model* model) {
  const char* names[] = {"multiply", "lookup", "multiply"};
  gemma4_chat* chat = new_chat(model, 0.0F);
  gemma4_send_options* options = NULL;
  gemma4_reply* reply = NULL;
  char tools[256], wanted[64];
  size_t i = 0;
  CHECK_OK(gemma4_send_options_create(&options));
  CHECK_OK(gemma4_send_options_set_max_tokens(options, 60));
  CHECK_OK(gemma4_send_options_set_tool_choice(options, GEMMA4_TOOL_CHOICE_REQUIRED, NULL, 0));
  CHECK_REFUSED(gemma4_chat_send_text(chat, "Go.", 3, options, NULL, NULL, NULL)); /* the chat has no tools */
  for (; i < 3; ++i) {
    snprintf(tools, sizeof tools, "[{\"name\":\"%s\",\"parameters\":{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"integer\"}}}}]",
             names[i]);
    snprintf(wanted, sizeof wanted, "\"name\":\"%s\"", names[i]);
    CHECK_OK(gemma4_send_options_set_tools(options, tools, strlen(tools)));
    CHECK_OK(gemma4_chat_send_text(chat, "Go.", 3, options, NULL, NULL, &reply));
    take(reply, 1);
    CHECK(strstr(text, wanted) != NULL);
  }
  CHECK_OK(gemma4_send_options_set_tools(options, "[]", 2));
  CHECK_REFUSED(gemma4_chat_send_text(chat, "Go.", 3, options, NULL, NULL, NULL));
  CHECK_OK(gemma4_send_options_set_tools(options, NULL, 0));
  CHECK_OK(gemma4_send_options_set_tool_choice(options, GEMMA4_TOOL_CHOICE_AUTO, NULL, 0));
  CHECK_OK(gemma4_send_options_set_hold_calls(options, 0));
  CHECK_OK(gemma4_send_options_set_thinking(options, 1, 8));
  CHECK_REFUSED(gemma4_send_options_set_thinking(options, 1, -2));
  CHECK_OK(gemma4_send_options_set_preserve_thinking(options, GEMMA4_PRESERVE_THINKING_ALL));
  CHECK_REFUSED(gemma4_send_options_set_preserve_thinking(options, 3));
  CHECK_OK(gemma4_send_options_set_loop_tokens(options, 0));
  CHECK_OK(gemma4_chat_send_text(chat, "What is 17 + 25?", 16, options, NULL, NULL, &reply));
  FETCH_TEXT(text, sizeof text, gemma4_reply_reasoning(reply, b_, c_, n_));
  CHECK(text[0] != 0);
  take(reply, 0);
  CHECK_OK(gemma4_send_options_destroy(options));
  CHECK_OK(gemma4_chat_destroy(chat));
}

static void test_editor(gemma4_model* model) {
  gemma4_chat* chat = new_chat(model, 1.0F);
  gemma4_chat *fork = NULL, *none = NULL;
  gemma4_chat_stream* stream = NULL;
  gemma4_send_options* options = NULL;
  gemma4_sampler_options* greedy = NULL;
  gemma4_reply* reply = NULL;
  static char first[4096], theirs[4096];
  size_t reused = 0, prompt = 0;
  int differs = 0, i = 0;
  int32_t more = 1;
  CHECK_OK(gemma4_send_options_create(&options));
  CHECK_OK(gemma4_send_options_set_max_tokens(options, 30));
  CHECK_REFUSED(gemma4_chat_regenerate(chat, options, NULL, NULL, NULL));
  CHECK_OK(gemma4_chat_send_text(chat, "Tell me a story.", 16, options, NULL, NULL, &reply));
  FETCH_TEXT(text, sizeof text, gemma4_reply_message(reply, b_, c_, n_));
  CHECK(strlen(text) < sizeof first);
  strcpy(first, text);
  CHECK_OK(gemma4_reply_destroy(reply));
  CHECK_OK(gemma4_chat_fork(chat, &fork));
  CHECK_REFUSED(gemma4_chat_fork(NULL, &none));
  for (; i < 4; ++i) {
    CHECK_OK(gemma4_chat_regenerate(chat, options, NULL, NULL, &reply));
    CHECK_OK(gemma4_reply_usage(reply, &prompt, &reused, NULL, NULL));
    CHECK(reused + 1 >= prompt);
    FETCH_TEXT(text, sizeof text, gemma4_reply_message(reply, b_, c_, n_));
    CHECK_OK(gemma4_reply_destroy(reply));
    if (strcmp(text, first) != 0) differs = 1;
  }
  CHECK(differs);
  CHECK_OK(gemma4_chat_stream_create_regenerate(chat, options, &stream));
  while (more) CHECK_OK(gemma4_chat_stream_next(stream, &more));
  CHECK_OK(gemma4_chat_stream_reply(stream, &reply));
  CHECK_OK(gemma4_chat_stream_destroy(stream));
  FETCH_TEXT(text, sizeof text, gemma4_reply_message(reply, b_, c_, n_));
  CHECK(strlen(text) < sizeof theirs);
  strcpy(theirs, text);
  CHECK_OK(gemma4_reply_destroy(reply));
  FETCH_TEXT(text, sizeof text, gemma4_chat_messages(chat, b_, c_, n_));
  CHECK(strstr(text, theirs) != NULL);

  /* the fork knows nothing of that, and draws as the chat did */
  FETCH_TEXT(text, sizeof text, gemma4_chat_messages(fork, b_, c_, n_));
  CHECK(strstr(text, first) != NULL);
  CHECK_REFUSED(gemma4_chat_rewind(fork, 3));
  CHECK_OK(gemma4_chat_rewind(fork, 0));
  CHECK_OK(gemma4_sampler_options_create(&greedy));
  CHECK_OK(gemma4_sampler_options_set_temperature(greedy, 0.0F));
  CHECK_OK(gemma4_send_options_set_sampler(options, greedy));
  CHECK_OK(gemma4_chat_send_text(fork, "What is 17 + 25?", 16, options, NULL, NULL, &reply));
  take(reply, 0);
  CHECK(strcmp(text, "42") == 0);
  CHECK_OK(gemma4_send_options_set_sampler(options, NULL));
  CHECK_OK(gemma4_sampler_options_destroy(greedy));
  CHECK_OK(gemma4_chat_destroy(fork));
  CHECK_OK(gemma4_send_options_destroy(options));
  CHECK_OK(gemma4_chat_destroy(chat));
}

static void test_server(gemma4_model* model) {
  const char* history =
      "[{\"role\":\"user\",\"content\":\"What is the capital of France?\"},"
      "{\"role\":\"assistant\",\"content\":\"The capital of France is Paris.\"},"
      "{\"role\":\"user\",\"content\":\"What is 17 + 25?\"}]";
  const char* begun = "[{\"role\":\"user\",\"content\":\"a\"},{\"role\":\"assistant\",\"content\":\"b\"}]";
  gemma4_chat* chat = new_chat(model, 0.0F);
  gemma4_chat_options* options = NULL;
  gemma4_chat_stream* stream = NULL;
  gemma4_reply* reply = NULL;
  size_t reused = 0, prompt = 0;
  int32_t more = 1;
  CHECK_OK(gemma4_chat_reply(chat, history, strlen(history), NULL, NULL, NULL, &reply));
  take(reply, 0);
  CHECK(strcmp(text, "42") == 0);
  CHECK_OK(gemma4_chat_stream_create_reply(chat, history, strlen(history), NULL, &stream));
  while (more) CHECK_OK(gemma4_chat_stream_next(stream, &more));
  CHECK_OK(gemma4_chat_stream_reply(stream, &reply));
  CHECK_OK(gemma4_chat_stream_destroy(stream));
  CHECK_OK(gemma4_reply_usage(reply, &prompt, &reused, NULL, NULL));
  CHECK(reused + 1 == prompt);
  take(reply, 0);
  CHECK(strcmp(text, "42") == 0);
  CHECK_REFUSED(gemma4_chat_reply(chat, "[]", 2, NULL, NULL, NULL, NULL));
  CHECK_OK(gemma4_chat_destroy(chat));

  CHECK_OK(gemma4_chat_options_create(&options));
  CHECK_REFUSED(gemma4_chat_options_set_messages(options, "[{\"role\":\"nobody\"}]", 19));
  CHECK_OK(gemma4_chat_options_set_messages(options, begun, strlen(begun)));
  CHECK_OK(gemma4_chat_options_set_preserve_thinking(options, GEMMA4_PRESERVE_THINKING_CALLS));
  CHECK_OK(gemma4_chat_create(model, options, &chat));
  FETCH_TEXT(text, sizeof text, gemma4_chat_messages(chat, b_, c_, n_));
  CHECK(strcmp(text, begun) == 0);
  CHECK_OK(gemma4_chat_destroy(chat));
  CHECK_OK(gemma4_chat_options_destroy(options));
}

/* Which of two answers the model finds likelier. */
static void test_scorer(gemma4_model* model) {
  const char* prompt = "<bos><|turn>user\nWhat is 17 + 25?<turn|>\n<|turn>model\n";
  const char* answers[] = {"42", "57"};
  static int32_t tokens[64];
  static float logprobs[8];
  double sums[2] = {0, 0};
  gemma4_tokenizer* tokenizer = NULL;
  gemma4_session* session = NULL;
  size_t n = 0, held = 0, i = 0, k = 0;
  CHECK_OK(gemma4_model_tokenizer(model, &tokenizer));
  CHECK_OK(gemma4_session_create(model, NULL, &session));
  CHECK_OK(gemma4_tokenizer_encode(tokenizer, prompt, strlen(prompt), 0, 1, tokens, 64, &n));
  CHECK_REFUSED(gemma4_session_score(session, tokens, n, NULL, logprobs, 64, &held)); /* it holds nothing */
  CHECK_OK(gemma4_session_prefill(session, tokens, n, NULL));
  for (; i < 2; ++i) {
    CHECK_OK(gemma4_tokenizer_encode(tokenizer, answers[i], strlen(answers[i]), 0, 0, tokens, 64, &n));
    CHECK_OK(gemma4_session_score(session, tokens, n, NULL, NULL, 0, &k));
    CHECK(k == n && n <= 8);
    CHECK_OK(gemma4_session_score(session, tokens, n, NULL, logprobs, 8, &k));
    for (k = 0; k < n; ++k) sums[i] += (double)logprobs[k];
  }
  CHECK(sums[0] > sums[1] && sums[0] < 0 && sums[0] > -2);
  tokens[0] = -1;
  CHECK_STATUS(GEMMA4_ERROR_TOKEN_OUT_OF_RANGE, gemma4_session_score(session, tokens, 1, NULL, logprobs, 8, &k));
  CHECK_OK(gemma4_session_destroy(session));
  CHECK_OK(gemma4_tokenizer_destroy(tokenizer));
}

void test_requests(gemma4_model* model) {
  test_scorer(model);
  test_agent(model);
  test_editor(model);
  test_server(model);
}
