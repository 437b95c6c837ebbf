// What every consumer project builds: the umbrella header, a bit of each part of the API, and an answer.
#include <gemma4/gemma4.h>

#include <iostream>
#include <memory>

#ifdef CONSUMER_PLUGIN
extern "C" const char* plugin_answer(const char* path);
#endif

int main(int argc, char** argv) try {
  if (argc != 2) return 2;
  const gemma4::Model model = gemma4::Model::load(argv[1]);
  gemma4::Chat chat(model);
  std::cout << chat.send("What is 17 + 25?").text << "\n";

  gemma4::Session session(model);
  gemma4::SamplerOptions greedy;
  greedy.temperature = 0.0F;
  gemma4::Sampler sampler(greedy);
  gemma4::GenerateOptions options;
  options.constraint = std::make_shared<gemma4::GrammarMatcher>(gemma4::regex("[a-z]{3}"), model.tokenizer());
  std::cout << gemma4::generate(session, model.tokenizer().encode("one", true), sampler, options).text.size() << "\n";
  try {
    gemma4::Model::load("/nowhere at all");
    return 3;
  } catch (const gemma4::Error& error) {
    std::cout << gemma4::to_string(error.code()) << "\n";
  }
  std::cout << gemma4::to_string(gemma4::StopReason::end_of_turn) << " " GEMMA4_VERSION "\n";
#ifdef CONSUMER_PLUGIN
  std::cout << plugin_answer(argv[1]) << "\n";
#endif
  return 0;
} catch (const gemma4::Error& error) {
  std::cerr << error.what() << "\n";
  return 1;
}
