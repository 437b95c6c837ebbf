/* The interface: conversations. */
#include "interface_test.h"

typedef struct {
  char content[8192], calls[8192];
  int events, stop_after;
} Events;

static int32_t on_event(void* user_data, int32_t type, const char* event, size_t length, size_t index) {
  Events* events = (Events*)user_data;
  CHECK(length == 0 || event != NULL);
  CHECK(index < 16);
  if (type == GEMMA4_EVENT_CONTENT) strncat(events->content, event, length);
  if (type == GEMMA4_EVENT_TOOL_CALL) strncat(events->calls, event, length);
  return ++events->events == events->stop_after ? GEMMA4_CANCEL : GEMMA4_PROCEED;
}

/* The form of the template follows the model; a tokenizer does not know it. */
static void test_form(gemma4_model* model) {
  const char* messages = "[{\"role\":\"user\",\"content\":\"What is 17 + 25?\"}]";
  const size_t length = strlen(messages);
  static int32_t prompt[256], other[256];
  gemma4_session* session = NULL;
  gemma4_sampler_options* greedy = NULL;
  gemma4_sampler* sampler = NULL;
  gemma4_generation* generation = NULL;
  gemma4_tokenizer* tokenizer = NULL;
  int32_t form = -5;
  size_t n = 0, m = 0;
  CHECK_OK(gemma4_model_chat_form(model, &form));
  CHECK(form == GEMMA4_CHAT_FORM_SMALL);
  CHECK_REFUSED(gemma4_model_chat_form(model, NULL));
  CHECK_OK(gemma4_chat_encode_for_model(model, messages, length, NULL, 0, GEMMA4_CHAT_FORM_OF_MODEL, 0, 1, prompt, 256,
                                        &n));
  CHECK_OK(gemma4_chat_encode_for_model(model, messages, length, NULL, 0, GEMMA4_CHAT_FORM_LARGE, 0, 1, other, 256, &m));
  CHECK(m > n);
  CHECK_REFUSED(gemma4_chat_encode_for_model(model, messages, length, NULL, 0, 2, 0, 1, NULL, 0, &m));
  CHECK_OK(gemma4_model_tokenizer(model, &tokenizer));
  CHECK_REFUSED(gemma4_chat_encode(tokenizer, messages, length, NULL, 0, GEMMA4_CHAT_FORM_OF_MODEL, 0, 1, NULL, 0, &m));
  CHECK_OK(gemma4_chat_encode(tokenizer, messages, length, NULL, 0, form, 0, 1, other, 256, &m));
  CHECK(m == n && memcmp(prompt, other, n * sizeof *prompt) == 0);
  CHECK_OK(gemma4_tokenizer_destroy(tokenizer));
  CHECK_OK(gemma4_session_create(model, NULL, &session));
  CHECK_OK(gemma4_sampler_options_create(&greedy));
  CHECK_OK(gemma4_sampler_options_set_temperature(greedy, 0.0F));
  CHECK_OK(gemma4_sampler_create(greedy, &sampler));
  CHECK_OK(gemma4_generate(session, prompt, n, sampler, NULL, NULL, NULL, &generation));
  FETCH_TEXT(text, sizeof text, gemma4_generation_text(generation, b_, c_, n_));
  CHECK(strcmp(text, "42") == 0);
  CHECK_OK(gemma4_generation_destroy(generation));
  CHECK_OK(gemma4_sampler_destroy(sampler));
  CHECK_OK(gemma4_sampler_options_destroy(greedy));
  CHECK_OK(gemma4_session_destroy(session));
}

static int warned;

static void on_log(void* user_data, int32_t level, const char* line, size_t length) {
  (void)user_data, (void)length;
  if (level == GEMMA4_LOG_WARNING && strncmp(line, "chat: ", 6) == 0) ++warned;
}

/* What a reply tells besides its text: how its tokens were chosen, what the host should know. */
static void test_told(gemma4_model* model) {
  const char* tools =
      "[{\"name\":\"multiply\",\"description\":\"Multiplies two numbers.\",\"inputSchema\":{\"type\":\"object\",\"properties\":"
      "{\"a\":{\"type\":\"integer\",\"description\":\"First number\"},\"b\":{\"type\":\"integer\",\"description\":\"Second number\"}},"
      "\"required\":[\"a\",\"b\"]}},{\"name\":\"odd\",\"input_schema\":{\"type\":\"object\",\"properties\":{},\"required\":null}}]";
  const char* wrong = "[{\"name\":\"f\",\"schema\":{\"type\":\"object\"}}]";
  const char* question = "What is 12 times 34?";
  const char* other = "What is the capital of France?";
  static char one[4096];
  static int32_t tokens[256], event_tokens[256], top[8];
  static float logprobs[256], event_logprobs[256], top_logprobs[8];
  gemma4_sampler_options* greedy = NULL;
  gemma4_chat_options* options = NULL;
  gemma4_chat* chat = NULL;
  gemma4_chat_stream* stream = NULL;
  gemma4_reply* reply = NULL;
  int32_t more = 0, type = 0;
  size_t n = 0, m = 0, index = 0, streamed = 0;
  CHECK_OK(gemma4_set_log(on_log, NULL, GEMMA4_LOG_WARNING));
  CHECK_OK(gemma4_sampler_options_create(&greedy));
  CHECK_OK(gemma4_sampler_options_set_temperature(greedy, 0.0F));
  CHECK_OK(gemma4_sampler_options_set_logprobs(greedy, 2));
  CHECK_OK(gemma4_chat_options_create(&options));
  CHECK_OK(gemma4_chat_options_set_sampler(options, greedy));
  CHECK_OK(gemma4_chat_options_set_system(options, "You are helpful.", 16));
  CHECK_OK(gemma4_chat_options_set_tools(options, wrong, strlen(wrong)));
  CHECK_REFUSED(gemma4_chat_create(model, options, &chat));
  CHECK(strstr(gemma4_last_error(), "tools[0].schema") != NULL);
  CHECK_OK(gemma4_chat_options_set_tools(options, tools, strlen(tools)));
  CHECK_OK(gemma4_chat_create(model, options, &chat));
  CHECK(warned == 1);
  CHECK_OK(gemma4_chat_send_text(chat, question, strlen(question), NULL, NULL, NULL, &reply));
  FETCH_TEXT(text, sizeof text, gemma4_reply_tool_calls(reply, b_, c_, n_));
  CHECK(strstr(text, "\"arguments\":{\"a\":12,\"b\":34}") != NULL);
  CHECK_OK(gemma4_reply_warning_count(reply, &n));
  CHECK(n == 1);
  FETCH_TEXT(text, sizeof text, gemma4_reply_warning(reply, 0, b_, c_, n_));
  CHECK(strstr(text, "\"odd\"") != NULL);
  CHECK_REFUSED(gemma4_reply_warning(reply, 1, NULL, 0, &n));
  CHECK_OK(gemma4_reply_tokens(reply, NULL, 0, &n));
  CHECK(n == 0); /* a call has none */
  FETCH_TEXT(text, sizeof text, gemma4_reply_message(reply, b_, c_, n_));
  memcpy(one, text, strlen(text) + 1);
  FETCH_TEXT(text, sizeof text, gemma4_chat_messages(chat, b_, c_, n_));
  CHECK(strstr(text, one) != NULL && strstr(text, "{\"role\":\"system\",\"content\":\"You are helpful.\"}") == text + 1);
  CHECK_OK(gemma4_reply_destroy(reply));

  /* a user who does not wait for the result; the text with its tokens */
  snprintf(one, sizeof one, "{\"role\":\"user\",\"content\":\"%s\"}", other);
  CHECK_OK(gemma4_chat_stream_create(chat, one, strlen(one), NULL, &stream));
  for (;;) {
    CHECK_OK(gemma4_chat_stream_next(stream, &more));
    if (!more) break;
    CHECK_OK(gemma4_chat_stream_event(stream, &type, &index));
    CHECK_OK(gemma4_chat_stream_event_tokens(stream, event_tokens + streamed, 256 - streamed, &n));
    CHECK_OK(gemma4_chat_stream_event_logprobs(stream, event_logprobs + streamed, 256 - streamed, &m));
    CHECK(type == GEMMA4_EVENT_CONTENT && n == m && n > 0);
    streamed += n;
  }
  CHECK_OK(gemma4_chat_stream_reply(stream, &reply));
  CHECK_OK(gemma4_chat_stream_destroy(stream));
  CHECK(warned == 2);
  FETCH_TEXT(text, sizeof text, gemma4_reply_text(reply, b_, c_, n_));
  CHECK(strcmp(text, "The capital of France is Paris.") == 0);
  CHECK_OK(gemma4_reply_warning_count(reply, &n));
  CHECK(n == 2);
  FETCH_TEXT(text, sizeof text, gemma4_reply_warning(reply, 1, b_, c_, n_));
  CHECK(strstr(text, "\"multiply\"") != NULL);
  CHECK_OK(gemma4_reply_tokens(reply, tokens, 256, &n));
  CHECK_OK(gemma4_reply_logprobs(reply, logprobs, 256, &m));
  CHECK(n == streamed && m == n && memcmp(tokens, event_tokens, n * sizeof *tokens) == 0 &&
        memcmp(logprobs, event_logprobs, n * sizeof *logprobs) == 0);
  CHECK_OK(gemma4_reply_top_logprobs(reply, 0, top, top_logprobs, 8, &m));
  CHECK(m == 2 && top[0] == tokens[0] && top_logprobs[0] == logprobs[0] && top_logprobs[1] < logprobs[0]);
  CHECK_REFUSED(gemma4_reply_top_logprobs(reply, n, NULL, NULL, 0, &m));
  FETCH_TEXT(text, sizeof text, gemma4_reply_json(reply, b_, c_, n_));
  CHECK(strstr(text, "{\"text\":\"The capital of France is Paris.\"") == text && strstr(text, "\"samples\":[{") != NULL);
  CHECK_OK(gemma4_reply_destroy(reply));
  CHECK_REFUSED(gemma4_chat_send(chat, "{\"role\":\"user\"}", 15, NULL, NULL, NULL, NULL));
  CHECK(strstr(gemma4_last_error(), "messages[0].content") != NULL);
  CHECK_OK(gemma4_chat_destroy(chat));

  /* a call of a tool that was not declared */
  CHECK_OK(gemma4_chat_options_set_tools(options, NULL, 0));
  CHECK_OK(gemma4_chat_options_set_system(options, NULL, 0));
  CHECK_OK(gemma4_chat_create(model, options, &chat));
  CHECK_OK(gemma4_chat_send_text(chat, "What is the time?", 17, NULL, NULL, NULL, &reply));
  FETCH_TEXT(text, sizeof text, gemma4_reply_tool_calls(reply, b_, c_, n_));
  CHECK(strcmp(text, "[]") == 0);
  FETCH_TEXT(text, sizeof text, gemma4_reply_text(reply, b_, c_, n_));
  CHECK(strncmp(text, "call:time_time{", 15) == 0);
  CHECK_OK(gemma4_reply_destroy(reply));
  CHECK_OK(gemma4_chat_destroy(chat));
  CHECK_OK(gemma4_chat_options_destroy(options));
  CHECK_OK(gemma4_sampler_options_destroy(greedy));
  CHECK_OK(gemma4_set_log(NULL, NULL, GEMMA4_LOG_INFO));
}

void test_chat(gemma4_model* model) {
  const char* question = "What is 17 + 25?";
  const char* messages = "[{\"role\":\"user\",\"content\":\"What is 17 + 25?\"}]";
  const char* tools =
      "[{\"name\":\"get_weather\",\"description\":\"Weather of a city\",\"parameters\":{\"type\":\"object\","
      "\"properties\":{\"city\":{\"type\":\"string\",\"enum\":[\"Bern\"]}},\"required\":[\"city\"]}}]";
  gemma4_sampler_options* greedy = NULL;
  gemma4_session_options* session = NULL;
  gemma4_chat_options* options = NULL;
  gemma4_send_options* send = NULL;
  gemma4_chat* chat = NULL;
  gemma4_chat_stream* stream = NULL;
  gemma4_reply* reply = NULL;
  gemma4_grammar* grammar = NULL;
  gemma4_cancel_token* token = NULL;
  gemma4_tokenizer* tokenizer = NULL;
  int32_t more = 0, type = 0, finish = -1, stop = -1;
  size_t n = 0, index = 0, prompt = 0, reused = 0, completion = 0, reasoning = 0;
  uint64_t bytes = 0, seed = 0;
  double prefill_seconds = -1, decode_seconds = -1, first = -1, rate = -1;
  char streamed[4096] = "";
  int calls = 0;
  Events events;
  memset(&events, 0, sizeof events);
  CHECK_OK(gemma4_sampler_options_of_model(model, &greedy));
  CHECK_OK(gemma4_sampler_options_set_temperature(greedy, 0.0F));
  CHECK_OK(gemma4_session_options_create(&session));
  CHECK_OK(gemma4_session_options_set_context_length(session, 1024));
  CHECK_OK(gemma4_chat_options_create(&options));
  CHECK_OK(gemma4_chat_options_set_sampler(options, greedy));
  CHECK_OK(gemma4_chat_options_set_session(options, session));
  CHECK_OK(gemma4_chat_options_set_form(options, GEMMA4_CHAT_FORM_OF_MODEL));
  CHECK_OK(gemma4_chat_options_set_loop_tokens(options, 192));
  CHECK_OK(gemma4_chat_options_set_preserve_thinking(options, 0));
  CHECK_OK(gemma4_chat_create(model, options, &chat));
  CHECK_OK(gemma4_chat_send_text(chat, question, strlen(question), NULL, on_event, &events, &reply));
  CHECK(strcmp(events.content, "42") == 0);
  FETCH_TEXT(text, sizeof text, gemma4_reply_text(reply, b_, c_, n_));
  CHECK(strcmp(text, "42") == 0);
  FETCH_TEXT(text, sizeof text, gemma4_reply_reasoning(reply, b_, c_, n_));
  CHECK(text[0] == '\0');
  FETCH_TEXT(text, sizeof text, gemma4_reply_tool_calls(reply, b_, c_, n_));
  CHECK(strcmp(text, "[]") == 0);
  FETCH_TEXT(text, sizeof text, gemma4_reply_stop_text(reply, b_, c_, n_));
  CHECK(text[0] == '\0');
  CHECK_OK(gemma4_reply_reasons(reply, &finish, &stop));
  CHECK(finish == GEMMA4_FINISH_STOP && stop == GEMMA4_STOP_END_OF_TURN);
  CHECK_OK(gemma4_reply_usage(reply, &prompt, &reused, &completion, &reasoning));
  CHECK(prompt > 5 && reused == 0 && completion >= 1 && reasoning == 0);
  CHECK_OK(gemma4_reply_seconds(reply, &prefill_seconds, &decode_seconds));
  CHECK(prefill_seconds > 0 && decode_seconds > 0);
  CHECK_OK(gemma4_reply_speed(reply, &first, &rate));
  CHECK(first > prefill_seconds && first <= prefill_seconds + decode_seconds && rate > 0);
  CHECK_OK(gemma4_reply_destroy(reply));
  FETCH_TEXT(text, sizeof text, gemma4_chat_messages(chat, b_, c_, n_));
  CHECK(strcmp(text,
               "[{\"role\":\"user\",\"content\":\"What is 17 + 25?\"},{\"role\":\"assistant\",\"content\":\"42\"}]") ==
        0);
  CHECK_OK(gemma4_chat_position(chat, &n, &index));
  CHECK(n > 5 && index == 1024);
  CHECK_OK(gemma4_chat_tokens(chat, ids, 4096, &prompt));
  CHECK(prompt == n);
  CHECK_OK(gemma4_chat_memory_bytes(chat, &bytes));
  CHECK_OK(gemma4_chat_seed(chat, &seed));
  CHECK_REFUSED(gemma4_chat_seed(NULL, &seed));
  CHECK(bytes > 0);
  FETCH_TEXT(text, sizeof text, gemma4_chat_warning(chat, b_, c_, n_));

  /* pulled, with what is known reused */
  CHECK_OK(gemma4_chat_stream_create(chat, messages, strlen(messages), NULL, &stream));
  CHECK_REFUSED(gemma4_chat_reset(chat));
  CHECK_REFUSED(gemma4_chat_stream_reply(stream, &reply));
  CHECK_REFUSED(gemma4_chat_stream_event(stream, &type, &index));
  for (;;) {
    CHECK_OK(gemma4_chat_stream_next(stream, &more));
    if (!more) break;
    CHECK_OK(gemma4_chat_stream_event(stream, &type, &index));
    FETCH_TEXT(text, sizeof text, gemma4_chat_stream_event_text(stream, b_, c_, n_));
    if (type == GEMMA4_EVENT_CONTENT) strcat(streamed, text);
  }
  CHECK(streamed[0] != '\0');
  CHECK_OK(gemma4_chat_stream_reply(stream, &reply));
  CHECK_OK(gemma4_reply_usage(reply, NULL, &reused, NULL, NULL));
  CHECK(reused > 0);
  CHECK_OK(gemma4_reply_destroy(reply));
  CHECK_OK(gemma4_chat_stream_destroy(stream));
  CHECK_OK(gemma4_chat_reset(chat));
  FETCH_TEXT(text, sizeof text, gemma4_chat_messages(chat, b_, c_, n_));
  CHECK(strcmp(text, "[]") == 0);

  /* one reply's options */
  CHECK_OK(gemma4_send_options_create(&send));
  CHECK_OK(gemma4_grammar_regex("[a-c]{4}", 8, &grammar));
  CHECK_OK(gemma4_send_options_set_response_format(send, grammar));
  CHECK_OK(gemma4_grammar_destroy(grammar));
  CHECK_OK(gemma4_chat_send(chat, messages, strlen(messages), send, NULL, NULL, &reply));
  FETCH_TEXT(text, sizeof text, gemma4_reply_text(reply, b_, c_, n_));
  CHECK(strlen(text) == 4 && strspn(text, "abc") == 4);
  CHECK_OK(gemma4_reply_destroy(reply));
  CHECK_OK(gemma4_send_options_set_response_format(send, NULL));
  CHECK_OK(gemma4_chat_reset(chat));
  CHECK_REFUSED(gemma4_send_options_add_stop(send, "", 0));
  CHECK_REFUSED(gemma4_send_options_add_stop(send, NULL, 0));
  CHECK_REFUSED(gemma4_send_options_add_stop(send, "\xFF", 1));
  CHECK_OK(gemma4_send_options_add_stop(send, "2", 1));
  CHECK_OK(gemma4_chat_send_text(chat, question, strlen(question), send, NULL, NULL, &reply));
  FETCH_TEXT(text, sizeof text, gemma4_reply_stop_text(reply, b_, c_, n_));
  CHECK(strcmp(text, "2") == 0);
  CHECK_OK(gemma4_reply_destroy(reply));
  CHECK_OK(gemma4_chat_reset(chat));
  CHECK_OK(gemma4_send_options_set_max_tokens(send, 1));
  CHECK_OK(gemma4_send_options_set_max_calls(send, 1));
  CHECK_OK(gemma4_chat_send_text(chat, question, strlen(question), send, NULL, NULL, &reply));
  CHECK_OK(gemma4_reply_reasons(reply, &finish, NULL));
  CHECK(finish == GEMMA4_FINISH_LENGTH);
  CHECK_OK(gemma4_reply_destroy(reply));
  CHECK_OK(gemma4_send_options_set_max_tokens(send, -1));

  /* ended by the host: by an event, by the progress, by a token */
  memset(&events, 0, sizeof events);
  events.stop_after = 1;
  CHECK_OK(gemma4_chat_reset(chat));
  CHECK_OK(gemma4_chat_send_text(chat, question, strlen(question), NULL, on_event, &events, &reply));
  CHECK_OK(gemma4_reply_reasons(reply, &finish, NULL));
  CHECK(finish == GEMMA4_FINISH_CANCELLED && events.events == 1);
  CHECK_OK(gemma4_reply_destroy(reply));
  CHECK_OK(gemma4_chat_reset(chat));
  CHECK_OK(gemma4_send_options_set_progress(send, stop_tokens, &calls));
  CHECK_OK(gemma4_chat_send_text(chat, question, strlen(question), send, NULL, NULL, &reply));
  CHECK_OK(gemma4_reply_reasons(reply, &finish, NULL));
  CHECK(finish == GEMMA4_FINISH_CANCELLED && calls == 1);
  CHECK_OK(gemma4_reply_destroy(reply));
  CHECK_OK(gemma4_send_options_set_progress(send, NULL, NULL));
  CHECK_OK(gemma4_cancel_token_create(&token));
  CHECK_OK(gemma4_cancel_token_cancel(token));
  CHECK_OK(gemma4_send_options_set_cancel(send, token));
  CHECK_OK(gemma4_chat_send_text(chat, question, strlen(question), send, NULL, NULL, &reply));
  CHECK_OK(gemma4_reply_reasons(reply, &finish, NULL));
  CHECK(finish == GEMMA4_FINISH_CANCELLED);
  CHECK_OK(gemma4_reply_destroy(reply));
  CHECK_OK(gemma4_cancel_token_destroy(token));
  CHECK_OK(gemma4_send_options_destroy(send));
  CHECK_OK(gemma4_chat_destroy(chat));

  /* tools: a call that must come, its result, an answer */
  CHECK_OK(gemma4_chat_options_set_tools(options, tools, strlen(tools)));
  CHECK_OK(gemma4_chat_options_set_hold_calls(options, 1));
  CHECK_OK(gemma4_chat_create(model, options, &chat));
  CHECK_OK(gemma4_send_options_create(&send));
  CHECK_OK(gemma4_send_options_set_tool_choice(send, GEMMA4_TOOL_CHOICE_NAMED, "get_weather", 11));
  CHECK_OK(gemma4_send_options_set_max_calls(send, 1));
  memset(&events, 0, sizeof events);
  CHECK_OK(gemma4_chat_send_text(chat, "Weather?", 8, send, on_event, &events, &reply));
  CHECK_OK(gemma4_reply_reasons(reply, &finish, NULL));
  CHECK(finish == GEMMA4_FINISH_TOOL_CALLS);
  CHECK(strstr(events.calls, "\"name\":\"get_weather\",\"arguments\":{\"city\":\"Bern\"}") != NULL);
  FETCH_TEXT(text, sizeof text, gemma4_reply_tool_calls(reply, b_, c_, n_));
  CHECK(strstr(text, events.calls) != NULL);
  CHECK_OK(gemma4_reply_destroy(reply));
  FETCH_TEXT(text, sizeof text, gemma4_chat_messages(chat, b_, c_, n_));
  {
    char result[512], *id = strstr(text, "\"id\":\"");
    CHECK(id != NULL);
    if (id != NULL) {
      const size_t length = strcspn(id + 6, "\"");
      snprintf(result, sizeof result, "{\"role\":\"tool\",\"tool_call_id\":\"%.*s\",\"content\":\"rain\"}", (int)length,
               id + 6);
      CHECK_OK(gemma4_chat_send(chat, result, strlen(result), NULL, NULL, NULL, NULL));
    }
  }
  {
    char history[8192];
    const size_t length = strlen(text);
    memcpy(history, text, length + 1);
    CHECK_OK(gemma4_model_tokenizer(model, &tokenizer));
    CHECK_OK(gemma4_chat_encode(tokenizer, history, length, tools, strlen(tools), GEMMA4_CHAT_FORM_LARGE, 0, 1, NULL, 0,
                                &n));
    CHECK(n > 10);
    CHECK_OK(gemma4_tokenizer_destroy(tokenizer));
  }
  CHECK_OK(gemma4_chat_destroy(chat));

  /* thoughts */
  CHECK_OK(gemma4_chat_options_set_tools(options, NULL, 0));
  CHECK_OK(gemma4_chat_options_set_thinking(options, 1, 16));
  CHECK_OK(gemma4_chat_create(model, options, &chat));
  CHECK_OK(gemma4_send_options_set_tool_choice(send, GEMMA4_TOOL_CHOICE_AUTO, NULL, 0));
  CHECK_OK(gemma4_send_options_set_max_tokens(send, 64));
  CHECK_OK(gemma4_chat_send_text(chat, question, strlen(question), send, NULL, NULL, &reply));
  CHECK_OK(gemma4_reply_usage(reply, NULL, NULL, NULL, &reasoning));
  CHECK(reasoning <= 16);
  CHECK_OK(gemma4_reply_destroy(reply));

  /* what breaks the rules leaves the conversation */
  CHECK_STATUS(GEMMA4_ERROR_BAD_FORMAT, gemma4_chat_send(chat, "[", 1, NULL, NULL, NULL, NULL));
  CHECK_REFUSED(gemma4_chat_send(chat, "[{\"role\":\"king\",\"content\":\"x\"}]", 31, NULL, NULL, NULL, NULL));
  CHECK_REFUSED(gemma4_chat_send_text(chat, "\xFF\xFE", 2, NULL, NULL, NULL, NULL));
  CHECK_STATUS(GEMMA4_ERROR_BAD_FORMAT, gemma4_chat_options_set_tools(options, "{", 1));
  CHECK_OK(gemma4_chat_options_destroy(options));
  CHECK_OK(gemma4_send_options_destroy(send));
  CHECK_OK(gemma4_session_options_destroy(session));
  CHECK_OK(gemma4_sampler_options_destroy(greedy));
  CHECK_OK(gemma4_chat_stream_create(chat, messages, strlen(messages), NULL, &stream));
  CHECK_OK(gemma4_chat_destroy(chat)); /* the stream keeps it */
  CHECK_OK(gemma4_chat_stream_next(stream, &more));
  CHECK_OK(gemma4_chat_stream_destroy(stream));
  test_form(model);
  test_told(model);
}
