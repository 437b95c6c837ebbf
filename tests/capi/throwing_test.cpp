// A C++ host whose callbacks break the rules and throw: the call ends with a status, and what it worked on goes on.
// usage: throwing_test MODEL_FOLDER
#include <gemma4_c.h>

#include <cstdio>
#include <cstring>
#include <stdexcept>
#include <string>

namespace {

int failed = 0;

void expect(bool condition, const char* what) {
  if (condition) return;
  ++failed;
  std::printf("not so: %s (%s)\n", what, gemma4_last_error());
}

int32_t throw_error(void*, int32_t, const char*, size_t, size_t) { throw std::runtime_error("the host's own error"); }
int32_t throw_number(void*, const char*, size_t, const int32_t*, size_t) { throw 42; }
int32_t throw_text(void*, uint64_t, uint64_t) { throw std::string("text"); }
int32_t throw_in_runner(void*, gemma4_task, void*, int32_t) { throw std::runtime_error("the runner's error"); }

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const std::string path = argv[1], question = "What is 17 + 25?";
  gemma4_model_options* options = nullptr;
  gemma4_model* model = nullptr;
  gemma4_model_options_create(&options);
  gemma4_model_options_set_progress(options, throw_text, nullptr);
  expect(gemma4_model_load(path.data(), path.size(), options, &model) == GEMMA4_ERROR_INTERNAL && model == nullptr,
         "progress that throws ends loading");
  gemma4_model_options_set_progress(options, nullptr, nullptr);
  gemma4_model_options_set_runner(options, throw_in_runner, nullptr, 2);
  gemma4_session* session = nullptr;
  const int32_t tokens[] = {2, 5, 6, 7};
  expect(gemma4_model_load(path.data(), path.size(), options, &model) == GEMMA4_OK, "load");
  expect(gemma4_session_create(model, nullptr, &session) == GEMMA4_OK, "session");
  expect(gemma4_session_prefill(session, tokens, 4, nullptr) == GEMMA4_ERROR_INTERNAL, "a runner that throws");
  expect(std::strstr(gemma4_last_error(), "the runner's error") != nullptr, "its words");
  gemma4_session_destroy(session);
  gemma4_model_destroy(model);
  gemma4_model_options_destroy(options);

  gemma4_chat* chat = nullptr;
  gemma4_sampler* sampler = nullptr;
  gemma4_reply* reply = nullptr;
  expect(gemma4_model_load(path.data(), path.size(), nullptr, &model) == GEMMA4_OK, "load");
  expect(gemma4_session_create(model, nullptr, &session) == GEMMA4_OK, "session");
  expect(gemma4_sampler_create(nullptr, &sampler) == GEMMA4_OK, "sampler");
  expect(gemma4_generate(session, tokens, 4, sampler, nullptr, throw_number, nullptr, nullptr) == GEMMA4_ERROR_INTERNAL,
         "a piece callback that throws");
  expect(gemma4_session_truncate(session, 0) == GEMMA4_OK, "the session is free again");
  expect(gemma4_chat_create(model, nullptr, &chat) == GEMMA4_OK, "chat");
  for (int i = 0; i < 2; ++i) {
    expect(gemma4_chat_send_text(chat, question.data(), question.size(), nullptr, throw_error, nullptr, &reply) ==
               GEMMA4_ERROR_INTERNAL,
           "an event callback that throws");
    expect(std::strstr(gemma4_last_error(), "the host's own error") != nullptr, "its words");
  }
  expect(gemma4_chat_reset(chat) == GEMMA4_OK, "reset");
  expect(gemma4_chat_send_text(chat, question.data(), question.size(), nullptr, nullptr, nullptr, &reply) == GEMMA4_OK,
         "the chat goes on");
  gemma4_reply_destroy(reply);
  gemma4_chat_destroy(chat);
  gemma4_sampler_destroy(sampler);
  gemma4_session_destroy(session);
  gemma4_model_destroy(model);
  return failed == 0 ? 0 : 1;
}
