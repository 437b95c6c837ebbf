/* fork() and dlclose(), as gemma4_c.h describes them. usage: process_test LIBRARY MODEL_FOLDER */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

int checks_failed = 0, checks_made = 0;

/* The functions, by name, as a host that loads the library itself has them. */
#define FUNCTIONS(X)                                                                                            \
  X(gemma4_model_load)                                                                                          \
  X(gemma4_model_destroy) X(gemma4_model_options_create) X(gemma4_model_options_destroy)                        \
      X(gemma4_model_options_set_threads) X(gemma4_chat_create) X(gemma4_chat_destroy) X(gemma4_chat_send_text) \
          X(gemma4_chat_reset) X(gemma4_reply_text) X(gemma4_reply_destroy) X(gemma4_last_error) X(gemma4_status_name)
#define DECLARE(name) static __typeof__(&name) p_##name;
FUNCTIONS(DECLARE)

static void* open_library(const char* path) {
  void* library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (library == NULL) {
    printf("%s\n", dlerror());
    exit(1);
  }
#define FIND(name) *(void**)&p_##name = dlsym(library, #name);
  FUNCTIONS(FIND)
  return library;
}
#define gemma4_last_error p_gemma4_last_error
#define gemma4_status_name p_gemma4_status_name

static gemma4_model* load(const char* path) {
  gemma4_model_options* options = NULL;
  gemma4_model* model = NULL;
  CHECK_OK(p_gemma4_model_options_create(&options));
  CHECK_OK(p_gemma4_model_options_set_threads(options, 2));
  CHECK_OK(p_gemma4_model_load(path, strlen(path), options, &model));
  CHECK_OK(p_gemma4_model_options_destroy(options));
  return model;
}

static void ask(gemma4_chat* chat) {
  gemma4_reply* reply = NULL;
  char text[64] = "";
  size_t n = 0;
  CHECK_OK(p_gemma4_chat_reset(chat));
  CHECK_OK(p_gemma4_chat_send_text(chat, "What is 17 + 25?", 16, NULL, NULL, NULL, &reply));
  CHECK_OK(p_gemma4_reply_text(reply, text, sizeof text, &n));
  CHECK(n > 0);
  CHECK_OK(p_gemma4_reply_destroy(reply));
}

static void in_child(const char* path, gemma4_model* model, gemma4_chat* chat) {
  gemma4_chat* other = NULL;
  gemma4_model* mine;
  alarm(120); /* a child that waits for its parent's threads */
  CHECK_STATUS(GEMMA4_ERROR_UNSUPPORTED, p_gemma4_chat_reset(chat));
  CHECK(strstr(gemma4_last_error(), "fork") != NULL);
  CHECK_STATUS(GEMMA4_ERROR_UNSUPPORTED, p_gemma4_chat_create(model, NULL, &other));
  CHECK_OK(p_gemma4_chat_destroy(chat));
  CHECK_OK(p_gemma4_model_destroy(model));
  mine = load(path);
  CHECK_OK(p_gemma4_chat_create(mine, NULL, &other));
  ask(other);
  CHECK_OK(p_gemma4_chat_destroy(other));
  CHECK_OK(p_gemma4_model_destroy(mine));
  fflush(stdout);
  _exit(report("in the child"));
}

int main(int argc, char** argv) {
  void* library;
  gemma4_model* model;
  gemma4_chat* chat = NULL;
  pid_t child;
  int status = -1, i;
  if (argc != 3) return 2;
  library = open_library(argv[1]);
  model = load(argv[2]);
  CHECK_OK(p_gemma4_chat_create(model, NULL, &chat));
  ask(chat);

  child = fork();
  if (child == 0) in_child(argv[2], model, chat);
  CHECK(child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
  ask(chat);

  /* Closed while the model's threads are there, and opened again. */
  for (i = 0; i < 3; ++i) {
    CHECK(dlclose(library) == 0);
    library = open_library(argv[1]);
    ask(chat);
  }
  CHECK_OK(p_gemma4_model_destroy(model));
  CHECK_OK(p_gemma4_chat_destroy(chat));
  CHECK(dlclose(library) == 0);
  return report("process_test");
}
