// ReplyParser on the corpus of tests/support/make_reply_corpus.py: whole, token by token, and text byte by byte.
#include <doctest/doctest.h>

#include <cstdio>
#include <random>

#include "chat/python_text.h"
#include "gemma4/chat.h"
#include "support/test_model.h"

using namespace gemma4;

namespace {

const Tokenizer& vocabulary() {
  static const Tokenizer loaded = Tokenizer::load(test::nano_model_path());
  return loaded;
}

const Json& corpus() {
  static const Json file = Json::parse_file(std::string(GEMMA4_SOURCE_DIR) + "/tests/support/reply_corpus.json");
  return file;
}

// "text:..." is ordinary tokens whatever it spells, "token:..." that token; in anything else markup is control tokens.
std::vector<TokenId> tokens_of(const Json& output) {
  std::vector<TokenId> ids;
  for (const Json& element : output.values()) {
    const std::string& text = element.as_string();
    if (text.rfind("token:", 0) == 0) {
      ids.push_back(vocabulary().token_to_id(text.substr(6)));
      continue;
    }
    const bool plain = text.rfind("text:", 0) == 0;
    const std::vector<TokenId> part = vocabulary().encode(plain ? text.substr(5) : text, false, !plain);
    ids.insert(ids.end(), part.begin(), part.end());
  }
  return ids;
}

// Ordinary tokens as one byte token per byte.
std::vector<TokenId> in_bytes(const std::vector<TokenId>& ids) {
  std::vector<TokenId> result;
  for (const TokenId id : ids) {
    if (vocabulary().is_special(id) || vocabulary().id_to_token(id).substr(0, 3) == "<0x") {
      result.push_back(id);
      continue;
    }
    for (const char c : vocabulary().decode({&id, 1})) {
      char name[8];
      std::snprintf(name, sizeof name, "<0x%02X>", static_cast<unsigned>(static_cast<unsigned char>(c)));
      result.push_back(vocabulary().token_to_id(name));
    }
  }
  return result;
}

// [["content", text], ["tool_call", name, arguments], ...], texts of one type joined. Checks what holds of any events.
Json summary(const std::vector<ChatEvent>& events) {
  std::vector<Json> list;
  std::size_t n_calls = 0;
  bool last_is_text = false;
  for (const ChatEvent& event : events) {
    if (event.type == ChatEvent::Type::tool_call_started) {
      CHECK(event.index == n_calls);
      continue;
    }
    if (event.type == ChatEvent::Type::tool_call) {
      CHECK(event.index == n_calls++);
      CHECK(event.call.arguments.is_object());
      list.push_back(Json::array({"tool_call", event.call.name, event.call.arguments}));
      last_is_text = false;
      continue;
    }
    CHECK(!event.text.empty());
    if (last_is_text && list.back()[0].as_string() == to_string(event.type)) {
      list.back() = Json::array({list.back()[0], list.back()[1].as_string() + event.text});
    } else {
      list.push_back(Json::array({to_string(event.type), event.text}));
    }
    last_is_text = true;
  }
  return Json::array(std::move(list));
}

bool flag(const Json& test, const char* name, bool otherwise) {
  const Json* const value = test.find(name);
  return value != nullptr ? value->as_bool() : otherwise;
}

ReplyParser parser_for(const Json& test) {
  ReplyParserOptions options;
  if (flag(test, "tools", true)) options.tools = corpus().at("tools");
  options.show_thoughts = flag(test, "show_thoughts", true);
  options.begins_in_thought = flag(test, "begins_in_thought", false);
  return ReplyParser(vocabulary(), options);
}

void append(std::vector<ChatEvent>& to, const std::vector<ChatEvent>& more) { to.insert(to.end(), more.begin(), more.end()); }

// As Python prints them: the corpus has "-1500.0" where the model wrote "-1.50e3".
std::string normal(const Json& events) {
  std::string out;
  for (const Json& event : events.values()) out += chat::str(event) + "\n";
  return out;
}

}  // namespace

TEST_CASE("replies: the corpus, whole, token by token and byte by byte") {
  REQUIRE(corpus().at("cases").size() >= 100);
  for (const Json& test : corpus().at("cases").values()) {
    const std::vector<TokenId> ids = tokens_of(test.at("output"));
    const bool complete = flag(test, "complete", true);
    const std::string expected = normal(test.at("events"));
    INFO(test.at("name").as_string());
    {
      ReplyParser parser = parser_for(test);
      std::vector<ChatEvent> events = parser.push(ids);
      append(events, parser.finish(complete));
      CHECK(normal(summary(events)) == expected);
      CHECK(parser.finish().empty());
    }
    for (const bool bytes : {false, true}) {
      ReplyParser parser = parser_for(test);
      std::vector<ChatEvent> events;
      for (const TokenId id : bytes ? in_bytes(ids) : ids) append(events, parser.push(id));
      append(events, parser.finish(complete));
      CHECK(normal(summary(events)) == expected);
    }
  }
}

TEST_CASE("replies: events come while the answer is written") {
  ReplyParserOptions options;
  options.tools = corpus().at("tools");
  ReplyParser parser(vocabulary(), options);
  const auto feed = [&](const char* text) { return parser.push(vocabulary().encode(text, false, true)); };
  CHECK(feed("<|channel>thought\nI").size() == 1);
  CHECK(parser.in_thought());
  CHECK(feed(" think").size() == 1);
  CHECK(feed("\n<channel|>").empty());
  CHECK(feed("Hello there").size() == 1);
  CHECK(feed("<|tool_call>call:get_wea").empty());
  const std::vector<ChatEvent> started = feed("ther{");
  REQUIRE(started.size() == 1);
  CHECK(started[0].type == ChatEvent::Type::tool_call_started);
  CHECK(started[0].call.name == "get_weather");
  CHECK(feed("city:<|\"|>Oslo<|\"|>}").empty());
  CHECK(feed("<tool_call|>").size() == 1);
  CHECK(!parser.ended());
  CHECK(feed("<|tool_response>").empty());
  CHECK(parser.ended());
}

TEST_CASE("replies: whatever the tokens, nothing is thrown, no text is lost and no answer is empty") {
  const std::vector<std::string> pieces = {
      "<|tool_call>", "<tool_call|>", "<|channel>", "<channel|>", "thought\n", "<|\"|>", "<|\"|>", "call:", "f", "{", "}", "[", "]", "a:", "b", ",", "5", "\"", "'", " ",
      "\n", "(", ")", "=", "true", "\xC3\xA9", "\xF0\x9F\x98\x80", "text", "\\", "<|tool_response>", "<turn|>", "ping", "call:ping{}", "<|think|>", "null", ":"};
  std::mt19937 random(7);
  for (int round = 0; round < 20000; ++round) {
    std::string written;
    std::vector<TokenId> ids;
    const std::size_t n = random() % 24;
    for (std::size_t i = 0; i < n; ++i) {
      const std::string& piece = pieces[random() % (random() % 8 == 0 ? pieces.size() : pieces.size() - 7)];
      const std::vector<TokenId> part = vocabulary().encode(piece, false, true);
      ids.insert(ids.end(), part.begin(), part.end());
      if (piece == "<|tool_response>" || piece == "<turn|>") break;
      if (piece[0] != '<') written += piece;
    }
    ReplyParserOptions options;
    options.tools = corpus().at("tools");
    options.show_thoughts = random() % 2 == 0;
    options.begins_in_thought = random() % 4 == 0;
    ReplyParser whole(vocabulary(), options), steps(vocabulary(), options);
    std::vector<ChatEvent> events = whole.push(ids);
    append(events, whole.finish());
    std::vector<ChatEvent> stepped;
    for (const TokenId id : in_bytes(ids)) append(stepped, steps.push(id));
    append(stepped, steps.finish());
    const Json seen = summary(events);
    CHECK(normal(summary(stepped)) == normal(seen));
    const bool wrote = written.find_first_of("abcdefghijklmnopqrstuvwxyz5{}[]()=,:") != std::string::npos &&
                       written != "thought\n" && written.find("thought") == std::string::npos;
    if (wrote) CHECK_MESSAGE(seen.size() != 0, vocabulary().decode(ids));
    if (!options.show_thoughts) continue;
    // Every letter that is not in a call's text is in a text; in the same order.
    bool any_call = false;
    std::string texts;
    for (const Json& event : seen.values()) {
      if (event[0].as_string() == "tool_call") any_call = true;
      else texts += event[1].as_string();
    }
    if (any_call || written.find("thought") != std::string::npos) continue;
    const auto letters = [](const std::string& s) {
      std::string out;
      for (const char c : s) {
        if (c != ' ' && c != '\n' && c != '"') out += c;
      }
      return out;
    };
    CHECK_MESSAGE(letters(texts) == letters(written), vocabulary().decode(ids));
  }
}

TEST_CASE("replies: any tokens at all") {
  std::mt19937 random(11);
  const Tokenizer& tokenizer = vocabulary();
  for (int round = 0; round < 3000; ++round) {
    std::vector<TokenId> ids;
    const bool ordinary = round % 2 == 0;
    for (std::size_t n = random() % 40; n != 0; --n) {
      const auto id = static_cast<TokenId>(random() % static_cast<std::size_t>(tokenizer.vocab_size()));
      if (!ordinary || !tokenizer.is_special(id)) ids.push_back(id);
    }
    if (!ordinary) ids.push_back(tokenizer.vocab_size() + 5);  // no token at all
    ReplyParserOptions options;
    options.tools = corpus().at("tools");
    ReplyParser whole(tokenizer, options), steps(tokenizer, options);
    std::vector<ChatEvent> events = whole.push(ids), stepped;
    append(events, whole.finish());
    for (const TokenId id : ids) append(stepped, steps.push(id));
    append(stepped, steps.finish());
    CHECK(normal(summary(stepped)) == normal(summary(events)));
    if (!ordinary) continue;
    std::string text;
    for (const ChatEvent& event : events) text += event.text;
    const std::string decoded = tokenizer.decode(ids);
    if (decoded.find("\xEF\xBF\xBD") == std::string::npos) CHECK(text == decoded);
  }
}

TEST_CASE("replies: characters come when they are complete, and bytes that are none spoil nothing else") {
  ReplyParser parser(vocabulary());
  std::string told;
  const auto feed = [&](unsigned byte) {
    char name[8];
    std::snprintf(name, sizeof name, "<0x%02X>", byte);
    std::string text;
    for (const ChatEvent& event : parser.push(vocabulary().token_to_id(name))) text += event.text;
    told += text;
    return text;
  };
  CHECK(feed('H') == "H");
  CHECK(feed(0xC3) == "");
  CHECK(feed(0xA9) == "\xC3\xA9");
  CHECK(feed(0xE2) == "");
  CHECK(feed(0x81) == "");
  CHECK(feed('x') == "\xEF\xBF\xBD\xEF\xBF\xBDx");
  CHECK(feed(0xFF) == "\xEF\xBF\xBD");
  CHECK(feed(0xED) == "");
  CHECK(feed(0xA0) == "\xEF\xBF\xBD\xEF\xBF\xBD");  // half a surrogate pair
  CHECK(feed(0xF0) == "");
  for (const ChatEvent& event : parser.finish()) told += event.text;
  CHECK(told == "H\xC3\xA9\xEF\xBF\xBD\xEF\xBF\xBDx\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD");
}

TEST_CASE("replies: hostile sizes are read in bounded time") {
  ReplyParserOptions options;
  options.tools = corpus().at("tools");
  const auto repeated = [](const std::string& text, int n) {
    std::string result;
    for (int i = 0; i < n; ++i) result += text;
    return result;
  };
  const std::string hostile[] = {
      "<|tool_call>call:any{a:" + repeated("[", 20000), "<|tool_call>call:any{" + repeated("a:{", 10000) + "x",
      "<|tool_call>call:any{" + repeated("a:[{b:x,", 2000) + "<tool_call|>", "<|tool_call>" + repeated("call:ping{}", 5000) + "<tool_call|>",
      repeated("call:ping{}", 5000), repeated("<|tool_call>", 5000), repeated("<|tool_call>call:f{a:<|\"|>x}<tool_call|>", 500),
      "<|tool_call>call:f{a:<|\"|>" + repeated("<tool_call|>", 3000), repeated("<|channel>", 5000), repeated("thought\n", 5000),
      "<|tool_call>call:any{" + repeated("a,", 20000) + "<tool_call|>", "<|tool_call>call:any{" + repeated("a:'", 10000) + "<tool_call|>",
      "<|tool_call>call:any{" + repeated("k:1,", 20000) + "z:1}<tool_call|>", "<|tool_call>call:f{a:" + repeated("x,", 20000) + "}<tool_call|>"};
  for (const std::string& text : hostile) {
    const std::vector<TokenId> ids = vocabulary().encode(text, false, true);
    ReplyParser parser(vocabulary(), options);
    std::vector<ChatEvent> events = parser.push(ids);
    append(events, parser.finish());
    CHECK(!events.empty() == (text.find_first_of("cta") != std::string::npos && text.compare(0, 10, "<|channel>") != 0 && text.compare(0, 24, "<|tool_call><|tool_call>") != 0));
    ReplyParser bytes(vocabulary(), options);
    bytes.push(in_bytes(ids));
    bytes.finish();
  }
}
