// Chat over random models: whatever they say, the history and the cache stay in step, and logits are those of a session
// that was told the same afresh.
#include <doctest/doctest.h>

#include <algorithm>

#include "gemma4/chat.h"
#include "gemma4/error.h"
#include "gemma4/generate.h"
#include "gemma4/host.h"
#include "support/random_models.h"
#include "support/test_model.h"

using namespace gemma4;
using namespace gemma4::test;

namespace {

Json tools() {
  return Json::parse(R"([{"name":"f","parameters":{"type":"object","properties":{"a":{"type":"string"}}}},{"name":"g"}])");
}

// The next messages: results for every call of the last reply, or a user's words. Now and then a user does not wait for
// results, or not for all of them.
std::vector<Message> next_messages(const Chat& chat, Random& random) {
  std::vector<Message> messages;
  if (!chat.messages().empty()) {
    for (const ToolCall& call : chat.messages().back().tool_calls) messages.push_back(Message::tool(*call.id, "some result"));
  }
  if (!messages.empty() && random.below(3) == 0) {
    messages.resize(random.below(messages.size()));
    messages.push_back(Message::user("say something else"));
    return messages;
  }
  if (messages.empty() || random.below(3) == 0) {
    std::string text = "say";
    for (std::size_t n = random.below(12); n != 0; --n) text += " the world";
    messages.push_back(Message::user(text));
  }
  return messages;
}

std::size_t results_in(const std::vector<Message>& messages) {
  return static_cast<std::size_t>(
      std::count_if(messages.begin(), messages.end(), [](const Message& message) { return message.role == Role::tool; }));
}

std::size_t common_prefix(Span<const TokenId> a, Span<const TokenId> b) {
  std::size_t i = 0;
  while (i < a.size() && i < b.size() && a[i] == b[i]) ++i;
  return i;
}

// How much of what is held a later prompt begins with, whatever the model said last, but for a token that may merge with
// it. (Less than up to its turn where r4 forgot to open one: that turn is then a part of the one before.)
std::size_t shared_with_later(const Chat& chat, const Model& model, const ChatOptions& options) {
  std::vector<Message> messages = chat.messages();
  messages.back() = Message::assistant("A");
  messages.push_back(Message::user("x"));
  RenderOptions render;
  render.form = chat_template(model).form;
  render.enable_thinking = options.thinking.enabled;
  return common_prefix(chat.tokens(), encode_chat(model.tokenizer(), messages, options.tools, render)) - 1;
}

// Where two experts tie but for rounding, a mixture's router may choose either, by how many tokens are read at a time:
// then one of these ways must agree.
bool as_without_reuse(const RandomModel& m, const Chat& chat) {
  const Values got = values(chat.last_logits());
  if (close(m, got, fresh_logits(m.model, chat.tokens()))) return true;
  if (m.model.config().num_experts == 0) return false;
  return close(m, got, fresh_logits(m.model, chat.tokens(), 8)) || close(m, got, fresh_logits(m.model, chat.tokens(), 1));
}

SamplerOptions greedy() {
  SamplerOptions options;
  options.temperature = 0.0F;
  return options;
}

// Of a function that is given what the log gets meanwhile.
template <class Fn>
std::vector<std::string> logged(Fn&& fn) {
  std::vector<std::string> lines;
  set_log([&lines](LogLevel level, std::string_view line) {
    if (level == LogLevel::warning) lines.emplace_back(line);
  });
  fn();
  set_log({});
  return lines;
}

}  // namespace

TEST_CASE("chat: logits after reuse are those without, in every shape, with rings that wrap") {
  for (const RandomModel& m : random_models()) {
    if (m.model.compute() == Compute::bf16) continue;  // a prefill rounds where a decode does not
    for (const bool thinking : {false, true}) {
      ChatOptions options;
      options.tools = tools();
      options.thinking.enabled = thinking;
      options.session = sized(1400, 8);
      options.sampler = SamplerOptions();
      options.sampler->seed = 5;
      options.loop_tokens = 0;
      // Random weights say markup as often as anything else; more often makes more of a conversation.
      for (const char* token : {"<|channel>", "<channel|>", "<|tool_call>", "<tool_call|>", "<|\"|>", "<turn|>"}) {
        options.sampler->logit_bias.emplace_back(m.model.tokenizer().token_to_id(token), 2.0F);
      }
      Chat chat(m.model, options);
      Random random(17);
      std::size_t turn_start = 0;
      std::vector<TokenId> before;
      for (int round = 0; round < 7; ++round) {
        SendOptions send;
        send.max_tokens = static_cast<int>(random.between(1, 60));
        const std::size_t n_messages = chat.messages().size();
        const std::vector<Message> messages = next_messages(chat, random);
        const std::size_t n_calls = chat.messages().empty() ? 0 : chat.messages().back().tool_calls.size();
        std::string text, reasoning;
        const Reply reply = chat.send(messages, send, [&](const ChatEvent& event) {
          if (event.type == ChatEvent::Type::content) text += event.text;
          if (event.type == ChatEvent::Type::reasoning) reasoning += event.text;
          return StreamAction::proceed;
        });
        INFO(m.name, std::string(thinking ? " thinking" : ""), " round ", round);
        CHECK(text == reply.text);
        CHECK(reasoning == reply.reasoning);
        CHECK(reply.warnings.size() == n_calls - std::min(n_calls, results_in(messages)));
        CHECK(chat.messages().size() == n_messages + messages.size() + 1);
        CHECK(reply.usage.completion_tokens <= static_cast<std::size_t>(send.max_tokens) + 1);
        CHECK(as_without_reuse(m, chat));
        // What two prompts share is kept: as far as the rings reach, or from the beginning of the model's turn.
        const std::size_t shared = common_prefix(before, chat.tokens());
        CHECK(reply.usage.reused_tokens <= shared);
        CHECK(reply.usage.reused_tokens >= std::min(shared, turn_start));
        const Span<const TokenId> held = chat.tokens();
        before.assign(held.begin(), held.end());
        turn_start = 0;
        for (std::size_t i = 0; i < reply.usage.prompt_tokens; ++i) {
          if (held[i] == m.model.tokenizer().token_to_id("<|turn>")) turn_start = i;
        }
        turn_start = std::min(turn_start, shared_with_later(chat, m.model, options));
      }
      CHECK(chat.position() > static_cast<std::size_t>(m.window()) + 8);
    }
  }
}

TEST_CASE("chat: a small checkpoint budget costs time, never exactness") {
  const RandomModel& m = random_model("e2b-f32");
  ChatOptions options;
  options.session = sized(1200, 8);
  options.session.checkpoint_bytes = 1;
  options.thinking = Thinking::on();
  options.sampler = SamplerOptions();
  options.sampler->seed = 0;
  Chat chat(m.model, options);
  Random random(3);
  for (int round = 0; round < 4; ++round) {
    SendOptions send;
    send.max_tokens = 50;
    chat.send(next_messages(chat, random), send);
    CHECK(close(m, values(chat.last_logits()), fresh_logits(m.model, chat.tokens())));
  }
}

TEST_CASE("chat: C++ as in the README") {
  const Model model = Model::load(nano_model_path());
  ChatOptions options;
  options.sampler = greedy();
  options.tools = Json::parse(
      R"([{"name":"multiply","description":"Multiplies two numbers.","parameters":{"type":"object","properties":{)"
      R"("a":{"type":"integer","description":"First number"},"b":{"type":"integer","description":"Second number"}},"required":["a","b"]}}])");
  Chat chat(model, options);
  Reply reply = chat.send("What is 12 times 34?");
  REQUIRE(reply.tool_calls.size() == 1);
  const Json& arguments = reply.tool_calls[0].arguments;
  const std::int64_t product = arguments.at("a").as_int() * arguments.at("b").as_int();
  reply = chat.send({Message::tool(*reply.tool_calls[0].id, Json::object({{"result", product}}))});
  CHECK(reply.text == "12 times 34 is 408.");

  ChatStream stream = chat.stream("What is 12 - 57?");
  std::string text;
  while (const auto event = stream.next()) text += event->text;
  CHECK(text == stream.reply().text);
  CHECK(text.size() >= 2);
  CHECK(stream.reply().finish_reason == FinishReason::stop);
  CHECK(chat.warning().empty());
  CHECK(chat_template(model).form == ChatForm::small);
  Chat moved = std::move(chat);
  CHECK(moved.messages().size() == 6);

  std::size_t events = 0;
  reply = moved.send("Tell me a story.", {}, [&](const ChatEvent&) { return ++events == 3 ? StreamAction::cancel : StreamAction::proceed; });
  CHECK(reply.finish_reason == FinishReason::cancelled);
  CHECK(events == 3);
  {
    ChatStream dropped = moved.stream("Hi");
    dropped.next();
  }
  CHECK(moved.messages().back().role == Role::assistant);
  ChatStream old = moved.stream("Hi");
  moved.send("What is 12 - 57?");
  CHECK(!old.next());
}

TEST_CASE("chat: the form of the template is the model's") {
  const Model nano = Model::load(nano_model_path());
  CHECK(nano.chat_form() == ChatForm::small);
  CHECK(random_model("e2b-f32").model.chat_form() == ChatForm::small);
  CHECK(random_model("bare-f32").model.chat_form() == ChatForm::large);
  const std::vector<Message> messages = {Message::user("What is 17 + 25?")};
  const std::vector<TokenId> prompt = encode_chat(nano, messages);
  Session session(nano);
  Sampler sampler(greedy());
  CHECK(generate(session, prompt, sampler).text == "42");
  RenderOptions options;
  CHECK_THROWS_WITH_AS(encode_chat(nano.tokenizer(), messages), doctest::Contains("form"), Error);
  options.form = ChatForm::small;
  CHECK(encode_chat(nano.tokenizer(), messages, {}, options) == prompt);
  options.form = ChatForm::large;
  CHECK(encode_chat(nano, messages, {}, options) != prompt);
  CHECK(render_chat(messages) == render_chat(messages, {}, options));
  options.form.reset();
  options.enable_thinking = true;  // the same in both
  CHECK(encode_chat(nano.tokenizer(), messages, {}, options) == encode_chat(nano, messages, {}, options));
}

TEST_CASE("chat: a system text begins every conversation") {
  const Model model = Model::load(nano_model_path());
  ChatOptions options;
  options.system = "You are helpful.";
  options.sampler = greedy();
  Chat chat(model, options);
  for (int round = 0; round < 2; ++round) {
    CHECK(chat.send("What is 12 - 57?").text == "-45");
    REQUIRE(chat.messages().size() == 3);
    CHECK(chat.messages()[0].role == Role::system);
    CHECK(chat.messages()[0].content.as_string() == "You are helpful.");
    CHECK_THROWS_WITH_AS(chat.send({Message::user("x"), Message()}), doctest::Contains("messages[1].content"), Error);
    chat.reset();
  }
  chat.send({Message::system("Be brief."), Message::user("Hi")});
  CHECK(chat.messages()[0].content.as_string() == "Be brief.");
  CHECK(chat.messages().size() == 3);
  options.system = "\xFF";
  CHECK_THROWS_WITH_AS(Chat(model, options), doctest::Contains("ChatOptions::system"), Error);
}

TEST_CASE("chat: tools that cannot be held to, and calls without a result, are warnings, here and in the log") {
  const Model model = Model::load(nano_model_path());
  ChatOptions options;
  options.sampler = greedy();
  options.tools = Json::parse(
      R"([{"name":"multiply","description":"Multiplies two numbers.","inputSchema":{"type":"object","properties":{)"
      R"("a":{"type":"integer","description":"First number"},"b":{"type":"integer","description":"Second number"}},"required":["a","b"]}},)"
      R"({"name":"odd","input_schema":{"type":"object","properties":{},"required":null}}])");
  std::optional<Chat> chat;
  const std::vector<std::string> at_once = logged([&] { chat.emplace(model, options); });
  REQUIRE(at_once.size() == 1);
  CHECK(at_once[0].find("\"odd\"") != std::string::npos);
  Reply reply = chat->send("What is 12 times 34?");
  REQUIRE(reply.tool_calls.size() == 1);
  CHECK(reply.tool_calls[0].arguments.dump() == R"({"a":12,"b":34})");
  REQUIRE(reply.warnings.size() == 1);
  CHECK(at_once[0].find(reply.warnings[0]) != std::string::npos);
  const std::vector<std::string> later = logged([&] { reply = chat->send("What is the capital of France?"); });
  CHECK(reply.text == "The capital of France is Paris.");
  REQUIRE(reply.warnings.size() == 2);
  REQUIRE(later.size() == 1);
  CHECK(later[0].find(reply.warnings[1]) != std::string::npos);
  CHECK(reply.warnings[1].find("multiply") != std::string::npos);
  CHECK(chat->messages()[1].tool_calls.empty());
}

TEST_CASE("chat: a call of a tool that was not declared is text") {
  const Model model = Model::load(nano_model_path());
  ChatOptions options;
  options.sampler = greedy();
  Chat chat(model, options);
  Reply reply = chat.send("What is the time?");
  CHECK(reply.text.rfind("call:time_time{", 0) == 0);
  CHECK(reply.tool_calls.empty());
  CHECK(reply.finish_reason == FinishReason::stop);
  CHECK(chat.send("What is 12 - 57?").text == "-45");
}

TEST_CASE("chat: log-probabilities are those of the raw logits, and belong to the text") {
  for (const char* name : {"e2b-f32", "bare-f32"}) {
    const RandomModel& m = random_model(name);
    for (const bool thinking : {false, true}) {
      ChatOptions options;
      options.tools = tools();
      options.hold_calls = false;
      options.thinking.enabled = thinking;
      options.session = sized(600, 8);
      options.loop_tokens = 0;
      options.sampler = SamplerOptions();
      options.sampler->seed = 3;
      options.sampler->top_logprobs = 2;
      for (const char* token : {"<|channel>", "<channel|>", "<|tool_call>", "<tool_call|>"}) {
        options.sampler->logit_bias.emplace_back(m.model.tokenizer().token_to_id(token), 2.0F);
      }
      Chat chat(m.model, options);
      for (int round = 0; round < 4; ++round) {
        SendOptions send;
        send.max_tokens = 60;
        std::size_t n_content = 0;
        std::vector<SampledToken> all;
        const Reply reply = chat.send("say", send, [&](const ChatEvent& event) {
          if (event.type == ChatEvent::Type::content) n_content += event.samples.size();
          all.insert(all.end(), event.samples.begin(), event.samples.end());
          return StreamAction::proceed;
        });
        CHECK(n_content == reply.samples.size());
        CHECK(reply.samples.empty() == reply.text.empty());
        // In the order in which they were chosen; the last one of the reply may not be held yet.
        const Span<const TokenId> held = chat.tokens();
        std::size_t place = reply.usage.prompt_tokens;
        for (std::size_t i = 0; i + 1 < all.size(); ++i) {
          while (place < held.size() && held[place] != all[i].token) ++place;
          REQUIRE(place < held.size());
          ++place;
          CHECK(all[i].top.size() == 2);
          CHECK(all[i].logprob <= all[i].top[0].logprob);
        }
      }
    }
  }
}
