// Chat per request, over random models: whatever a chat was asked before, a reply is that of a fresh one; forks, cuts and
// whole histories keep the cache in step.
#include <doctest/doctest.h>

#include "gemma4/chat.h"
#include "gemma4/error.h"
#include "support/random_models.h"

using namespace gemma4;
using namespace gemma4::test;

namespace {

ChatOptions drawing(std::uint64_t seed) {
  ChatOptions options;
  options.session = sized(600, 8);
  options.sampler = SamplerOptions();
  options.sampler->seed = seed;
  options.loop_tokens = 0;
  return options;
}

SendOptions short_reply(int tokens) {
  SendOptions options;
  options.max_tokens = tokens;
  return options;
}

bool as_without_reuse(const RandomModel& m, const Chat& chat) {
  const Values got = values(chat.last_logits());
  return close(m, got, fresh_logits(m.model, chat.tokens())) || close(m, got, fresh_logits(m.model, chat.tokens(), 8)) ||
         close(m, got, fresh_logits(m.model, chat.tokens(), 1));
}

}  // namespace

TEST_CASE("chat requests: cut, edited, forked, drawn again, given anew: logits are those of a session told the same afresh") {
  for (const RandomModel& m : random_models()) {
    if (m.model.compute() == Compute::bf16) continue;  // a prefill rounds where a decode does not
    Chat chat(m.model, drawing(3));
    Random random(23);
    for (int round = 0; round < 12; ++round) {
      const std::size_t n = chat.messages().size();
      const SendOptions options = short_reply(static_cast<int>(random.between(1, 30)));
      switch (random.below(5)) {
        case 0:
          chat.rewind(random.below(n + 1) / 2 * 2);
          break;
        case 1:
          if (n != 0) chat.regenerate(options);
          break;
        case 2: {
          Chat fork = chat.fork();
          fork.send("aside", options);
          CHECK(fork.messages().size() == n + 2);
          CHECK(chat.messages().size() == n);
          if (random.below(2) == 0) chat = std::move(fork);
          break;
        }
        case 3: {
          std::vector<Message> whole(chat.messages().begin(), chat.messages().begin() + static_cast<std::ptrdiff_t>(random.below(n + 1) / 2 * 2));
          whole.push_back(Message::user("once more"));
          const std::size_t told = whole.size();
          chat.reply(std::move(whole), options);
          CHECK(chat.messages().size() == told + 1);
          break;
        }
        default:
          chat.send("say the world", options);
      }
      if (!chat.last_logits().empty() && !chat.messages().empty()) CHECK_MESSAGE(as_without_reuse(m, chat), m.name, ", round ", round);
    }
  }
}

TEST_CASE("chat requests: a fork draws what its chat draws, alternatives differ and the first joins the conversation") {
  for (const RandomModel& m : random_models()) {
    Chat chat(m.model, drawing(9));
    chat.send("begin", short_reply(12));
    Chat fork = chat.fork();
    const Reply mine = chat.send("go on", short_reply(12)), its = fork.send("go on", short_reply(12));
    CHECK_MESSAGE(mine.text == its.text, m.name);
    CHECK(values(Span<const float>(chat.last_logits())) == values(fork.last_logits()));

    const std::vector<Reply> replies = chat.alternatives({Message::user("another")}, 4, short_reply(16));
    REQUIRE(replies.size() == 4);
    CHECK(chat.messages().size() == 2);
    CHECK(chat.messages().back().content.as_string() == replies[0].message().content.as_string());
    CHECK_THROWS_AS(chat.alternatives({Message::user("x")}, 0), Error);
  }
}
