// The twelve lines everyone starts from (include/gemma4/gemma4.h), with the model as an argument.
#include <gemma4/gemma4.h>

#include <iostream>

int main(int argc, char** argv) try {
  const gemma4::Model model = gemma4::Model::load(argc > 1 ? argv[1] : "examples/nano/model");
  gemma4::Session session(model);
  gemma4::Sampler sampler(model.sampler_defaults());
  const std::string question = "<bos><|turn>user\nWhat is 17 + 25?<turn|>\n<|turn>model\n";
  const auto prompt = model.tokenizer().encode(question, /*add_bos=*/false, /*parse_special=*/true);
  gemma4::generate(session, prompt, sampler, {}, [](const gemma4::Piece& piece) {
    std::cout << piece.text << std::flush;
    return gemma4::StreamAction::proceed;
  });
  std::cout << "\n";
} catch (const gemma4::Error& error) {
  std::cerr << error.what() << "\n";
  return 1;
}
