// Tools and messages as hosts write them, and what a chat makes of those it cannot hold to.
#include <doctest/doctest.h>

#include "chat/call_grammar.h"
#include "chat/results.h"
#include "chat/tools.h"
#include "gemma4/chat.h"
#include "gemma4/error.h"
#include "grammar/matcher.h"
#include "support/test_model.h"

using namespace gemma4;

namespace {

const char* const kSchema = R"({"type":"object","properties":{"a":{"type":"integer"}},"required":["a"]})";

Json tools(const std::string& members) { return Json::parse("[{\"name\":\"f\"" + (members.empty() ? "" : "," + members) + "}]"); }

// The text of the error that parse_tools() throws; "" for none.
std::string refused(const std::string& json) {
  try {
    chat::parse_tools(Json::parse(json));
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::invalid_argument);
    return error.what();
  }
  return {};
}

bool mentions(const std::string& text, const char* part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("tools: three spellings of the schema are one") {
  const Json expected = Json::parse(kSchema);
  const std::string schema = kSchema;
  for (const char* const key : {"parameters", "inputSchema", "input_schema"}) {
    const std::string bare = std::string("{\"name\":\"f\",\"") + key + "\":" + schema + "}";
    for (const std::string& tool : {bare, "{\"type\":\"function\",\"function\":" + bare + "}"}) {
      const std::vector<Json> functions = chat::parse_tools(Json::parse("[" + tool + "]"));
      REQUIRE(functions.size() == 1);
      CHECK(functions[0].at("parameters") == expected);
      CHECK(functions[0].size() == 2);
    }
  }
  const std::vector<Json> twice = chat::parse_tools(tools("\"inputSchema\":" + schema + ",\"parameters\":" + schema));
  CHECK(twice[0].at("parameters") == expected);
  const std::vector<Json> one_null = chat::parse_tools(tools("\"parameters\":null,\"input_schema\":" + schema));
  CHECK(one_null[0].at("parameters") == expected);
  CHECK(chat::parse_tools(tools("\"input_schema\":" + schema + ",\"parameters\":null"))[0].at("parameters") == expected);
}

TEST_CASE("tools: what else they have is no schema of their arguments") {
  const std::string schema = kSchema;
  for (const char* const members :
       {"", "\"title\":\"F\"", "\"annotations\":{\"title\":\"F\",\"readOnlyHint\":true}", "\"strict\":true", "\"examples\":[]",
        "\"cache_control\":{\"type\":\"ephemeral\"}", "\"_meta\":{\"x\":{\"type\":\"object\"}}", "\"vendor\":{\"type\":\"fast\"}",
        "\"outputSchema\":{\"type\":\"object\",\"properties\":{}}", "\"response\":{\"type\":\"object\"}", "\"extra\":{}"}) {
    CHECK(chat::parse_tools(tools(members)).size() == 1);
  }
  for (const char* const key : {"schema", "json_schema", "args_schema", "arguments", "Parameters", "input-schema"}) {
    const std::string text = refused(std::string("[{\"name\":\"f\",\"") + key + "\":" + schema + "}]");
    CHECK_MESSAGE(mentions(text, key), text);
    CHECK(mentions(text, "\"parameters\""));
    CHECK(mentions(text, "\"inputSchema\""));
    CHECK(mentions(text, "\"input_schema\""));
  }
  CHECK(mentions(refused(R"([{"name":"f","args":{"a":{"type":"integer"},"b":{"type":["string","null"]}}}])"), "tools[0].args"));
  CHECK(mentions(refused(R"([{"name":"e"},{"name":"f","x":{"properties":{}}}])"), "tools[1].x"));
  CHECK(mentions(refused("[{\"name\":\"f\",\"parameters\":{},\"inputSchema\":" + schema + "}]"), "another than under"));
  CHECK(mentions(refused("[{\"type\":\"function\",\"function\":{\"name\":\"f\"},\"inputSchema\":" + schema + "}]"), "inside"));
  CHECK(mentions(refused(R"([{"name":"f","inputSchema":"x"}])"), "an object"));
}

TEST_CASE("tools: one that cannot be held to is held to its name, and says why") {
  const Tokenizer tokenizer = Tokenizer::load(test::nano_model_path());
  const Json list = Json::parse(R"([{"name":"good","parameters":{"type":"object","properties":{"a":{"type":"integer"}},"required":["a"]}},
    {"name":"null","parameters":{"type":"object","properties":{"a":{"type":"integer"}},"required":null}},
    {"name":"unique","inputSchema":{"type":"object","properties":{"a":{"type":"array","uniqueItems":true}}}},
    {"name":"text","input_schema":{"type":"string"}},
    {"name":"key","parameters":{"type":"object","properties":{"a:b":{"type":"integer"}}}}])");
  chat::CallGrammars held(chat::declared_tools(list), *tokenizer.impl(), true);
  REQUIRE(held.warnings().size() == 4);
  CHECK(mentions(held.warnings()[0], "\"null\""));
  CHECK(mentions(held.warnings()[0], "tools[1].function.parameters"));
  CHECK(mentions(held.warnings()[0], "required"));
  CHECK(mentions(held.warnings()[1], "uniqueItems"));
  CHECK(mentions(held.warnings()[2], "\"object\""));
  CHECK(mentions(held.warnings()[3], "a:b"));
  const auto taken = [&](const char* text) {
    grammar::Matcher matcher(held.calls({}, true, 1), tokenizer.impl());
    for (const TokenId id : tokenizer.encode(text, false, true)) {
      if (!matcher.accept(id)) return false;
    }
    return matcher.may_stop();
  };
  CHECK(taken("call:good{a:5}<tool_call|>"));
  CHECK(!taken("call:good{a:true}<tool_call|>"));
  CHECK(taken("call:null{a:true,z:[1]}<tool_call|>"));
  CHECK(taken("call:unique{}<tool_call|>"));
  CHECK(!taken("call:nobody{}<tool_call|>"));
  CHECK(chat::CallGrammars(chat::declared_tools(list), *tokenizer.impl(), false).warnings().empty());
}

TEST_CASE("tools: what is too much together is held to names, and the chat goes on") {
  const Tokenizer tokenizer = Tokenizer::load(test::nano_model_path());
  const auto tool = [](int number) {
    std::vector<std::pair<std::string, Json>> properties;
    for (int i = 0; i < 11000; ++i) {
      const std::string name = "p" + std::to_string(number) + "_" + std::to_string(i);
      properties.emplace_back(name, Json::object({{"type", "integer"}, {"minimum", 11000 * number + i}}));
    }
    Json schema = Json::object({{"type", "object"}, {"properties", Json::object(std::move(properties))}});
    return Json::object({{"name", "t" + std::to_string(number)}, {"parameters", schema}});
  };
  chat::CallGrammars held(chat::declared_tools(Json::array({tool(0), tool(1), tool(2)})), *tokenizer.impl(), true);
  CHECK(held.warnings().empty());  // each by itself
  CHECK(held.calls("t0", true, 1) != nullptr);
  CHECK(held.warnings().empty());
  const auto calls = held.calls({}, true, 1);
  REQUIRE(calls != nullptr);
  REQUIRE(held.warnings().size() == 1);
  CHECK(mentions(held.warnings()[0], "too much together"));
  grammar::Matcher matcher(calls, tokenizer.impl());
  for (const TokenId id : tokenizer.encode("call:t1{x:1}<tool_call|>", false, true)) CHECK(matcher.accept(id));
  CHECK(matcher.finished());
}

TEST_CASE("messages: arguments as text, and everybody says something") {
  const std::string call = R"([{"role":"assistant","content":null,"refusal":null,"annotations":[],"audio":null,"function_call":null,)"
                           R"("tool_calls":[{"id":"a","type":"function","index":0,"function":{"name":"f","arguments":)";
  const std::vector<Message> read = parse_messages(Json::parse(call + R"("{\"x\": [1, 2.0]}"}}]}])"));
  CHECK(read[0].tool_calls[0].arguments.dump() == R"({"x":[1,2.0]})");
  CHECK(read[0].content.is_null());
  for (const char* const bad : {R"("")", R"("{")", R"("[1]")", R"("null")", R"("5")", "5", "[]", R"("{\"a\":1,\"a\":2}")"}) {
    CHECK_THROWS_WITH_AS(parse_messages(Json::parse(call + bad + "}}]}]")), doctest::Contains("messages[0].tool_calls[0].function.arguments"), Error);
  }
  for (const char* const role : {"user", "system", "developer"}) {
    const std::string json = std::string("[{\"role\":\"") + role + "\"}]";
    CHECK_THROWS_WITH_AS(parse_messages(Json::parse(json)), doctest::Contains("messages[0].content"), Error);
  }
  CHECK(parse_messages(Json::parse(R"([{"role":"assistant"},{"role":"tool","tool_call_id":"a"}])")).size() == 2);
}

TEST_CASE("messages: what to_json writes, parse_messages reads back") {
  std::vector<Message> messages = {Message::system("s"), Message::user("u")};
  messages.push_back(Message::assistant("t"));
  messages.back().reasoning = "r";
  messages.back().tool_calls.push_back({std::string("c1"), "f", Json::parse(R"({"a":[1,2.50,null]})")});
  messages.back().tool_calls.push_back({std::nullopt, "g", Json::object()});
  messages.push_back(Message::tool("c1", Json::parse(R"({"v":1})")));
  messages.push_back(Message::assistant(""));
  messages.back().tool_responses.push_back({"h", Json(5)});
  const Json json = to_json(messages);
  CHECK(to_json(parse_messages(json)) == json);
  CHECK(Json::parse(json.dump()) == json);
}

TEST_CASE("replies as JSON and as messages") {
  Reply reply;
  reply.text = "a\"b";
  reply.reasoning = "r";
  reply.tool_calls.push_back({std::string("call_1"), "f", Json::parse(R"({"a":1})")});
  reply.samples.push_back({7, -0.5F, {{7, -0.5F}, {9, -1.5F}}});
  reply.warnings.push_back("w");
  reply.usage.prompt_tokens = 3;
  const Json json = to_json(reply);
  CHECK(json.dump() ==
        R"({"text":"a\"b","reasoning":"r","tool_calls":[{"id":"call_1","name":"f","arguments":{"a":1}}],"finish_reason":"stop",)"
        R"("stop_reason":"end_of_turn","stop":"","usage":{"prompt_tokens":3,"reused_tokens":0,"completion_tokens":0,)"
        R"("reasoning_tokens":0,"prefill_seconds":0.0,"decode_seconds":0.0,"time_to_first_token":0.0,"tokens_per_second":0.0},"samples":[{"token":7,"logprob":-0.5,"top":)"
        R"([{"token":7,"logprob":-0.5},{"token":9,"logprob":-1.5}]}],"warnings":["w"]})");
  CHECK(to_json(reply.message()).dump() ==
        R"({"role":"assistant","content":"a\"b","reasoning":"r","tool_calls":[{"id":"call_1","type":"function",)"
        R"("function":{"name":"f","arguments":{"a":1}}}]})");
}
