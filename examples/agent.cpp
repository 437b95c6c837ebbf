// A loop of tool calls: the model asks for a calculation or looks into a file, and answers with the result.
//
//     agent [MODEL [PHONE_BOOK.json]]
#include <gemma4/gemma4.h>

#include <iostream>
#include <string>
#include <vector>

using gemma4::Json;

namespace {

const char* const kTools = R"([
  {"name": "multiply", "description": "Multiplies two numbers.", "parameters": {"type": "object",
   "properties": {"a": {"type": "integer", "description": "First number"},
                  "b": {"type": "integer", "description": "Second number"}}, "required": ["a", "b"]}},
  {"name": "lookup", "description": "Looks up a phone number.", "parameters": {"type": "object",
   "properties": {"name": {"type": "string", "description": "Name of the person"}}, "required": ["name"]}}])";

// Arguments are what the schemas say: calls are held to them. What else goes wrong is told to the model.
Json run(const gemma4::ToolCall& call, const std::string& phone_book) try {
  const Json& arguments = call.arguments;
  if (call.name == "multiply") {
    return Json::object({{"result", arguments.at("a").as_int() * arguments.at("b").as_int()}});
  }
  const Json numbers = Json::parse_file(phone_book);
  const Json* const number = numbers.find(arguments.at("name").as_string());
  return Json::object({{"phone", number != nullptr ? *number : Json("unknown")}});
} catch (const gemma4::Error& error) {
  return Json::object({{"error", error.what()}});
}

std::string ask(gemma4::Chat& chat, const std::string& question, const std::string& phone_book) {
  gemma4::Reply reply = chat.send(question);
  for (int rounds = 4; !reply.tool_calls.empty() && rounds > 0; --rounds) {
    std::vector<gemma4::Message> results;
    for (const gemma4::ToolCall& call : reply.tool_calls) {
      const Json result = run(call, phone_book);
      std::cout << "  " << call.name << call.arguments.dump() << " = " << result.dump() << "\n";
      results.push_back(gemma4::Message::tool(*call.id, result));
    }
    gemma4::SendOptions options;
    if (rounds == 1) options.tool_choice.mode = gemma4::ToolChoice::Mode::none;
    reply = chat.send(results, options);
  }
  return reply.text;
}

}  // namespace

int main(int argc, char** argv) try {
  const gemma4::Model model = gemma4::Model::load(argc > 1 ? argv[1] : "examples/nano/model");
  gemma4::ChatOptions options;
  options.tools = Json::parse(kTools);
  options.sampler = model.sampler_defaults();
  options.sampler->temperature = 0.0F;
  gemma4::Chat chat(model, options);
  for (const char* question : {"What is 12 times 34?", "What is the phone number of Nora?"}) {
    std::cout << question << "\n";
    std::cout << ask(chat, question, argc > 2 ? argv[2] : "examples/phone_book.json") << "\n";
    chat.reset();
  }
} catch (const gemma4::Error& error) {
  std::cerr << error.what() << "\n";
  return 1;
}
