// The parser of replies: bytes choose tokens. However they are cut and whatever they are, nothing is thrown, calls have
// names and objects, and the same tokens mean the same again.
#include <string>
#include <vector>

#include "fuzz_target.h"
#include "gemma4/chat.h"

using namespace gemma4;
using gemma4::fuzz::require;

namespace {

const Tokenizer& vocabulary() {
  static const Tokenizer loaded = Tokenizer::load(GEMMA4_SOURCE_DIR "/examples/nano/model");
  return loaded;
}

const char* const kTools = R"([{"name":"f","parameters":{"type":"object","properties":{"a":{"type":"string"},"b":{"type":"integer"},)"
                           R"("l":{"type":"array","items":{"type":"number"}},"o":{"type":"object","properties":{"a":{"type":"boolean"}}}}}},{"name":"ping"}])";

std::string told(const std::vector<ChatEvent>& events) {
  std::string content, thoughts, calls;
  for (const ChatEvent& event : events) {
    if (event.type == ChatEvent::Type::content) content += event.text;
    if (event.type == ChatEvent::Type::reasoning) thoughts += event.text;
    if (event.type != ChatEvent::Type::tool_call) continue;
    require(!event.call.name.empty() && event.call.arguments.is_object(), "a call has a name and an object");
    calls += event.call.name + event.call.arguments.dump();
  }
  return content + "|" + thoughts + "|" + calls;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::vector<TokenId> ids = vocabulary().encode(text, false, true);
  ReplyParserOptions options;
  if ((data[0] & 1) != 0) options.tools = Json::parse(kTools);
  options.show_thoughts = (data[0] & 2) != 0;
  options.begins_in_thought = (data[0] & 4) != 0;
  const bool complete = (data[0] & 8) != 0;

  ReplyParser whole(vocabulary(), options), stepped(vocabulary(), options);
  std::vector<ChatEvent> events = whole.push(ids), more = whole.finish(complete);
  events.insert(events.end(), more.begin(), more.end());
  std::vector<ChatEvent> steps;
  for (const TokenId id : ids) {
    more = stepped.push(id);
    steps.insert(steps.end(), more.begin(), more.end());
  }
  more = stepped.finish(complete);
  steps.insert(steps.end(), more.begin(), more.end());
  require(told(events) == told(steps), "however the tokens are cut, they mean the same");
  require(whole.ended() && whole.push(ids).empty() && whole.finish().empty(), "what has ended stays so");
  return 0;
}

std::vector<std::string> gemma4::fuzz::seeds() {
  return {"\x0FHello <|channel>thought\nI think.\n<channel|>there.<|tool_call>call:f{a:<|\"|>x}{<|\"|>,b:5,l:[1,.5]}<tool_call|><|tool_response>",
          "\x0F<|tool_call>call:f{\"a\": \"x\\u00e9\\n\", 'o': {a:True}}<tool_call|><|tool_call>call:ping()<tool_call|>",
          "\x0D""call:f{a:raw text, b:7}}", "\x0F<|tool_call>call:f{a:<|\"|>x}<tool_call|><|tool_call>call:f{a:<|\"|>y}<tool_call|>",
          "\x07thought\nx\n<channel|>y", "\x0F<|tool_call>call:ns:f(a='it's', b=+5, l=[1,2])<tool_call|>",
          "\x0F<|tool_call>{\"name\":\"f\",\"arguments\":{\"o\":{}}}<tool_call|>",
          "\x0F<|tool_call>call:f{,a=<|\"|>x<|\"|>;;b:=5,o=>{n=1},}<tool_call|><|tool_call>call:nobody{s:<|\"|>x<channel|><|\"|>}<tool_call|>"};
}
