// A shared library of the consumer's own that has gemma4 inside.
#include <gemma4/gemma4.h>

#include <string>

extern "C" __attribute__((visibility("default"))) const char* plugin_answer(const char* path) {
  static std::string answer;
  answer = gemma4::Chat(gemma4::Model::load(path)).send("What is 2 + 3?").text;
  return answer.c_str();
}
