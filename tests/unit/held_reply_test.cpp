// HeldReply: a reply of a format, or calls; and back again.
#include <doctest/doctest.h>

#include "chat/call_grammar.h"
#include "chat/held_reply.h"
#include "gemma4/tokenizer.h"
#include "grammar/schema.h"
#include "support/test_model.h"

using namespace gemma4;

namespace {

const Tokenizer& vocabulary() {
  static const Tokenizer loaded = Tokenizer::load(test::nano_model_path());
  return loaded;
}

std::vector<std::uint32_t> mask_of(TokenConstraint& held) {
  std::vector<std::uint32_t> allowed(mask_words(static_cast<std::size_t>(vocabulary().vocab_size())));
  return held.mask(allowed) ? allowed : std::vector<std::uint32_t>();
}

bool may_come(TokenConstraint& held, const char* token) {
  const std::vector<std::uint32_t> allowed = mask_of(held);
  const auto id = static_cast<std::size_t>(vocabulary().token_to_id(token));
  return allowed.empty() || (allowed[id / 32] >> id % 32 & 1U) != 0;
}

// Accepts the tokens of a text with markup; the number of them.
std::size_t feed(TokenConstraint& held, const std::string& text) {
  const std::vector<TokenId> ids = vocabulary().encode(text, false, true);
  for (const TokenId id : ids) CHECK(held.accept(id));
  return ids.size();
}

const char* const kCall = "call:f{a:5}<tool_call|>";

struct Parts {
  chat::CallGrammars grammars{{Json::parse(R"({"name":"f","parameters":{"type":"object","properties":{"a":{"type":"integer"}},"required":["a"]}})")},
                              *vocabulary().impl(), true};
  std::shared_ptr<const grammar::Program> calls = grammars.calls({}, true, 2);
  std::shared_ptr<const grammar::Program> format = grammar::compile_json_schema(R"({"enum":["yes","no"]})", false);
};

}  // namespace

TEST_CASE("held replies: the first token chooses between a format and calls, and can be taken back") {
  Parts parts;
  chat::HeldReply held(parts.calls, vocabulary().impl(), parts.grammars.open(), parts.format);
  const std::vector<std::uint32_t> first = mask_of(held);
  CHECK(may_come(held, "<|tool_call>"));
  CHECK(!may_come(held, "a"));
  CHECK(!held.may_stop());
  CHECK(held.forced().empty());

  std::size_t n = feed(held, "<|tool_call>");
  CHECK(!may_come(held, "<|tool_call>"));
  n += feed(held, kCall);
  CHECK(held.may_stop());
  CHECK(!held.finished());
  const auto copy = held.fork();
  n += feed(held, std::string("<|tool_call>") + kCall);
  CHECK(held.finished());
  CHECK(!copy->finished());
  held.rollback(n);
  CHECK(mask_of(held) == first);
  CHECK(!held.accept(vocabulary().token_to_id("a")));
  CHECK(mask_of(held) == first);

  n = feed(held, "\"yes\"");
  CHECK(held.finished());
  CHECK(!may_come(held, "<|tool_call>"));
  held.rollback(n);
  CHECK(mask_of(held) == first);
  CHECK_THROWS_AS(held.rollback(1), const Error&);
}

TEST_CASE("held replies: free until a call, and free again when it is taken back") {
  Parts parts;
  chat::HeldReply held(parts.calls, vocabulary().impl(), parts.grammars.open());
  const std::size_t before = feed(held, "Let me see.");
  CHECK(mask_of(held).empty());
  CHECK(held.may_stop());
  const std::size_t n = feed(held, "<|tool_call>call:f{a:");
  CHECK(!mask_of(held).empty());
  CHECK(!held.may_stop());
  CHECK(!held.accept(vocabulary().token_to_id("x")));
  held.rollback(n);
  CHECK(mask_of(held).empty());
  feed(held, std::string("<|tool_call>") + kCall);
  held.rollback(feed(held, "<|tool_call>"));
  CHECK(held.may_stop());
  CHECK_THROWS_AS(held.rollback(before + 100), const Error&);
}

TEST_CASE("held replies: a format beside calls that are free") {
  Parts parts;
  chat::HeldReply held(nullptr, vocabulary().impl(), parts.grammars.open(), parts.format);
  const std::size_t n = feed(held, "<|tool_call>call:whatever");
  CHECK(mask_of(held).empty());
  CHECK(held.may_stop());
  held.rollback(n - 1);
  CHECK(mask_of(held).empty());
  held.rollback(1);
  CHECK(!mask_of(held).empty());
  CHECK(may_come(held, "<|tool_call>"));
  CHECK(!may_come(held, "<turn|>"));
}
