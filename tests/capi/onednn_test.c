/* With the system's oneDNN or without, the answer is the same. usage: onednn_test MODEL_FOLDER found|missing|any */
#include "check.h"

int checks_failed = 0, checks_made = 0;

int main(int argc, char** argv) {
  gemma4_model* model = NULL;
  gemma4_chat* chat = NULL;
  gemma4_reply* reply = NULL;
  char text[64] = "";
  size_t n = 0;
  int32_t found = -1;
  if (argc != 3) return 2;
  CHECK_OK(gemma4_has_feature("onednn", 6, &found));
  printf("oneDNN: %s\n", found ? "found" : "missing");
  if (strcmp(argv[2], "any") != 0) CHECK(found == (strcmp(argv[2], "found") == 0));
  CHECK_OK(gemma4_model_load(argv[1], strlen(argv[1]), NULL, &model));
  CHECK_OK(gemma4_chat_create(model, NULL, &chat));
  CHECK_OK(gemma4_chat_send_text(chat, "What is 17 + 25?", 16, NULL, NULL, NULL, &reply));
  CHECK_OK(gemma4_reply_text(reply, text, sizeof text, &n));
  CHECK(strcmp(text, "42") == 0);
  CHECK_OK(gemma4_reply_destroy(reply));
  CHECK_OK(gemma4_chat_destroy(chat));
  CHECK_OK(gemma4_model_destroy(model));
  return report("onednn_test");
}
