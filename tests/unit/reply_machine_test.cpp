// The generation machine with replies of a conversation, driven by a scripted model: thoughts, calls, loops, constraints.
#include <doctest/doctest.h>

#include <algorithm>
#include <string>

#include "chat/reply_answer.h"
#include "support/scripted_model.h"

using namespace gemma4;
using namespace gemma4::test;
using chat::ReplyAnswer;
using generation::Machine;

namespace {

const char* const kThought = "<|channel>thought\nFirst this.\nThen that.\n<channel|>";

struct Case {
  chat::ReplySetup reply;
  SendOptions options;
  std::function<void(Machine&, std::size_t choices)> before;
  std::size_t room = 5000;
};

struct Outcome {
  Reply reply;
  std::vector<ChatEvent> events;
  std::vector<TokenId> fed;
};

Outcome run(std::vector<TokenId> script, const Case& c) {
  const std::vector<TokenId> ends = {nano_tokenizer().token_to_id("<turn|>")};
  SamplerOptions greedy;
  greedy.temperature = 0.0F;
  sampling::SamplerState sampler(greedy);
  ScriptedModel model(std::move(script));
  ReplyAnswer answer(nano_tokenizer().impl(), ends, c.reply, c.options);
  Machine machine(sampler, answer, ends, {c.options.max_tokens, c.room, model.vocab_size()});
  Outcome outcome;
  drive(machine, model, [&](std::size_t choices) {
    if (c.before) c.before(machine, choices);
    answer.take_events(outcome.events);
  });
  outcome.reply = answer.reply();
  outcome.fed = model.fed();
  std::string text, reasoning;
  for (const ChatEvent& event : outcome.events) {
    if (event.type == ChatEvent::Type::content) text += event.text;
    if (event.type == ChatEvent::Type::reasoning) reasoning += event.text;
  }
  CHECK(text == outcome.reply.text);
  CHECK(reasoning == outcome.reply.reasoning);
  CHECK(outcome.reply.usage.completion_tokens == machine.generated());
  return outcome;
}

Outcome run(const std::string& script, const Case& c = {}) { return run(tokens_of(script), c); }

Case thinking(int budget = -1) {
  Case c;
  c.reply.thinking = {true, budget};
  return c;
}

bool begins(const std::string& text, const std::string& whole) { return whole.compare(0, text.size(), text) == 0; }

std::size_t count(const std::vector<TokenId>& ids, const char* token) {
  return static_cast<std::size_t>(std::count(ids.begin(), ids.end(), nano_tokenizer().token_to_id(token)));
}

Json function(const char* name) {
  return Json::parse(std::string(R"({"name":")") + name + R"(","parameters":{"type":"object","properties":{"a":{"type":"integer"}}}})");
}

}  // namespace

TEST_CASE("reply machine: a thought, content, a call") {
  Case c = thinking();
  c.reply.functions = {function("f")};
  const Outcome outcome = run(std::string(kThought) + "Well.<|tool_call>call:f{a:5}<tool_call|><turn|>", c);
  CHECK(outcome.reply.reasoning == "First this.\nThen that.");
  CHECK(outcome.reply.text == "Well.");
  REQUIRE(outcome.reply.tool_calls.size() == 1);
  CHECK(outcome.reply.tool_calls[0].arguments == Json::parse(R"({"a":5})"));
  CHECK(outcome.reply.finish_reason == FinishReason::tool_calls);
}

TEST_CASE("reply machine: a thought beyond its budget is closed, and the answer goes on") {
  std::string endless = "<|channel>thought\n";
  for (int i = 0; i < 60; ++i) endless += "I count " + std::to_string(i) + ". ";
  for (const int budget : {0, 1, 2, 5, 17, 40}) {
    CAPTURE(budget);
    // The script goes on by position: what stands there after the thought was closed is content.
    const Outcome outcome = run(endless + "<turn|>", thinking(budget));
    CHECK(outcome.reply.usage.reasoning_tokens <= static_cast<std::size_t>(budget));
    CHECK(count(outcome.fed, "<channel|>") == 1);
    CHECK(begins(outcome.reply.reasoning, endless.substr(std::string("<|channel>thought\n").size())));
    CHECK(!outcome.reply.text.empty());
    CHECK(outcome.reply.finish_reason == FinishReason::stop);
  }
}

TEST_CASE("reply machine: an end token inside a thought closes the thought, it does not end the reply") {
  const std::vector<TokenId> script = tokens_of("<|channel>thought\nHm<turn|><turn|><turn|>42<turn|>");
  const Outcome outcome = run(script, thinking());
  CHECK(outcome.reply.reasoning == "Hm");
  CHECK(count(outcome.fed, "<channel|>") == 1);
  CHECK(count(outcome.fed, "<turn|>") == 0);
  CHECK(outcome.reply.finish_reason == FinishReason::stop);
}

TEST_CASE("reply machine: a reply begins no second thought, and none where a thought was cut") {
  const Outcome cut = run("<|channel>thought\nLong and longer and longer<|channel>thought\nstill<turn|>", thinking(2));
  CHECK(count(cut.fed, "<|channel>") == 1);
  const Outcome inside = run("<|channel>thought\nA<|channel>B<channel|>C<turn|>", thinking());
  CHECK(count(inside.fed, "<|channel>") == 1);
}

TEST_CASE("reply machine: cancelled, and cut by max_tokens, at every point") {
  const std::string script = std::string(kThought) + "Some words, and then<|tool_call>call:f{a:5}<tool_call|><turn|>";
  Case whole = thinking();
  whole.reply.functions = {function("f")};
  const Outcome all = run(script, whole);
  const std::size_t n_tokens = all.reply.usage.completion_tokens;
  REQUIRE(n_tokens > 20);
  for (std::size_t n = 0; n <= n_tokens; ++n) {
    Case c = whole;
    c.before = [n](Machine& machine, std::size_t choices) {
      if (choices == n) machine.end(StopReason::cancelled);
    };
    const Outcome cancelled = run(script, c);
    CHECK(cancelled.reply.finish_reason == FinishReason::cancelled);  // at the last, before the end token
    c = whole;
    c.options.max_tokens = static_cast<int>(n);
    const Outcome cut = run(script, c);
    CHECK((cut.reply.stop_reason == StopReason::max_tokens || n == n_tokens));
    c = whole;
    c.room = n;
    const Outcome full = run(script, c);
    CHECK((full.reply.stop_reason == StopReason::context_full || n + 1 >= n_tokens));
    for (const Outcome* outcome : {&cancelled, &cut, &full}) {
      CHECK(begins(outcome->reply.reasoning, all.reply.reasoning));
      CHECK(outcome->reply.usage.completion_tokens <= n + 1);
      if (outcome->reply.tool_calls.empty()) continue;
      CHECK(outcome->reply.tool_calls[0].name == "f");
    }
  }
}

TEST_CASE("reply machine: stop strings end the content, not the thought, wherever tokens cut them") {
  const std::string content = "abcabdabe";
  for (std::size_t at = 0; at < content.size(); ++at) {
    for (std::size_t length = 1; at + length <= content.size(); ++length) {
      const std::string stop = content.substr(at, length);
      Case c = thinking();
      c.options.stop = {stop};
      std::vector<TokenId> script = tokens_of("<|channel>thought\n" + content + "\n<channel|>");
      const std::vector<TokenId> bytes = byte_tokens_of(content);
      script.insert(script.end(), bytes.begin(), bytes.end());
      script.push_back(nano_tokenizer().token_to_id("<turn|>"));
      const Outcome outcome = run(script, c);
      CHECK(outcome.reply.reasoning == content);
      CHECK(outcome.reply.text == content.substr(0, content.find(stop)));
      CHECK(outcome.reply.stop == stop);
      CHECK(outcome.reply.stop_reason == StopReason::stop_sequence);
    }
  }
}

TEST_CASE("reply machine: a constraint holds what comes behind the thought, and ends the reply") {
  const std::vector<TokenId> yes = tokens_of("yes"), no = tokens_of("no way");
  for (const bool thinks : {false, true}) {
    Case c;
    c.reply.thinking.enabled = thinks;
    auto held = std::make_shared<OneOf>(std::vector<std::vector<TokenId>>{yes, no});
    c.options.constraint = held;
    const Outcome outcome = run(kThought + std::string("never mind<turn|>"), c);
    CHECK(outcome.reply.reasoning == (thinks ? "First this.\nThen that." : ""));
    CHECK((outcome.reply.text == "yes" || outcome.reply.text == "no way"));
    CHECK(outcome.reply.stop_reason == StopReason::end_of_turn);
    CHECK(held->finished());
    CHECK(count(outcome.fed, "<|channel>") == (thinks ? 1 : 0));
  }
}

TEST_CASE("reply machine: a reply that repeats itself ends, a thought that does is closed") {
  std::string rounds;
  for (int i = 0; i < 200; ++i) rounds += "and on ";
  Case c;
  c.reply.loop_tokens = 64;
  const Outcome content = run("Round " + rounds, c);
  CHECK(content.reply.finish_reason == FinishReason::loop);
  CHECK(begins(content.reply.text, "Round " + rounds));
  CHECK(content.reply.text.size() > 64);

  c.reply.thinking.enabled = true;
  const Outcome thought = run("<|channel>thought\n" + rounds + "<turn|>", c);
  CHECK(count(thought.fed, "<channel|>") == 1);
  CHECK(!thought.reply.text.empty());
  CHECK(thought.reply.usage.reasoning_tokens < 200);
}

TEST_CASE("reply machine: with tool_choice none no call begins") {
  Case c;
  c.options.tool_choice.mode = ToolChoice::Mode::none;
  const Outcome outcome = run("So: <|tool_call>call:f{a:5}<tool_call|><turn|>", c);
  CHECK(count(outcome.fed, "<|tool_call>") == 0);
  CHECK(outcome.reply.tool_calls.empty());
}
