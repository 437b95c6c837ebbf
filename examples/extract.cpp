// Sentences to JSON: the answer is held to a schema, so it is always an object with these fields.
//
//     extract [MODEL [SENTENCE...]]
#include <gemma4/gemma4.h>

#include <iostream>
#include <string>
#include <vector>

int main(int argc, char** argv) try {
  const gemma4::Model model = gemma4::Model::load(argc > 1 ? argv[1] : "examples/nano/model");
  gemma4::ChatOptions options;
  options.sampler = model.sampler_defaults();
  options.sampler->temperature = 0.0F;
  gemma4::Chat chat(model, options);
  gemma4::SendOptions as_person;
  as_person.response_format = std::make_shared<gemma4::Grammar>(gemma4::json_schema(
      R"({"type": "object", "required": ["job", "name"], "additionalProperties": false,
          "properties": {"job": {"type": "string", "maxLength": 20}, "name": {"type": "string", "maxLength": 20}}})"));

  std::vector<std::string> sentences(argv + (argc > 2 ? 2 : argc), argv + argc);
  if (sentences.empty()) sentences = {"Marco is a builder and lives in Cadu.", "Ida lives in Sorn. She is a baker."};
  for (const std::string& sentence : sentences) {
    const gemma4::Reply reply = chat.send("Give job and name as JSON: " + sentence, as_person);
    const gemma4::Json person = gemma4::Json::parse(reply.text);
    std::cout << person.at("name").as_string() << ": " << person.at("job").as_string() << "\n";
    chat.reset();
  }
} catch (const gemma4::Error& error) {
  std::cerr << error.what() << "\n";
  return 1;
}
